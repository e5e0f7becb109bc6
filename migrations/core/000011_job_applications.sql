-- Applications (D-006).

CREATE TABLE job_applications (
  application_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  job_id UUID NOT NULL REFERENCES job_posting_keys (job_id) ON DELETE CASCADE,
  candidate_id UUID NOT NULL REFERENCES candidate_profiles (candidate_id) ON DELETE CASCADE,
  user_id UUID NOT NULL, -- derived: the candidate's; kept, for the event of the deletion comes when the profile is gone (rule 12)
  status VARCHAR(20) NOT NULL DEFAULT 'submitted' CHECK (
    status IN ('submitted', 'in_review', 'interview', 'offer', 'hired', 'rejected', 'withdrawn')
  ),
  cover_letter TEXT CHECK (cover_letter ~ '^v1(\.[A-Za-z0-9+/=_-]+){2}\.[A-Za-z0-9+/=_-]*\.[A-Za-z0-9+/=_-]+$'),
  notes TEXT CHECK (notes ~ '^v1(\.[A-Za-z0-9+/=_-]+){2}\.[A-Za-z0-9+/=_-]*\.[A-Za-z0-9+/=_-]+$'), -- the recruiter's; the candidate gets them through the export only
  source VARCHAR(50),
  applied_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  decided_at TIMESTAMPTZ, -- derived: since when hired, rejected or withdrawn; retention counts from here, and while it is NULL from when the posting closed or this last changed
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT job_applications_unique UNIQUE (job_id, candidate_id)
);
CREATE INDEX idx_job_applications_candidate ON job_applications (candidate_id);
CREATE INDEX idx_job_applications_decided ON job_applications (decided_at) WHERE decided_at IS NOT NULL;
CREATE TRIGGER job_applications_touch BEFORE UPDATE ON job_applications
  FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE FUNCTION derive_decision() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  NEW.decided_at :=
    CASE WHEN NEW.status IN ('hired', 'rejected', 'withdrawn') THEN COALESCE(NEW.decided_at, CURRENT_TIMESTAMP) END;
  RETURN NEW;
END
$$;
CREATE TRIGGER job_applications_decision BEFORE INSERT OR UPDATE OF status, decided_at ON job_applications
  FOR EACH ROW EXECUTE FUNCTION derive_decision();

ALTER TABLE job_applications ENABLE ROW LEVEL SECURITY;
ALTER TABLE job_applications FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON job_applications FOR ALL TO matching_definer USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON job_applications TO matching_definer;

SET LOCAL ROLE matching_definer;

CREATE FUNCTION set_application_user() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  SELECT user_id INTO NEW.user_id FROM public.candidate_profiles WHERE candidate_id = NEW.candidate_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no candidate %', NEW.candidate_id
      USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'job_applications_candidate_id_fkey';
  END IF;
  RETURN NEW;
END
$$;

-- Applications received: neither withdrawal nor erasure lowers it (D-035).
CREATE FUNCTION count_applications() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  UPDATE public.job_postings j
     SET application_count = j.application_count + n.received
    FROM (SELECT job_id, count(*) AS received FROM new_rows GROUP BY job_id) n
    JOIN public.job_posting_keys k USING (job_id)
   WHERE j.job_id = n.job_id AND j.created_at = k.created_at;
  RETURN NULL;
END
$$;

SET LOCAL ROLE supersmartmatch_core_owner;

CREATE TRIGGER job_applications_user BEFORE INSERT OR UPDATE OF candidate_id, user_id ON job_applications
  FOR EACH ROW EXECUTE FUNCTION set_application_user();
CREATE TRIGGER job_applications_count AFTER INSERT ON job_applications REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION count_applications();
SELECT add_event_triggers('job_applications', 'publish_aggregate_events', 'application', 'job.application', 'application_id',
                          'job_id,candidate_id,user_id');
