-- Scheduled work. maintenance_jobs is the list; pg_cron runs it, and where there is none the operator does. Without both,
-- SELECT run_maintenance_job(name) is for whoever keeps the database. A job that fails says so in last_error, one that does not run
-- has an old last_success_at.

CREATE TABLE maintenance_jobs (
  name TEXT PRIMARY KEY,
  command TEXT NOT NULL, -- runs in one transaction, as owner
  schedule TEXT NOT NULL, -- as in cron, UTC
  last_run_at TIMESTAMPTZ,
  last_success_at TIMESTAMPTZ,
  last_error TEXT, -- of the last run
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TRIGGER maintenance_jobs_touch BEFORE UPDATE ON maintenance_jobs FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

-- Runs a job and records how it ended; true if it succeeded, false if it failed or runs already.
-- It gives up after a second without a lock, and the next run tries again: while partition work waits behind a long reader, every
-- writer waits behind it.
CREATE FUNCTION run_maintenance_job(p_name text) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' SET lock_timeout = '1s'
AS $$
DECLARE
  v_command text;
  v_error text;
  v_ended timestamptz;
BEGIN
  SELECT command INTO v_command FROM public.maintenance_jobs WHERE name = p_name;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no maintenance job is named %', p_name USING ERRCODE = 'undefined_object';
  END IF;
  IF NOT pg_try_advisory_xact_lock(hashtextextended('maintenance job ' || p_name, 0)) THEN
    RETURN false;
  END IF;
  BEGIN
    EXECUTE v_command;
  EXCEPTION WHEN OTHERS THEN
    v_error := SQLSTATE || ' ' || SQLERRM;
  END;
  v_ended := clock_timestamp();
  UPDATE public.maintenance_jobs
     SET last_run_at = v_ended, last_error = v_error,
         last_success_at = CASE WHEN v_error IS NULL THEN v_ended ELSE last_success_at END
   WHERE name = p_name;
  RETURN v_error IS NULL;
END
$$;

-- Makes pg_cron's list equal to ours. The trigger below calls it; call it again when pg_cron is added to an existing database.
-- Only the owner may: a job runs as whoever scheduled it.
CREATE FUNCTION schedule_maintenance_jobs() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  c_call CONSTANT text := 'SELECT public.run_maintenance_job(%L)';
BEGIN
  IF to_regclass('cron.job') IS NULL THEN
    RETURN;
  END IF;
  IF current_user <> (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'public.maintenance_jobs'::regclass) THEN
    RAISE EXCEPTION 'only the owner of maintenance_jobs may schedule: jobs would run as %', current_user
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM cron.unschedule(j.jobid)
     FROM cron.job j
    WHERE j.username = current_user AND j.database = current_database() AND j.command = format(c_call, j.jobname)
      AND NOT EXISTS (SELECT 1 FROM public.maintenance_jobs m WHERE m.name = j.jobname);
  PERFORM cron.schedule(m.name, m.schedule, format(c_call, m.name))
     FROM public.maintenance_jobs m
    WHERE NOT EXISTS (SELECT 1 FROM cron.job j
                       WHERE j.username = current_user AND j.database = current_database() AND j.jobname = m.name
                         AND j.schedule = m.schedule AND j.command = format(c_call, m.name));
END
$$;
CREATE FUNCTION maintenance_jobs_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  PERFORM public.schedule_maintenance_jobs();
  RETURN NULL;
END
$$;
CREATE TRIGGER maintenance_jobs_schedule AFTER INSERT OR DELETE OR UPDATE OF name, schedule ON maintenance_jobs
  FOR EACH STATEMENT EXECUTE FUNCTION maintenance_jobs_changed();

-- How long rows are kept. Who removes them asks retention_cutoff() and is_on_hold(). The operator writes what spec.retention says, by
-- set_retention(), and reads retention_state(); where there is none, whoever keeps the database does.
CREATE TABLE retention_rules (
  name TEXT PRIMARY KEY,
  keep INTERVAL NOT NULL CHECK (keep > interval '0' AND keep::text !~ '-'),
  held BOOLEAN NOT NULL DEFAULT FALSE, -- legal hold: nothing of the rule goes
  -- A query of the rows that the rule is about: dated, which an index finds, and subjects, the user_ids whose they are.
  rows_of TEXT NOT NULL,
  ahead INTERVAL NOT NULL DEFAULT '0', -- of dated, before the moment that the age counts from
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TRIGGER retention_rules_touch BEFORE UPDATE ON retention_rules FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
GRANT SELECT, UPDATE (keep, held) ON retention_rules TO matching_definer;
GRANT SELECT ON outbox_published_partitions TO matching_definer;

-- People whose rows stay, whatever the rules say.
CREATE TABLE legal_holds (
  subject_id UUID PRIMARY KEY,
  reason TEXT NOT NULL CHECK (reason <> ''),
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
);
ALTER TABLE legal_holds ENABLE ROW LEVEL SECURITY;
ALTER TABLE legal_holds FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON legal_holds FOR ALL TO matching_definer USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE (reason), DELETE ON legal_holds TO matching_definer;

-- Rows that no partition took; more than 0 is an alarm (D-088).
CREATE VIEW default_partition_rows WITH (security_invoker = true) AS
SELECT 'job_postings' AS table_name, count(*) AS rows FROM job_postings_default
UNION ALL
SELECT 'outbox_events', count(*) FROM outbox_events_default;

-- The alarm: a job that fails while there are such rows.
CREATE FUNCTION require_empty_default_partitions() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_found text;
BEGIN
  SELECT string_agg(format('%s: %s', table_name, rows), ', ') INTO v_found FROM public.default_partition_rows WHERE rows > 0;
  IF v_found IS NOT NULL THEN
    RAISE EXCEPTION 'rows in the default partition of %. Those of outbox_events go once they are published; what no job moves, create_range_partition() does, when writers can wait', v_found
      USING ERRCODE = 'check_violation';
  END IF;
END
$$;

SET LOCAL ROLE matching_definer;

-- Rows dated before it go. Under a hold nothing is.
CREATE FUNCTION retention_cutoff(p_rule text) RETURNS timestamptz
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_cutoff timestamptz;
BEGIN
  SELECT CASE WHEN held THEN '-infinity' ELSE now() - keep END INTO STRICT v_cutoff
    FROM public.retention_rules WHERE name = p_rule;
  RETURN v_cutoff;
END
$$;

CREATE FUNCTION is_on_hold(VARIADIC p_subjects uuid[]) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  RETURN EXISTS (SELECT FROM public.legal_holds WHERE subject_id = ANY (p_subjects));
END
$$;

CREATE FUNCTION list_legal_holds() RETURNS TABLE (subject uuid, reason text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  RETURN QUERY SELECT h.subject_id, h.reason FROM public.legal_holds h ORDER BY h.subject_id;
END
$$;

-- Every rule as it is in force, with the oldest row that it may still remove.
CREATE FUNCTION retention_state() RETURNS TABLE (name text, keep interval, held boolean, oldest timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_holds CONSTANT uuid[] := ARRAY(SELECT subject_id FROM public.legal_holds);
  v_rule public.retention_rules;
BEGIN
  FOR v_rule IN SELECT * FROM public.retention_rules r ORDER BY r.name LOOP
    name := v_rule.name;
    keep := v_rule.keep;
    held := v_rule.held;
    oldest := NULL;
    IF NOT held THEN
      EXECUTE format('SELECT dated FROM (%s) AS r WHERE dated IS NOT NULL %s ORDER BY dated LIMIT 1', v_rule.rows_of,
                     CASE WHEN v_holds <> '{}' THEN 'AND NOT COALESCE(subjects && $1, FALSE)' ELSE '' END)
         INTO oldest USING v_holds;
      oldest := oldest - v_rule.ahead;
    END IF;
    RETURN NEXT;
  END LOOP;
END
$$;

-- How many rows would go with this keep and these holds that stay with what is in force.
CREATE FUNCTION retention_removes(p_rule text, p_keep interval, p_held boolean, p_holds uuid[]) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_holds CONSTANT uuid[] := ARRAY(SELECT subject_id FROM public.legal_holds);
  v_cutoff CONSTANT timestamptz := public.retention_cutoff(p_rule);
  v_rule public.retention_rules;
  v_rows bigint;
BEGIN
  IF p_held OR (now() - p_keep <= v_cutoff AND v_holds <@ p_holds) THEN
    RETURN 0;
  END IF;
  SELECT * INTO v_rule FROM public.retention_rules WHERE name = p_rule;
  EXECUTE format(
    'SELECT count(*) FROM (%s) AS r
      WHERE dated < $1 AND NOT COALESCE(subjects && $2, FALSE) AND (dated >= $3 OR COALESCE(subjects && $4, FALSE))', v_rule.rows_of)
    INTO v_rows USING now() - p_keep + v_rule.ahead, p_holds, v_cutoff + v_rule.ahead, v_holds;
  RETURN v_rows;
END
$$;

-- Rules as {name: {keep, held}}, those that are left out stay; holds as {user_id: reason}, all there shall be, or NULL: as there are.
CREATE FUNCTION set_retention(p_rules jsonb, p_holds jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_unknown text := (SELECT string_agg(key, ', ') FROM jsonb_object_keys(p_rules) AS key
                      WHERE key NOT IN (SELECT name FROM public.retention_rules));
BEGIN
  IF v_unknown IS NOT NULL THEN
    RAISE EXCEPTION 'no retention rule is named %', v_unknown USING ERRCODE = 'undefined_object';
  END IF;
  INSERT INTO public.legal_holds AS h (subject_id, reason)
  SELECT key::uuid, value FROM jsonb_each_text(p_holds)
  ON CONFLICT (subject_id) DO UPDATE SET reason = excluded.reason WHERE h.reason <> excluded.reason;
  DELETE FROM public.legal_holds
   WHERE p_holds IS NOT NULL AND subject_id NOT IN (SELECT key::uuid FROM jsonb_object_keys(p_holds) AS key);
  UPDATE public.retention_rules r SET keep = wanted.keep, held = wanted.held
    FROM (SELECT key AS name, (value ->> 'keep')::interval AS keep, (value ->> 'held')::boolean AS held
            FROM jsonb_each(p_rules)) wanted
   WHERE r.name = wanted.name AND (r.keep, r.held) IS DISTINCT FROM (wanted.keep, wanted.held);
END
$$;

-- The next four change rows of personal tables, hence definer. They take a thousand aggregates at a time, lock them as rule 11
-- wants and run often, so that a backlog neither fills the lock table nor holds locks for long.

CREATE FUNCTION expire_jobs() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_ids uuid[];
  v_count integer;
BEGIN
  SELECT array_agg(job_id ORDER BY job_id) INTO v_ids
    FROM (SELECT job_id FROM public.job_postings WHERE status IN ('active', 'paused') AND expires_at <= now()
           ORDER BY expires_at LIMIT 1000) due;
  PERFORM public.lock_aggregate('job', id) FROM unnest(v_ids) AS id;
  UPDATE public.job_postings SET status = 'expired'
   WHERE job_id = ANY (v_ids) AND status IN ('active', 'paused') AND expires_at <= now();
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;

CREATE FUNCTION expire_certifications() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
  v_ids uuid[];
  v_count integer;
BEGIN
  SELECT array_agg(candidate_id ORDER BY candidate_id) INTO v_ids
    FROM (SELECT DISTINCT candidate_id FROM public.certifications
           WHERE expiration_date < CURRENT_DATE AND verification_status IN ('unverified', 'verified') LIMIT 1000) due;
  PERFORM public.lock_aggregate('candidate', id) FROM unnest(v_ids) AS id;
  UPDATE public.certifications SET verification_status = 'expired'
   WHERE candidate_id = ANY (v_ids) AND expiration_date < CURRENT_DATE AND verification_status IN ('unverified', 'verified');
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;

-- Some time after the decision an application goes; without one after the posting closed and nobody touched it any more: nobody will
-- decide. Postings follow in 000016 (D-095).
CREATE FUNCTION purge_applications() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_cutoff CONSTANT timestamptz := public.retention_cutoff('job-applications');
  v_ids uuid[];
  v_count integer;
BEGIN
  SELECT array_agg(application_id ORDER BY application_id) INTO v_ids
    FROM ((SELECT application_id FROM public.job_applications
            WHERE decided_at < v_cutoff AND NOT public.is_on_hold(user_id) ORDER BY decided_at LIMIT 1000)
          UNION ALL
          -- Posting by posting: joined at once, all applications would be read.
          (SELECT a.application_id
             FROM (SELECT job_id FROM public.job_postings WHERE closed_at < v_cutoff OFFSET 0) j
            CROSS JOIN LATERAL (SELECT application_id, user_id FROM public.job_applications
                                 WHERE job_id = j.job_id AND decided_at IS NULL AND updated_at < v_cutoff OFFSET 0) a
            WHERE NOT public.is_on_hold(a.user_id) LIMIT 1000)
          LIMIT 1000) due;
  PERFORM public.lock_aggregate('application', id) FROM unnest(v_ids) AS id;
  DELETE FROM public.job_applications a
   WHERE application_id = ANY (v_ids) AND NOT public.is_on_hold(user_id)
     AND (decided_at < v_cutoff
          OR decided_at IS NULL AND updated_at < v_cutoff
             AND (SELECT j.closed_at FROM public.job_postings j WHERE j.job_id = a.job_id) < v_cutoff);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;

-- Kept a while after expiry to tell a person which devices were logged in (D-015).
CREATE FUNCTION purge_user_sessions() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_count integer;
BEGIN
  DELETE FROM public.user_sessions
   WHERE session_id IN (SELECT session_id FROM public.user_sessions
                         WHERE expires_at < public.retention_cutoff('sessions') AND NOT public.is_on_hold(user_id)
                         ORDER BY expires_at LIMIT 10000);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;

CREATE FUNCTION purge_event_records() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
  DELETE FROM public.outbox_dead_letters WHERE created_at < public.retention_cutoff('event-records');
  DELETE FROM public.inbox WHERE created_at < public.retention_cutoff('event-records')
$$;

SET LOCAL ROLE supersmartmatch_core_owner;

-- A past partition goes some time, 7 days by default, after every relay was first seen to have passed all of it, and only if that still holds: a
-- transaction that was open for long may have added to it. Of the default partition each past day goes by itself. Without a relay
-- nothing is published, so nothing goes (D-178).
CREATE FUNCTION drop_published_outbox_partitions() RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
  v_cursor record;
  v_day record;
  v_find text;
  v_pending boolean;
  v_dropped integer := 0;
BEGIN
  SELECT xid, sequence INTO v_cursor FROM public.outbox_cursor ORDER BY xid, sequence LIMIT 1;
  IF NOT FOUND THEN
    RETURN 0;
  END IF;
  FOR v_day IN
    SELECT partition::text AS name, partition::text AS place, 'TRUE' AS rows, format('DROP TABLE %s', partition) AS removal,
           format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', partition) AS lock
      FROM public.range_partitions('public.outbox_events') WHERE range_to <= now()
    UNION ALL
    SELECT to_char(day, '"outbox_events_default of "YYYY-MM-DD'), 'public.outbox_events_default', rows,
           format('DELETE FROM public.outbox_events_default WHERE %s AND (xid, sequence) <= (%L, %L)', rows, v_cursor.xid, v_cursor.sequence),
           NULL
      FROM (SELECT DISTINCT date_trunc('day', created_at) AS day FROM public.outbox_events_default
             WHERE created_at < date_trunc('day', now())) AS days,
           format('created_at >= %L AND created_at < %L', day, day + interval '1 day') AS rows
  LOOP
    v_find := format('SELECT EXISTS (SELECT 1 FROM %s WHERE (xid, sequence) > ($1, $2) AND %s)', v_day.place, v_day.rows);
    EXECUTE v_find INTO v_pending USING v_cursor.xid, v_cursor.sequence;
    IF v_pending THEN
      DELETE FROM public.outbox_published_partitions WHERE partition_name = v_day.name;
      CONTINUE;
    END IF;
    INSERT INTO public.outbox_published_partitions (partition_name) VALUES (v_day.name) ON CONFLICT DO NOTHING;
    DELETE FROM public.outbox_published_partitions
     WHERE partition_name = v_day.name AND published_at <= public.retention_cutoff('published-events');
    CONTINUE WHEN NOT FOUND;
    IF v_day.lock IS NOT NULL THEN
      -- Again when nobody can write: a transaction that began that day may have ended just now.
      EXECUTE v_day.lock;
      EXECUTE v_find INTO v_pending USING v_cursor.xid, v_cursor.sequence;
      CONTINUE WHEN v_pending;
    END IF;
    EXECUTE v_day.removal;
    v_dropped := v_dropped + 1;
  END LOOP;
  -- What an erasure emptied meanwhile.
  DELETE FROM public.outbox_published_partitions WHERE published_at <= public.retention_cutoff('published-events');
  RETURN v_dropped;
END
$$;

-- Empty partitions of what ended that long ago. One with rows is never dropped: no trigger would fire, and the keys of its postings
-- would stay behind (D-095). Looks before it locks, for the lock stops all reading and writing, and again when nobody can write.
CREATE FUNCTION drop_empty_partitions(p_parent regclass, p_age interval) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_partition record;
  v_find text;
  v_occupied boolean;
  v_dropped integer := 0;
BEGIN
  FOR v_partition IN SELECT partition FROM public.range_partitions(p_parent) WHERE range_to < now() - p_age LOOP
    v_find := format('SELECT EXISTS (SELECT 1 FROM %s)', v_partition.partition);
    EXECUTE v_find INTO v_occupied;
    IF NOT v_occupied THEN
      EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', p_parent);
      EXECUTE v_find INTO v_occupied;
    END IF;
    IF NOT v_occupied THEN
      EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', p_parent, v_partition.partition);
      EXECUTE format('DROP TABLE %s', v_partition.partition);
      v_dropped := v_dropped + 1;
    END IF;
  END LOOP;
  RETURN v_dropped;
END
$$;

-- pg_cron keeps a row for each run, for ever.
CREATE FUNCTION purge_cron_history() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF to_regclass('cron.job_run_details') IS NOT NULL THEN
    DELETE FROM cron.job_run_details WHERE username = current_user AND end_time < now() - interval '7 days';
  END IF;
END
$$;

INSERT INTO retention_rules (name, keep, rows_of) VALUES
  ('job-applications', interval '2 years',
   'SELECT decided_at AS dated, ARRAY[user_id] AS subjects FROM public.job_applications
    UNION ALL
    SELECT GREATEST(j.closed_at, a.updated_at), ARRAY[a.user_id]
      FROM public.job_postings j JOIN public.job_applications a USING (job_id)
     WHERE j.closed_at IS NOT NULL AND a.decided_at IS NULL'),
  ('sessions', interval '30 days', 'SELECT expires_at AS dated, ARRAY[user_id] AS subjects FROM public.user_sessions'),
  ('published-events', interval '7 days', 'SELECT published_at AS dated, NULL::uuid[] AS subjects FROM public.outbox_published_partitions'),
  ('event-records', interval '30 days', 'SELECT created_at AS dated, NULL::uuid[] AS subjects FROM public.outbox_dead_letters
                                         UNION ALL SELECT created_at, NULL FROM public.inbox');

-- Partitions: hourly, though a day or month needs them once, because a run may give up.
INSERT INTO maintenance_jobs (name, command, schedule) VALUES
  ('create-partitions', 'SELECT public.create_monthly_partitions()', '0 * * * *'),
  ('rescue-partitions', 'SELECT public.rescue_job_partition()', '15 * * * *'),
  ('create-outbox-partitions', 'SELECT public.create_outbox_partitions()', '5 * * * *'),
  ('drop-outbox-partitions', 'SELECT public.drop_published_outbox_partitions()', '30 * * * *'),
  ('expire-jobs', 'SELECT public.expire_jobs()', '*/10 * * * *'),
  ('expire-certifications', 'SELECT public.expire_certifications()', '*/10 * * * *'),
  ('purge-sessions', 'SELECT public.purge_user_sessions()', '*/10 * * * *'),
  ('purge-event-records', 'SELECT public.purge_event_records()', '20 1 * * *'),
  ('purge-applications', 'SELECT public.purge_applications()', '*/10 * * * *'),
  ('watch-default-partitions', 'SELECT public.require_empty_default_partitions()', '50 * * * *'),
  ('purge-cron-history', 'SELECT public.purge_cron_history()', '40 1 * * *');
