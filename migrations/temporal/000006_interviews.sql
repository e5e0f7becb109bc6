-- Interviews. interview_slots is a hypertable, which can hold no constraint over time ranges; interview_bookings beside it can, and
-- is what makes a double booking impossible (D-110). A slot is addressed by slot_id and timestamp, as a hypertable wants (D-111).

CREATE TABLE interview_slots (
  slot_id UUID NOT NULL DEFAULT gen_random_uuid(),
  "timestamp" TIMESTAMPTZ NOT NULL,
  recruiter_id UUID NOT NULL, -- user_id; after an erasure a number that means nobody
  candidate_id UUID, -- profile
  candidate_user_id UUID, -- the same person's user_id, to erase by (D-123)
  job_id UUID NOT NULL,
  slot_start TIMESTAMPTZ NOT NULL,
  slot_end TIMESTAMPTZ NOT NULL,
  slot_type VARCHAR(30) CHECK (slot_type IN ('phone', 'video', 'onsite', 'technical', 'cultural', 'final')),
  status VARCHAR(20) NOT NULL DEFAULT 'available' CHECK (
    status IN ('available', 'booked', 'completed', 'cancelled', 'no_show')
  ),
  meeting_url TEXT,
  meeting_location JSONB,
  preparation_time_minutes INTEGER NOT NULL DEFAULT 15 CHECK (preparation_time_minutes >= 0),
  booked_at TIMESTAMPTZ,
  booked_by UUID,
  cancellation_reason TEXT CHECK (cancellation_reason ~ '^v1(\.[A-Za-z0-9+/=_-]+){2}\.[A-Za-z0-9+/=_-]*\.[A-Za-z0-9+/=_-]+$'), -- ciphertext
  PRIMARY KEY (slot_id, "timestamp"),
  -- Retention and aggregates go by timestamp, so it is when the interview is (D-113). A trigger could not set it: the chunk is
  -- chosen before.
  CHECK ("timestamp" = slot_start),
  CHECK (slot_end > slot_start),
  CHECK (status <> 'booked' OR candidate_id IS NOT NULL),
  CHECK ((candidate_id IS NULL) = (candidate_user_id IS NULL))
);
SELECT create_hypertable('interview_slots', 'timestamp', chunk_time_interval => INTERVAL '30 days', if_not_exists => true);
CREATE INDEX idx_interview_slots_recruiter ON interview_slots (recruiter_id, "timestamp" DESC);
CREATE INDEX idx_interview_slots_candidate ON interview_slots (candidate_user_id, "timestamp" DESC)
  WHERE candidate_user_id IS NOT NULL;
CREATE INDEX idx_interview_slots_job ON interview_slots (job_id, "timestamp" DESC);
CREATE INDEX idx_interview_slots_booked_by ON interview_slots (booked_by) WHERE booked_by IS NOT NULL;
-- What is to be forgotten soon after the interview.
CREATE INDEX idx_interview_slots_meeting ON interview_slots ("timestamp")
  WHERE meeting_url IS NOT NULL OR meeting_location IS NOT NULL;

CREATE TABLE interview_bookings (
  slot_id UUID PRIMARY KEY,
  recruiter_id UUID NOT NULL,
  candidate_id UUID,
  during TSTZRANGE NOT NULL,
  CONSTRAINT interview_bookings_recruiter EXCLUDE USING gist (recruiter_id WITH =, during WITH &&),
  CONSTRAINT interview_bookings_candidate EXCLUDE USING gist (candidate_id WITH =, during WITH &&)
    WHERE (candidate_id IS NOT NULL)
);
CREATE INDEX idx_interview_bookings_end ON interview_bookings (upper(during));
ALTER TABLE interview_bookings ENABLE ROW LEVEL SECURITY;
ALTER TABLE interview_bookings FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON interview_bookings FOR ALL TO matching_definer USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON interview_slots, interview_bookings TO matching_definer;

SET LOCAL ROLE matching_definer;

-- Two transactions that each hold what the other's constraint waits for would deadlock; the calendars of the two people are taken
-- first, in one order, so that the second waits and is then refused.
CREATE FUNCTION keep_interview_booking() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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

CREATE FUNCTION drop_interview_booking() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  DELETE FROM public.interview_bookings WHERE slot_id = OLD.slot_id;
  RETURN NULL;
END
$$;

-- The two parties see everything of their interview.
CREATE VIEW my_interviews WITH (security_barrier = true) AS
SELECT slot_id, "timestamp", recruiter_id, candidate_id, candidate_user_id, job_id, slot_start, slot_end, slot_type, status,
       meeting_url, meeting_location, preparation_time_minutes, booked_at, booked_by, cancellation_reason
  FROM interview_slots
 WHERE recruiter_id = (SELECT current_app_user()) OR candidate_user_id = (SELECT current_app_user());
