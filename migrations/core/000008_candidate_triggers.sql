-- What follows from a profile and its child tables: search vector, completeness, timestamps, events.

SET LOCAL ROLE matching_definer;

-- Names without stemming (A), title (B) and skill names (C) in the profile's language (D-033, D-034). search_candidates relies on
-- the weights: only A identifies a person.
CREATE FUNCTION candidate_search_vector(p candidate_profiles) RETURNS tsvector
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
  SELECT setweight(to_tsvector('public.ssm_name', concat_ws(' ', p.first_name, p.last_name)), 'A')
      || setweight(to_tsvector(content.config, COALESCE(p.current_title, '')), 'B')
      || setweight(to_tsvector(content.config, COALESCE(
           (SELECT string_agg(t.skill_name, ' ')
              FROM public.candidate_skills s JOIN public.skills_taxonomy t USING (skill_id)
             WHERE s.candidate_id = p.candidate_id), '')), 'C')
    FROM (SELECT ('public.ssm_' || p.content_language)::regconfig AS config) content
$$;

-- 0 to 100. The weights add up to 100.
CREATE FUNCTION candidate_completeness(p candidate_profiles) RETURNS integer
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
  SELECT CASE WHEN p.first_name <> '' AND p.last_name <> '' THEN 20 ELSE 0 END
       + CASE WHEN p.current_title <> '' THEN 10 ELSE 0 END
       + CASE WHEN p.phone IS NOT NULL THEN 10 ELSE 0 END
       + CASE WHEN p.expected_salary_min IS NOT NULL THEN 5 ELSE 0 END
       + CASE WHEN p.work_authorization IS NOT NULL THEN 5 ELSE 0 END
       + (SELECT LEAST(count(*), 4)::integer * 5 FROM public.candidate_skills s WHERE s.candidate_id = p.candidate_id)
       + CASE WHEN EXISTS (SELECT 1 FROM public.work_experiences w WHERE w.candidate_id = p.candidate_id) THEN 15 ELSE 0 END
       + CASE WHEN EXISTS (SELECT 1 FROM public.education e WHERE e.candidate_id = p.candidate_id) THEN 10 ELSE 0 END
       + CASE WHEN EXISTS (SELECT 1 FROM public.candidate_languages l WHERE l.candidate_id = p.candidate_id) THEN 5 ELSE 0 END
$$;

CREATE FUNCTION update_candidate_search_vector() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  NEW.search_vector := public.candidate_search_vector(NEW);
  RETURN NEW;
END
$$;

CREATE FUNCTION update_profile_completeness() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  NEW.profile_completeness := public.candidate_completeness(NEW);
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
     SET search_vector = public.candidate_search_vector(p), profile_completeness = public.candidate_completeness(p)
   WHERE p.candidate_id = ANY (v_candidates);
  RETURN NULL;
END
$$;

SET LOCAL ROLE supersmartmatch_core_owner;

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
