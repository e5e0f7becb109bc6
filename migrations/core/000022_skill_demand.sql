-- Which skills postings ask for, by country of the work and month of posting. A cell of fewer than 11 postings is left out, so that
-- none singles an employer out. It belongs to matching_definer, because it reads postings past row security.

SET LOCAL ROLE matching_definer;

CREATE MATERIALIZED VIEW skill_demand AS
SELECT r.skill_id,
       place.region,
       date_trunc('month', j.posted_at AT TIME ZONE 'UTC')::date AS month,
       count(*) AS postings
  FROM job_postings j
  JOIN job_required_skills r USING (job_id)
 -- A posting counts once in each country it names; without any it counts by what it says of itself.
 CROSS JOIN LATERAL (
   SELECT DISTINCT COALESCE(location ->> 'countryCode', location ->> 'country', j.work_location ->> 'type') AS region
     FROM jsonb_array_elements(CASE jsonb_typeof(j.work_location -> 'locations')
                                 WHEN 'array' THEN COALESCE(NULLIF(j.work_location -> 'locations', '[]'), '[{}]')
                                 ELSE '[{}]'
                               END) AS location) AS place
 WHERE j.status <> 'draft'
 GROUP BY 1, 2, 3
HAVING count(*) >= 11;
CREATE UNIQUE INDEX skill_demand_cell ON skill_demand (skill_id, region, month);
-- A service lists the most asked-for skills of a region.
CREATE INDEX skill_demand_most ON skill_demand (region, month, postings, skill_id);
GRANT SELECT ON skill_demand TO authenticated_users, recruiter_role, admin_role, analytics;

-- Renews it without stopping its readers, then the market_demand of skills: 0 for none of the last three months' cells, 10 for the
-- most, between them by the logarithm. A thousand skills at a time, as every other job does.
CREATE FUNCTION refresh_skill_demand() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
  v_skills uuid[];
  v_demands numeric[];
BEGIN
  REFRESH MATERIALIZED VIEW CONCURRENTLY public.skill_demand;
  WITH recent AS (
    SELECT skill_id, sum(postings) AS postings FROM public.skill_demand
     WHERE month >= date_trunc('month', now()) - interval '2 months' GROUP BY skill_id
  ), demand AS (
    SELECT s.skill_id, COALESCE(round((10 * ln(1 + r.postings) / ln(1 + max(r.postings) OVER ()))::numeric, 2), 0) AS value
      FROM public.skills_taxonomy s LEFT JOIN recent r USING (skill_id)
  ), due AS (
    SELECT d.skill_id, d.value FROM demand d JOIN public.skills_taxonomy s USING (skill_id)
     WHERE s.market_demand <> d.value ORDER BY d.skill_id LIMIT 1000
  )
  SELECT array_agg(skill_id ORDER BY skill_id), array_agg(value ORDER BY skill_id) INTO v_skills, v_demands FROM due;
  PERFORM public.lock_aggregate('skill', id) FROM unnest(v_skills) AS id;
  UPDATE public.skills_taxonomy s SET market_demand = due.value
    FROM unnest(v_skills, v_demands) AS due (skill_id, value)
   WHERE s.skill_id = due.skill_id;
  RETURN COALESCE(cardinality(v_skills), 0);
END
$$;

SET LOCAL ROLE supersmartmatch_core_owner;

INSERT INTO maintenance_jobs (name, command, schedule) VALUES
  ('refresh-skill-demand', 'SELECT public.refresh_skill_demand()', '25 * * * *');