GRANT SELECT ON my_interviews TO authenticated_users, recruiter_role;

-- How to get into the meeting is for the two parties only.
CREATE VIEW admin_interviews WITH (security_barrier = true) AS
SELECT slot_id, "timestamp", recruiter_id, candidate_id, candidate_user_id, job_id, slot_start, slot_end, slot_type, status,
       preparation_time_minutes, booked_at, booked_by, cancellation_reason
  FROM interview_slots
 WHERE (SELECT current_app_user()) IS NOT NULL;
GRANT SELECT ON admin_interviews TO admin_role;

-- The slot, locked, if the caller may act on it: an administrator on all, a recruiter on the own ones; on those of the own
-- interviews a candidate too where p_candidate allows it.
CREATE FUNCTION take_interview_slot(p_slot_id uuid, p_slot_start timestamptz, p_candidate boolean) RETURNS interview_slots
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
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

-- Offers a slot, as a recruiter.
CREATE FUNCTION create_interview_slot(
  p_job_id uuid,
  p_slot_start timestamptz,
  p_slot_end timestamptz,
  p_slot_type text DEFAULT NULL,
  p_meeting_url text DEFAULT NULL,
  p_meeting_location jsonb DEFAULT NULL,
  p_preparation_time_minutes integer DEFAULT 15
) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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

-- Books a slot for a candidate: the candidate, the slot's recruiter, or an administrator. That the two ids are one person's, and
-- that the candidate was offered the slot, the service knows. Whoever has an interview at that time already is refused
-- (23P01, interview_bookings_recruiter or interview_bookings_candidate).
CREATE FUNCTION book_interview(p_slot_id uuid, p_slot_start timestamptz, p_candidate_id uuid, p_candidate_user_id uuid)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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

-- Moves a slot, booking and all: DELETE and INSERT, because a row cannot move to another chunk (D-114).
CREATE FUNCTION reschedule_interview(p_slot_id uuid, p_slot_start timestamptz, p_new_start timestamptz, p_new_end timestamptz)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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

-- Calls an interview off, as one of the parties or an administrator; p_reason is ciphertext.
CREATE FUNCTION cancel_interview(p_slot_id uuid, p_slot_start timestamptz, p_reason text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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

-- What became of a booked interview that has begun.
CREATE FUNCTION finish_interview(p_slot_id uuid, p_slot_start timestamptz, p_status text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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

-- Where to meet.
CREATE FUNCTION set_meeting(p_slot_id uuid, p_slot_start timestamptz, p_meeting_url text, p_meeting_location jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  PERFORM public.take_interview_slot(p_slot_id, p_slot_start, false);
  UPDATE public.interview_slots SET meeting_url = p_meeting_url, meeting_location = p_meeting_location
   WHERE slot_id = p_slot_id AND "timestamp" = p_slot_start;
END
$$;

-- When a person is free or busy, and nothing else, for a recruiter whose job the person applied to; that, core knows. Patterns
-- repeat by the clock of their zone, so an hour of 9:00 is that in summer and in winter; one that falls into the hour that is left
-- out in spring is left out too.
CREATE FUNCTION free_busy(p_user_id uuid, p_from timestamptz, p_to timestamptz) RETURNS TABLE (during tstzrange, state text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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

GRANT EXECUTE ON FUNCTION create_interview_slot(uuid, timestamptz, timestamptz, text, text, jsonb, integer) TO recruiter_role;
GRANT EXECUTE ON FUNCTION
  reschedule_interview(uuid, timestamptz, timestamptz, timestamptz),
  finish_interview(uuid, timestamptz, text),
  set_meeting(uuid, timestamptz, text, jsonb),
  free_busy(uuid, timestamptz, timestamptz)
  TO recruiter_role, admin_role;
GRANT EXECUTE ON FUNCTION
  book_interview(uuid, timestamptz, uuid, uuid),
  cancel_interview(uuid, timestamptz, text)
  TO authenticated_users, recruiter_role, admin_role;

SET LOCAL ROLE supersmartmatch_temporal_owner;

CREATE TRIGGER interview_slots_booking
  BEFORE INSERT OR UPDATE OF status, slot_start, slot_end, recruiter_id, candidate_id ON interview_slots
  FOR EACH ROW EXECUTE FUNCTION keep_interview_booking();
CREATE TRIGGER interview_slots_booking_delete AFTER DELETE ON interview_slots
  FOR EACH ROW EXECUTE FUNCTION drop_interview_booking();
SELECT add_event_triggers('interview_slots', 'publish_aggregate_events', 'interview', 'interview.slot', 'slot_id',
                          'job_id,recruiter_id,candidate_id,candidate_user_id');
