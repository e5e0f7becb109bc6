-- Erasure and export of one person (D-058 to D-072). Erasure leaves two empty tombstones, the account and the profile, by whose ids
-- alone proofs are kept. The columns it treats are checked against the catalogue by erasure.postgres.test.ts: a new one must be
-- named there.

SET LOCAL ROLE matching_definer;

-- Nothing comes back after an erasure: a request whose token still lives is refused. Trigger arguments: user column. The lock waits
-- for an erasure under way. A change of a profile's child table arrives here as well, as it updates the profile.
CREATE FUNCTION refuse_anonymized() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_user_id uuid := (to_jsonb(NEW) ->> TG_ARGV[0])::uuid;
  v_status text;
BEGIN
  IF current_setting('app.erasing', true) = v_user_id::text THEN
    RETURN NEW;
  END IF;
  IF TG_OP = 'INSERT' THEN
    SELECT status INTO v_status FROM public.users WHERE user_id = v_user_id FOR KEY SHARE;
  ELSE
    SELECT status INTO v_status FROM public.users WHERE user_id = v_user_id;
  END IF;
  IF v_status = 'anonymized' THEN
    RAISE EXCEPTION 'the account was erased' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN NEW;
END
$$;

-- Tables whose rows of a person are deleted, with the column that finds them and whether it holds the user's or the profile's id.
CREATE FUNCTION erased_tables() RETURNS TABLE (name text, id_column text, of_profile boolean)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
  VALUES ('user_sessions', 'user_id', FALSE),
         ('company_members', 'user_id', FALSE),
         ('job_applications', 'candidate_id', TRUE),
         ('candidate_job_matches', 'candidate_id', TRUE),
         ('candidate_skills', 'candidate_id', TRUE),
         ('work_experiences', 'candidate_id', TRUE),
         ('education', 'candidate_id', TRUE),
         ('certifications', 'candidate_id', TRUE),
         ('candidate_languages', 'candidate_id', TRUE)
$$;

-- What tells of somebody in rows of others: who changed a status, and from which address something was done. Rows of transactions that
-- began at that time or later.
CREATE FUNCTION count_traces(p_user_id uuid, p_since timestamptz DEFAULT '-infinity') RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
  SELECT (SELECT count(*) FROM public.aggregate_events WHERE user_id = p_user_id)
       + (SELECT count(*) FROM public.audit_log WHERE user_id = p_user_id AND user_ip IS NOT NULL AND timestamp >= p_since)
       -- Nobody is known yet while somebody logs in: the address in such a row is the subject's.
       + (SELECT count(*) FROM public.audit_log
           WHERE user_id IS NULL AND subject_user_id = p_user_id AND user_ip IS NOT NULL AND timestamp >= p_since)
$$;

-- Takes them off; returns how many there were.
CREATE FUNCTION erase_traces(p_user_id uuid, p_since timestamptz DEFAULT '-infinity') RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_erased bigint;
  v_rows bigint;
BEGIN
  UPDATE public.aggregate_events SET user_id = NULL WHERE user_id = p_user_id;
  GET DIAGNOSTICS v_erased = ROW_COUNT;
  PERFORM set_config('app.audit_upkeep', 'erasure', true);
  UPDATE public.audit_log SET user_ip = NULL
   WHERE user_ip IS NOT NULL AND (user_id = p_user_id OR user_id IS NULL AND subject_user_id = p_user_id) AND timestamp >= p_since;
  GET DIAGNOSTICS v_rows = ROW_COUNT;
  PERFORM set_config('app.audit_upkeep', '', true);
  RETURN v_erased + v_rows;
END
$$;

