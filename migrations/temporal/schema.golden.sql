SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

CREATE EXTENSION IF NOT EXISTS timescaledb WITH SCHEMA public;

COMMENT ON EXTENSION timescaledb IS 'Enables scalable inserts and complex queries for time-series data (Apache 2 Edition)';

CREATE SCHEMA migrations;

ALTER SCHEMA migrations OWNER TO supersmartmatch_temporal_owner;

CREATE SCHEMA pgbouncer;

ALTER SCHEMA pgbouncer OWNER TO postgres;

CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;

COMMENT ON EXTENSION btree_gist IS 'support for indexing common datatypes in GiST';

CREATE FUNCTION pgbouncer.get_auth(p_usename text) RETURNS TABLE(usename name, passwd text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT a.rolname, a.rolpassword
      FROM pg_catalog.pg_authid a
     WHERE a.rolname = p_usename
       AND a.rolcanlogin AND NOT a.rolsuper AND NOT a.rolreplication AND NOT a.rolbypassrls
       AND (a.rolvaliduntil IS NULL OR a.rolvaliduntil > now())
       AND NOT pg_catalog.pg_has_role(a.oid, 'matching_definer', 'MEMBER')
  $$;

ALTER FUNCTION pgbouncer.get_auth(p_usename text) OWNER TO postgres;

CREATE FUNCTION public.add_event_triggers(p_table regclass, p_function text, VARIADIC p_arguments text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_name text := p_table::text || '_events';
  v_call text := format('%I(%s)', p_function, (SELECT string_agg(quote_literal(a), ', ') FROM unnest(p_arguments) a));
BEGIN
  EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows
                  FOR EACH STATEMENT EXECUTE FUNCTION public.%s', v_name || '_insert', p_table, v_call);
  EXECUTE format('CREATE TRIGGER %I AFTER UPDATE ON %s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                  FOR EACH STATEMENT EXECUTE FUNCTION public.%s', v_name, p_table, v_call);
  EXECUTE format('CREATE TRIGGER %I AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows
                  FOR EACH STATEMENT EXECUTE FUNCTION public.%s', v_name || '_delete', p_table, v_call);
END
$$;

ALTER FUNCTION public.add_event_triggers(p_table regclass, p_function text, VARIADIC p_arguments text[]) OWNER TO supersmartmatch_temporal_owner;

CREATE FUNCTION public.book_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_candidate_id uuid, p_candidate_user_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_slot public.interview_slots;
BEGIN
  IF current_setting('role') = 'authenticated_users' THEN
    IF p_candidate_user_id IS DISTINCT FROM public.current_app_user() OR p_candidate_user_id IS NULL THEN
      RAISE EXCEPTION 'a candidate books for itself only' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM public.lock_aggregate('interview', p_slot_id);
    SELECT * INTO v_slot FROM public.interview_slots WHERE slot_id = p_slot_id AND "timestamp" = p_slot_start FOR UPDATE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'no interview slot % at %', p_slot_id, p_slot_start USING ERRCODE = 'no_data_found';
    END IF;
  ELSE
    v_slot := public.take_interview_slot(p_slot_id, p_slot_start, false);
  END IF;
  IF v_slot.status <> 'available' OR v_slot.slot_start <= now() THEN
    RAISE EXCEPTION 'interview slot % at % cannot be booked: it is %', p_slot_id, p_slot_start,
                    CASE v_slot.status WHEN 'available' THEN 'past' ELSE v_slot.status END
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  UPDATE public.interview_slots
     SET status = 'booked', candidate_id = p_candidate_id, candidate_user_id = p_candidate_user_id, booked_at = now(),
         booked_by = public.current_app_user()
   WHERE slot_id = p_slot_id AND "timestamp" = p_slot_start;
END
$$;

ALTER FUNCTION public.book_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_candidate_id uuid, p_candidate_user_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.cancel_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_reason text DEFAULT NULL::text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_slot public.interview_slots := public.take_interview_slot(p_slot_id, p_slot_start, true);
BEGIN
  IF v_slot.status NOT IN ('available', 'booked') THEN
    RAISE EXCEPTION 'interview slot % at % cannot be cancelled: it is %', p_slot_id, p_slot_start, v_slot.status
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  UPDATE public.interview_slots SET status = 'cancelled', cancellation_reason = p_reason
   WHERE slot_id = p_slot_id AND "timestamp" = p_slot_start;
END
$$;

ALTER FUNCTION public.cancel_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_reason text) OWNER TO matching_definer;

CREATE FUNCTION public.check_policies() RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
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

ALTER FUNCTION public.check_policies() OWNER TO supersmartmatch_temporal_owner;

CREATE FUNCTION public.check_time_zone() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM public.time_zones WHERE name = NEW.timezone)
     AND NOT EXISTS (SELECT 1 FROM pg_timezone_names WHERE name = NEW.timezone) THEN
    RAISE EXCEPTION 'timezone % is not in pg_timezone_names: name one like Europe/Paris', NEW.timezone
      USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN NEW;
END
$$;

ALTER FUNCTION public.check_time_zone() OWNER TO supersmartmatch_temporal_owner;

CREATE FUNCTION public.chunk_retention() RETURNS TABLE(hypertable text, keep interval, held boolean)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN QUERY
  -- By the calendar: as intervals, 362 days are more than a year.
  SELECT r.hypertable, (array_agg(r.keep ORDER BY now() - r.keep))[1], bool_or(r.held) OR EXISTS (SELECT FROM public.list_legal_holds())
    FROM public.hypertable_retention r GROUP BY r.hypertable;
END
$$;

ALTER FUNCTION public.chunk_retention() OWNER TO supersmartmatch_temporal_owner;

CREATE FUNCTION public.close_job_schedules(p_job_id uuid) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_count integer;
BEGIN
  PERFORM public.lock_aggregate('schedule', p_job_id);
  DELETE FROM public.job_schedule_current WHERE job_id = p_job_id;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;

ALTER FUNCTION public.close_job_schedules(p_job_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.count_user_data(p_user_id uuid) RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  SELECT (SELECT count(*) FROM public.availability_patterns WHERE user_id = p_user_id)
       + (SELECT count(*) FROM public.availability_current WHERE user_id = p_user_id)
       + (SELECT count(*) FROM public.interview_slots
           WHERE candidate_user_id = p_user_id OR recruiter_id = p_user_id OR booked_by = p_user_id)
       + (SELECT count(*) FROM public.temporal_analytics WHERE entity_type = 'user' AND entity_id = p_user_id)
       + (SELECT count(*) FROM public.outbox_events WHERE event_data ? 'user_id' AND (event_data ->> 'user_id')::uuid = p_user_id)
       + (SELECT count(*) FROM public.outbox_events
           WHERE event_data ? 'candidate_user_id' AND (event_data ->> 'candidate_user_id')::uuid = p_user_id)
       + (SELECT count(*) FROM public.outbox_events
           WHERE event_data ? 'recruiter_id' AND (event_data ->> 'recruiter_id')::uuid = p_user_id)
       + (SELECT count(*) FROM public.outbox_dead_letters
           WHERE p_user_id::text IN (event_data ->> 'user_id', event_data ->> 'candidate_user_id', event_data ->> 'recruiter_id'))
$$;

ALTER FUNCTION public.count_user_data(p_user_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.create_interview_slot(p_job_id uuid, p_slot_start timestamp with time zone, p_slot_end timestamp with time zone, p_slot_type text DEFAULT NULL::text, p_meeting_url text DEFAULT NULL::text, p_meeting_location jsonb DEFAULT NULL::jsonb, p_preparation_time_minutes integer DEFAULT 15) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_id uuid;
BEGIN
  IF public.current_app_user() IS NULL THEN
    RAISE EXCEPTION 'a slot belongs to a recruiter: there is no identity' USING ERRCODE = 'insufficient_privilege';
  END IF;
  INSERT INTO public.interview_slots ("timestamp", recruiter_id, job_id, slot_start, slot_end, slot_type, meeting_url,
    meeting_location, preparation_time_minutes)
  VALUES (p_slot_start, public.current_app_user(), p_job_id, p_slot_start, p_slot_end, p_slot_type, p_meeting_url,
    p_meeting_location, p_preparation_time_minutes)
  RETURNING slot_id INTO v_id;
  RETURN v_id;
END
$$;

ALTER FUNCTION public.create_interview_slot(p_job_id uuid, p_slot_start timestamp with time zone, p_slot_end timestamp with time zone, p_slot_type text, p_meeting_url text, p_meeting_location jsonb, p_preparation_time_minutes integer) OWNER TO matching_definer;

CREATE FUNCTION public.create_outbox_partitions() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
DECLARE
  v_day timestamptz;
BEGIN
  FOR i IN 0..7 LOOP
    v_day := date_trunc('day', now()) + make_interval(days => i);
    PERFORM public.create_range_partition('public.outbox_events', to_char(v_day, '"outbox_events_y"YYYY"m"MM"d"DD'),
                                          v_day, v_day + interval '1 day');
  END LOOP;
END
$$;

ALTER FUNCTION public.create_outbox_partitions() OWNER TO supersmartmatch_temporal_owner;

CREATE FUNCTION public.create_range_partition(p_parent regclass, p_name text, p_from timestamp with time zone, p_to timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $_$
DECLARE
  v_bound text := format('FOR VALUES FROM (%L) TO (%L)', p_from, p_to);
  v_partition text := format('public.%I', p_name);
  v_default regclass;
  v_in_range text; -- of the column that the parent is partitioned by
  v_rescue boolean := false;
  v_constraint record;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('partitions of ' || p_parent::text, 0));

  IF to_regclass(v_partition) IS NOT NULL THEN
    IF NOT EXISTS (SELECT 1 FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                    WHERE i.inhrelid = to_regclass(v_partition) AND i.inhparent = p_parent
                      AND pg_get_expr(c.relpartbound, c.oid) = v_bound) THEN
      RAISE EXCEPTION '% exists, but is not the partition of % %', p_name, p_parent, v_bound
        USING ERRCODE = 'duplicate_table';
    END IF;
    RETURN false;
  END IF;

  SELECT NULLIF(t.partdefid, 0), format('%1$I >= $1 AND %1$I < $2', a.attname) INTO v_default, v_in_range
    FROM pg_partitioned_table t JOIN pg_attribute a ON a.attrelid = t.partrelid AND a.attnum = t.partattrs[0]
   WHERE t.partrelid = p_parent;
  IF v_default IS NOT NULL THEN
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s WHERE %s)', v_default, v_in_range) INTO v_rescue USING p_from, p_to;
  END IF;

  EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL EXCLUDING IDENTITY)', v_partition, p_parent);
  FOR v_constraint IN
    SELECT conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint WHERE conrelid = p_parent AND contype = 'f'
  LOOP
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', v_partition, v_constraint.conname, v_constraint.definition);
  END LOOP;
  -- Who comes by the parent meets the parent's policies; who names the partition meets none, and sees nothing. Not forced: as owner
  -- the jobs move and count its rows.
  IF (SELECT relrowsecurity FROM pg_class WHERE oid = p_parent) THEN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', v_partition);
  END IF;

  IF v_rescue THEN
    EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', p_parent, v_default);
    EXECUTE format('WITH moved AS (DELETE FROM %s WHERE %s RETURNING *) INSERT INTO %s SELECT * FROM moved',
                   v_default, v_in_range, v_partition) USING p_from, p_to;
  END IF;
  EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s %s', p_parent, v_partition, v_bound);
  IF v_rescue THEN
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s DEFAULT', p_parent, v_default);
  END IF;
  RETURN true;
END
$_$;

ALTER FUNCTION public.create_range_partition(p_parent regclass, p_name text, p_from timestamp with time zone, p_to timestamp with time zone) OWNER TO supersmartmatch_temporal_owner;

CREATE FUNCTION public.current_app_user() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('app.current_user_id'::text, true), ''::text))::uuid;

