-- What a person agreed to, erasures under way, and stored matches.

-- One row for each time somebody agrees or withdraws; never changed, because it is the proof (D-041). It names users without a
-- foreign key: proof outlives the account, by its id alone.
CREATE TABLE user_consents (
  consent_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id UUID NOT NULL,
  purpose VARCHAR(50) NOT NULL CHECK (purpose IN ('profiling', 'email_tracking', 'public_profile')),
  version VARCHAR(20) NOT NULL, -- of the text that was agreed to
  granted_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  withdrawn_at TIMESTAMPTZ, -- NULL in the row of a grant; a withdrawal is a row of its own, with the grant's version and instant
  source VARCHAR(50) NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CHECK (withdrawn_at >= granted_at)
);
CREATE INDEX idx_user_consents_user ON user_consents (user_id, purpose, consent_id);
CREATE INDEX idx_user_consents_created ON user_consents (created_at);

-- One row for each store that has to erase a person (D-062).
CREATE TABLE erasure_requests (
  request_id UUID NOT NULL,
  user_id UUID NOT NULL, -- no foreign key, like user_consents
  store VARCHAR(20) NOT NULL CHECK (
    store IN ('core', 'vault', 'geolocation', 'temporal', 'behavior', 'search', 'cache', 'events')
  ),
  requested_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  due_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP + interval '30 days', -- GDPR art. 12(3)
  matched BIGINT CHECK (matched >= 0),
  erased BIGINT CHECK (erased >= 0),
  verified_zero BOOLEAN NOT NULL DEFAULT FALSE, -- the store was searched afterwards, and nothing was found
  done_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (request_id, store),
  CHECK (done_at IS NULL OR verified_zero AND matched IS NOT NULL AND erased IS NOT NULL)
);
CREATE INDEX idx_erasure_requests_user ON erasure_requests (user_id);
CREATE INDEX idx_erasure_requests_done ON erasure_requests (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX idx_erasure_requests_due ON erasure_requests (due_at) WHERE done_at IS NULL;
CREATE TRIGGER erasure_requests_touch BEFORE UPDATE ON erasure_requests FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

-- Scores that were stored, by the matching service (D-007).
CREATE TABLE candidate_job_matches (
  candidate_id UUID NOT NULL REFERENCES candidate_profiles (candidate_id) ON DELETE CASCADE,
  job_id UUID NOT NULL REFERENCES job_posting_keys (job_id) ON DELETE CASCADE,
  score DECIMAL(5,4) NOT NULL CHECK (score BETWEEN 0 AND 1),
  model_version VARCHAR(50) NOT NULL,
  computed_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (candidate_id, job_id)
);
CREATE INDEX idx_candidate_job_matches_job ON candidate_job_matches (job_id);
CREATE INDEX idx_candidate_job_matches_computed ON candidate_job_matches (computed_at);
CREATE TRIGGER candidate_job_matches_touch BEFORE UPDATE ON candidate_job_matches
  FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

ALTER TABLE user_consents ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_consents FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON user_consents FOR ALL TO matching_definer USING (true) WITH CHECK (true);
CREATE POLICY identity_required ON user_consents AS RESTRICTIVE FOR ALL TO authenticated_users, recruiter_role, admin_role
  USING ((SELECT current_app_user()) IS NOT NULL);
CREATE POLICY own_consents ON user_consents FOR SELECT TO authenticated_users, recruiter_role
  USING (user_id = (SELECT current_app_user()));
CREATE POLICY admin_read ON user_consents FOR SELECT TO admin_role USING (true);
GRANT SELECT, INSERT, DELETE ON user_consents TO matching_definer;
GRANT SELECT ON user_consents TO authenticated_users, recruiter_role, admin_role;

ALTER TABLE erasure_requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE erasure_requests FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON erasure_requests FOR ALL TO matching_definer USING (true) WITH CHECK (true);
CREATE POLICY identity_required ON erasure_requests AS RESTRICTIVE FOR ALL TO authenticated_users, recruiter_role, admin_role
  USING ((SELECT current_app_user()) IS NOT NULL);
CREATE POLICY own_requests ON erasure_requests FOR SELECT TO authenticated_users, recruiter_role
  USING (user_id = (SELECT current_app_user()));
CREATE POLICY admin_read ON erasure_requests FOR SELECT TO admin_role USING (true);
-- The worker hears from the other stores, and writes down what they found; core does its own part.
CREATE POLICY outbox_worker_read ON erasure_requests FOR SELECT TO outbox_worker USING (true);
CREATE POLICY outbox_worker_report ON erasure_requests FOR UPDATE TO outbox_worker USING (store <> 'core') WITH CHECK (store <> 'core');
GRANT SELECT, INSERT, UPDATE, DELETE ON erasure_requests TO matching_definer;
GRANT SELECT ON erasure_requests TO authenticated_users, recruiter_role, admin_role, outbox_worker;
GRANT UPDATE (matched, erased, verified_zero, done_at) ON erasure_requests TO outbox_worker;

ALTER TABLE candidate_job_matches ENABLE ROW LEVEL SECURITY;
ALTER TABLE candidate_job_matches FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON candidate_job_matches FOR ALL TO matching_definer USING (true) WITH CHECK (true);
CREATE POLICY identity_required ON candidate_job_matches AS RESTRICTIVE FOR ALL TO authenticated_users, recruiter_role, admin_role
  USING ((SELECT current_app_user()) IS NOT NULL);
CREATE POLICY candidate_read ON candidate_job_matches FOR SELECT TO authenticated_users USING (app_owns_candidate(candidate_id));
CREATE POLICY recruiter_read ON candidate_job_matches FOR SELECT TO recruiter_role
  USING (app_recruits_job(job_id) AND app_candidate_access(candidate_id) >= 1);
CREATE POLICY admin_read ON candidate_job_matches FOR SELECT TO admin_role USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON candidate_job_matches TO matching_definer;
GRANT SELECT ON candidate_job_matches TO authenticated_users, recruiter_role, admin_role;

CREATE FUNCTION keep_consents() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF TG_OP = 'DELETE' AND OLD.created_at < public.retention_cutoff('consents') THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'a consent is never changed, and kept as a proof: withdraw it with record_consent()'
    USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END
$$;
CREATE TRIGGER user_consents_append_only BEFORE UPDATE OR DELETE ON user_consents
  FOR EACH ROW EXECUTE FUNCTION keep_consents();

SET LOCAL ROLE matching_definer;

-- Writes down that somebody agrees or withdraws; nothing when that is so already. For triggers and record_consent().
CREATE FUNCTION add_consent(p_user_id uuid, p_purpose text, p_granted boolean, p_version text, p_source text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_last public.user_consents;
BEGIN
  PERFORM public.lock_aggregate('user', p_user_id);
  SELECT * INTO v_last FROM public.user_consents
   WHERE user_id = p_user_id AND purpose = p_purpose ORDER BY consent_id DESC LIMIT 1;
  IF p_granted THEN
    IF v_last.consent_id IS NOT NULL AND v_last.withdrawn_at IS NULL AND v_last.version = p_version THEN
      RETURN FALSE;
    END IF;
    INSERT INTO public.user_consents (user_id, purpose, version, source) VALUES (p_user_id, p_purpose, p_version, p_source);
  ELSE
    IF v_last.consent_id IS NULL OR v_last.withdrawn_at IS NOT NULL THEN
      RETURN FALSE;
    END IF;
    INSERT INTO public.user_consents (user_id, purpose, version, granted_at, withdrawn_at, source)
    VALUES (p_user_id, p_purpose, v_last.version, v_last.granted_at, now(), p_source);
  END IF;
  RETURN TRUE;
END
$$;

-- The caller's own consent; true if that changed something. Going public is chosen in the profile, which writes its own row.
CREATE FUNCTION record_consent(p_purpose text, p_granted boolean, p_version text, p_source text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  IF public.current_app_user() IS NULL THEN
    RAISE EXCEPTION 'a consent needs somebody who gives it' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF p_purpose = 'public_profile' THEN
    RAISE EXCEPTION 'set profile_visibility instead: it is the consent to a public profile' USING ERRCODE = 'check_violation';
  END IF;
  RETURN public.add_consent(public.current_app_user(), p_purpose, p_granted, p_version, p_source);
END
$$;
GRANT EXECUTE ON FUNCTION record_consent(text, boolean, text, text) TO authenticated_users, recruiter_role, admin_role;

-- Going public is an explicit choice (D-039). Version 1: what levels 1 to 3 show.
CREATE FUNCTION record_visibility() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  PERFORM public.add_consent(NEW.user_id, 'public_profile', NEW.profile_visibility = 'public', '1', 'profile_visibility');
  RETURN NULL;
END
$$;

-- A consent that still stands is kept, however old. That somebody accepted the terms is kept for some time after the account was
-- erased, which is when it last changed.
CREATE FUNCTION purge_proofs() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
  DELETE FROM public.user_consents c
   WHERE created_at < public.retention_cutoff('consents') AND NOT public.is_on_hold(user_id)
     AND (withdrawn_at IS NOT NULL
          OR EXISTS (SELECT 1 FROM public.user_consents later
                      WHERE later.user_id = c.user_id AND later.purpose = c.purpose AND later.consent_id > c.consent_id)
          OR NOT EXISTS (SELECT 1 FROM public.users u WHERE u.user_id = c.user_id AND u.status <> 'anonymized'));
  DELETE FROM public.erasure_requests WHERE done_at < public.retention_cutoff('erasure-requests');
  UPDATE public.users SET terms_accepted_at = NULL, privacy_accepted_at = NULL
   WHERE user_id IN (
     SELECT u.user_id FROM public.users u
      WHERE u.status = 'anonymized' AND (u.terms_accepted_at IS NOT NULL OR u.privacy_accepted_at IS NOT NULL)
        AND u.updated_at < public.retention_cutoff('accepted-terms') AND NOT public.is_on_hold(u.user_id)
      ORDER BY u.user_id LIMIT 10000)
$$;

CREATE FUNCTION purge_matches() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_count integer;
BEGIN
  DELETE FROM public.candidate_job_matches
   WHERE (candidate_id, job_id) IN (
     SELECT m.candidate_id, m.job_id FROM public.candidate_job_matches m JOIN public.candidate_profiles p USING (candidate_id)
      WHERE m.computed_at < public.retention_cutoff('job-matches') AND NOT public.is_on_hold(p.user_id)
      ORDER BY m.computed_at LIMIT 10000);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;

-- A posting takes the scores of its candidates along, so it stays while one of these has to, or its recruiter is on hold.
CREATE FUNCTION purge_closed_jobs() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_cutoff CONSTANT timestamptz := public.retention_cutoff('closed-jobs');
  v_scores CONSTANT timestamptz := public.retention_cutoff('job-matches');
  v_ids uuid[];
  v_count integer;
BEGIN
  SELECT array_agg(job_id ORDER BY job_id) INTO v_ids
    FROM (SELECT job_id FROM public.job_postings j
           WHERE closed_at < v_cutoff AND NOT public.is_on_hold(recruiter_id)
             AND NOT EXISTS (SELECT 1 FROM public.job_applications a WHERE a.job_id = j.job_id)
             AND NOT EXISTS (SELECT 1 FROM public.candidate_job_matches m JOIN public.candidate_profiles p USING (candidate_id)
                              WHERE m.job_id = j.job_id AND (m.computed_at >= v_scores OR public.is_on_hold(p.user_id)))
           ORDER BY closed_at LIMIT 1000) due;
  PERFORM public.lock_aggregate('job', id) FROM unnest(v_ids) AS id;
  DELETE FROM public.job_postings j
   WHERE job_id = ANY (v_ids) AND closed_at < v_cutoff AND NOT public.is_on_hold(recruiter_id)
     AND NOT EXISTS (SELECT 1 FROM public.job_applications a WHERE a.job_id = j.job_id)
     AND NOT EXISTS (SELECT 1 FROM public.candidate_job_matches m JOIN public.candidate_profiles p USING (candidate_id)
                      WHERE m.job_id = j.job_id AND (m.computed_at >= v_scores OR public.is_on_hold(p.user_id)));
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;

SET LOCAL ROLE supersmartmatch_core_owner;

CREATE TRIGGER candidate_profiles_consent_insert AFTER INSERT ON candidate_profiles
  FOR EACH ROW WHEN (NEW.profile_visibility = 'public') EXECUTE FUNCTION record_visibility();
CREATE TRIGGER candidate_profiles_consent AFTER UPDATE OF profile_visibility ON candidate_profiles
  FOR EACH ROW WHEN ((OLD.profile_visibility = 'public') IS DISTINCT FROM (NEW.profile_visibility = 'public'))
  EXECUTE FUNCTION record_visibility();
SELECT add_event_triggers('user_consents', 'publish_child_events', 'user', 'user', 'user_id', '', 'users');

INSERT INTO retention_rules (name, keep, rows_of) VALUES
  ('consents', interval '5 years',
   'SELECT created_at AS dated, ARRAY[user_id] AS subjects FROM public.user_consents c
     WHERE withdrawn_at IS NOT NULL
        OR EXISTS (SELECT FROM public.user_consents later
                    WHERE later.user_id = c.user_id AND later.purpose = c.purpose AND later.consent_id > c.consent_id)
        OR NOT EXISTS (SELECT FROM public.users u WHERE u.user_id = c.user_id AND u.status <> ''anonymized'')'),
  ('closed-jobs', interval '2 years',
   'SELECT closed_at AS dated, ARRAY(SELECT p.user_id FROM public.candidate_job_matches m
                                       JOIN public.candidate_profiles p USING (candidate_id)
                                      WHERE m.job_id = j.job_id) || j.recruiter_id AS subjects
      FROM public.job_postings j
     WHERE NOT EXISTS (SELECT FROM public.job_applications a WHERE a.job_id = j.job_id)
       AND NOT EXISTS (SELECT FROM public.candidate_job_matches m
                        WHERE m.job_id = j.job_id AND m.computed_at >= public.retention_cutoff(''job-matches''))'),
  ('erasure-requests', interval '5 years', 'SELECT done_at AS dated, NULL::uuid[] AS subjects FROM public.erasure_requests'),
  ('accepted-terms', interval '5 years',
   'SELECT updated_at AS dated, ARRAY[user_id] AS subjects FROM public.users
     WHERE status = ''anonymized'' AND (terms_accepted_at IS NOT NULL OR privacy_accepted_at IS NOT NULL)'),
  ('job-matches', interval '90 days',
   'SELECT m.computed_at AS dated, ARRAY[(SELECT p.user_id FROM public.candidate_profiles p WHERE p.candidate_id = m.candidate_id)] AS subjects
      FROM public.candidate_job_matches m');

INSERT INTO maintenance_jobs (name, command, schedule) VALUES
  ('purge-proofs', 'SELECT public.purge_proofs()', '50 1 * * *'),
  ('purge-matches', 'SELECT public.purge_matches()', '*/10 * * * *'),
  ('purge-closed-jobs', 'SELECT public.purge_closed_jobs()', '*/10 * * * *'),
  ('drop-empty-job-partitions', 'SELECT public.drop_empty_partitions(''public.job_postings'', keep)
                                  FROM public.retention_rules WHERE name = ''closed-jobs''', '35 * * * *');
