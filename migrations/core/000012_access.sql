-- Who sees which rows: access functions, policies, and the grants that say which commands and columns. No role of a request may
-- update keys and timestamps: a row never moves to another person, job or company.
-- Policies learn about the caller only through these functions; as definer functions they read past row security, so policies
-- never recurse into each other (D-080). In plpgsql, because that keeps its plans for the session.

SET LOCAL ROLE matching_definer;

CREATE FUNCTION app_owns_candidate(p_candidate_id uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM public.candidate_profiles
                  WHERE candidate_id = p_candidate_id AND user_id = public.current_app_user());
END
$$;

-- 3: applied to a posting of the caller, who still recruits for its company, and not withdrawn; else by visibility 2 (public),
-- 1 (limited), 0. Without an identity 0.
-- Most candidates have applied nowhere: a cheap query of its own spares them the second, which opens every partition.
CREATE FUNCTION app_candidate_access(p_candidate_id uuid) RETURNS integer
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  IF public.current_app_user() IS NULL THEN
    RETURN 0;
  END IF;
  IF EXISTS (SELECT 1 FROM public.job_applications WHERE candidate_id = p_candidate_id AND status <> 'withdrawn') THEN
    IF EXISTS (SELECT 1
                 FROM public.job_applications a
                 JOIN public.job_posting_keys k USING (job_id)
                 JOIN public.job_postings j ON j.job_id = k.job_id AND j.created_at = k.created_at
                 JOIN public.company_members m ON m.company_id = j.company_id AND m.user_id = j.recruiter_id
                WHERE a.candidate_id = p_candidate_id AND a.status <> 'withdrawn'
                  AND j.recruiter_id = public.current_app_user()) THEN
      RETURN 3;
    END IF;
  END IF;
  RETURN COALESCE((SELECT CASE profile_visibility WHEN 'public' THEN 2 WHEN 'limited' THEN 1 ELSE 0 END
                     FROM public.candidate_profiles WHERE candidate_id = p_candidate_id), 0);
END
$$;

