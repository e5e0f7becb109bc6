-- Slugs and keys, derived columns, search vector, timestamps, events of postings.

SET LOCAL ROLE matching_definer;

-- Registers the job under its slug; definer, because writers see only some postings and the registry not at all (D-044).
-- A slug that is given is registered as it is, or refused with unique_violation. Otherwise title and company, else with the first
-- 8 characters of job_id, else with all of it (D-042, D-043).
-- The registry's unique index serialises equal slugs: ON CONFLICT waits for a transaction that holds one, and takes the next
-- candidate if that commits. An advisory lock per slug would do the same, but one transaction that loads thousands of postings
-- would fill the server's lock table with them.
CREATE FUNCTION generate_job_slug() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_slug text;
BEGIN
  IF NEW.slug IS NOT NULL THEN
    INSERT INTO public.job_posting_keys (job_id, created_at, slug) VALUES (NEW.job_id, NEW.created_at, NEW.slug);
    RETURN NEW;
  END IF;

  SELECT lower(public.unaccent(concat_ws('-', NEW.title, c.company_name))) INTO v_slug
    FROM public.companies c WHERE c.company_id = NEW.company_id;
  v_slug := btrim(regexp_replace(v_slug, '[^a-z0-9]+', '-', 'g'), '-');
  v_slug := COALESCE(NULLIF(rtrim(left(v_slug, 250), '-'), ''), 'job-' || NEW.job_id);
  FOREACH NEW.slug IN ARRAY ARRAY[v_slug, v_slug || '-' || left(NEW.job_id::text, 8), v_slug || '-' || NEW.job_id] LOOP
    INSERT INTO public.job_posting_keys (job_id, created_at, slug) VALUES (NEW.job_id, NEW.created_at, NEW.slug)
    ON CONFLICT (slug) DO NOTHING;
    IF FOUND THEN
      RETURN NEW;
    END IF;
  END LOOP;
  RAISE EXCEPTION 'no free slug for job %', NEW.job_id USING ERRCODE = 'unique_violation';
END
$$;

CREATE FUNCTION remove_job_posting_key() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  DELETE FROM public.job_posting_keys WHERE job_id = OLD.job_id;
  RETURN NULL;
END
$$;

-- Adds what a statement changed instead of summing anew: concurrent writers of one job then lose nothing. Rows of a job that is
-- being deleted are skipped.
CREATE FUNCTION add_job_skill_weights() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_new CONSTANT text := 'SELECT job_id, requirement_type, weight FROM new_rows';
  v_old CONSTANT text := 'SELECT job_id, requirement_type, -weight FROM old_rows';
BEGIN
  EXECUTE format(
    'INSERT INTO public.job_skill_weights (job_id, required_weight, optional_weight)
     SELECT job_id, COALESCE(sum(weight) FILTER (WHERE requirement_type = ''required''), 0),
                    COALESCE(sum(weight) FILTER (WHERE requirement_type <> ''required''), 0)
       FROM (%s) AS changes (job_id, requirement_type, weight)
      WHERE job_id IN (SELECT job_id FROM public.job_posting_keys)
      GROUP BY job_id ORDER BY job_id
     ON CONFLICT (job_id) DO UPDATE
       SET required_weight = job_skill_weights.required_weight + EXCLUDED.required_weight,
           optional_weight = job_skill_weights.optional_weight + EXCLUDED.optional_weight',
    CASE TG_OP WHEN 'INSERT' THEN v_new WHEN 'DELETE' THEN v_old ELSE v_new || ' UNION ALL ' || v_old END);
  RETURN NULL;
END
$$;

SET LOCAL ROLE supersmartmatch_core_owner;

-- The registry repeats these, and created_at decides the partition.
CREATE FUNCTION keep_job_identity() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION 'job_id, slug and created_at of a posting never change'
    USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END
$$;

