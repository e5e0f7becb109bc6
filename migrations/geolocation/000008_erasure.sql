-- What this database forgets of a person (part of `user.anonymized`, D-062): preferences, places of the person's own with the
-- distances from and to them, and events that name the person. Shared places hold nothing of anybody.

SET LOCAL ROLE matching_definer;

CREATE FUNCTION count_user_data(p_user_id uuid) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
  SELECT (SELECT count(*) FROM public.user_location_preferences WHERE user_id = p_user_id)
       + (SELECT count(*) FROM public.locations WHERE owner_user_id = p_user_id)
       + (SELECT count(*) FROM public.outbox_events
           WHERE event_data ? 'user_id' AND (event_data ->> 'user_id')::uuid = p_user_id)
       + (SELECT count(*) FROM public.outbox_dead_letters WHERE event_data ->> 'user_id' = p_user_id::text)
$$;

-- May run any number of times. matched: rows of the person before, erased: how many of them are gone, left_over: how many not.
CREATE FUNCTION erase_user_data(p_user_id uuid) RETURNS TABLE (matched bigint, erased bigint, left_over bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  IF public.is_on_hold(p_user_id) THEN
    RAISE EXCEPTION 'this person is on legal hold: end it in spec.retention.legalHolds first'
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  PERFORM public.lock_aggregate('preference', preference_id)
     FROM (SELECT preference_id FROM public.user_location_preferences WHERE user_id = p_user_id ORDER BY 1) p;
  matched := public.count_user_data(p_user_id);
  DELETE FROM public.user_location_preferences WHERE user_id = p_user_id;
  DELETE FROM public.locations WHERE owner_user_id = p_user_id;
  -- Also the events that these deletions wrote: who needs to know hears of the erasure itself.
  DELETE FROM public.outbox_events WHERE event_data ? 'user_id' AND (event_data ->> 'user_id')::uuid = p_user_id;
  DELETE FROM public.outbox_dead_letters WHERE event_data ->> 'user_id' = p_user_id::text;
  left_over := public.count_user_data(p_user_id);
  erased := matched - left_over;
  RETURN NEXT;
END
$$;
GRANT EXECUTE ON FUNCTION erase_user_data(uuid) TO outbox_worker;

SET LOCAL ROLE supersmartmatch_geo_owner;