ALTER FUNCTION public.current_app_user() OWNER TO supersmartmatch_temporal_owner;

CREATE FUNCTION public.derived_columns() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY['updated_at'::text];

ALTER FUNCTION public.derived_columns() OWNER TO supersmartmatch_temporal_owner;

CREATE FUNCTION public.drop_interview_booking() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  DELETE FROM public.interview_bookings WHERE slot_id = OLD.slot_id;
  RETURN NULL;
END
$$;

ALTER FUNCTION public.drop_interview_booking() OWNER TO matching_definer;

CREATE FUNCTION public.drop_published_outbox_partitions() RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $_$
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
$_$;

ALTER FUNCTION public.drop_published_outbox_partitions() OWNER TO supersmartmatch_temporal_owner;

CREATE FUNCTION public.erase_user_data(p_user_id uuid) RETURNS TABLE(matched bigint, erased bigint, left_over bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_nobody uuid := gen_random_uuid();
BEGIN
  IF public.is_on_hold(p_user_id) THEN
    RAISE EXCEPTION 'this person is on legal hold: end it in spec.retention.legalHolds first'
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  -- What is past changes no more, so the locks stay few.
  PERFORM public.lock_aggregate('availability', availability_id)
     FROM (SELECT availability_id FROM public.availability_current WHERE user_id = p_user_id ORDER BY 1) a;
  PERFORM public.lock_aggregate('interview', slot_id)
     FROM (SELECT slot_id FROM public.interview_slots
            WHERE (candidate_user_id = p_user_id OR recruiter_id = p_user_id) AND "timestamp" > now() ORDER BY 1) s;
  matched := public.count_user_data(p_user_id);

  DELETE FROM public.availability_patterns WHERE user_id = p_user_id;
  DELETE FROM public.availability_current WHERE user_id = p_user_id;
  DELETE FROM public.temporal_analytics WHERE entity_type = 'user' AND entity_id = p_user_id;
  UPDATE public.interview_slots
     SET status = CASE WHEN status = 'booked' AND slot_start <= now() THEN 'completed'
                       WHEN status IN ('available', 'booked') THEN 'cancelled' ELSE status END,
         candidate_id = CASE WHEN candidate_user_id = p_user_id THEN NULL ELSE candidate_id END,
         candidate_user_id = NULLIF(candidate_user_id, p_user_id),
         recruiter_id = CASE WHEN recruiter_id = p_user_id THEN v_nobody ELSE recruiter_id END,
         booked_by = NULLIF(booked_by, p_user_id),
         meeting_url = NULL, meeting_location = NULL, cancellation_reason = NULL
   WHERE candidate_user_id = p_user_id OR recruiter_id = p_user_id;
  UPDATE public.interview_slots SET booked_by = NULL WHERE booked_by = p_user_id;

  -- Also the events that these deletions wrote: who needs to know hears of the erasure itself. Those of the slots name nobody.
  DELETE FROM public.outbox_events WHERE event_data ? 'user_id' AND (event_data ->> 'user_id')::uuid = p_user_id;
  DELETE FROM public.outbox_events
   WHERE event_data ? 'candidate_user_id' AND (event_data ->> 'candidate_user_id')::uuid = p_user_id;
  DELETE FROM public.outbox_events WHERE event_data ? 'recruiter_id' AND (event_data ->> 'recruiter_id')::uuid = p_user_id;
  DELETE FROM public.outbox_dead_letters
   WHERE p_user_id::text IN (event_data ->> 'user_id', event_data ->> 'candidate_user_id', event_data ->> 'recruiter_id');

  left_over := public.count_user_data(p_user_id);
  erased := matched - left_over;
  RETURN NEXT;
END
$$;

ALTER FUNCTION public.erase_user_data(p_user_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.expire_rows() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $_$
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
$_$;

ALTER FUNCTION public.expire_rows() OWNER TO supersmartmatch_temporal_owner;

CREATE FUNCTION public.finish_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_status text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_slot public.interview_slots := public.take_interview_slot(p_slot_id, p_slot_start, false);
BEGIN
  IF p_status IS NULL OR p_status NOT IN ('completed', 'no_show') THEN
    RAISE EXCEPTION 'an interview ends as completed or no_show, not as %', p_status USING ERRCODE = 'invalid_parameter_value';
  ELSIF v_slot.status <> 'booked' OR v_slot.slot_start > now() THEN
    RAISE EXCEPTION 'interview slot % at % cannot end: it is %', p_slot_id, p_slot_start,
                    CASE v_slot.status WHEN 'booked' THEN 'yet to come' ELSE v_slot.status END
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  UPDATE public.interview_slots SET status = p_status WHERE slot_id = p_slot_id AND "timestamp" = p_slot_start;
END
$$;

ALTER FUNCTION public.finish_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_status text) OWNER TO matching_definer;

CREATE FUNCTION public.free_busy(p_user_id uuid, p_from timestamp with time zone, p_to timestamp with time zone) RETURNS TABLE(during tstzrange, state text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF p_to <= p_from OR p_to - p_from > interval '31 days' THEN
    RAISE EXCEPTION 'the time asked for ends before it begins, or is longer than 31 days'
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF public.current_app_user() IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY
  SELECT tstzrange(o.starts, o.ends) * tstzrange(p_from, p_to), o.state
    FROM (SELECT (d.day + COALESCE(a.start_time, '00:00')) AT TIME ZONE a.timezone AS starts,
                 (d.day + CASE WHEN a.end_time > a.start_time THEN 0 ELSE 1 END + COALESCE(a.end_time, '00:00'))
                   AT TIME ZONE a.timezone AS ends,
                 CASE a.availability_type WHEN 'unavailable' THEN 'busy' ELSE 'free' END AS state
            FROM public.availability_current a
           CROSS JOIN LATERAL (SELECT (p_from AT TIME ZONE a.timezone)::date + n AS day
                                 FROM generate_series(-1, (p_to::date - p_from::date) + 1) n) d
           WHERE a.user_id = p_user_id AND (a.day_of_week IS NULL OR a.day_of_week = EXTRACT(dow FROM d.day))
          UNION ALL
          SELECT s.slot_start, s.slot_end, 'busy'
            FROM public.interview_slots s
           WHERE s.candidate_user_id = p_user_id AND s.status = 'booked' AND s."timestamp" < p_to AND s.slot_end > p_from) o
   WHERE o.starts < o.ends AND o.starts < p_to AND o.ends > p_from
   ORDER BY o.starts, o.ends, o.state;
END
$$;

ALTER FUNCTION public.free_busy(p_user_id uuid, p_from timestamp with time zone, p_to timestamp with time zone) OWNER TO matching_definer;

CREATE FUNCTION public.is_on_hold(VARIADIC p_subjects uuid[]) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN EXISTS (SELECT FROM public.legal_holds WHERE subject_id = ANY (p_subjects));
END
$$;

ALTER FUNCTION public.is_on_hold(VARIADIC p_subjects uuid[]) OWNER TO matching_definer;

CREATE FUNCTION public.keep_availability_current() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM public.availability_current
              WHERE availability_id = NEW.availability_id AND user_id = NEW.user_id AND confirmed_at > NEW."timestamp") THEN
    RETURN NULL;
  END IF;
  DELETE FROM public.availability_current c
   WHERE c.availability_id = NEW.availability_id AND c.user_id = NEW.user_id
     AND (c.availability_type, c.day_of_week, c.start_time, c.end_time, c.timezone)
         IS DISTINCT FROM (NEW.availability_type, NEW.day_of_week, NEW.start_time, NEW.end_time, NEW.timezone);
  INSERT INTO public.availability_current AS c
  VALUES (NEW.availability_id, NEW.user_id, NEW.availability_type, NEW.day_of_week, NEW.start_time, NEW.end_time, NEW.timezone,
          NEW.flexibility_minutes, NEW.priority, NEW."timestamp")
  ON CONFLICT ON CONSTRAINT availability_current_unique DO UPDATE
    SET flexibility_minutes = excluded.flexibility_minutes, priority = excluded.priority, confirmed_at = excluded.confirmed_at
    WHERE c.confirmed_at <= excluded.confirmed_at;
  RETURN NULL;
END
$$;

ALTER FUNCTION public.keep_availability_current() OWNER TO matching_definer;

CREATE FUNCTION public.keep_interview_booking() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF NEW.status <> 'booked' THEN
    DELETE FROM public.interview_bookings WHERE slot_id = NEW.slot_id;
    RETURN NEW;
  END IF;
  PERFORM public.lock_aggregate('calendar', LEAST(NEW.recruiter_id, NEW.candidate_id));
  PERFORM public.lock_aggregate('calendar', GREATEST(NEW.recruiter_id, NEW.candidate_id));
  INSERT INTO public.interview_bookings (slot_id, recruiter_id, candidate_id, during)
  VALUES (NEW.slot_id, NEW.recruiter_id, NEW.candidate_id, tstzrange(NEW.slot_start, NEW.slot_end))
  ON CONFLICT (slot_id) DO UPDATE
    SET recruiter_id = excluded.recruiter_id, candidate_id = excluded.candidate_id, during = excluded.during;
  RETURN NEW;
END
$$;

ALTER FUNCTION public.keep_interview_booking() OWNER TO matching_definer;

CREATE FUNCTION public.keep_job_schedule_current() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  INSERT INTO public.job_schedule_current AS c
  VALUES (NEW.schedule_id, NEW.job_id, NEW.schedule_type, NEW.start_time, NEW.end_time, NEW.days_of_week, NEW.timezone,
          NEW.flexibility_level, NEW.remote_work_percentage, NEW.shift_name, NEW.shift_rotation_days, NEW."timestamp")
  ON CONFLICT ON CONSTRAINT job_schedule_current_unique DO UPDATE
    SET start_time = excluded.start_time, end_time = excluded.end_time, days_of_week = excluded.days_of_week,
        timezone = excluded.timezone, flexibility_level = excluded.flexibility_level,
        remote_work_percentage = excluded.remote_work_percentage, shift_rotation_days = excluded.shift_rotation_days,
        confirmed_at = excluded.confirmed_at
    WHERE c.confirmed_at <= excluded.confirmed_at;
  RETURN NULL;
END
$$;

ALTER FUNCTION public.keep_job_schedule_current() OWNER TO matching_definer;

CREATE FUNCTION public.list_legal_holds() RETURNS TABLE(subject uuid, reason text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN QUERY SELECT h.subject_id, h.reason FROM public.legal_holds h ORDER BY h.subject_id;
END
$$;

ALTER FUNCTION public.list_legal_holds() OWNER TO matching_definer;

CREATE FUNCTION public.lock_aggregate(p_aggregate_type text, p_aggregate_id uuid) RETURNS void
    LANGUAGE sql
    RETURN pg_advisory_xact_lock(hashtextextended(((p_aggregate_type || ':'::text) || (p_aggregate_id)::text), (0)::bigint));

ALTER FUNCTION public.lock_aggregate(p_aggregate_type text, p_aggregate_id uuid) OWNER TO supersmartmatch_temporal_owner;

CREATE FUNCTION public.maintenance_jobs_changed() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  PERFORM public.schedule_maintenance_jobs();
  RETURN NULL;
END
$$;

ALTER FUNCTION public.maintenance_jobs_changed() OWNER TO supersmartmatch_temporal_owner;

CREATE FUNCTION public.publish_aggregate_events() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET enable_nestloop TO 'off'
    AS $$
DECLARE
  v_id CONSTANT text := TG_ARGV[2];
  v_ids CONSTANT text[] := TG_ARGV[2] || string_to_array(TG_ARGV[3], ',');
  v_derived CONSTANT text[] := public.derived_columns();
BEGIN
  IF TG_OP = 'UPDATE' THEN
    INSERT INTO public.outbox_events (aggregate_type, aggregate_id, event_type, event_data)
    SELECT TG_ARGV[0], (c.ids ->> v_id)::uuid, TG_ARGV[1] || '.updated', c.ids || jsonb_build_object('changed_fields', c.fields)
      FROM (SELECT jsonb_strip_nulls((SELECT jsonb_object_agg(id, n.row -> id) FROM unnest(v_ids) AS id)) AS ids,
                   (SELECT jsonb_agg(key ORDER BY key) FROM jsonb_each(n.row)
                     WHERE value IS DISTINCT FROM o.row -> key AND key <> ALL (v_derived)) AS fields
              FROM (SELECT to_jsonb(r) AS row FROM new_rows r OFFSET 0) n
              JOIN (SELECT to_jsonb(r) AS row FROM old_rows r OFFSET 0) o ON n.row ->> v_id = o.row ->> v_id
            OFFSET 0) c
     WHERE c.fields IS NOT NULL;
  ELSIF TG_OP = 'INSERT' THEN
    INSERT INTO public.outbox_events (aggregate_type, aggregate_id, event_type, event_data)
    SELECT TG_ARGV[0], (n.row ->> v_id)::uuid, TG_ARGV[1] || '.created',
           jsonb_strip_nulls((SELECT jsonb_object_agg(id, n.row -> id) FROM unnest(v_ids) AS id))
      FROM (SELECT to_jsonb(r) AS row FROM new_rows r OFFSET 0) n;
  ELSE
    INSERT INTO public.outbox_events (aggregate_type, aggregate_id, event_type, event_data)
    SELECT TG_ARGV[0], (o.row ->> v_id)::uuid, TG_ARGV[1] || '.deleted',
           jsonb_strip_nulls((SELECT jsonb_object_agg(id, o.row -> id) FROM unnest(v_ids) AS id))
      FROM (SELECT to_jsonb(r) AS row FROM old_rows r OFFSET 0) o;
  END IF;
  RETURN NULL;
END
$$;

ALTER FUNCTION public.publish_aggregate_events() OWNER TO matching_definer;

CREATE FUNCTION public.publish_domain_event(p_aggregate_type character varying, p_aggregate_id uuid, p_event_type character varying, p_event_data jsonb) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_event_id UUID;
BEGIN
  INSERT INTO public.outbox_events (aggregate_type, aggregate_id, event_type, event_data)
  VALUES (p_aggregate_type, p_aggregate_id, p_event_type, p_event_data)
  RETURNING outbox_events.event_id INTO v_event_id;
  PERFORM pg_notify('outbox_events', v_event_id::text);
  RETURN v_event_id;
END
$$;

ALTER FUNCTION public.publish_domain_event(p_aggregate_type character varying, p_aggregate_id uuid, p_event_type character varying, p_event_data jsonb) OWNER TO matching_definer;

CREATE FUNCTION public.purge_cron_history() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  IF to_regclass('cron.job_run_details') IS NOT NULL THEN
    DELETE FROM cron.job_run_details WHERE username = current_user AND end_time < now() - interval '7 days';
  END IF;
END
$$;

ALTER FUNCTION public.purge_cron_history() OWNER TO supersmartmatch_temporal_owner;

CREATE FUNCTION public.purge_event_records() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  DELETE FROM public.outbox_dead_letters WHERE created_at < public.retention_cutoff('event-records');
  DELETE FROM public.inbox WHERE created_at < public.retention_cutoff('event-records')
$$;

ALTER FUNCTION public.purge_event_records() OWNER TO matching_definer;

CREATE FUNCTION public.purge_interview_bookings() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_count integer;
BEGIN
  DELETE FROM public.interview_bookings WHERE upper(during) < public.retention_cutoff('interview-bookings');
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;

ALTER FUNCTION public.purge_interview_bookings() OWNER TO matching_definer;

CREATE FUNCTION public.purge_meeting_details() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
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

ALTER FUNCTION public.purge_meeting_details() OWNER TO matching_definer;

CREATE FUNCTION public.range_partitions(p_parent regclass) RETURNS TABLE(partition regclass, range_from timestamp with time zone, range_to timestamp with time zone)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
  SELECT c.oid::regclass, bound[1]::timestamptz, bound[2]::timestamptz
    FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid
   CROSS JOIN LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''(.+)''\) TO \(''(.+)''\)') AS bound
   WHERE i.inhparent = p_parent AND bound IS NOT NULL
   ORDER BY 2
$$;

ALTER FUNCTION public.range_partitions(p_parent regclass) OWNER TO supersmartmatch_temporal_owner;

SET default_tablespace = '';

CREATE TABLE public.outbox_events (
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    sequence bigint NOT NULL,
    event_id uuid DEFAULT gen_random_uuid() NOT NULL,
    aggregate_id uuid NOT NULL,
    event_version integer DEFAULT 1 NOT NULL,
    retry_count integer DEFAULT 0 NOT NULL,
    max_retries integer DEFAULT 3 NOT NULL,
    published_at timestamp with time zone,
    published boolean DEFAULT false NOT NULL,
    aggregate_type character varying(50) NOT NULL,
    event_type character varying(100) NOT NULL,
    event_data jsonb NOT NULL,
    CONSTRAINT outbox_events_event_data_check CHECK ((jsonb_typeof(event_data) = 'object'::text))
)
PARTITION BY RANGE (created_at);

ALTER TABLE ONLY public.outbox_events FORCE ROW LEVEL SECURITY;

ALTER TABLE public.outbox_events OWNER TO supersmartmatch_temporal_owner;

CREATE FUNCTION public.read_outbox(p_relay text, p_limit integer DEFAULT 1000) RETURNS SETOF public.outbox_events
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  SELECT e.*
    FROM public.outbox_events e
   WHERE (e.xid, e.sequence) > (COALESCE((SELECT c.xid FROM public.outbox_cursor c WHERE c.relay = p_relay), '0'::xid8),
                                COALESCE((SELECT c.sequence FROM public.outbox_cursor c WHERE c.relay = p_relay), 0))
     AND e.xid < pg_snapshot_xmin(pg_current_snapshot())
   ORDER BY e.xid, e.sequence
   LIMIT p_limit
$$;

ALTER FUNCTION public.read_outbox(p_relay text, p_limit integer) OWNER TO supersmartmatch_temporal_owner;

CREATE FUNCTION public.record_metric(p_metric_type text, p_entity_type text, p_entity_id uuid, p_value numeric, p_unit text, p_dimensions jsonb DEFAULT NULL::jsonb, p_measured_at timestamp with time zone DEFAULT now()) RETURNS uuid
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  INSERT INTO public.temporal_analytics ("timestamp", metric_type, entity_type, entity_id, value, unit, dimensions)
  VALUES (p_measured_at, p_metric_type, p_entity_type, p_entity_id, p_value, p_unit, p_dimensions)
  RETURNING metric_id
$$;

ALTER FUNCTION public.record_metric(p_metric_type text, p_entity_type text, p_entity_id uuid, p_value numeric, p_unit text, p_dimensions jsonb, p_measured_at timestamp with time zone) OWNER TO matching_definer;

CREATE FUNCTION public.remove_availability(p_availability_id uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  PERFORM public.lock_aggregate('availability', p_availability_id);
  DELETE FROM public.availability_current WHERE availability_id = p_availability_id AND user_id = public.current_app_user();
  RETURN FOUND;
END
$$;

ALTER FUNCTION public.remove_availability(p_availability_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.require_empty_default_partitions() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
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

ALTER FUNCTION public.require_empty_default_partitions() OWNER TO supersmartmatch_temporal_owner;

CREATE FUNCTION public.reschedule_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_new_start timestamp with time zone, p_new_end timestamp with time zone) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_slot public.interview_slots := public.take_interview_slot(p_slot_id, p_slot_start, false);
BEGIN
  IF v_slot.status NOT IN ('available', 'booked') OR v_slot.slot_start <= now() THEN
    RAISE EXCEPTION 'interview slot % at % cannot be moved: it is %', p_slot_id, p_slot_start,
                    CASE WHEN v_slot.status IN ('available', 'booked') THEN 'past' ELSE v_slot.status END
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  DELETE FROM public.interview_slots WHERE slot_id = p_slot_id AND "timestamp" = p_slot_start;
  v_slot."timestamp" := p_new_start;
  v_slot.slot_start := p_new_start;
  v_slot.slot_end := p_new_end;
  INSERT INTO public.interview_slots VALUES (v_slot.*);
END
$$;

ALTER FUNCTION public.reschedule_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_new_start timestamp with time zone, p_new_end timestamp with time zone) OWNER TO matching_definer;

CREATE FUNCTION public.retention_cutoff(p_rule text) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_cutoff timestamptz;
BEGIN
  SELECT CASE WHEN held THEN '-infinity' ELSE now() - keep END INTO STRICT v_cutoff
    FROM public.retention_rules WHERE name = p_rule;
  RETURN v_cutoff;
END
$$;

ALTER FUNCTION public.retention_cutoff(p_rule text) OWNER TO matching_definer;

CREATE FUNCTION public.retention_removes(p_rule text, p_keep interval, p_held boolean, p_holds uuid[]) RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
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
$_$;

ALTER FUNCTION public.retention_removes(p_rule text, p_keep interval, p_held boolean, p_holds uuid[]) OWNER TO matching_definer;

CREATE FUNCTION public.retention_state() RETURNS TABLE(name text, keep interval, held boolean, oldest timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
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
$_$;

ALTER FUNCTION public.retention_state() OWNER TO matching_definer;

CREATE FUNCTION public.run_maintenance_job(p_name text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET lock_timeout TO '1s'
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

ALTER FUNCTION public.run_maintenance_job(p_name text) OWNER TO supersmartmatch_temporal_owner;

CREATE FUNCTION public.schedule_maintenance_jobs() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
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

ALTER FUNCTION public.schedule_maintenance_jobs() OWNER TO supersmartmatch_temporal_owner;

CREATE FUNCTION public.set_availability(p_availability_type text, p_day_of_week integer, p_start_time time without time zone, p_end_time time without time zone, p_timezone text, p_flexibility_minutes integer DEFAULT 0, p_priority integer DEFAULT 1, p_recurring boolean DEFAULT true, p_notes text DEFAULT NULL::text, p_created_by text DEFAULT 'user'::text, p_from timestamp with time zone DEFAULT now(), p_availability_id uuid DEFAULT NULL::uuid) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_user_id uuid := public.current_app_user();
  v_same uuid;
  v_id uuid := COALESCE(p_availability_id, gen_random_uuid());
BEGIN
  IF v_user_id IS NULL THEN
    RAISE EXCEPTION 'availability belongs to a person: there is no identity' USING ERRCODE = 'insufficient_privilege';
  ELSIF EXISTS (SELECT 1 FROM public.availability_current WHERE availability_id = v_id AND user_id <> v_user_id) THEN
    RAISE EXCEPTION 'availability % is not the caller''s', v_id USING ERRCODE = 'insufficient_privilege';
  END IF;
  SELECT availability_id INTO v_same FROM public.availability_current c
   WHERE p_recurring AND c.user_id = v_user_id AND c.availability_type = p_availability_type
     AND (c.day_of_week, c.start_time, c.end_time) IS NOT DISTINCT FROM (p_day_of_week, p_start_time, p_end_time)
     AND c.timezone = p_timezone;
  PERFORM public.lock_aggregate('availability', id) FROM (SELECT DISTINCT unnest(ARRAY[v_id, v_same]) ORDER BY 1) l(id)
    WHERE id IS NOT NULL;
  INSERT INTO public.availability_patterns (availability_id, user_id, "timestamp", availability_type, day_of_week, start_time,
    end_time, timezone, flexibility_minutes, priority, recurring, notes, created_by)
  VALUES (v_id, v_user_id, p_from, p_availability_type, p_day_of_week, p_start_time, p_end_time, p_timezone,
    p_flexibility_minutes, p_priority, p_recurring, p_notes, p_created_by);
  RETURN COALESCE(v_same, v_id);
END
$$;

ALTER FUNCTION public.set_availability(p_availability_type text, p_day_of_week integer, p_start_time time without time zone, p_end_time time without time zone, p_timezone text, p_flexibility_minutes integer, p_priority integer, p_recurring boolean, p_notes text, p_created_by text, p_from timestamp with time zone, p_availability_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.set_job_schedule(p_job_id uuid, p_schedule_type text, p_start_time time without time zone, p_end_time time without time zone, p_days_of_week integer[], p_timezone text, p_flexibility_level text DEFAULT NULL::text, p_remote_work_percentage integer DEFAULT 0, p_shift_name text DEFAULT NULL::text, p_shift_rotation_days integer DEFAULT NULL::integer, p_from timestamp with time zone DEFAULT now()) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_id uuid;
BEGIN
  IF public.current_app_user() IS NULL THEN
    RAISE EXCEPTION 'a schedule needs somebody who enters it: there is no identity' USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM public.lock_aggregate('schedule', p_job_id);
  INSERT INTO public.job_schedules (job_id, "timestamp", schedule_type, start_time, end_time, days_of_week, timezone,
    flexibility_level, remote_work_percentage, shift_name, shift_rotation_days)
  VALUES (p_job_id, p_from, p_schedule_type, p_start_time, p_end_time, p_days_of_week, p_timezone, p_flexibility_level,
    p_remote_work_percentage, p_shift_name, p_shift_rotation_days);
  SELECT schedule_id INTO v_id FROM public.job_schedule_current
   WHERE job_id = p_job_id AND schedule_type = p_schedule_type AND shift_name IS NOT DISTINCT FROM p_shift_name;
  RETURN v_id;
END
$$;

ALTER FUNCTION public.set_job_schedule(p_job_id uuid, p_schedule_type text, p_start_time time without time zone, p_end_time time without time zone, p_days_of_week integer[], p_timezone text, p_flexibility_level text, p_remote_work_percentage integer, p_shift_name text, p_shift_rotation_days integer, p_from timestamp with time zone) OWNER TO matching_definer;

CREATE FUNCTION public.set_meeting(p_slot_id uuid, p_slot_start timestamp with time zone, p_meeting_url text, p_meeting_location jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  PERFORM public.take_interview_slot(p_slot_id, p_slot_start, false);
  UPDATE public.interview_slots SET meeting_url = p_meeting_url, meeting_location = p_meeting_location
   WHERE slot_id = p_slot_id AND "timestamp" = p_slot_start;
END
$$;

ALTER FUNCTION public.set_meeting(p_slot_id uuid, p_slot_start timestamp with time zone, p_meeting_url text, p_meeting_location jsonb) OWNER TO matching_definer;

CREATE FUNCTION public.set_retention(p_rules jsonb, p_holds jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
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

ALTER FUNCTION public.set_retention(p_rules jsonb, p_holds jsonb) OWNER TO matching_definer;

CREATE FUNCTION public.set_retention_policies() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
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

ALTER FUNCTION public.set_retention_policies() OWNER TO supersmartmatch_temporal_owner;

CREATE FUNCTION public.sync_retention_policies() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  PERFORM public.set_retention_policies();
  RETURN NULL;
END
$$;

ALTER FUNCTION public.sync_retention_policies() OWNER TO supersmartmatch_temporal_owner;

SET default_table_access_method = heap;

CREATE TABLE public.interview_slots (
    slot_id uuid DEFAULT gen_random_uuid() NOT NULL,
    "timestamp" timestamp with time zone NOT NULL,
    recruiter_id uuid NOT NULL,
    candidate_id uuid,
    candidate_user_id uuid,
    job_id uuid NOT NULL,
    slot_start timestamp with time zone NOT NULL,
    slot_end timestamp with time zone NOT NULL,
    slot_type character varying(30),
    status character varying(20) DEFAULT 'available'::character varying NOT NULL,
    meeting_url text,
    meeting_location jsonb,
    preparation_time_minutes integer DEFAULT 15 NOT NULL,
    booked_at timestamp with time zone,
    booked_by uuid,
    cancellation_reason text,
    CONSTRAINT interview_slots_cancellation_reason_check CHECK ((cancellation_reason ~ '^v1(\.[A-Za-z0-9+/=_-]+){2}\.[A-Za-z0-9+/=_-]*\.[A-Za-z0-9+/=_-]+$'::text)),
    CONSTRAINT interview_slots_check CHECK (("timestamp" = slot_start)),
    CONSTRAINT interview_slots_check1 CHECK ((slot_end > slot_start)),
    CONSTRAINT interview_slots_check2 CHECK ((((status)::text <> 'booked'::text) OR (candidate_id IS NOT NULL))),
    CONSTRAINT interview_slots_check3 CHECK (((candidate_id IS NULL) = (candidate_user_id IS NULL))),
    CONSTRAINT interview_slots_preparation_time_minutes_check CHECK ((preparation_time_minutes >= 0)),
    CONSTRAINT interview_slots_slot_type_check CHECK (((slot_type)::text = ANY ((ARRAY['phone'::character varying, 'video'::character varying, 'onsite'::character varying, 'technical'::character varying, 'cultural'::character varying, 'final'::character varying])::text[]))),
    CONSTRAINT interview_slots_status_check CHECK (((status)::text = ANY ((ARRAY['available'::character varying, 'booked'::character varying, 'completed'::character varying, 'cancelled'::character varying, 'no_show'::character varying])::text[])))
);

ALTER TABLE public.interview_slots OWNER TO supersmartmatch_temporal_owner;

CREATE FUNCTION public.take_interview_slot(p_slot_id uuid, p_slot_start timestamp with time zone, p_candidate boolean) RETURNS public.interview_slots
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_slot public.interview_slots;
BEGIN
  PERFORM public.lock_aggregate('interview', p_slot_id);
  SELECT * INTO v_slot FROM public.interview_slots WHERE slot_id = p_slot_id AND "timestamp" = p_slot_start FOR UPDATE;
  IF v_slot.slot_id IS NULL OR NOT COALESCE(CASE current_setting('role')
       WHEN 'admin_role' THEN public.current_app_user() IS NOT NULL
       WHEN 'recruiter_role' THEN v_slot.recruiter_id = public.current_app_user()
       ELSE p_candidate AND v_slot.candidate_user_id = public.current_app_user()
     END, false) THEN
    RAISE EXCEPTION 'no interview slot % at % of the caller''s', p_slot_id, p_slot_start USING ERRCODE = 'no_data_found';
  END IF;
  RETURN v_slot;
END
$$;

ALTER FUNCTION public.take_interview_slot(p_slot_id uuid, p_slot_start timestamp with time zone, p_candidate boolean) OWNER TO matching_definer;

CREATE FUNCTION public.touch_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF to_jsonb(NEW) - public.derived_columns() IS DISTINCT FROM to_jsonb(OLD) - public.derived_columns() THEN
    NEW.updated_at := CURRENT_TIMESTAMP;
  ELSE
    NEW.updated_at := OLD.updated_at;
  END IF;
  RETURN NEW;
END
$$;

ALTER FUNCTION public.touch_updated_at() OWNER TO supersmartmatch_temporal_owner;

CREATE TABLE migrations.schema_migrations (
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    breaking boolean NOT NULL,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    execution_ms integer DEFAULT 0 NOT NULL,
    CONSTRAINT schema_migrations_version_check CHECK ((version > 0))
);

ALTER TABLE migrations.schema_migrations OWNER TO supersmartmatch_temporal_owner;

CREATE VIEW public.admin_interviews WITH (security_barrier='true') AS
 SELECT slot_id,
    "timestamp",
    recruiter_id,
    candidate_id,
    candidate_user_id,
    job_id,
    slot_start,
    slot_end,
    slot_type,
    status,
    preparation_time_minutes,
    booked_at,
    booked_by,
    cancellation_reason
   FROM public.interview_slots
  WHERE (( SELECT public.current_app_user() AS current_app_user) IS NOT NULL);

ALTER VIEW public.admin_interviews OWNER TO matching_definer;

CREATE TABLE public.temporal_analytics (
    metric_id uuid DEFAULT gen_random_uuid() NOT NULL,
    "timestamp" timestamp with time zone NOT NULL,
    metric_type character varying(50) NOT NULL,
    entity_type character varying(20) NOT NULL,
    entity_id uuid,
    value numeric(20,4) NOT NULL,
    unit character varying(20),
    dimensions jsonb,
    CONSTRAINT temporal_analytics_check CHECK (((entity_id IS NULL) = ((entity_type)::text = 'system'::text))),
    CONSTRAINT temporal_analytics_dimensions_check CHECK (((jsonb_typeof(dimensions) = 'object'::text) AND ((dimensions)::text !~* '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'::text))),
    CONSTRAINT temporal_analytics_entity_type_check CHECK (((entity_type)::text = ANY ((ARRAY['user'::character varying, 'job'::character varying, 'system'::character varying])::text[]))),
    CONSTRAINT temporal_analytics_metric_type_check CHECK (((metric_type)::text = ANY ((ARRAY['response_time'::character varying, 'availability_coverage'::character varying, 'scheduling_success_rate'::character varying])::text[]))),
    CONSTRAINT temporal_analytics_unit_check CHECK (((unit)::text = ANY ((ARRAY['seconds'::character varying, 'percentage'::character varying, 'count'::character varying])::text[])))
);

ALTER TABLE public.temporal_analytics OWNER TO supersmartmatch_temporal_owner;

CREATE VIEW public.admin_temporal_analytics WITH (security_barrier='true') AS
 SELECT metric_id,
    "timestamp",
    metric_type,
    entity_type,
    entity_id,
    value,
    unit,
    dimensions
   FROM public.temporal_analytics
  WHERE (( SELECT public.current_app_user() AS current_app_user) IS NOT NULL);

ALTER VIEW public.admin_temporal_analytics OWNER TO matching_definer;

CREATE TABLE public.availability_current (
    availability_id uuid NOT NULL,
    user_id uuid NOT NULL,
    availability_type character varying(20) NOT NULL,
    day_of_week integer,
    start_time time without time zone,
    end_time time without time zone,
    timezone character varying(50) NOT NULL,
    flexibility_minutes integer NOT NULL,
    priority integer NOT NULL,
    confirmed_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.availability_current FORCE ROW LEVEL SECURITY;

ALTER TABLE public.availability_current OWNER TO supersmartmatch_temporal_owner;

CREATE TABLE public.availability_patterns (
    availability_id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    "timestamp" timestamp with time zone NOT NULL,
    availability_type character varying(20) NOT NULL,
    day_of_week integer,
    start_time time without time zone,
    end_time time without time zone,
    timezone character varying(50) NOT NULL,
    flexibility_minutes integer DEFAULT 0 NOT NULL,
    priority integer DEFAULT 1 NOT NULL,
    recurring boolean DEFAULT true NOT NULL,
    notes text,
    created_by character varying(20),
    CONSTRAINT availability_patterns_availability_type_check CHECK (((availability_type)::text = ANY ((ARRAY['work_hours'::character varying, 'interview_slot'::character varying, 'unavailable'::character varying, 'preferred'::character varying])::text[]))),
    CONSTRAINT availability_patterns_check CHECK ((start_time <> end_time)),
    CONSTRAINT availability_patterns_check1 CHECK (((start_time IS NULL) = (end_time IS NULL))),
    CONSTRAINT availability_patterns_created_by_check CHECK (((created_by)::text = ANY ((ARRAY['user'::character varying, 'system'::character varying, 'ml_inference'::character varying])::text[]))),
    CONSTRAINT availability_patterns_day_of_week_check CHECK (((day_of_week >= 0) AND (day_of_week <= 6))),
    CONSTRAINT availability_patterns_flexibility_minutes_check CHECK ((flexibility_minutes >= 0)),
    CONSTRAINT availability_patterns_notes_check CHECK ((notes ~ '^v1(\.[A-Za-z0-9+/=_-]+){2}\.[A-Za-z0-9+/=_-]*\.[A-Za-z0-9+/=_-]+$'::text)),
    CONSTRAINT availability_patterns_priority_check CHECK (((priority >= 1) AND (priority <= 5)))
);

ALTER TABLE public.availability_patterns OWNER TO supersmartmatch_temporal_owner;

CREATE TABLE public.hourly_availability_stats_history (
    bucket timestamp with time zone NOT NULL,
    availability_type character varying(20) NOT NULL,
    slot_count bigint NOT NULL,
    avg_flexibility numeric NOT NULL,
    user_count bigint NOT NULL
);

ALTER TABLE public.hourly_availability_stats_history OWNER TO supersmartmatch_temporal_owner;

CREATE MATERIALIZED VIEW public.hourly_availability_stats AS
 SELECT bucket,
    availability_type,
    (sum(slot_count))::bigint AS slot_count,
    (sum(((slot_count)::numeric * avg_flexibility)) / sum(slot_count)) AS avg_flexibility,
    max(user_count) AS user_count
   FROM ( SELECT public.time_bucket('01:00:00'::interval, availability_patterns."timestamp") AS bucket,
            availability_patterns.availability_type,
            count(*) AS slot_count,
            avg(availability_patterns.flexibility_minutes) AS avg_flexibility,
            count(DISTINCT availability_patterns.user_id) AS user_count
           FROM public.availability_patterns
          GROUP BY (public.time_bucket('01:00:00'::interval, availability_patterns."timestamp")), availability_patterns.availability_type
        UNION ALL
         SELECT hourly_availability_stats_history.bucket,
            hourly_availability_stats_history.availability_type,
            hourly_availability_stats_history.slot_count,
            hourly_availability_stats_history.avg_flexibility,
            hourly_availability_stats_history.user_count
           FROM public.hourly_availability_stats_history) parts
  GROUP BY bucket, availability_type
  WITH NO DATA;

ALTER MATERIALIZED VIEW public.hourly_availability_stats OWNER TO supersmartmatch_temporal_owner;

CREATE VIEW public.availability_statistics WITH (security_barrier='true') AS
 SELECT bucket,
    availability_type,
    slot_count,
    avg_flexibility,
    user_count
   FROM public.hourly_availability_stats
  WHERE (user_count >= 11);

ALTER VIEW public.availability_statistics OWNER TO matching_definer;

CREATE TABLE public.daily_scheduling_metrics_history (
    bucket timestamp with time zone NOT NULL,
    status character varying(20) NOT NULL,
    interview_count bigint NOT NULL,
    avg_duration_minutes numeric NOT NULL
);

ALTER TABLE public.daily_scheduling_metrics_history OWNER TO supersmartmatch_temporal_owner;

CREATE MATERIALIZED VIEW public.daily_scheduling_metrics AS
 SELECT bucket,
    status,
    (sum(interview_count))::bigint AS interview_count,
    (sum(((interview_count)::numeric * avg_duration_minutes)) / sum(interview_count)) AS avg_duration_minutes
   FROM ( SELECT public.time_bucket('1 day'::interval, interview_slots."timestamp") AS bucket,
            interview_slots.status,
            count(*) AS interview_count,
            avg((EXTRACT(epoch FROM (interview_slots.slot_end - interview_slots.slot_start)) / (60)::numeric)) AS avg_duration_minutes
           FROM public.interview_slots
          GROUP BY (public.time_bucket('1 day'::interval, interview_slots."timestamp")), interview_slots.status
        UNION ALL
         SELECT daily_scheduling_metrics_history.bucket,
            daily_scheduling_metrics_history.status,
            daily_scheduling_metrics_history.interview_count,
            daily_scheduling_metrics_history.avg_duration_minutes
           FROM public.daily_scheduling_metrics_history) parts
  GROUP BY bucket, status
  WITH NO DATA;

ALTER MATERIALIZED VIEW public.daily_scheduling_metrics OWNER TO supersmartmatch_temporal_owner;

CREATE TABLE public.outbox_events_default (
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    sequence bigint NOT NULL,
    event_id uuid DEFAULT gen_random_uuid() NOT NULL,
    aggregate_id uuid NOT NULL,
    event_version integer DEFAULT 1 NOT NULL,
    retry_count integer DEFAULT 0 NOT NULL,
    max_retries integer DEFAULT 3 NOT NULL,
    published_at timestamp with time zone,
    published boolean DEFAULT false NOT NULL,
    aggregate_type character varying(50) NOT NULL,
    event_type character varying(100) NOT NULL,
    event_data jsonb NOT NULL,
    CONSTRAINT outbox_events_event_data_check CHECK ((jsonb_typeof(event_data) = 'object'::text))
);

ALTER TABLE public.outbox_events_default OWNER TO supersmartmatch_temporal_owner;

CREATE VIEW public.default_partition_rows WITH (security_invoker='true') AS
 SELECT 'outbox_events'::text AS table_name,
    count(*) AS rows
   FROM public.outbox_events_default;

ALTER VIEW public.default_partition_rows OWNER TO supersmartmatch_temporal_owner;

CREATE TABLE public.retention_rules (
    name text NOT NULL,
    keep interval NOT NULL,
    held boolean DEFAULT false NOT NULL,
    rows_of text NOT NULL,
    ahead interval DEFAULT '00:00:00'::interval NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT retention_rules_keep_check CHECK (((keep > '00:00:00'::interval) AND ((keep)::text !~ '-'::text)))
);

ALTER TABLE public.retention_rules OWNER TO supersmartmatch_temporal_owner;

CREATE VIEW public.hypertable_retention WITH (security_invoker='true') AS
 SELECT t.hypertable,
    t.condition,
    t.subjects,
    r.name,
    r.keep,
    r.held
   FROM (( VALUES ('availability-patterns'::text,'availability_patterns'::text,'TRUE'::text,'user_id'::text), ('job-schedules'::text,'job_schedules'::text,'TRUE'::text,NULL::text), ('interview-slots'::text,'interview_slots'::text,'TRUE'::text,'candidate_user_id, recruiter_id, booked_by'::text), ('user-metrics'::text,'temporal_analytics'::text,'entity_type = ''user'''::text,'entity_id'::text), ('metrics'::text,'temporal_analytics'::text,'entity_type <> ''user'''::text,NULL::text)) t(name, hypertable, condition, subjects)
     JOIN public.retention_rules r USING (name));

ALTER VIEW public.hypertable_retention OWNER TO supersmartmatch_temporal_owner;

CREATE TABLE public.inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);

ALTER TABLE public.inbox OWNER TO supersmartmatch_temporal_owner;

CREATE TABLE public.interview_bookings (
    slot_id uuid NOT NULL,
    recruiter_id uuid NOT NULL,
    candidate_id uuid,
    during tstzrange NOT NULL
);

ALTER TABLE ONLY public.interview_bookings FORCE ROW LEVEL SECURITY;

ALTER TABLE public.interview_bookings OWNER TO supersmartmatch_temporal_owner;

CREATE TABLE public.job_schedule_current (
    schedule_id uuid NOT NULL,
    job_id uuid NOT NULL,
    schedule_type character varying(30) NOT NULL,
    start_time time without time zone,
    end_time time without time zone,
    days_of_week integer[],
    timezone character varying(50) NOT NULL,
    flexibility_level character varying(20),
    remote_work_percentage integer NOT NULL,
    shift_name character varying(50),
    shift_rotation_days integer,
    confirmed_at timestamp with time zone NOT NULL
);

ALTER TABLE public.job_schedule_current OWNER TO supersmartmatch_temporal_owner;

CREATE TABLE public.job_schedules (
    schedule_id uuid DEFAULT gen_random_uuid() NOT NULL,
    job_id uuid NOT NULL,
    "timestamp" timestamp with time zone NOT NULL,
    schedule_type character varying(30) NOT NULL,
    start_time time without time zone,
    end_time time without time zone,
    days_of_week integer[],
    timezone character varying(50) NOT NULL,
    flexibility_level character varying(20),
    remote_work_percentage integer DEFAULT 0 NOT NULL,
    shift_name character varying(50),
    shift_rotation_days integer,
    CONSTRAINT job_schedules_check CHECK ((start_time <> end_time)),
    CONSTRAINT job_schedules_check1 CHECK (((start_time IS NULL) = (end_time IS NULL))),
    CONSTRAINT job_schedules_days_of_week_check CHECK ((days_of_week <@ ARRAY[0, 1, 2, 3, 4, 5, 6])),
    CONSTRAINT job_schedules_flexibility_level_check CHECK (((flexibility_level)::text = ANY ((ARRAY['rigid'::character varying, 'somewhat_flexible'::character varying, 'flexible'::character varying, 'very_flexible'::character varying])::text[]))),
    CONSTRAINT job_schedules_remote_work_percentage_check CHECK (((remote_work_percentage >= 0) AND (remote_work_percentage <= 100))),
    CONSTRAINT job_schedules_schedule_type_check CHECK (((schedule_type)::text = ANY ((ARRAY['work_hours'::character varying, 'flexible'::character varying, 'shift_work'::character varying, 'remote_friendly'::character varying, 'on_call'::character varying])::text[]))),
    CONSTRAINT job_schedules_shift_rotation_days_check CHECK ((shift_rotation_days > 0))
);

ALTER TABLE public.job_schedules OWNER TO supersmartmatch_temporal_owner;

CREATE TABLE public.legal_holds (
    subject_id uuid NOT NULL,
    reason text NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT legal_holds_reason_check CHECK ((reason <> ''::text))
);

ALTER TABLE ONLY public.legal_holds FORCE ROW LEVEL SECURITY;

ALTER TABLE public.legal_holds OWNER TO supersmartmatch_temporal_owner;

CREATE TABLE public.maintenance_jobs (
    name text NOT NULL,
    command text NOT NULL,
    schedule text NOT NULL,
    last_run_at timestamp with time zone,
    last_success_at timestamp with time zone,
    last_error text,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);

ALTER TABLE public.maintenance_jobs OWNER TO supersmartmatch_temporal_owner;

CREATE VIEW public.metric_statistics WITH (security_barrier='true') AS
 SELECT public.time_bucket('1 day'::interval, "timestamp") AS bucket,
    metric_type,
    entity_type,
    unit,
    count(*) AS measurements,
    avg(value) AS average
   FROM public.temporal_analytics
  GROUP BY (public.time_bucket('1 day'::interval, "timestamp")), metric_type, entity_type, unit
 HAVING (((entity_type)::text <> 'user'::text) OR (count(DISTINCT entity_id) >= 11));

ALTER VIEW public.metric_statistics OWNER TO matching_definer;

CREATE VIEW public.my_availability WITH (security_barrier='true') AS
 SELECT availability_id,
    "timestamp",
    availability_type,
    day_of_week,
    start_time,
    end_time,
    timezone,
    flexibility_minutes,
    priority,
    recurring,
    notes,
    created_by
   FROM public.availability_patterns
  WHERE (user_id = ( SELECT public.current_app_user() AS current_app_user));

ALTER VIEW public.my_availability OWNER TO matching_definer;

CREATE VIEW public.my_interviews WITH (security_barrier='true') AS
 SELECT slot_id,
    "timestamp",
    recruiter_id,
    candidate_id,
    candidate_user_id,
    job_id,
    slot_start,
    slot_end,
    slot_type,
    status,
    meeting_url,
    meeting_location,
    preparation_time_minutes,
    booked_at,
    booked_by,
    cancellation_reason
   FROM public.interview_slots
  WHERE ((recruiter_id = ( SELECT public.current_app_user() AS current_app_user)) OR (candidate_user_id = ( SELECT public.current_app_user() AS current_app_user)));

ALTER VIEW public.my_interviews OWNER TO matching_definer;

CREATE TABLE public.outbox_cursor (
    relay text NOT NULL,
    xid xid8 NOT NULL,
    sequence bigint NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);

ALTER TABLE public.outbox_cursor OWNER TO supersmartmatch_temporal_owner;

CREATE TABLE public.outbox_dead_letters (
    event_id uuid NOT NULL,
    aggregate_type character varying(50) NOT NULL,
    aggregate_id uuid NOT NULL,
    event_type character varying(100) NOT NULL,
    event_data jsonb NOT NULL,
    event_version integer NOT NULL,
    sequence bigint NOT NULL,
    last_error text NOT NULL,
    attempts integer NOT NULL,
    next_attempt_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT outbox_dead_letters_attempts_check CHECK ((attempts > 0))
);

ALTER TABLE ONLY public.outbox_dead_letters FORCE ROW LEVEL SECURITY;

ALTER TABLE public.outbox_dead_letters OWNER TO supersmartmatch_temporal_owner;

ALTER TABLE public.outbox_events ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outbox_events_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE VIEW public.outbox_events_status WITH (security_invoker='true') AS
 SELECT e.event_id,
    e.aggregate_type,
    e.aggregate_id,
    e.event_type,
    e.created_at,
    e.xid,
    e.sequence,
    COALESCE(( SELECT bool_and((ROW(e.xid, e.sequence) <= ROW(c.xid, c.sequence))) AS bool_and
           FROM public.outbox_cursor c), false) AS published,
    COALESCE(d.attempts, 0) AS retry_count,
    d.last_error
   FROM (public.outbox_events e
     LEFT JOIN public.outbox_dead_letters d USING (event_id));

ALTER VIEW public.outbox_events_status OWNER TO supersmartmatch_temporal_owner;

CREATE TABLE public.outbox_published_partitions (
    partition_name text NOT NULL,
    published_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);

ALTER TABLE public.outbox_published_partitions OWNER TO supersmartmatch_temporal_owner;

CREATE VIEW public.scheduling_statistics WITH (security_barrier='true') AS
 SELECT bucket,
    status,
    interview_count,
    avg_duration_minutes
   FROM public.daily_scheduling_metrics
  WHERE (interview_count >= 11);

ALTER VIEW public.scheduling_statistics OWNER TO matching_definer;

CREATE TABLE public.time_zones (
    name text NOT NULL
);

ALTER TABLE public.time_zones OWNER TO supersmartmatch_temporal_owner;

ALTER TABLE ONLY public.outbox_events ATTACH PARTITION public.outbox_events_default DEFAULT;

ALTER TABLE ONLY migrations.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.availability_current
    ADD CONSTRAINT availability_current_pkey PRIMARY KEY (availability_id);

ALTER TABLE ONLY public.availability_current
    ADD CONSTRAINT availability_current_unique UNIQUE NULLS NOT DISTINCT (user_id, availability_type, day_of_week, start_time, end_time, timezone);

ALTER TABLE ONLY public.availability_patterns
    ADD CONSTRAINT availability_patterns_pkey PRIMARY KEY (availability_id, "timestamp");

ALTER TABLE ONLY public.daily_scheduling_metrics_history
    ADD CONSTRAINT daily_scheduling_metrics_history_pkey PRIMARY KEY (bucket, status);

ALTER TABLE ONLY public.hourly_availability_stats_history
    ADD CONSTRAINT hourly_availability_stats_history_pkey PRIMARY KEY (bucket, availability_type);

ALTER TABLE ONLY public.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (consumer, event_id);

ALTER TABLE ONLY public.interview_bookings
    ADD CONSTRAINT interview_bookings_candidate EXCLUDE USING gist (candidate_id WITH =, during WITH &&) WHERE ((candidate_id IS NOT NULL));

ALTER TABLE ONLY public.interview_bookings
    ADD CONSTRAINT interview_bookings_pkey PRIMARY KEY (slot_id);

ALTER TABLE ONLY public.interview_bookings
    ADD CONSTRAINT interview_bookings_recruiter EXCLUDE USING gist (recruiter_id WITH =, during WITH &&);

ALTER TABLE ONLY public.interview_slots
    ADD CONSTRAINT interview_slots_pkey PRIMARY KEY (slot_id, "timestamp");

ALTER TABLE ONLY public.job_schedule_current
    ADD CONSTRAINT job_schedule_current_pkey PRIMARY KEY (schedule_id);

ALTER TABLE ONLY public.job_schedule_current
    ADD CONSTRAINT job_schedule_current_unique UNIQUE NULLS NOT DISTINCT (job_id, schedule_type, shift_name);

ALTER TABLE ONLY public.job_schedules
    ADD CONSTRAINT job_schedules_pkey PRIMARY KEY (schedule_id, "timestamp");

ALTER TABLE ONLY public.legal_holds
    ADD CONSTRAINT legal_holds_pkey PRIMARY KEY (subject_id);

ALTER TABLE ONLY public.maintenance_jobs
    ADD CONSTRAINT maintenance_jobs_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.outbox_cursor
    ADD CONSTRAINT outbox_cursor_pkey PRIMARY KEY (relay);

ALTER TABLE ONLY public.outbox_dead_letters
    ADD CONSTRAINT outbox_dead_letters_pkey PRIMARY KEY (event_id);

ALTER TABLE ONLY public.outbox_events
    ADD CONSTRAINT outbox_events_pkey PRIMARY KEY (xid, sequence, created_at);

ALTER TABLE ONLY public.outbox_events_default
    ADD CONSTRAINT outbox_events_default_pkey PRIMARY KEY (xid, sequence, created_at);

ALTER TABLE ONLY public.outbox_published_partitions
    ADD CONSTRAINT outbox_published_partitions_pkey PRIMARY KEY (partition_name);

ALTER TABLE ONLY public.retention_rules
    ADD CONSTRAINT retention_rules_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.temporal_analytics
    ADD CONSTRAINT temporal_analytics_pkey PRIMARY KEY (metric_id, "timestamp");

ALTER TABLE ONLY public.time_zones
    ADD CONSTRAINT time_zones_pkey PRIMARY KEY (name);

CREATE INDEX availability_patterns_timestamp_idx ON public.availability_patterns USING btree ("timestamp" DESC);

CREATE INDEX idx_availability_patterns_dow ON public.availability_patterns USING btree (day_of_week);

CREATE INDEX idx_availability_patterns_type ON public.availability_patterns USING btree (availability_type);

CREATE INDEX idx_availability_patterns_user_time ON public.availability_patterns USING btree (user_id, "timestamp" DESC);

CREATE UNIQUE INDEX idx_daily_scheduling_metrics ON public.daily_scheduling_metrics USING btree (bucket, status);

CREATE UNIQUE INDEX idx_hourly_availability_stats ON public.hourly_availability_stats USING btree (bucket, availability_type);

CREATE INDEX idx_inbox_created ON public.inbox USING btree (created_at);

CREATE INDEX idx_interview_bookings_end ON public.interview_bookings USING btree (upper(during));

CREATE INDEX idx_interview_slots_booked_by ON public.interview_slots USING btree (booked_by) WHERE (booked_by IS NOT NULL);

CREATE INDEX idx_interview_slots_candidate ON public.interview_slots USING btree (candidate_user_id, "timestamp" DESC) WHERE (candidate_user_id IS NOT NULL);

CREATE INDEX idx_interview_slots_job ON public.interview_slots USING btree (job_id, "timestamp" DESC);

CREATE INDEX idx_interview_slots_meeting ON public.interview_slots USING btree ("timestamp") WHERE ((meeting_url IS NOT NULL) OR (meeting_location IS NOT NULL));

CREATE INDEX idx_interview_slots_recruiter ON public.interview_slots USING btree (recruiter_id, "timestamp" DESC);

CREATE INDEX idx_job_schedules_job_time ON public.job_schedules USING btree (job_id, "timestamp" DESC);

CREATE INDEX idx_outbox_dead_letters_aggregate ON public.outbox_dead_letters USING btree (aggregate_type, aggregate_id);

CREATE INDEX idx_outbox_dead_letters_candidate ON public.outbox_dead_letters USING btree (((event_data ->> 'candidate_user_id'::text)));

CREATE INDEX idx_outbox_dead_letters_created ON public.outbox_dead_letters USING btree (created_at);

CREATE INDEX idx_outbox_dead_letters_recruiter ON public.outbox_dead_letters USING btree (((event_data ->> 'recruiter_id'::text)));

CREATE INDEX idx_outbox_dead_letters_user ON public.outbox_dead_letters USING btree (((event_data ->> 'user_id'::text)));

CREATE INDEX idx_outbox_events_candidate ON ONLY public.outbox_events USING btree ((((event_data ->> 'candidate_user_id'::text))::uuid)) WHERE (event_data ? 'candidate_user_id'::text);

CREATE INDEX idx_outbox_events_recruiter ON ONLY public.outbox_events USING btree ((((event_data ->> 'recruiter_id'::text))::uuid)) WHERE (event_data ? 'recruiter_id'::text);

CREATE INDEX idx_outbox_events_user ON ONLY public.outbox_events USING btree ((((event_data ->> 'user_id'::text))::uuid)) WHERE (event_data ? 'user_id'::text);

CREATE INDEX idx_temporal_analytics_metric ON public.temporal_analytics USING btree (metric_type, "timestamp" DESC);

CREATE INDEX idx_temporal_analytics_user ON public.temporal_analytics USING btree (entity_id, "timestamp" DESC) WHERE ((entity_type)::text = 'user'::text);

CREATE INDEX idx_temporal_analytics_user_time ON public.temporal_analytics USING btree ("timestamp") WHERE ((entity_type)::text = 'user'::text);

CREATE INDEX interview_slots_timestamp_idx ON public.interview_slots USING btree ("timestamp" DESC);

CREATE INDEX job_schedules_timestamp_idx ON public.job_schedules USING btree ("timestamp" DESC);

CREATE INDEX outbox_events_default_uuid_idx ON public.outbox_events_default USING btree ((((event_data ->> 'user_id'::text))::uuid)) WHERE (event_data ? 'user_id'::text);

CREATE INDEX outbox_events_default_uuid_idx1 ON public.outbox_events_default USING btree ((((event_data ->> 'candidate_user_id'::text))::uuid)) WHERE (event_data ? 'candidate_user_id'::text);

CREATE INDEX outbox_events_default_uuid_idx2 ON public.outbox_events_default USING btree ((((event_data ->> 'recruiter_id'::text))::uuid)) WHERE (event_data ? 'recruiter_id'::text);

CREATE INDEX temporal_analytics_timestamp_idx ON public.temporal_analytics USING btree ("timestamp" DESC);

ALTER INDEX public.outbox_events_pkey ATTACH PARTITION public.outbox_events_default_pkey;

ALTER INDEX public.idx_outbox_events_user ATTACH PARTITION public.outbox_events_default_uuid_idx;

ALTER INDEX public.idx_outbox_events_candidate ATTACH PARTITION public.outbox_events_default_uuid_idx1;

ALTER INDEX public.idx_outbox_events_recruiter ATTACH PARTITION public.outbox_events_default_uuid_idx2;

CREATE TRIGGER availability_current_events AFTER UPDATE ON public.availability_current REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('availability', 'availability', 'availability_id', 'user_id');

CREATE TRIGGER availability_current_events_delete AFTER DELETE ON public.availability_current REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('availability', 'availability', 'availability_id', 'user_id');

CREATE TRIGGER availability_current_events_insert AFTER INSERT ON public.availability_current REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('availability', 'availability', 'availability_id', 'user_id');

CREATE TRIGGER availability_patterns_current AFTER INSERT ON public.availability_patterns FOR EACH ROW WHEN (new.recurring) EXECUTE FUNCTION public.keep_availability_current();

CREATE TRIGGER availability_patterns_timezone BEFORE INSERT OR UPDATE OF timezone ON public.availability_patterns FOR EACH ROW EXECUTE FUNCTION public.check_time_zone();

CREATE TRIGGER interview_slots_booking BEFORE INSERT OR UPDATE OF status, slot_start, slot_end, recruiter_id, candidate_id ON public.interview_slots FOR EACH ROW EXECUTE FUNCTION public.keep_interview_booking();

CREATE TRIGGER interview_slots_booking_delete AFTER DELETE ON public.interview_slots FOR EACH ROW EXECUTE FUNCTION public.drop_interview_booking();

CREATE TRIGGER interview_slots_events AFTER UPDATE ON public.interview_slots REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('interview', 'interview.slot', 'slot_id', 'job_id,recruiter_id,candidate_id,candidate_user_id');

CREATE TRIGGER interview_slots_events_delete AFTER DELETE ON public.interview_slots REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('interview', 'interview.slot', 'slot_id', 'job_id,recruiter_id,candidate_id,candidate_user_id');

CREATE TRIGGER interview_slots_events_insert AFTER INSERT ON public.interview_slots REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('interview', 'interview.slot', 'slot_id', 'job_id,recruiter_id,candidate_id,candidate_user_id');

CREATE TRIGGER job_schedule_current_events AFTER UPDATE ON public.job_schedule_current REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('schedule', 'job.schedule', 'schedule_id', 'job_id');

CREATE TRIGGER job_schedule_current_events_delete AFTER DELETE ON public.job_schedule_current REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('schedule', 'job.schedule', 'schedule_id', 'job_id');

CREATE TRIGGER job_schedule_current_events_insert AFTER INSERT ON public.job_schedule_current REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('schedule', 'job.schedule', 'schedule_id', 'job_id');

CREATE TRIGGER job_schedules_current AFTER INSERT ON public.job_schedules FOR EACH ROW EXECUTE FUNCTION public.keep_job_schedule_current();

CREATE TRIGGER job_schedules_timezone BEFORE INSERT OR UPDATE OF timezone ON public.job_schedules FOR EACH ROW EXECUTE FUNCTION public.check_time_zone();

CREATE TRIGGER legal_holds_policies AFTER INSERT OR DELETE ON public.legal_holds FOR EACH STATEMENT EXECUTE FUNCTION public.sync_retention_policies();

CREATE TRIGGER maintenance_jobs_schedule AFTER INSERT OR DELETE OR UPDATE OF name, schedule ON public.maintenance_jobs FOR EACH STATEMENT EXECUTE FUNCTION public.maintenance_jobs_changed();

CREATE TRIGGER maintenance_jobs_touch BEFORE UPDATE ON public.maintenance_jobs FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER outbox_cursor_touch BEFORE UPDATE ON public.outbox_cursor FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER outbox_dead_letters_touch BEFORE UPDATE ON public.outbox_dead_letters FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER retention_rules_policies AFTER INSERT OR UPDATE OF keep, held ON public.retention_rules FOR EACH STATEMENT EXECUTE FUNCTION public.sync_retention_policies();

CREATE TRIGGER retention_rules_touch BEFORE UPDATE ON public.retention_rules FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER ts_insert_blocker BEFORE INSERT ON public.availability_patterns FOR EACH ROW EXECUTE FUNCTION _timescaledb_functions.insert_blocker();

CREATE TRIGGER ts_insert_blocker BEFORE INSERT ON public.interview_slots FOR EACH ROW EXECUTE FUNCTION _timescaledb_functions.insert_blocker();

CREATE TRIGGER ts_insert_blocker BEFORE INSERT ON public.job_schedules FOR EACH ROW EXECUTE FUNCTION _timescaledb_functions.insert_blocker();

CREATE TRIGGER ts_insert_blocker BEFORE INSERT ON public.temporal_analytics FOR EACH ROW EXECUTE FUNCTION _timescaledb_functions.insert_blocker();

ALTER TABLE public.availability_current ENABLE ROW LEVEL SECURITY;

CREATE POLICY definer_access ON public.availability_current TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.interview_bookings TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.legal_holds TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.outbox_dead_letters TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.outbox_events TO matching_definer USING (true) WITH CHECK (true);

ALTER TABLE public.interview_bookings ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.legal_holds ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.outbox_dead_letters ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.outbox_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.outbox_events_default ENABLE ROW LEVEL SECURITY;

CREATE POLICY outbox_worker_access ON public.outbox_dead_letters TO outbox_worker USING (true) WITH CHECK (true);

CREATE POLICY outbox_worker_access ON public.outbox_events FOR SELECT TO outbox_worker USING (true);

CREATE POLICY self_read ON public.availability_current FOR SELECT TO authenticated_users USING ((user_id = ( SELECT public.current_app_user() AS current_app_user)));

GRANT ALL ON SCHEMA public TO supersmartmatch_temporal_owner;
GRANT ALL ON SCHEMA public TO matching_definer;
GRANT USAGE ON SCHEMA public TO authenticated_users;
GRANT USAGE ON SCHEMA public TO recruiter_role;
GRANT USAGE ON SCHEMA public TO admin_role;
GRANT USAGE ON SCHEMA public TO outbox_worker;
GRANT USAGE ON SCHEMA public TO analytics;

GRANT USAGE ON SCHEMA pgbouncer TO pgbouncer_auth;

REVOKE ALL ON FUNCTION pgbouncer.get_auth(p_usename text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgbouncer.get_auth(p_usename text) TO pgbouncer_auth;

REVOKE ALL ON FUNCTION public.add_event_triggers(p_table regclass, p_function text, VARIADIC p_arguments text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.book_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_candidate_id uuid, p_candidate_user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.book_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_candidate_id uuid, p_candidate_user_id uuid) TO supersmartmatch_temporal_owner;
GRANT ALL ON FUNCTION public.book_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_candidate_id uuid, p_candidate_user_id uuid) TO authenticated_users;
GRANT ALL ON FUNCTION public.book_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_candidate_id uuid, p_candidate_user_id uuid) TO recruiter_role;
GRANT ALL ON FUNCTION public.book_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_candidate_id uuid, p_candidate_user_id uuid) TO admin_role;

REVOKE ALL ON FUNCTION public.cancel_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.cancel_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_reason text) TO supersmartmatch_temporal_owner;
GRANT ALL ON FUNCTION public.cancel_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_reason text) TO authenticated_users;
GRANT ALL ON FUNCTION public.cancel_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_reason text) TO recruiter_role;
GRANT ALL ON FUNCTION public.cancel_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_reason text) TO admin_role;