CREATE FUNCTION app_can_see_candidate(p_candidate_id uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  RETURN public.app_candidate_access(p_candidate_id) >= 1;
END
$$;

-- The caller's own posting, for a company the caller still belongs to.
CREATE FUNCTION app_recruits_job(p_job_id uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  RETURN EXISTS (SELECT 1
                   FROM public.job_posting_keys k
                   JOIN public.job_postings j ON j.job_id = k.job_id AND j.created_at = k.created_at
                   JOIN public.company_members m ON m.company_id = j.company_id AND m.user_id = j.recruiter_id
                  WHERE k.job_id = p_job_id AND j.recruiter_id = public.current_app_user());
END
$$;

CREATE FUNCTION app_has_applied(p_job_id uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  RETURN EXISTS (SELECT 1
                   FROM public.job_applications a JOIN public.candidate_profiles p USING (candidate_id)
                  WHERE a.job_id = p_job_id AND p.user_id = public.current_app_user());
END
$$;

CREATE FUNCTION app_is_company_member(p_company_id uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM public.company_members
                  WHERE company_id = p_company_id AND user_id = public.current_app_user());
END
$$;

CREATE FUNCTION app_is_company_owner(p_company_id uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM public.company_members
                  WHERE company_id = p_company_id AND user_id = public.current_app_user() AND role = 'owner');
END
$$;

-- The same for all jobs and companies at once, for policies on postings: `= ANY ((SELECT …)::uuid[])` calls them once a query
-- instead of once a row.
CREATE FUNCTION app_applied_jobs() RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  RETURN ARRAY(SELECT a.job_id
                 FROM public.candidate_profiles p JOIN public.job_applications a USING (candidate_id)
                WHERE p.user_id = public.current_app_user());
END
$$;

CREATE FUNCTION app_companies() RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  RETURN ARRAY(SELECT company_id FROM public.company_members WHERE user_id = public.current_app_user());
END
$$;

-- Takes applications now.
CREATE FUNCTION app_job_is_open(p_job_id uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  RETURN EXISTS (SELECT 1
                   FROM public.job_posting_keys k
                   JOIN public.job_postings j ON j.job_id = k.job_id AND j.created_at = k.created_at
                  WHERE k.job_id = p_job_id AND j.status = 'active' AND (j.expires_at IS NULL OR j.expires_at > now())
                    AND public.current_app_user() IS NOT NULL);
END
$$;

GRANT EXECUTE ON FUNCTION app_owns_candidate(uuid), app_candidate_access(uuid), app_can_see_candidate(uuid),
  app_recruits_job(uuid), app_has_applied(uuid), app_is_company_member(uuid), app_is_company_owner(uuid), app_job_is_open(uuid),
  app_applied_jobs(), app_companies()
  TO authenticated_users, recruiter_role, admin_role;

SET LOCAL ROLE supersmartmatch_core_owner;

-- Without an identity nobody reaches a row, whatever else lets somebody pass: tables have this policy where not every other one
-- names the caller. In a subquery, because that is asked once a query instead of once a row.
DO $$
DECLARE
  v_table text;
BEGIN
  FOREACH v_table IN ARRAY ARRAY['candidate_profiles', 'candidate_skills', 'work_experiences', 'education', 'certifications',
                                 'candidate_languages', 'companies', 'company_members', 'job_postings', 'job_required_skills',
                                 'job_locations', 'job_applications']
  LOOP
    EXECUTE format('CREATE POLICY identity_required ON %I AS RESTRICTIVE FOR ALL TO authenticated_users, recruiter_role, admin_role
                    USING ((SELECT current_app_user()) IS NOT NULL)', v_table);
  END LOOP;
END
$$;

-- candidate_profiles (D-079, D-080, D-082)
CREATE POLICY candidate_profile_isolation ON candidate_profiles FOR ALL TO authenticated_users
  USING (user_id = (SELECT current_app_user())) WITH CHECK (user_id = (SELECT current_app_user()));
CREATE POLICY recruiter_candidate_access ON candidate_profiles FOR SELECT TO recruiter_role
  USING (profile_visibility IN ('public', 'limited') OR app_candidate_access(candidate_id) = 3);
CREATE POLICY admin_full_access ON candidate_profiles FOR ALL TO admin_role USING (true) WITH CHECK (true);

GRANT SELECT (candidate_id, user_id, first_name, last_name, phone, date_of_birth, nationality, current_title, experience_years,
              availability_status, expected_salary_min, expected_salary_max, currency, expected_salary_period,
              share_expected_salary, work_authorization, profile_completeness, profile_visibility, content_language,
              last_activity_at, created_at, updated_at)
  ON candidate_profiles TO authenticated_users, admin_role;
GRANT INSERT (user_id, first_name, last_name, phone, phone_hash, date_of_birth, nationality, current_title, experience_years,
              availability_status, expected_salary_min, expected_salary_max, currency, expected_salary_period,
              share_expected_salary, work_authorization, profile_visibility, content_language, last_activity_at),
      UPDATE (first_name, last_name, phone, phone_hash, date_of_birth, nationality, current_title, experience_years,
              availability_status, expected_salary_min, expected_salary_max, currency, expected_salary_period,
              share_expected_salary, work_authorization, profile_visibility, content_language, last_activity_at)
  ON candidate_profiles TO authenticated_users, admin_role;
GRANT SELECT (candidate_id, current_title, experience_years, profile_visibility) ON candidate_profiles TO recruiter_role;

-- The five child tables (D-073, D-074). A recruiter sees skills from level 1, the rest from level 2.
DO $$
DECLARE
  v_table text;
BEGIN
  FOREACH v_table IN ARRAY ARRAY['candidate_skills', 'work_experiences', 'education', 'certifications', 'candidate_languages']
  LOOP
    EXECUTE format('CREATE POLICY candidate_isolation ON %I FOR ALL TO authenticated_users
                    USING (app_owns_candidate(candidate_id)) WITH CHECK (app_owns_candidate(candidate_id))', v_table);
    EXECUTE format('CREATE POLICY recruiter_access ON %I FOR SELECT TO recruiter_role
                    USING (app_candidate_access(candidate_id) >= %s)', v_table,
                   CASE v_table WHEN 'candidate_skills' THEN 1 ELSE 2 END);
    EXECUTE format('CREATE POLICY admin_full_access ON %I FOR ALL TO admin_role USING (true) WITH CHECK (true)', v_table);
  END LOOP;
END
$$;
GRANT SELECT, INSERT, DELETE ON work_experiences, education, candidate_languages TO authenticated_users, admin_role;
GRANT UPDATE (company_name, position_title, employment_type, industry, company_size, start_date, end_date, is_current, location,
              description, key_achievements, skills_used, salary_range, management_experience, team_size, seniority_level,
              promotion_from)
  ON work_experiences TO authenticated_users, admin_role;
GRANT UPDATE (institution_name, degree_type, field_of_study, grade, start_date, end_date, is_completed, location, description,
              relevant_coursework, honors_awards)
  ON education TO authenticated_users, admin_role;
GRANT UPDATE (language_code, language_name, proficiency_level, cefr_level, is_native, certification_name)
  ON candidate_languages TO authenticated_users, admin_role;
GRANT SELECT, INSERT, DELETE ON candidate_skills, certifications TO admin_role;
GRANT UPDATE (skill_level, years_experience, is_primary, last_used_date, proficiency_score, verification_status,
              verification_details)
  ON candidate_skills TO admin_role;
GRANT UPDATE (certification_name, issuing_organization, issue_date, expiration_date, credential_id, credential_url,
              verification_status)
  ON certifications TO admin_role;
-- What others found out about a skill or a certificate is not the candidate's to write, and ends with what it was found out of
-- (000008).
GRANT SELECT, DELETE ON candidate_skills, certifications TO authenticated_users;
GRANT INSERT (candidate_id, skill_id, skill_level, years_experience, is_primary, last_used_date),
      UPDATE (skill_level, years_experience, is_primary, last_used_date)
  ON candidate_skills TO authenticated_users;
GRANT INSERT (candidate_id, certification_name, issuing_organization, issue_date, expiration_date, credential_id, credential_url),
      UPDATE (certification_name, issuing_organization, issue_date, expiration_date, credential_id, credential_url)
  ON certifications TO authenticated_users;

GRANT SELECT (candidate_id, skill_id, skill_level, years_experience, is_primary, verification_status)
  ON candidate_skills TO recruiter_role;
GRANT SELECT (experience_id, candidate_id, company_name, position_title, employment_type, industry, company_size, start_date,
              end_date, is_current, location, description, key_achievements, skills_used, management_experience, team_size,
              seniority_level, promotion_from, created_at, updated_at)
  ON work_experiences TO recruiter_role;
GRANT SELECT (certification_id, candidate_id, certification_name, issuing_organization, issue_date, expiration_date,
              verification_status, created_at, updated_at)
  ON certifications TO recruiter_role;
GRANT SELECT ON education, candidate_languages TO recruiter_role;

-- companies and members (D-007)
CREATE POLICY public_read ON companies FOR SELECT TO authenticated_users, recruiter_role USING (true);
CREATE POLICY recruiter_insert ON companies FOR INSERT TO recruiter_role WITH CHECK (true);
CREATE POLICY member_update ON companies FOR UPDATE TO recruiter_role
  USING (app_is_company_member(company_id)) WITH CHECK (app_is_company_member(company_id));
CREATE POLICY admin_full_access ON companies FOR ALL TO admin_role USING (true) WITH CHECK (true);
GRANT SELECT ON companies TO authenticated_users, recruiter_role;
-- Verification is an administrator's.
GRANT INSERT (company_name, legal_name, industry, company_size, founded_year, headquarters_location, website_url, logo_url,
              description, content_language, company_culture, employee_count_range, stock_symbol),
      UPDATE (company_name, legal_name, industry, company_size, founded_year, headquarters_location, website_url, logo_url,
              description, content_language, company_culture, employee_count_range, stock_symbol)
  ON companies TO recruiter_role;
GRANT SELECT, INSERT, DELETE ON companies TO admin_role;
GRANT UPDATE (company_name, legal_name, industry, company_size, founded_year, headquarters_location, website_url, logo_url,
              description, content_language, company_culture, glassdoor_rating, employee_count_range, stock_symbol, is_verified,
              verification_date)
  ON companies TO admin_role;

CREATE POLICY member_read ON company_members FOR SELECT TO recruiter_role USING (app_is_company_member(company_id));
CREATE POLICY owner_insert ON company_members FOR INSERT TO recruiter_role WITH CHECK (app_is_company_owner(company_id));
CREATE POLICY owner_update ON company_members FOR UPDATE TO recruiter_role
  USING (app_is_company_owner(company_id)) WITH CHECK (app_is_company_owner(company_id));
CREATE POLICY owner_delete ON company_members FOR DELETE TO recruiter_role
  USING (app_is_company_owner(company_id) OR user_id = (SELECT current_app_user()));
CREATE POLICY admin_full_access ON company_members FOR ALL TO admin_role USING (true) WITH CHECK (true);
GRANT SELECT, INSERT (company_id, user_id, role), UPDATE (role), DELETE ON company_members TO recruiter_role;
GRANT SELECT, INSERT, UPDATE (role), DELETE ON company_members TO admin_role;

-- job_postings (D-007). `status = 'active'` comes first: the look-up is made when another row is met.
CREATE POLICY candidate_read ON job_postings FOR SELECT TO authenticated_users
  USING (status = 'active' OR job_id = ANY ((SELECT app_applied_jobs())::uuid[]));
CREATE POLICY recruiter_read ON job_postings FOR SELECT TO recruiter_role
  USING (status = 'active' OR company_id = ANY ((SELECT app_companies())::uuid[]));
CREATE POLICY recruiter_insert ON job_postings FOR INSERT TO recruiter_role
  WITH CHECK (recruiter_id = (SELECT current_app_user()) AND app_is_company_member(company_id));
CREATE POLICY recruiter_update ON job_postings FOR UPDATE TO recruiter_role
  USING (recruiter_id = (SELECT current_app_user()) AND app_is_company_member(company_id))
  WITH CHECK (recruiter_id = (SELECT current_app_user()) AND app_is_company_member(company_id));
CREATE POLICY admin_full_access ON job_postings FOR ALL TO admin_role USING (true) WITH CHECK (true);
GRANT SELECT ON job_postings TO authenticated_users, recruiter_role, admin_role;
GRANT INSERT (company_id, recruiter_id, title, department, employment_type, seniority_level, experience_required_min,
              experience_required_max, description, responsibilities, requirements, nice_to_have, benefits, content_language,
              salary_min, salary_max, salary_currency, salary_period, weekly_hours, equity_offered, bonus_structure,
              work_location, remote_policy, status, posted_at, expires_at, application_deadline, application_url,
              application_email, application_instructions, slug),
      UPDATE (recruiter_id, title, department, employment_type, seniority_level, experience_required_min,
              experience_required_max, description, responsibilities, requirements, nice_to_have, benefits, content_language,
              salary_min, salary_max, salary_currency, salary_period, weekly_hours, equity_offered, bonus_structure,
              work_location, remote_policy, status, posted_at, expires_at, application_deadline, application_url,
              application_email, application_instructions)
  ON job_postings TO recruiter_role, admin_role;
GRANT DELETE ON job_postings TO admin_role;
GRANT SELECT ON job_posting_keys, job_skill_weights TO authenticated_users, recruiter_role, admin_role;

-- What belongs to a posting: read by everyone, written by its recruiter.
CREATE POLICY public_read ON job_required_skills FOR SELECT TO authenticated_users, recruiter_role USING (true);
CREATE POLICY recruiter_insert ON job_required_skills FOR INSERT TO recruiter_role WITH CHECK (app_recruits_job(job_id));
CREATE POLICY recruiter_update ON job_required_skills FOR UPDATE TO recruiter_role
  USING (app_recruits_job(job_id)) WITH CHECK (app_recruits_job(job_id));
CREATE POLICY recruiter_delete ON job_required_skills FOR DELETE TO recruiter_role USING (app_recruits_job(job_id));
CREATE POLICY admin_full_access ON job_required_skills FOR ALL TO admin_role USING (true) WITH CHECK (true);
CREATE POLICY public_read ON job_locations FOR SELECT TO authenticated_users, recruiter_role USING (true);
CREATE POLICY recruiter_insert ON job_locations FOR INSERT TO recruiter_role WITH CHECK (app_recruits_job(job_id));
CREATE POLICY recruiter_update ON job_locations FOR UPDATE TO recruiter_role
  USING (app_recruits_job(job_id)) WITH CHECK (app_recruits_job(job_id));
CREATE POLICY recruiter_delete ON job_locations FOR DELETE TO recruiter_role USING (app_recruits_job(job_id));
CREATE POLICY admin_full_access ON job_locations FOR ALL TO admin_role USING (true) WITH CHECK (true);
GRANT SELECT ON job_required_skills, job_locations TO authenticated_users;
GRANT SELECT, INSERT, UPDATE (requirement_type, minimum_level, minimum_years, weight), DELETE
  ON job_required_skills TO recruiter_role, admin_role;
GRANT SELECT, INSERT, UPDATE (is_primary), DELETE ON job_locations TO recruiter_role, admin_role;

-- job_applications (D-006): a candidate applies to an open job and may withdraw until somebody decided; the job's recruiter
-- decides, and sees nothing of an application that was withdrawn.
CREATE POLICY candidate_read ON job_applications FOR SELECT TO authenticated_users USING (app_owns_candidate(candidate_id));
CREATE POLICY candidate_insert ON job_applications FOR INSERT TO authenticated_users
  WITH CHECK (app_owns_candidate(candidate_id) AND status = 'submitted' AND app_job_is_open(job_id));
CREATE POLICY candidate_withdraw ON job_applications FOR UPDATE TO authenticated_users
  USING (app_owns_candidate(candidate_id) AND status IN ('submitted', 'in_review', 'interview', 'offer'))
  WITH CHECK (app_owns_candidate(candidate_id) AND status = 'withdrawn');
CREATE POLICY recruiter_read ON job_applications FOR SELECT TO recruiter_role
  USING (app_recruits_job(job_id) AND status <> 'withdrawn');
CREATE POLICY recruiter_update ON job_applications FOR UPDATE TO recruiter_role
  USING (app_recruits_job(job_id) AND status <> 'withdrawn')
  WITH CHECK (app_recruits_job(job_id) AND status <> 'withdrawn');
CREATE POLICY admin_full_access ON job_applications FOR ALL TO admin_role USING (true) WITH CHECK (true);
GRANT SELECT (application_id, job_id, candidate_id, status, cover_letter, source, applied_at, decided_at, created_at, updated_at),
      INSERT (job_id, candidate_id, cover_letter, source),
      UPDATE (status)
  ON job_applications TO authenticated_users;
GRANT SELECT (application_id, job_id, candidate_id, status, cover_letter, notes, source, applied_at, decided_at, created_at,
              updated_at),
      UPDATE (status, notes)
  ON job_applications TO recruiter_role;
GRANT SELECT, INSERT, UPDATE (status, cover_letter, notes, source), DELETE ON job_applications TO admin_role;
