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
SELECT 'outbox_events' AS table_name, count(*) AS rows FROM outbox_events_default;

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

-- The guard only has to know what can still be booked (D-110).
CREATE FUNCTION purge_interview_bookings() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_count integer;
BEGIN
  DELETE FROM public.interview_bookings WHERE upper(during) < public.retention_cutoff('interview-bookings');
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;

-- A week after an interview nobody needs to get into the meeting.
CREATE FUNCTION purge_meeting_details() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_cutoff CONSTANT timestamptz := public.retention_cutoff('meeting-details');
  v_count integer;
BEGIN
  UPDATE public.interview_slots SET meeting_url = NULL, meeting_location = NULL
   WHERE (meeting_url IS NOT NULL OR meeting_location IS NOT NULL)
     AND "timestamp" < v_cutoff AND slot_end < v_cutoff AND NOT public.is_on_hold(candidate_user_id, recruiter_id, booked_by);
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

SET LOCAL ROLE supersmartmatch_temporal_owner;

-- Hypertables with a rule, which rows of them it is about, and whose those are.
CREATE VIEW hypertable_retention WITH (security_invoker = true) AS
SELECT t.hypertable, t.condition, t.subjects, r.name, r.keep, r.held
  FROM (VALUES
    ('availability-patterns', 'availability_patterns', 'TRUE', 'user_id'),
    ('job-schedules', 'job_schedules', 'TRUE', NULL),
    ('interview-slots', 'interview_slots', 'TRUE', 'candidate_user_id, recruiter_id, booked_by'),
    ('user-metrics', 'temporal_analytics', 'entity_type = ''user''', 'entity_id'),
    ('metrics', 'temporal_analytics', 'entity_type <> ''user''', NULL)
  ) AS t (name, hypertable, condition, subjects)
  JOIN retention_rules r USING (name);

