-- What else would read a large table from one end to the other: an erasure, an export, a filter of the list of jobs, and a search for
-- words under row security.

-- An erasure looks for events by the id of a person, which all events about one carry. Of dead letters, which only a relay writes that
-- gives up, one may look for those of any aggregate; the specified index had the type first, which serves nobody who does not know it.
CREATE INDEX idx_outbox_events_user ON outbox_events (((event_data ->> 'user_id')::uuid)) WHERE event_data ->> 'user_id' IS NOT NULL;
DROP INDEX idx_outbox_dead_letters_aggregate;
CREATE INDEX idx_outbox_dead_letters_aggregate ON outbox_dead_letters (aggregate_id, aggregate_type);
CREATE INDEX idx_outbox_dead_letters_user ON outbox_dead_letters ((event_data ->> 'user_id'))
  WHERE event_data ->> 'user_id' IS NOT NULL;

CREATE INDEX idx_job_postings_remote ON job_postings (remote_policy);

SET LOCAL ROLE matching_definer;

-- Postings that match all words of a query, best first. Under row security the full-text index could not be used, for @@ is not
-- leakproof (D-081): this function applies the rules of the policies of job_postings itself.
CREATE FUNCTION search_jobs(p_query text, p_language text DEFAULT 'eng', p_limit integer DEFAULT 20)
RETURNS TABLE (job_id uuid, rank real, title varchar, company_id uuid, created_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
  v_query tsquery :=
    plainto_tsquery(CASE p_language WHEN 'fra' THEN 'public.ssm_fra'::regconfig ELSE 'public.ssm_eng'::regconfig END, p_query);
  v_role text := current_setting('role');
  v_applied uuid[] := CASE v_role WHEN 'authenticated_users' THEN public.app_applied_jobs() END;
  v_companies uuid[] := CASE v_role WHEN 'recruiter_role' THEN public.app_companies() END;
BEGIN
  IF public.current_app_user() IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY
  SELECT j.job_id, ts_rank(j.search_vector, v_query) AS rank, j.title, j.company_id, j.created_at
    FROM public.job_postings j
   WHERE j.search_vector @@ v_query
     AND (j.status = 'active' OR v_role = 'admin_role' OR j.job_id = ANY (v_applied) OR j.company_id = ANY (v_companies))
   ORDER BY rank DESC, j.created_at DESC, j.job_id
   LIMIT LEAST(GREATEST(p_limit, 0), 100);
END
$$;
GRANT EXECUTE ON FUNCTION search_jobs(text, text, integer) TO authenticated_users, recruiter_role, admin_role;

-- As it was, but for the applications: in an OR with a subquery, no index of aggregate_events is used.
-- What this store knows of a person (GDPR art. 15 and 20); NULL if there is no such account. Ciphertext as it is: the service
-- decrypts it. Credentials and search vectors are left out.
CREATE OR REPLACE FUNCTION export_user_data(target_user_id uuid) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_candidate_id uuid := (SELECT candidate_id FROM public.candidate_profiles WHERE user_id = target_user_id);
  v_applications uuid[] := ARRAY(SELECT application_id FROM public.job_applications WHERE candidate_id = v_candidate_id);
  v_data jsonb;
BEGIN
  PERFORM public.require_self_or_admin(target_user_id);
  SELECT jsonb_build_object('users', jsonb_agg(to_jsonb(u) - 'password_hash')) INTO v_data
    FROM public.users u WHERE user_id = target_user_id HAVING count(*) > 0;
  IF v_data IS NULL THEN
    RETURN NULL;
  END IF;
  PERFORM public.write_audit('EXPORT', 'users', target_user_id, public.current_app_user(), target_user_id, NULL);
  RETURN v_data || jsonb_build_object(
    'user_sessions', (SELECT COALESCE(jsonb_agg(to_jsonb(r) - 'refresh_token_hash'), '[]')
                        FROM public.user_sessions r WHERE user_id = target_user_id),
    'user_consents', (SELECT COALESCE(jsonb_agg(to_jsonb(r)), '[]') FROM public.user_consents r WHERE user_id = target_user_id),
    'erasure_requests', (SELECT COALESCE(jsonb_agg(to_jsonb(r)), '[]')
                           FROM public.erasure_requests r WHERE user_id = target_user_id),
    'company_members', (SELECT COALESCE(jsonb_agg(to_jsonb(r)), '[]') FROM public.company_members r WHERE user_id = target_user_id),
    'job_postings', (SELECT COALESCE(jsonb_agg(to_jsonb(r) - 'search_vector'), '[]')
                       FROM public.job_postings r WHERE recruiter_id = target_user_id),
    'candidate_profiles', (SELECT COALESCE(jsonb_agg(to_jsonb(r) - 'search_vector' - 'phone_hash'), '[]')
                             FROM public.candidate_profiles r WHERE user_id = target_user_id),
    'candidate_skills', (SELECT COALESCE(jsonb_agg(to_jsonb(r) || jsonb_build_object('skill_name', s.skill_name)), '[]')
                           FROM public.candidate_skills r JOIN public.skills_taxonomy s USING (skill_id)
                          WHERE candidate_id = v_candidate_id),
    'work_experiences', (SELECT COALESCE(jsonb_agg(to_jsonb(r)), '[]')
                           FROM public.work_experiences r WHERE candidate_id = v_candidate_id),
    'education', (SELECT COALESCE(jsonb_agg(to_jsonb(r)), '[]') FROM public.education r WHERE candidate_id = v_candidate_id),
    'certifications', (SELECT COALESCE(jsonb_agg(to_jsonb(r)), '[]')
                         FROM public.certifications r WHERE candidate_id = v_candidate_id),
    'candidate_languages', (SELECT COALESCE(jsonb_agg(to_jsonb(r)), '[]')
                              FROM public.candidate_languages r WHERE candidate_id = v_candidate_id),
    'job_applications', (SELECT COALESCE(jsonb_agg(to_jsonb(r)), '[]')
                           FROM public.job_applications r WHERE candidate_id = v_candidate_id),
    'candidate_job_matches', (SELECT COALESCE(jsonb_agg(to_jsonb(r)), '[]')
                                FROM public.candidate_job_matches r WHERE candidate_id = v_candidate_id),
    'aggregate_events', (SELECT COALESCE(jsonb_agg(to_jsonb(r) - 'user_id'), '[]')
                           FROM public.aggregate_events r
                          WHERE user_id = target_user_id
                             OR aggregate_type = 'application' AND aggregate_id = ANY (v_applications)),
    -- Another person's address is not the subject's.
    'audit_log', (SELECT COALESCE(jsonb_agg(to_jsonb(r) - CASE WHEN r.user_id = target_user_id THEN '' ELSE 'user_ip' END), '[]')
                    FROM public.admin_audit_log r WHERE target_user_id IN (r.user_id, r.subject_user_id)));
END
$$;

SET LOCAL ROLE supersmartmatch_core_owner;