-- type of work_location decides remote_policy; a hybrid job may also be flexible (D-037).
CREATE FUNCTION derive_remote_policy() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  NEW.remote_policy := CASE
    WHEN NEW.work_location ->> 'type' = 'remote' THEN 'full'
    WHEN NEW.work_location ->> 'type' = 'onsite' THEN 'no'
    WHEN NEW.remote_policy = 'flexible' THEN 'flexible'
    ELSE 'partial'
  END;
  RETURN NEW;
END
$$;

CREATE FUNCTION derive_closing() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  NEW.closed_at := CASE WHEN NEW.status IN ('filled', 'expired', 'cancelled') THEN COALESCE(NEW.closed_at, CURRENT_TIMESTAMP) END;
  NEW.filled_at := CASE WHEN NEW.status = 'filled' THEN COALESCE(NEW.filled_at, CURRENT_TIMESTAMP) END;
  RETURN NEW;
END
$$;

CREATE FUNCTION update_job_search_vector() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_config regconfig := ('public.ssm_' || NEW.content_language)::regconfig;
BEGIN
  NEW.search_vector :=
    setweight(to_tsvector(v_config, NEW.title), 'A') ||
    setweight(to_tsvector(v_config, NEW.description), 'B') ||
    setweight(to_tsvector(v_config, COALESCE(array_to_string(NEW.requirements, ' '), '')), 'C');
  RETURN NEW;
END
$$;

CREATE TRIGGER job_postings_recruiter_type BEFORE INSERT OR UPDATE OF recruiter_id ON job_postings
  FOR EACH ROW WHEN (NEW.recruiter_id IS NOT NULL) EXECUTE FUNCTION check_user_type('recruiter_id', 'recruiter', 'admin');
CREATE TRIGGER job_postings_search_update BEFORE INSERT OR UPDATE OF title, description, requirements, content_language
  ON job_postings FOR EACH ROW EXECUTE FUNCTION update_job_search_vector();
CREATE TRIGGER job_postings_remote_policy BEFORE INSERT OR UPDATE OF work_location, remote_policy ON job_postings
  FOR EACH ROW EXECUTE FUNCTION derive_remote_policy();
CREATE TRIGGER job_postings_closing BEFORE INSERT OR UPDATE OF status, closed_at, filled_at ON job_postings
  FOR EACH ROW EXECUTE FUNCTION derive_closing();
CREATE TRIGGER job_postings_slug_generation BEFORE INSERT ON job_postings
  FOR EACH ROW EXECUTE FUNCTION generate_job_slug();
CREATE TRIGGER job_postings_identity BEFORE UPDATE OF job_id, slug, created_at ON job_postings
  FOR EACH ROW
  WHEN ((OLD.job_id, OLD.slug, OLD.created_at) IS DISTINCT FROM (NEW.job_id, NEW.slug, NEW.created_at))
  EXECUTE FUNCTION keep_job_identity();
CREATE TRIGGER job_postings_touch BEFORE UPDATE ON job_postings FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER job_postings_key_removal AFTER DELETE ON job_postings
  FOR EACH ROW EXECUTE FUNCTION remove_job_posting_key();
CREATE TRIGGER job_required_skills_touch BEFORE UPDATE ON job_required_skills
  FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER job_skill_weights_touch BEFORE UPDATE ON job_skill_weights
  FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER job_required_skills_weights_insert AFTER INSERT ON job_required_skills REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION add_job_skill_weights();
CREATE TRIGGER job_required_skills_weights_update AFTER UPDATE ON job_required_skills
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION add_job_skill_weights();
CREATE TRIGGER job_required_skills_weights_delete AFTER DELETE ON job_required_skills REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION add_job_skill_weights();
CREATE TRIGGER job_locations_touch BEFORE UPDATE ON job_locations FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

SELECT add_event_triggers('job_postings', 'publish_aggregate_events', 'job', 'job.posting', 'job_id', 'company_id');
SELECT add_event_triggers('job_required_skills', 'publish_child_events', 'job', 'job.posting', 'job_id', 'company_id',
                          'job_postings');
SELECT add_event_triggers('job_locations', 'publish_child_events', 'job', 'job.posting', 'job_id', 'company_id', 'job_postings');