-- Chunks of what is older may go whole: every rule of the hypertable lets all of it go. Held while a rule or anybody is on hold.
CREATE FUNCTION chunk_retention() RETURNS TABLE (hypertable text, keep interval, held boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  RETURN QUERY
  -- By the calendar: as intervals, 362 days are more than a year.
  SELECT r.hypertable, (array_agg(r.keep ORDER BY now() - r.keep))[1], bool_or(r.held) OR EXISTS (SELECT FROM public.list_legal_holds())
    FROM public.hypertable_retention r GROUP BY r.hypertable;
END
$$;

-- TimescaleDB's own policies, of the community edition, know no holds and no half of a table. They do what chunk_retention() says,
-- whatever somebody has made of them by hand. As the owner, whose the hypertables are.
CREATE FUNCTION set_retention_policies() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_table record;
BEGIN
  IF current_setting('timescaledb.license', true) = 'apache' THEN
    RETURN;
  END IF;
  FOR v_table IN
    SELECT c.*, j.job_id, j.scheduled, j.config, to_jsonb(c.keep::text) AS drop_after
      FROM public.chunk_retention() c
      LEFT JOIN timescaledb_information.jobs j
        ON j.proc_name = 'policy_retention' AND j.hypertable_schema = 'public' AND j.hypertable_name = c.hypertable
  LOOP
    IF v_table.job_id IS NULL THEN
      v_table.job_id := public.add_retention_policy(v_table.hypertable::regclass, v_table.keep);
      SELECT scheduled, config INTO v_table.scheduled, v_table.config
        FROM timescaledb_information.jobs WHERE job_id = v_table.job_id;
    END IF;
    IF v_table.scheduled = v_table.held OR v_table.config -> 'drop_after' IS DISTINCT FROM v_table.drop_after THEN
      PERFORM public.alter_job(v_table.job_id, scheduled => NOT v_table.held,
                               config => jsonb_set(v_table.config, '{drop_after}', v_table.drop_after));
    END IF;
  END LOOP;
END
$$;
CREATE FUNCTION sync_retention_policies() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  PERFORM public.set_retention_policies();
  RETURN NULL;
END
$$;

-- Retention, to the day: rows go at midnight UTC, chunks when they are empty. On the community edition TimescaleDB's own policies
-- drop most of them before, a chunk at a time, and its aggregates keep what they have. Where the aggregates are plain views,
-- whatever is deleted is added to their history.
CREATE FUNCTION expire_rows() RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
  v_rule public.hypertable_retention;
  v_cutoff timestamptz;
  v_delete text;
  v_rows bigint;
  v_total bigint := 0;
BEGIN
  PERFORM public.set_retention_policies();
  FOR v_rule IN SELECT * FROM public.hypertable_retention r WHERE NOT r.held LOOP
    v_cutoff := date_trunc('day', now() - v_rule.keep);
    v_delete := format('DELETE FROM public.%I WHERE "timestamp" < $1 AND %s%s', v_rule.hypertable, v_rule.condition,
                       ' AND NOT public.is_on_hold(' || v_rule.subjects || ')');
    IF v_rule.hypertable = 'availability_patterns' AND to_regclass('public.hourly_availability_stats_history') IS NOT NULL THEN
      EXECUTE 'WITH gone AS (' || v_delete || ' RETURNING "timestamp", availability_type, flexibility_minutes, user_id)
        INSERT INTO public.hourly_availability_stats_history AS h
        SELECT public.time_bucket(''1 hour'', "timestamp"), availability_type, count(*), avg(flexibility_minutes),
               count(DISTINCT user_id)
          FROM gone GROUP BY 1, 2
        ON CONFLICT (bucket, availability_type) DO UPDATE SET
          avg_flexibility = (h.slot_count * h.avg_flexibility + excluded.slot_count * excluded.avg_flexibility)
                            / (h.slot_count + excluded.slot_count),
          slot_count = h.slot_count + excluded.slot_count,
          user_count = GREATEST(h.user_count, excluded.user_count)' USING v_cutoff;
    ELSIF v_rule.hypertable = 'interview_slots' AND to_regclass('public.daily_scheduling_metrics_history') IS NOT NULL THEN
      EXECUTE 'WITH gone AS (' || v_delete || ' RETURNING "timestamp", status, slot_end - slot_start AS duration)
        INSERT INTO public.daily_scheduling_metrics_history AS h
        SELECT public.time_bucket(''1 day'', "timestamp"), status, count(*), avg(EXTRACT(EPOCH FROM duration) / 60)
          FROM gone GROUP BY 1, 2
        ON CONFLICT (bucket, status) DO UPDATE SET
          avg_duration_minutes = (h.interview_count * h.avg_duration_minutes
                                  + excluded.interview_count * excluded.avg_duration_minutes)
                                 / (h.interview_count + excluded.interview_count),
          interview_count = h.interview_count + excluded.interview_count' USING v_cutoff;
    ELSE
      EXECUTE v_delete USING v_cutoff;
    END IF;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    v_total := v_total + v_rows;
  END LOOP;
  PERFORM public.drop_chunks(format('public.%I', c.hypertable)::regclass, older_than => date_trunc('day', now() - c.keep))
     FROM public.chunk_retention() c WHERE NOT c.held;
  RETURN v_total;
END
$$;

CREATE TRIGGER retention_rules_policies AFTER INSERT OR UPDATE OF keep, held ON retention_rules
  FOR EACH STATEMENT EXECUTE FUNCTION sync_retention_policies();
CREATE TRIGGER legal_holds_policies AFTER INSERT OR DELETE ON legal_holds
  FOR EACH STATEMENT EXECUTE FUNCTION sync_retention_policies();

-- Fails, and thereby says so in last_error, when TimescaleDB's own jobs fail or are a day late: they do not run where it has no
-- background workers.
CREATE FUNCTION check_policies() RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_late text;
BEGIN
  SELECT string_agg(format('%s of %s: last success %s, last run %s', j.proc_name,
                           COALESCE(j.hypertable_name, '?'), COALESCE(s.last_successful_finish::text, 'never'),
                           COALESCE(s.last_run_status, 'never')), '; ' ORDER BY j.job_id) INTO v_late
    FROM timescaledb_information.jobs j
    LEFT JOIN timescaledb_information.job_stats s USING (job_id)
   WHERE j.owner = current_user::regrole AND j.scheduled
     AND (s.last_run_status = 'Failed'
          OR GREATEST(s.last_successful_finish, (SELECT created_at FROM public.maintenance_jobs WHERE name = 'check-policies'))
             < now() - j.schedule_interval - interval '1 day');
  IF v_late IS NOT NULL THEN
    RAISE EXCEPTION 'TimescaleDB jobs failed or are late: %', v_late USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
END
$$;

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
  ('availability-patterns', interval '2 years',
   'SELECT "timestamp" AS dated, ARRAY[user_id] AS subjects FROM public.availability_patterns'),
  ('job-schedules', interval '1 year', 'SELECT "timestamp" AS dated, NULL::uuid[] AS subjects FROM public.job_schedules'),
  ('interview-slots', interval '3 years',
   'SELECT "timestamp" AS dated, ARRAY[candidate_user_id, recruiter_id, booked_by] AS subjects FROM public.interview_slots'),
  ('user-metrics', interval '1 year',
   'SELECT "timestamp" AS dated, ARRAY[entity_id] AS subjects FROM public.temporal_analytics WHERE entity_type = ''user'''),
  ('metrics', interval '5 years',
   'SELECT "timestamp" AS dated, NULL::uuid[] AS subjects FROM public.temporal_analytics WHERE entity_type <> ''user'''),
  ('interview-bookings', interval '7 days',
   'SELECT upper(during) AS dated, NULL::uuid[] AS subjects FROM public.interview_bookings'),
  ('meeting-details', interval '7 days',
   'SELECT slot_end AS dated, ARRAY[candidate_user_id, recruiter_id, booked_by] AS subjects FROM public.interview_slots
     WHERE meeting_url IS NOT NULL OR meeting_location IS NOT NULL'),
  ('published-events', interval '7 days', 'SELECT published_at AS dated, NULL::uuid[] AS subjects FROM public.outbox_published_partitions'),
  ('event-records', interval '30 days', 'SELECT created_at AS dated, NULL::uuid[] AS subjects FROM public.outbox_dead_letters
                                         UNION ALL SELECT created_at, NULL FROM public.inbox');

-- Partitions and retention: hourly, though a day needs them once, because a run may give up.
INSERT INTO maintenance_jobs (name, command, schedule) VALUES
  ('create-outbox-partitions', 'SELECT public.create_outbox_partitions()', '5 * * * *'),
  ('drop-outbox-partitions', 'SELECT public.drop_published_outbox_partitions()', '30 * * * *'),
  ('expire-rows', 'SELECT public.expire_rows()', '10 * * * *'),
  ('purge-interview-bookings', 'SELECT public.purge_interview_bookings()', '20 0 * * *'),
  ('purge-meeting-details', 'SELECT public.purge_meeting_details()', '15 * * * *'),
  ('purge-event-records', 'SELECT public.purge_event_records()', '20 1 * * *'),
  ('watch-default-partitions', 'SELECT public.require_empty_default_partitions()', '50 * * * *'),
  ('purge-cron-history', 'SELECT public.purge_cron_history()', '40 1 * * *');

-- Continuous aggregates have policies of their own; plain materialized views are refreshed as often.
INSERT INTO maintenance_jobs (name, command, schedule)
SELECT name, command, schedule
  FROM (VALUES
    (true, 'refresh-hourly-availability-stats', 'REFRESH MATERIALIZED VIEW CONCURRENTLY public.hourly_availability_stats', '2 * * * *'),
    (true, 'refresh-daily-scheduling-metrics', 'REFRESH MATERIALIZED VIEW CONCURRENTLY public.daily_scheduling_metrics', '30 0 * * *'),
    (false, 'check-policies', 'SELECT public.check_policies()', '45 * * * *')
  ) AS job (plain, name, command, schedule)
 WHERE plain = (to_regclass('public.hourly_availability_stats_history') IS NOT NULL);
