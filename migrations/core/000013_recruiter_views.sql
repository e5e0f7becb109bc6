-- What a recruiter sees of a candidate beyond the columns granted: levels 0 to 3, each column from the level it belongs to
-- (D-079). Date of birth, nationality and salary history are in no view.

SET LOCAL ROLE matching_definer;

-- OFFSET 0 keeps the planner from copying the access function into every column.
CREATE VIEW recruiter_candidates WITH (security_barrier = true) AS
SELECT p.candidate_id,
       a.access,
       p.current_title,
       p.experience_years,
       CASE WHEN a.access >= 2 THEN p.first_name END AS first_name,
       CASE WHEN a.access >= 2 THEN p.last_name END AS last_name,
       CASE WHEN a.access >= 2 THEN p.availability_status END AS availability_status,
       CASE WHEN a.access >= 2 AND p.share_expected_salary THEN p.expected_salary_min END AS expected_salary_min,
       CASE WHEN a.access >= 2 AND p.share_expected_salary THEN p.expected_salary_max END AS expected_salary_max,
       CASE WHEN a.access >= 2 AND p.share_expected_salary THEN p.currency END AS currency,
       CASE WHEN a.access >= 2 AND p.share_expected_salary THEN p.expected_salary_period END AS expected_salary_period,
       CASE WHEN a.access = 3 THEN u.email END AS email,
       CASE WHEN a.access = 3 THEN p.phone END AS phone, -- ciphertext
       CASE WHEN a.access = 3 THEN p.work_authorization END AS work_authorization -- ciphertext; the service answers yes or no
  FROM candidate_profiles p
  JOIN users u USING (user_id)
 CROSS JOIN LATERAL (SELECT app_candidate_access(p.candidate_id) OFFSET 0) AS a(access)
 WHERE a.access > 0;
GRANT SELECT ON recruiter_candidates TO recruiter_role;

CREATE VIEW recruiter_certifications WITH (security_barrier = true) AS
SELECT c.certification_id, c.candidate_id, a.access, c.certification_name, c.issuing_organization, c.issue_date,
       c.expiration_date, c.verification_status,
       CASE WHEN a.access = 3 THEN c.credential_id END AS credential_id,
       CASE WHEN a.access = 3 THEN c.credential_url END AS credential_url
  FROM certifications c
 CROSS JOIN LATERAL (SELECT app_candidate_access(c.candidate_id) OFFSET 0) AS a(access)
 WHERE a.access >= 2;
GRANT SELECT ON recruiter_certifications TO recruiter_role;

-- Candidates that match all words of a query, best first: cards with name from level 2. Under row security the full-text index
-- could not be used (D-081), so this function applies the visibility rule itself.
-- A limited row is matched and ranked by title and skills alone, or a name would find its card. plainto_tsquery knows no negation:
-- with one, an absent name would tell as much.
CREATE FUNCTION search_candidates(p_query text, p_language text DEFAULT 'eng', p_limit integer DEFAULT 20)
RETURNS TABLE (candidate_id uuid, access integer, rank real, current_title varchar, experience_years integer,
               first_name varchar, last_name varchar)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_query tsquery := plainto_tsquery('public.ssm_name', p_query)
    || plainto_tsquery(CASE p_language WHEN 'fra' THEN 'public.ssm_fra'::regconfig ELSE 'public.ssm_eng'::regconfig END, p_query);
BEGIN
  RETURN QUERY
  SELECT p.candidate_id, a.access, ts_rank(v.visible, v_query), p.current_title, p.experience_years,
         CASE WHEN a.access >= 2 THEN p.first_name END, CASE WHEN a.access >= 2 THEN p.last_name END
    FROM public.candidate_profiles p
   CROSS JOIN LATERAL (SELECT public.app_candidate_access(p.candidate_id) OFFSET 0) AS a(access)
   CROSS JOIN LATERAL (SELECT CASE WHEN a.access >= 2 THEN p.search_vector ELSE ts_filter(p.search_vector, '{b,c}') END
                       OFFSET 0) AS v(visible)
   WHERE p.search_vector @@ v_query AND a.access > 0 AND v.visible @@ v_query
   ORDER BY 3 DESC, 1
   LIMIT LEAST(GREATEST(p_limit, 0), 100);
END
$$;
GRANT EXECUTE ON FUNCTION search_candidates(text, text, integer) TO recruiter_role;

SET LOCAL ROLE supersmartmatch_core_owner;
