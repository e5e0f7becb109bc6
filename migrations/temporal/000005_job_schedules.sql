-- When a job is worked: history in a hypertable, what is in force beside it until the job closes (D-115). Nothing personal.

CREATE TABLE job_schedules (
  schedule_id UUID NOT NULL DEFAULT gen_random_uuid(),
  job_id UUID NOT NULL, -- of core
  "timestamp" TIMESTAMPTZ NOT NULL, -- since when it holds (D-113)
  schedule_type VARCHAR(30) NOT NULL CHECK (
    schedule_type IN ('work_hours', 'flexible', 'shift_work', 'remote_friendly', 'on_call')
  ),
  start_time TIME,
  end_time TIME, -- before start_time: on the next day
  days_of_week INTEGER[] CHECK (days_of_week <@ ARRAY[0, 1, 2, 3, 4, 5, 6]), -- 0 = Sunday (D-121)
  timezone VARCHAR(50) NOT NULL,
  flexibility_level VARCHAR(20) CHECK (
    flexibility_level IN ('rigid', 'somewhat_flexible', 'flexible', 'very_flexible')
  ),
  remote_work_percentage INTEGER NOT NULL DEFAULT 0 CHECK (remote_work_percentage BETWEEN 0 AND 100),
  shift_name VARCHAR(50),
  shift_rotation_days INTEGER CHECK (shift_rotation_days > 0),
  CHECK (start_time <> end_time),
  CHECK ((start_time IS NULL) = (end_time IS NULL)),
  PRIMARY KEY (schedule_id, "timestamp")
);
SELECT create_hypertable('job_schedules', 'timestamp', chunk_time_interval => INTERVAL '30 days', if_not_exists => true);
CREATE INDEX idx_job_schedules_job_time ON job_schedules (job_id, "timestamp" DESC);
CREATE TRIGGER job_schedules_timezone BEFORE INSERT OR UPDATE OF timezone ON job_schedules
  FOR EACH ROW EXECUTE FUNCTION check_time_zone();

CREATE TABLE job_schedule_current (
  schedule_id UUID PRIMARY KEY,
  job_id UUID NOT NULL,
  schedule_type VARCHAR(30) NOT NULL,
  start_time TIME,
  end_time TIME,
  days_of_week INTEGER[],
  timezone VARCHAR(50) NOT NULL,
  flexibility_level VARCHAR(20),
  remote_work_percentage INTEGER NOT NULL,
  shift_name VARCHAR(50),
  shift_rotation_days INTEGER,
  confirmed_at TIMESTAMPTZ NOT NULL,
  -- A job has one schedule of a type, or one for each shift.
  CONSTRAINT job_schedule_current_unique UNIQUE NULLS NOT DISTINCT (job_id, schedule_type, shift_name)
);
GRANT SELECT ON job_schedule_current TO authenticated_users, recruiter_role, admin_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON job_schedules, job_schedule_current TO matching_definer;

SET LOCAL ROLE matching_definer;

CREATE FUNCTION keep_job_schedule_current() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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

-- Enters a schedule and returns the id that is in force. That the job is the caller's, core knows; the service asks it first.
CREATE FUNCTION set_job_schedule(
  p_job_id uuid,
  p_schedule_type text,
  p_start_time time,
  p_end_time time,
  p_days_of_week integer[],
  p_timezone text,
  p_flexibility_level text DEFAULT NULL,
  p_remote_work_percentage integer DEFAULT 0,
  p_shift_name text DEFAULT NULL,
  p_shift_rotation_days integer DEFAULT NULL,
  p_from timestamptz DEFAULT now()
) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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
GRANT EXECUTE ON FUNCTION
  set_job_schedule(uuid, text, time, time, integer[], text, text, integer, text, integer, timestamptz)
  TO recruiter_role, admin_role;

-- For the consumer of `job.posting.*`: a closed job has no schedule in force.
CREATE FUNCTION close_job_schedules(p_job_id uuid) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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
GRANT EXECUTE ON FUNCTION close_job_schedules(uuid) TO outbox_worker;

SET LOCAL ROLE supersmartmatch_temporal_owner;

CREATE TRIGGER job_schedules_current AFTER INSERT ON job_schedules
  FOR EACH ROW EXECUTE FUNCTION keep_job_schedule_current();
SELECT add_event_triggers('job_schedule_current', 'publish_aggregate_events', 'schedule', 'job.schedule', 'schedule_id', 'job_id');