REVOKE ALL ON FUNCTION public.check_policies() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.check_time_zone() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.chunk_retention() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.close_job_schedules(p_job_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.close_job_schedules(p_job_id uuid) TO supersmartmatch_temporal_owner;
GRANT ALL ON FUNCTION public.close_job_schedules(p_job_id uuid) TO outbox_worker;

REVOKE ALL ON FUNCTION public.count_user_data(p_user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.count_user_data(p_user_id uuid) TO supersmartmatch_temporal_owner;

REVOKE ALL ON FUNCTION public.create_interview_slot(p_job_id uuid, p_slot_start timestamp with time zone, p_slot_end timestamp with time zone, p_slot_type text, p_meeting_url text, p_meeting_location jsonb, p_preparation_time_minutes integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.create_interview_slot(p_job_id uuid, p_slot_start timestamp with time zone, p_slot_end timestamp with time zone, p_slot_type text, p_meeting_url text, p_meeting_location jsonb, p_preparation_time_minutes integer) TO supersmartmatch_temporal_owner;
GRANT ALL ON FUNCTION public.create_interview_slot(p_job_id uuid, p_slot_start timestamp with time zone, p_slot_end timestamp with time zone, p_slot_type text, p_meeting_url text, p_meeting_location jsonb, p_preparation_time_minutes integer) TO recruiter_role;

REVOKE ALL ON FUNCTION public.create_outbox_partitions() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.create_range_partition(p_parent regclass, p_name text, p_from timestamp with time zone, p_to timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.current_app_user() FROM PUBLIC;
GRANT ALL ON FUNCTION public.current_app_user() TO matching_definer;
GRANT ALL ON FUNCTION public.current_app_user() TO authenticated_users;
GRANT ALL ON FUNCTION public.current_app_user() TO recruiter_role;
GRANT ALL ON FUNCTION public.current_app_user() TO admin_role;

REVOKE ALL ON FUNCTION public.derived_columns() FROM PUBLIC;
GRANT ALL ON FUNCTION public.derived_columns() TO matching_definer;
GRANT ALL ON FUNCTION public.derived_columns() TO authenticated_users;
GRANT ALL ON FUNCTION public.derived_columns() TO recruiter_role;
GRANT ALL ON FUNCTION public.derived_columns() TO admin_role;
GRANT ALL ON FUNCTION public.derived_columns() TO outbox_worker;

REVOKE ALL ON FUNCTION public.drop_interview_booking() FROM PUBLIC;
GRANT ALL ON FUNCTION public.drop_interview_booking() TO supersmartmatch_temporal_owner;

REVOKE ALL ON FUNCTION public.drop_published_outbox_partitions() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.erase_user_data(p_user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.erase_user_data(p_user_id uuid) TO supersmartmatch_temporal_owner;
GRANT ALL ON FUNCTION public.erase_user_data(p_user_id uuid) TO outbox_worker;

REVOKE ALL ON FUNCTION public.expire_rows() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.finish_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_status text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.finish_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_status text) TO supersmartmatch_temporal_owner;
GRANT ALL ON FUNCTION public.finish_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_status text) TO recruiter_role;
GRANT ALL ON FUNCTION public.finish_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_status text) TO admin_role;

REVOKE ALL ON FUNCTION public.free_busy(p_user_id uuid, p_from timestamp with time zone, p_to timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.free_busy(p_user_id uuid, p_from timestamp with time zone, p_to timestamp with time zone) TO supersmartmatch_temporal_owner;
GRANT ALL ON FUNCTION public.free_busy(p_user_id uuid, p_from timestamp with time zone, p_to timestamp with time zone) TO recruiter_role;
GRANT ALL ON FUNCTION public.free_busy(p_user_id uuid, p_from timestamp with time zone, p_to timestamp with time zone) TO admin_role;

REVOKE ALL ON FUNCTION public.is_on_hold(VARIADIC p_subjects uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.is_on_hold(VARIADIC p_subjects uuid[]) TO supersmartmatch_temporal_owner;

REVOKE ALL ON FUNCTION public.keep_availability_current() FROM PUBLIC;
GRANT ALL ON FUNCTION public.keep_availability_current() TO supersmartmatch_temporal_owner;

REVOKE ALL ON FUNCTION public.keep_interview_booking() FROM PUBLIC;
GRANT ALL ON FUNCTION public.keep_interview_booking() TO supersmartmatch_temporal_owner;

REVOKE ALL ON FUNCTION public.keep_job_schedule_current() FROM PUBLIC;
GRANT ALL ON FUNCTION public.keep_job_schedule_current() TO supersmartmatch_temporal_owner;

REVOKE ALL ON FUNCTION public.list_legal_holds() FROM PUBLIC;
GRANT ALL ON FUNCTION public.list_legal_holds() TO supersmartmatch_temporal_owner;

REVOKE ALL ON FUNCTION public.lock_aggregate(p_aggregate_type text, p_aggregate_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.lock_aggregate(p_aggregate_type text, p_aggregate_id uuid) TO matching_definer;
GRANT ALL ON FUNCTION public.lock_aggregate(p_aggregate_type text, p_aggregate_id uuid) TO authenticated_users;
GRANT ALL ON FUNCTION public.lock_aggregate(p_aggregate_type text, p_aggregate_id uuid) TO recruiter_role;
GRANT ALL ON FUNCTION public.lock_aggregate(p_aggregate_type text, p_aggregate_id uuid) TO admin_role;

REVOKE ALL ON FUNCTION public.maintenance_jobs_changed() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.publish_aggregate_events() FROM PUBLIC;
GRANT ALL ON FUNCTION public.publish_aggregate_events() TO supersmartmatch_temporal_owner;

REVOKE ALL ON FUNCTION public.publish_domain_event(p_aggregate_type character varying, p_aggregate_id uuid, p_event_type character varying, p_event_data jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.publish_domain_event(p_aggregate_type character varying, p_aggregate_id uuid, p_event_type character varying, p_event_data jsonb) TO supersmartmatch_temporal_owner;

REVOKE ALL ON FUNCTION public.purge_cron_history() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.purge_event_records() FROM PUBLIC;
GRANT ALL ON FUNCTION public.purge_event_records() TO supersmartmatch_temporal_owner;

REVOKE ALL ON FUNCTION public.purge_interview_bookings() FROM PUBLIC;
GRANT ALL ON FUNCTION public.purge_interview_bookings() TO supersmartmatch_temporal_owner;

REVOKE ALL ON FUNCTION public.purge_meeting_details() FROM PUBLIC;
GRANT ALL ON FUNCTION public.purge_meeting_details() TO supersmartmatch_temporal_owner;

REVOKE ALL ON FUNCTION public.range_partitions(p_parent regclass) FROM PUBLIC;

GRANT SELECT,INSERT,DELETE ON TABLE public.outbox_events TO matching_definer;
GRANT SELECT ON TABLE public.outbox_events TO outbox_worker;

REVOKE ALL ON FUNCTION public.read_outbox(p_relay text, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.read_outbox(p_relay text, p_limit integer) TO outbox_worker;

REVOKE ALL ON FUNCTION public.record_metric(p_metric_type text, p_entity_type text, p_entity_id uuid, p_value numeric, p_unit text, p_dimensions jsonb, p_measured_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_metric(p_metric_type text, p_entity_type text, p_entity_id uuid, p_value numeric, p_unit text, p_dimensions jsonb, p_measured_at timestamp with time zone) TO supersmartmatch_temporal_owner;
GRANT ALL ON FUNCTION public.record_metric(p_metric_type text, p_entity_type text, p_entity_id uuid, p_value numeric, p_unit text, p_dimensions jsonb, p_measured_at timestamp with time zone) TO outbox_worker;

REVOKE ALL ON FUNCTION public.remove_availability(p_availability_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.remove_availability(p_availability_id uuid) TO supersmartmatch_temporal_owner;
GRANT ALL ON FUNCTION public.remove_availability(p_availability_id uuid) TO authenticated_users;

REVOKE ALL ON FUNCTION public.require_empty_default_partitions() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.reschedule_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_new_start timestamp with time zone, p_new_end timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.reschedule_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_new_start timestamp with time zone, p_new_end timestamp with time zone) TO supersmartmatch_temporal_owner;
GRANT ALL ON FUNCTION public.reschedule_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_new_start timestamp with time zone, p_new_end timestamp with time zone) TO recruiter_role;
GRANT ALL ON FUNCTION public.reschedule_interview(p_slot_id uuid, p_slot_start timestamp with time zone, p_new_start timestamp with time zone, p_new_end timestamp with time zone) TO admin_role;

REVOKE ALL ON FUNCTION public.retention_cutoff(p_rule text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.retention_cutoff(p_rule text) TO supersmartmatch_temporal_owner;

REVOKE ALL ON FUNCTION public.retention_removes(p_rule text, p_keep interval, p_held boolean, p_holds uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.retention_removes(p_rule text, p_keep interval, p_held boolean, p_holds uuid[]) TO supersmartmatch_temporal_owner;

REVOKE ALL ON FUNCTION public.retention_state() FROM PUBLIC;
GRANT ALL ON FUNCTION public.retention_state() TO supersmartmatch_temporal_owner;

REVOKE ALL ON FUNCTION public.run_maintenance_job(p_name text) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.schedule_maintenance_jobs() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.set_availability(p_availability_type text, p_day_of_week integer, p_start_time time without time zone, p_end_time time without time zone, p_timezone text, p_flexibility_minutes integer, p_priority integer, p_recurring boolean, p_notes text, p_created_by text, p_from timestamp with time zone, p_availability_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_availability(p_availability_type text, p_day_of_week integer, p_start_time time without time zone, p_end_time time without time zone, p_timezone text, p_flexibility_minutes integer, p_priority integer, p_recurring boolean, p_notes text, p_created_by text, p_from timestamp with time zone, p_availability_id uuid) TO supersmartmatch_temporal_owner;
GRANT ALL ON FUNCTION public.set_availability(p_availability_type text, p_day_of_week integer, p_start_time time without time zone, p_end_time time without time zone, p_timezone text, p_flexibility_minutes integer, p_priority integer, p_recurring boolean, p_notes text, p_created_by text, p_from timestamp with time zone, p_availability_id uuid) TO authenticated_users;

REVOKE ALL ON FUNCTION public.set_job_schedule(p_job_id uuid, p_schedule_type text, p_start_time time without time zone, p_end_time time without time zone, p_days_of_week integer[], p_timezone text, p_flexibility_level text, p_remote_work_percentage integer, p_shift_name text, p_shift_rotation_days integer, p_from timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_job_schedule(p_job_id uuid, p_schedule_type text, p_start_time time without time zone, p_end_time time without time zone, p_days_of_week integer[], p_timezone text, p_flexibility_level text, p_remote_work_percentage integer, p_shift_name text, p_shift_rotation_days integer, p_from timestamp with time zone) TO supersmartmatch_temporal_owner;
GRANT ALL ON FUNCTION public.set_job_schedule(p_job_id uuid, p_schedule_type text, p_start_time time without time zone, p_end_time time without time zone, p_days_of_week integer[], p_timezone text, p_flexibility_level text, p_remote_work_percentage integer, p_shift_name text, p_shift_rotation_days integer, p_from timestamp with time zone) TO recruiter_role;
GRANT ALL ON FUNCTION public.set_job_schedule(p_job_id uuid, p_schedule_type text, p_start_time time without time zone, p_end_time time without time zone, p_days_of_week integer[], p_timezone text, p_flexibility_level text, p_remote_work_percentage integer, p_shift_name text, p_shift_rotation_days integer, p_from timestamp with time zone) TO admin_role;

REVOKE ALL ON FUNCTION public.set_meeting(p_slot_id uuid, p_slot_start timestamp with time zone, p_meeting_url text, p_meeting_location jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_meeting(p_slot_id uuid, p_slot_start timestamp with time zone, p_meeting_url text, p_meeting_location jsonb) TO supersmartmatch_temporal_owner;
GRANT ALL ON FUNCTION public.set_meeting(p_slot_id uuid, p_slot_start timestamp with time zone, p_meeting_url text, p_meeting_location jsonb) TO recruiter_role;
GRANT ALL ON FUNCTION public.set_meeting(p_slot_id uuid, p_slot_start timestamp with time zone, p_meeting_url text, p_meeting_location jsonb) TO admin_role;

REVOKE ALL ON FUNCTION public.set_retention(p_rules jsonb, p_holds jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_retention(p_rules jsonb, p_holds jsonb) TO supersmartmatch_temporal_owner;

REVOKE ALL ON FUNCTION public.set_retention_policies() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.sync_retention_policies() FROM PUBLIC;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.interview_slots TO matching_definer;

REVOKE ALL ON FUNCTION public.take_interview_slot(p_slot_id uuid, p_slot_start timestamp with time zone, p_candidate boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.take_interview_slot(p_slot_id uuid, p_slot_start timestamp with time zone, p_candidate boolean) TO supersmartmatch_temporal_owner;

REVOKE ALL ON FUNCTION public.touch_updated_at() FROM PUBLIC;

GRANT SELECT ON TABLE public.admin_interviews TO admin_role;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.temporal_analytics TO matching_definer;

GRANT SELECT ON TABLE public.admin_temporal_analytics TO admin_role;

GRANT SELECT ON TABLE public.availability_current TO authenticated_users;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.availability_current TO matching_definer;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.availability_patterns TO matching_definer;

GRANT SELECT ON TABLE public.hourly_availability_stats TO matching_definer;

GRANT SELECT ON TABLE public.availability_statistics TO analytics;

GRANT SELECT ON TABLE public.daily_scheduling_metrics TO matching_definer;

GRANT SELECT ON TABLE public.retention_rules TO matching_definer;

GRANT UPDATE(keep) ON TABLE public.retention_rules TO matching_definer;

GRANT UPDATE(held) ON TABLE public.retention_rules TO matching_definer;

GRANT SELECT,DELETE ON TABLE public.inbox TO matching_definer;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.inbox TO outbox_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.interview_bookings TO matching_definer;

GRANT SELECT ON TABLE public.job_schedule_current TO authenticated_users;
GRANT SELECT ON TABLE public.job_schedule_current TO recruiter_role;
GRANT SELECT ON TABLE public.job_schedule_current TO admin_role;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.job_schedule_current TO matching_definer;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.job_schedules TO matching_definer;

GRANT SELECT,INSERT,DELETE ON TABLE public.legal_holds TO matching_definer;

GRANT UPDATE(reason) ON TABLE public.legal_holds TO matching_definer;

GRANT SELECT ON TABLE public.metric_statistics TO analytics;

GRANT SELECT ON TABLE public.my_availability TO authenticated_users;

GRANT SELECT ON TABLE public.my_interviews TO authenticated_users;
GRANT SELECT ON TABLE public.my_interviews TO recruiter_role;

GRANT SELECT,INSERT,UPDATE ON TABLE public.outbox_cursor TO outbox_worker;

GRANT SELECT,DELETE ON TABLE public.outbox_dead_letters TO matching_definer;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.outbox_dead_letters TO outbox_worker;

GRANT SELECT ON TABLE public.outbox_events_status TO outbox_worker;

GRANT SELECT ON TABLE public.outbox_published_partitions TO matching_definer;

GRANT SELECT ON TABLE public.scheduling_statistics TO analytics;

GRANT SELECT ON TABLE public.time_zones TO matching_definer;

ALTER DEFAULT PRIVILEGES FOR ROLE matching_definer REVOKE ALL ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE matching_definer GRANT ALL ON FUNCTIONS TO supersmartmatch_temporal_owner;

ALTER DEFAULT PRIVILEGES FOR ROLE supersmartmatch_temporal_owner REVOKE ALL ON FUNCTIONS FROM PUBLIC;