-- Erases one person from this database and asks the other stores to; false if there is no such account. May run again, and should
-- after a backup was restored: it finds what came back, and tells the other stores anew. For the owner; requests call
-- anonymize_user_data().
--
-- 1. Locks: aggregates in the order of all writers, then account and profile, for which later writers wait.
-- 2. Deletes what belongs to the person, empties profile and account, takes the person's name off postings and histories. Postings
--    that were open close, as cancelled: with nobody who reads their applications they would take more, and keep them for ever.
-- 3. Outbox and audit log afterwards, as the triggers of step 2 write to them: all events that carry the person's id go, published
--    ones and dead letters too; addresses in the audit log go, whose values are never personal. What the person did in transactions
--    that have not ended yet is not seen: finish_erasures() comes for it.
-- 4. Looks whether anything is left, writes the result of this store, opens a request for each other one, and tells them by
--    user.anonymized, with ids only.
CREATE FUNCTION erase_user(p_user_id uuid, p_reason text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_candidate_id uuid := (SELECT candidate_id FROM public.candidate_profiles WHERE user_id = p_user_id);
  v_actor uuid := public.current_app_user();
  v_aggregates uuid[];
  v_table record;
  v_rows bigint;
  v_erased bigint;
  v_request_id uuid;
BEGIN
  PERFORM public.lock_aggregate(type, id)
     FROM (SELECT 'application' AS type, application_id AS id FROM public.job_applications WHERE candidate_id = v_candidate_id
           UNION ALL SELECT 'candidate', v_candidate_id WHERE v_candidate_id IS NOT NULL
           UNION ALL SELECT 'job', job_id FROM public.job_postings WHERE recruiter_id = p_user_id
           UNION ALL SELECT 'user', p_user_id
           ORDER BY 1, 2) sorted;
  PERFORM FROM public.users WHERE user_id = p_user_id FOR UPDATE;
  IF NOT FOUND THEN
    RETURN FALSE;
  END IF;
  IF public.is_on_hold(p_user_id) THEN
    RAISE EXCEPTION 'this person is on legal hold: end it in spec.retention.legalHolds first'
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  PERFORM FROM public.candidate_profiles WHERE user_id = p_user_id FOR UPDATE;
  PERFORM set_config('app.erasing', p_user_id::text, true);

  v_aggregates := ARRAY[p_user_id, v_candidate_id]
    || ARRAY(SELECT application_id FROM public.job_applications WHERE candidate_id = v_candidate_id);
  UPDATE public.job_postings
     SET recruiter_id = NULL, application_email = NULL, application_instructions = NULL,
         status = CASE WHEN closed_at IS NULL THEN 'cancelled' ELSE status END
   WHERE recruiter_id = p_user_id;
  GET DIAGNOSTICS v_erased = ROW_COUNT;
  FOR v_table IN SELECT * FROM public.erased_tables() LOOP
    EXECUTE format('DELETE FROM public.%I WHERE %I = $1', v_table.name, v_table.id_column)
      USING CASE WHEN v_table.of_profile THEN v_candidate_id ELSE p_user_id END;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    v_erased := v_erased + v_rows;
  END LOOP;
  UPDATE public.candidate_profiles
     SET first_name = 'Anonymized', last_name = 'User', phone = NULL, phone_hash = NULL, date_of_birth = NULL, nationality = NULL,
         current_title = NULL, experience_years = 0, availability_status = 'not_looking', expected_salary_min = NULL,
         expected_salary_max = NULL, currency = DEFAULT, expected_salary_period = DEFAULT, share_expected_salary = FALSE,
         work_authorization = NULL, profile_visibility = 'private', content_language = DEFAULT, last_activity_at = NULL,
         created_at = date_trunc('day', created_at, 'UTC')
   WHERE user_id = p_user_id;
  -- By itself: with the names, the trigger would count them.
  UPDATE public.candidate_profiles SET profile_completeness = 0 WHERE user_id = p_user_id;
  UPDATE public.users
     SET email = format('anonymized_%s@anonymized.invalid', p_user_id), password_hash = '!', status = 'anonymized',
         email_verified = FALSE, last_login_at = NULL, failed_login_attempts = 0, account_locked_until = NULL,
         created_at = date_trunc('day', created_at, 'UTC')
   WHERE user_id = p_user_id;
  v_erased := v_erased + 1 + (v_candidate_id IS NOT NULL)::integer;

  DELETE FROM public.outbox_dead_letters WHERE aggregate_id = ANY (v_aggregates) OR event_data ->> 'user_id' = p_user_id::text;
  DELETE FROM public.outbox_events WHERE (event_data ->> 'user_id')::uuid = p_user_id;
  PERFORM public.erase_traces(p_user_id);
  INSERT INTO public.audit_log (table_name, operation, record_id, user_id, user_ip, subject_user_id, reason, data_classification,
                                retention_until)
  VALUES ('users', 'ANONYMIZE', p_user_id, v_actor, CASE WHEN v_actor <> p_user_id THEN public.current_client_ip() END, p_user_id,
          p_reason, public.audit_classification('users'), public.audit_retention('users'));
  PERFORM set_config('app.erasing', '', true);

  v_rows := public.count_personal_rows(p_user_id);
  IF v_rows > 0 THEN
    RAISE EXCEPTION 'the erasure of % left % rows', p_user_id, v_rows USING ERRCODE = 'data_exception';
  END IF;
  UPDATE public.erasure_requests SET matched = matched + v_erased, erased = erased + v_erased, done_at = now()
   WHERE user_id = p_user_id AND store = 'core' RETURNING request_id INTO v_request_id;
  IF FOUND THEN
    -- What came back here may have come back there.
    UPDATE public.erasure_requests SET verified_zero = FALSE, done_at = NULL WHERE user_id = p_user_id AND store <> 'core';
  ELSE
    v_request_id := gen_random_uuid();
    INSERT INTO public.erasure_requests (request_id, user_id, store)
    SELECT v_request_id, p_user_id, store
      FROM unnest(ARRAY['core', 'vault', 'geolocation', 'temporal', 'behavior', 'search', 'cache', 'events']) AS store;
    UPDATE public.erasure_requests SET matched = v_erased, erased = v_erased, verified_zero = TRUE, done_at = now()
     WHERE request_id = v_request_id AND store = 'core';
  END IF;
  PERFORM public.publish_domain_event('user', p_user_id, 'user.anonymized', jsonb_strip_nulls(jsonb_build_object(
    'user_id', p_user_id, 'candidate_id', v_candidate_id, 'request_id', v_request_id)));
  RETURN TRUE;
END
$$;

-- What came after an erasure, from a transaction that had begun before or by a token that still lived, goes as well; returns of how many
-- people. For a day, and of transactions of a day at most: so what was there before is not read again. A replayed erasure begins anew.
-- Somebody who was put on hold meanwhile stays as it is.
CREATE FUNCTION finish_erasures() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_late record;
  v_rows bigint;
  v_count integer := 0;
BEGIN
  FOR v_late IN
    SELECT request_id, user_id, done_at - interval '1 day' AS since FROM public.erasure_requests
     WHERE done_at > now() - interval '1 day' AND store = 'core' AND NOT public.is_on_hold(user_id)
       AND public.count_traces(user_id, done_at - interval '1 day') > 0
     ORDER BY user_id LIMIT 1000
  LOOP
    PERFORM public.lock_aggregate('user', v_late.user_id);
    v_rows := public.erase_traces(v_late.user_id, v_late.since);
    UPDATE public.erasure_requests SET matched = matched + v_rows, erased = erased + v_rows
     WHERE request_id = v_late.request_id AND store = 'core' AND v_rows > 0;
    v_count := v_count + (v_rows > 0)::integer;
  END LOOP;
  RETURN v_count;
END
$$;

-- Rows that still say something about a person who was erased.
CREATE FUNCTION count_personal_rows(p_user_id uuid) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_candidate_id uuid := (SELECT candidate_id FROM public.candidate_profiles WHERE user_id = p_user_id);
  v_table record;
  v_rows bigint;
  v_found bigint;
BEGIN
  SELECT (SELECT count(*) FROM public.users
           WHERE user_id = p_user_id AND (email, password_hash, status)
                 IS DISTINCT FROM (format('anonymized_%s@anonymized.invalid', p_user_id), '!', 'anonymized'))
       + (SELECT count(*) FROM public.candidate_profiles
           WHERE user_id = p_user_id
             AND ((first_name, last_name, experience_years, profile_visibility) IS DISTINCT FROM ('Anonymized', 'User', 0, 'private')
                  OR num_nonnulls(phone, phone_hash, date_of_birth, nationality, current_title, expected_salary_min,
                                  expected_salary_max, work_authorization, last_activity_at) > 0))
       + (SELECT count(*) FROM public.job_postings WHERE recruiter_id = p_user_id)
       + public.count_traces(p_user_id)
    INTO v_found;
  FOR v_table IN SELECT * FROM public.erased_tables() LOOP
    EXECUTE format('SELECT count(*) FROM public.%I WHERE %I = $1', v_table.name, v_table.id_column)
      INTO v_rows USING CASE WHEN v_table.of_profile THEN v_candidate_id ELSE p_user_id END;
    v_found := v_found + v_rows;
  END LOOP;
  RETURN v_found;
END
$$;

-- The person itself or an administrator, known by an identity (D-064).
CREATE FUNCTION require_self_or_admin(p_user_id uuid) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  IF current_setting('role') = 'admin_role' AND public.current_app_user() IS NOT NULL
     OR current_setting('role') IN ('authenticated_users', 'recruiter_role') AND p_user_id = public.current_app_user() THEN
    RETURN;
  END IF;
  RAISE EXCEPTION 'only the person itself or an administrator with an identity may do this' USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE FUNCTION anonymize_user_data(target_user_id uuid, reason text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  PERFORM public.require_self_or_admin(target_user_id);
  IF target_user_id <> public.current_app_user() THEN
    PERFORM public.refuse_erased_caller();
  END IF;
  RETURN public.erase_user(target_user_id, reason);
END
$$;
GRANT EXECUTE ON FUNCTION anonymize_user_data(uuid, text) TO authenticated_users, recruiter_role, admin_role;

-- What this store knows of a person (GDPR art. 15 and 20); NULL if there is no such account. Ciphertext as it is: the service
-- decrypts it. Credentials and search vectors are left out.
CREATE FUNCTION export_user_data(target_user_id uuid) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_candidate_id uuid := (SELECT candidate_id FROM public.candidate_profiles WHERE user_id = target_user_id);
  -- In an OR with a subquery no index of aggregate_events would be used.
  v_applications uuid[] := ARRAY(SELECT application_id FROM public.job_applications WHERE candidate_id = v_candidate_id);
  v_data jsonb;
BEGIN
  PERFORM public.require_self_or_admin(target_user_id);
  SELECT jsonb_build_object('users', jsonb_agg(to_jsonb(u) - 'password_hash')) INTO v_data
    FROM public.users u WHERE user_id = target_user_id HAVING count(*) > 0;
  IF v_data IS NULL THEN
    RETURN NULL;
  END IF;
  PERFORM public.refuse_erased_caller();
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
    'audit_log', (SELECT COALESCE(jsonb_agg(to_jsonb(r) - CASE WHEN COALESCE(r.user_id, r.subject_user_id) = target_user_id THEN '' ELSE 'user_ip' END), '[]')
                    FROM public.admin_audit_log r WHERE target_user_id IN (r.user_id, r.subject_user_id)));
END
$$;
GRANT EXECUTE ON FUNCTION export_user_data(uuid) TO authenticated_users, recruiter_role, admin_role;

SET LOCAL ROLE supersmartmatch_core_owner;

CREATE TRIGGER candidate_profiles_not_erased BEFORE INSERT OR UPDATE ON candidate_profiles
  FOR EACH ROW EXECUTE FUNCTION refuse_anonymized('user_id');
-- After job_applications_user, which finds the user.
CREATE TRIGGER job_applications_user_not_erased BEFORE INSERT ON job_applications
  FOR EACH ROW EXECUTE FUNCTION refuse_anonymized('user_id');
CREATE TRIGGER company_members_not_erased BEFORE INSERT ON company_members
  FOR EACH ROW EXECUTE FUNCTION refuse_anonymized('user_id');
CREATE TRIGGER user_consents_not_erased BEFORE INSERT ON user_consents
  FOR EACH ROW EXECUTE FUNCTION refuse_anonymized('user_id');
CREATE TRIGGER user_sessions_not_erased BEFORE INSERT ON user_sessions
  FOR EACH ROW EXECUTE FUNCTION refuse_anonymized('user_id');
CREATE TRIGGER job_postings_not_erased BEFORE INSERT OR UPDATE OF recruiter_id ON job_postings
  FOR EACH ROW WHEN (NEW.recruiter_id IS NOT NULL) EXECUTE FUNCTION refuse_anonymized('recruiter_id');

INSERT INTO maintenance_jobs (name, command, schedule) VALUES
  ('finish-erasures', 'SELECT public.finish_erasures()', '*/10 * * * *');
