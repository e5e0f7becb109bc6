-- When people can: the hypertable is the history, availability_current what is in force (D-115).
--
-- Row security and TimescaleDB exclude each other (D-119): hypertables have none, and nobody but matching_definer has a grant on
-- them. People read them through definer views and write them through definer functions, ordinary tables are guarded as in core.

-- The server's list of time zones takes 30 ms to make, too long for each row (D-122).
CREATE TABLE time_zones (name TEXT PRIMARY KEY);
INSERT INTO time_zones SELECT name FROM pg_timezone_names;
GRANT SELECT ON time_zones TO matching_definer;

-- For columns called timezone. The server is asked for names that are not in the table: it may know newer ones.
CREATE FUNCTION check_time_zone() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
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

CREATE TABLE availability_patterns (
  availability_id UUID NOT NULL DEFAULT gen_random_uuid(),
  user_id UUID NOT NULL, -- of core
  "timestamp" TIMESTAMPTZ NOT NULL, -- since when it holds (D-113)
  availability_type VARCHAR(20) NOT NULL CHECK (
    availability_type IN ('work_hours', 'interview_slot', 'unavailable', 'preferred')
  ),
  day_of_week INTEGER CHECK (day_of_week BETWEEN 0 AND 6), -- 0 = Sunday; NULL: every day
  start_time TIME, -- NULL, as end_time: all day
  end_time TIME, -- before start_time: on the next day (D-122)
  timezone VARCHAR(50) NOT NULL,
  flexibility_minutes INTEGER NOT NULL DEFAULT 0 CHECK (flexibility_minutes >= 0),
  priority INTEGER NOT NULL DEFAULT 1 CHECK (priority BETWEEN 1 AND 5),
  recurring BOOLEAN NOT NULL DEFAULT TRUE,
  notes TEXT CHECK (notes ~ '^v1(\.[A-Za-z0-9+/=_-]+){2}\.[A-Za-z0-9+/=_-]*\.[A-Za-z0-9+/=_-]+$'), -- ciphertext
  created_by VARCHAR(20) CHECK (created_by IN ('user', 'system', 'ml_inference')),
  CHECK (start_time <> end_time),
  CHECK ((start_time IS NULL) = (end_time IS NULL)),
  PRIMARY KEY (availability_id, "timestamp")
);
SELECT create_hypertable('availability_patterns', 'timestamp', chunk_time_interval => INTERVAL '30 days', if_not_exists => true);
CREATE INDEX idx_availability_patterns_user_time ON availability_patterns (user_id, "timestamp" DESC);
CREATE INDEX idx_availability_patterns_type ON availability_patterns (availability_type);
CREATE INDEX idx_availability_patterns_dow ON availability_patterns (day_of_week);
CREATE TRIGGER availability_patterns_timezone BEFORE INSERT OR UPDATE OF timezone ON availability_patterns
  FOR EACH ROW EXECUTE FUNCTION check_time_zone();

-- The recurring patterns in force, untouched by retention. The same pattern entered again is the same row (D-125).
CREATE TABLE availability_current (
  availability_id UUID PRIMARY KEY,
  user_id UUID NOT NULL,
  availability_type VARCHAR(20) NOT NULL,
  day_of_week INTEGER,
  start_time TIME,
  end_time TIME,
  timezone VARCHAR(50) NOT NULL,
  flexibility_minutes INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  confirmed_at TIMESTAMPTZ NOT NULL, -- timestamp of the pattern that last said so
  CONSTRAINT availability_current_unique
    UNIQUE NULLS NOT DISTINCT (user_id, availability_type, day_of_week, start_time, end_time, timezone)
);
ALTER TABLE availability_current ENABLE ROW LEVEL SECURITY;
ALTER TABLE availability_current FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON availability_current FOR ALL TO matching_definer USING (true) WITH CHECK (true);
CREATE POLICY self_read ON availability_current FOR SELECT TO authenticated_users
  USING (user_id = (SELECT current_app_user()));
GRANT SELECT ON availability_current TO authenticated_users;
GRANT SELECT, INSERT, UPDATE, DELETE ON availability_patterns, availability_current TO matching_definer;

SET LOCAL ROLE matching_definer;

-- A pattern with the id of one in force replaces it; one that says what another already says confirms that. An older one, as an
-- import may bring it, changes nothing.
CREATE FUNCTION keep_availability_current() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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

-- What the person entered, notes included, while it is kept.
CREATE VIEW my_availability WITH (security_barrier = true) AS
SELECT availability_id, "timestamp", availability_type, day_of_week, start_time, end_time, timezone, flexibility_minutes, priority,
       recurring, notes, created_by
  FROM availability_patterns
 WHERE user_id = (SELECT current_app_user());
GRANT SELECT ON my_availability TO authenticated_users;

-- Enters a pattern for the caller, or a new version of the one with p_availability_id. Returns the id that is in force.
CREATE FUNCTION set_availability(
  p_availability_type text,
  p_day_of_week integer,
  p_start_time time,
  p_end_time time,
  p_timezone text,
  p_flexibility_minutes integer DEFAULT 0,
  p_priority integer DEFAULT 1,
  p_recurring boolean DEFAULT TRUE,
  p_notes text DEFAULT NULL,
  p_created_by text DEFAULT 'user',
  p_from timestamptz DEFAULT now(),
  p_availability_id uuid DEFAULT NULL
) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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

-- Ends a pattern of the caller's; false if there is none. Its history stays for as long as history is kept.
CREATE FUNCTION remove_availability(p_availability_id uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  PERFORM public.lock_aggregate('availability', p_availability_id);
  DELETE FROM public.availability_current WHERE availability_id = p_availability_id AND user_id = public.current_app_user();
  RETURN FOUND;
END
$$;

GRANT EXECUTE ON FUNCTION
  set_availability(text, integer, time, time, text, integer, integer, boolean, text, text, timestamptz, uuid),
  remove_availability(uuid)
  TO authenticated_users;

SET LOCAL ROLE supersmartmatch_temporal_owner;

CREATE TRIGGER availability_patterns_current AFTER INSERT ON availability_patterns
  FOR EACH ROW WHEN (NEW.recurring) EXECUTE FUNCTION keep_availability_current();
SELECT add_event_triggers('availability_current', 'publish_aggregate_events', 'availability', 'availability', 'availability_id',
                          'user_id');
