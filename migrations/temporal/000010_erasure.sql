-- What this database forgets of a person (part of `user.anonymized`, D-062). Availability, measurements and events go. Interviews
-- stay without the person: a candidate's ids become NULL, a recruiter's a number that means nobody, what is still to come is
-- cancelled in the same UPDATE, because a booked slot needs a candidate (D-112).

SET LOCAL ROLE matching_definer;

CREATE FUNCTION count_user_data(p_user_id uuid) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
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

-- May run any number of times. matched: rows of the person before, erased: how many of them are gone, left_over: how many not.
CREATE FUNCTION erase_user_data(p_user_id uuid) RETURNS TABLE (matched bigint, erased bigint, left_over bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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
GRANT EXECUTE ON FUNCTION erase_user_data(uuid) TO outbox_worker;

SET LOCAL ROLE supersmartmatch_temporal_owner;
