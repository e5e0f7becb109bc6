-- What follows from a profile and its child tables: search vector, completeness, timestamps, events.

SET LOCAL ROLE matching_definer;

-- What the child tables say of these candidates; for all of them at once, because a bulk load brings thousands.
CREATE FUNCTION candidate_facts(p_candidates uuid[])
RETURNS TABLE (candidate_id uuid, skill_names text, skills bigint, has_experience boolean, has_education boolean,
               has_language boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT c.id, s.names, COALESCE(s.number, 0),
         c.id IN (SELECT candidate_id FROM public.work_experiences WHERE candidate_id = ANY (p_candidates)),
         c.id IN (SELECT candidate_id FROM public.education WHERE candidate_id = ANY (p_candidates)),
         c.id IN (SELECT candidate_id FROM public.candidate_languages WHERE candidate_id = ANY (p_candidates))
    FROM unnest(p_candidates) AS c(id)
    LEFT JOIN (SELECT candidate_id, string_agg(t.skill_name, ' ') AS names, count(*) AS number
                 FROM public.candidate_skills JOIN public.skills_taxonomy t USING (skill_id)
                WHERE candidate_id = ANY (p_candidates) GROUP BY candidate_id) s ON s.candidate_id = c.id;
END
$$;

-- Names without stemming (A), title (B) and skill names (C) in the profile's language (D-033, D-034). search_candidates relies on
-- the weights: only A identifies a person.
CREATE FUNCTION candidate_search_vector(p candidate_profiles, p_skill_names text) RETURNS tsvector
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_content regconfig := ('public.ssm_' || p.content_language)::regconfig;
BEGIN
  RETURN setweight(to_tsvector('public.ssm_name', concat_ws(' ', p.first_name, p.last_name)), 'A')
      || setweight(to_tsvector(v_content, COALESCE(p.current_title, '')), 'B')
      || setweight(to_tsvector(v_content, COALESCE(p_skill_names, '')), 'C');
END
$$;

-- 0 to 100. The weights add up to 100.
CREATE FUNCTION candidate_completeness(p candidate_profiles, p_skills bigint, p_experience boolean, p_education boolean,
                                       p_language boolean) RETURNS integer
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  RETURN CASE WHEN p.first_name <> '' AND p.last_name <> '' THEN 20 ELSE 0 END
       + CASE WHEN p.current_title <> '' THEN 10 ELSE 0 END
       + CASE WHEN p.phone IS NOT NULL THEN 10 ELSE 0 END
       + CASE WHEN p.expected_salary_min IS NOT NULL THEN 5 ELSE 0 END
       + CASE WHEN p.work_authorization IS NOT NULL THEN 5 ELSE 0 END
       + LEAST(p_skills, 4)::integer * 5
       + CASE WHEN p_experience THEN 15 ELSE 0 END
       + CASE WHEN p_education THEN 10 ELSE 0 END
       + CASE WHEN p_language THEN 5 ELSE 0 END;
END
$$;

-- A new profile has no child rows yet.
CREATE FUNCTION update_candidate_search_vector() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.search_vector := public.candidate_search_vector(NEW, NULL);
  ELSE
    NEW.search_vector := public.candidate_search_vector(
      NEW, (SELECT f.skill_names FROM public.candidate_facts(ARRAY[NEW.candidate_id]) f));
  END IF;
  RETURN NEW;
END
$$;

CREATE FUNCTION update_profile_completeness() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.profile_completeness := public.candidate_completeness(NEW, 0, FALSE, FALSE, FALSE);
  ELSE
    NEW.profile_completeness :=
      (SELECT public.candidate_completeness(NEW, f.skills, f.has_experience, f.has_education, f.has_language)
         FROM public.candidate_facts(ARRAY[NEW.candidate_id]) f);
  END IF;
  RETURN NEW;
END
$$;

-- Once per statement on a child table, for the profiles it touched.
CREATE FUNCTION refresh_candidate_profiles() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_candidates uuid[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(DISTINCT candidate_id) INTO v_candidates FROM new_rows;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(DISTINCT candidate_id) INTO v_candidates FROM old_rows;
  ELSE
    SELECT array_agg(DISTINCT c.candidate_id) INTO v_candidates
      FROM (SELECT candidate_id FROM new_rows UNION ALL SELECT candidate_id FROM old_rows) c;
  END IF;
  UPDATE public.candidate_profiles p
     SET search_vector = public.candidate_search_vector(p, f.skill_names),
         profile_completeness = public.candidate_completeness(p, f.skills, f.has_experience, f.has_education, f.has_language)
    FROM public.candidate_facts(v_candidates) f
   WHERE p.candidate_id = f.candidate_id;
  RETURN NULL;
END
$$;

SET LOCAL ROLE supersmartmatch_core_owner;

-- Who verified a skill or a certificate verified these facts: when the candidate changes them, it is the candidate's word again.
CREATE FUNCTION reset_skill_verification() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  NEW.verification_status := 'self_declared';
  NEW.verification_details := NULL;
  NEW.proficiency_score := NULL;
  RETURN NEW;
END
$$;
CREATE TRIGGER candidate_skills_verification BEFORE UPDATE ON candidate_skills FOR EACH ROW
  WHEN (current_setting('role') = 'authenticated_users'
        AND (OLD.skill_level, OLD.years_experience, OLD.last_used_date)
            IS DISTINCT FROM (NEW.skill_level, NEW.years_experience, NEW.last_used_date))
  EXECUTE FUNCTION reset_skill_verification();

CREATE FUNCTION reset_certificate_verification() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  NEW.verification_status := 'unverified';
  RETURN NEW;
END
$$;
CREATE TRIGGER certifications_verification BEFORE UPDATE ON certifications FOR EACH ROW
  WHEN (current_setting('role') = 'authenticated_users' AND OLD.verification_status <> 'revoked'
        AND (OLD.certification_name, OLD.issuing_organization, OLD.issue_date, OLD.expiration_date, OLD.credential_id,
             OLD.credential_url)
            IS DISTINCT FROM (NEW.certification_name, NEW.issuing_organization, NEW.issue_date, NEW.expiration_date,
                              NEW.credential_id, NEW.credential_url))
  EXECUTE FUNCTION reset_certificate_verification();

CREATE TRIGGER candidate_profiles_user_type BEFORE INSERT OR UPDATE OF user_id ON candidate_profiles
  FOR EACH ROW EXECUTE FUNCTION check_user_type('user_id', 'candidate');
CREATE TRIGGER candidate_profiles_search_update
  BEFORE INSERT OR UPDATE OF first_name, last_name, current_title, content_language ON candidate_profiles
  FOR EACH ROW EXECUTE FUNCTION update_candidate_search_vector();
CREATE TRIGGER candidate_profiles_completeness
  BEFORE INSERT OR UPDATE OF first_name, last_name, current_title, phone, expected_salary_min, work_authorization
  ON candidate_profiles FOR EACH ROW EXECUTE FUNCTION update_profile_completeness();
CREATE TRIGGER candidate_profiles_touch BEFORE UPDATE ON candidate_profiles
  FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
SELECT add_event_triggers('candidate_profiles', 'publish_aggregate_events', 'candidate', 'candidate.profile', 'candidate_id',
                          'user_id');

DO $$
DECLARE
  v_table text;
BEGIN
  FOREACH v_table IN ARRAY ARRAY['candidate_skills', 'work_experiences', 'education', 'certifications', 'candidate_languages']
  LOOP
    EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION touch_updated_at()',
                   v_table || '_touch', v_table);
    EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %I REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION refresh_candidate_profiles()', v_table || '_profile_insert', v_table);
    EXECUTE format('CREATE TRIGGER %I AFTER UPDATE ON %I REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION refresh_candidate_profiles()', v_table || '_profile_update', v_table);
    EXECUTE format('CREATE TRIGGER %I AFTER DELETE ON %I REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION refresh_candidate_profiles()', v_table || '_profile_delete', v_table);
    PERFORM add_event_triggers(v_table::regclass, 'publish_child_events', 'candidate', 'candidate.profile', 'candidate_id',
                               'user_id', 'candidate_profiles');
  END LOOP;
END
$$;
