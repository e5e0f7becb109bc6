-- What else would read a large table from one end to the other: an erasure, a filter of the list of jobs, and a search for words under
-- row security.

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
