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

CREATE SCHEMA migrations;

ALTER SCHEMA migrations OWNER TO supersmartmatch_geo_owner;

CREATE SCHEMA pgbouncer;

ALTER SCHEMA pgbouncer OWNER TO postgres;

CREATE EXTENSION IF NOT EXISTS postgis WITH SCHEMA public;

COMMENT ON EXTENSION postgis IS 'PostGIS geometry and geography spatial types and functions';

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

ALTER FUNCTION public.add_event_triggers(p_table regclass, p_function text, VARIADIC p_arguments text[]) OWNER TO supersmartmatch_geo_owner;

CREATE FUNCTION public.app_can_see_location(p_location_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM public.locations
                  WHERE location_id = p_location_id AND public.current_app_user() IS NOT NULL
                    AND (owner_user_id IS NULL OR owner_user_id = public.current_app_user()));
END
$$;

ALTER FUNCTION public.app_can_see_location(p_location_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.cache_distance(p_origin uuid, p_destination uuid, p_source text, p_driving_km numeric DEFAULT NULL::numeric, p_driving_minutes integer DEFAULT NULL::integer, p_public_transport_minutes integer DEFAULT NULL::integer, p_walking_minutes integer DEFAULT NULL::integer, p_cycling_minutes integer DEFAULT NULL::integer, p_route_polyline text DEFAULT NULL::text, p_traffic_info jsonb DEFAULT NULL::jsonb, p_toll_info jsonb DEFAULT NULL::jsonb) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_id uuid;
BEGIN
  IF NOT (public.app_can_see_location(p_origin) AND public.app_can_see_location(p_destination)) THEN
    RAISE EXCEPTION 'origin or destination is no location of the caller, nor a shared one' USING ERRCODE = 'insufficient_privilege';
  END IF;
  INSERT INTO public.distance_calculations AS d (
    origin_location_id, destination_location_id, straight_line_distance_km, driving_distance_km, driving_time_minutes,
    public_transport_time_minutes, walking_time_minutes, cycling_time_minutes, route_polyline, traffic_info, toll_info,
    calculation_source)
  SELECT p_origin, p_destination,
         public.ST_Distance(o.coordinates::public.geography, t.coordinates::public.geography) / 1000, p_driving_km,
         p_driving_minutes, p_public_transport_minutes, p_walking_minutes, p_cycling_minutes, p_route_polyline, p_traffic_info,
         p_toll_info, p_source
    FROM public.locations o, public.locations t
   WHERE o.location_id = p_origin AND t.location_id = p_destination
  ON CONFLICT ON CONSTRAINT distance_calculations_unique DO UPDATE SET
    straight_line_distance_km = excluded.straight_line_distance_km, driving_distance_km = excluded.driving_distance_km,
    driving_time_minutes = excluded.driving_time_minutes,
    public_transport_time_minutes = excluded.public_transport_time_minutes,
    walking_time_minutes = excluded.walking_time_minutes, cycling_time_minutes = excluded.cycling_time_minutes,
    route_polyline = excluded.route_polyline, traffic_info = excluded.traffic_info, toll_info = excluded.toll_info,
    calculation_source = excluded.calculation_source, calculated_at = excluded.calculated_at,
    cache_expires_at = excluded.cache_expires_at
  RETURNING d.calculation_id INTO v_id;
  RETURN v_id;
END
$$;

ALTER FUNCTION public.cache_distance(p_origin uuid, p_destination uuid, p_source text, p_driving_km numeric, p_driving_minutes integer, p_public_transport_minutes integer, p_walking_minutes integer, p_cycling_minutes integer, p_route_polyline text, p_traffic_info jsonb, p_toll_info jsonb) OWNER TO matching_definer;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE public.distance_calculations (
    calculation_id uuid DEFAULT gen_random_uuid() NOT NULL,
    origin_location_id uuid NOT NULL,
    destination_location_id uuid NOT NULL,
    straight_line_distance_km numeric(8,2),
    driving_distance_km numeric(8,2),
    driving_time_minutes integer,
    public_transport_time_minutes integer,
    walking_time_minutes integer,
    cycling_time_minutes integer,
    route_polyline text,
    traffic_info jsonb,
    toll_info jsonb,
    calculation_source character varying(50),
    calculated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    cache_expires_at timestamp with time zone DEFAULT (CURRENT_TIMESTAMP + '01:00:00'::interval) NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT distance_calculations_calculation_source_check CHECK (((calculation_source)::text = ANY ((ARRAY['google'::character varying, 'mapbox'::character varying, 'osrm'::character varying])::text[]))),
    CONSTRAINT distance_calculations_cycling_time_minutes_check CHECK ((cycling_time_minutes >= 0)),
    CONSTRAINT distance_calculations_driving_distance_km_check CHECK ((driving_distance_km >= (0)::numeric)),
    CONSTRAINT distance_calculations_driving_time_minutes_check CHECK ((driving_time_minutes >= 0)),
    CONSTRAINT distance_calculations_public_transport_time_minutes_check CHECK ((public_transport_time_minutes >= 0)),
    CONSTRAINT distance_calculations_straight_line_distance_km_check CHECK ((straight_line_distance_km >= (0)::numeric)),
    CONSTRAINT distance_calculations_walking_time_minutes_check CHECK ((walking_time_minutes >= 0))
);

ALTER TABLE ONLY public.distance_calculations FORCE ROW LEVEL SECURITY;

ALTER TABLE public.distance_calculations OWNER TO supersmartmatch_geo_owner;

CREATE FUNCTION public.cached_distance(p_origin uuid, p_destination uuid) RETURNS SETOF public.distance_calculations
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN QUERY
  SELECT d.* FROM public.distance_calculations d
   WHERE d.origin_location_id = p_origin AND d.destination_location_id = p_destination AND d.cache_expires_at > now()
     AND public.app_can_see_location(p_origin) AND public.app_can_see_location(p_destination);
END
$$;

ALTER FUNCTION public.cached_distance(p_origin uuid, p_destination uuid) OWNER TO matching_definer;

CREATE FUNCTION public.calculate_distance_km(lat1 double precision, lon1 double precision, lat2 double precision, lon2 double precision) RETURNS double precision
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN public.ST_Distance(public.geographic_point(lat1, lon1), public.geographic_point(lat2, lon2)) / 1000;
END
$$;

ALTER FUNCTION public.calculate_distance_km(lat1 double precision, lon1 double precision, lat2 double precision, lon2 double precision) OWNER TO supersmartmatch_geo_owner;

CREATE FUNCTION public.calculate_distance_km(lat1 numeric, lon1 numeric, lat2 numeric, lon2 numeric) RETURNS numeric
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN public.calculate_distance_km(lat1::double precision, lon1::double precision, lat2::double precision,
                                      lon2::double precision)::numeric;
END
$$;

ALTER FUNCTION public.calculate_distance_km(lat1 numeric, lon1 numeric, lat2 numeric, lon2 numeric) OWNER TO supersmartmatch_geo_owner;

CREATE FUNCTION public.candidate_region(p_user_id uuid) RETURNS TABLE(region character varying, country_code character varying)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN QUERY
  SELECT l.region, l.country_code
    FROM public.user_location_preferences p JOIN public.locations l USING (location_id)
   WHERE p.user_id = p_user_id AND p.location_type = 'home' AND public.current_app_user() IS NOT NULL;
END
$$;

ALTER FUNCTION public.candidate_region(p_user_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.check_preference_location() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM public.locations l
                  WHERE l.location_id = NEW.location_id
                    AND (l.owner_user_id = NEW.user_id
                         OR l.owner_user_id IS NULL AND NEW.location_type IN ('preferred', 'excluded'))) THEN
    RAISE EXCEPTION '% must be a location whose owner_user_id is the user%', NEW.location_type,
                    CASE WHEN NEW.location_type IN ('preferred', 'excluded') THEN ', or a shared one' ELSE '' END
      USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN NEW;
END
$$;

ALTER FUNCTION public.check_preference_location() OWNER TO matching_definer;

CREATE FUNCTION public.count_user_data(p_user_id uuid) RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  SELECT (SELECT count(*) FROM public.user_location_preferences WHERE user_id = p_user_id)
       + (SELECT count(*) FROM public.locations WHERE owner_user_id = p_user_id)
       + (SELECT count(*) FROM public.outbox_events
           WHERE event_data ? 'user_id' AND (event_data ->> 'user_id')::uuid = p_user_id)
       + (SELECT count(*) FROM public.outbox_dead_letters WHERE event_data ->> 'user_id' = p_user_id::text)
$$;

ALTER FUNCTION public.count_user_data(p_user_id uuid) OWNER TO matching_definer;

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

ALTER FUNCTION public.create_outbox_partitions() OWNER TO supersmartmatch_geo_owner;

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

ALTER FUNCTION public.create_range_partition(p_parent regclass, p_name text, p_from timestamp with time zone, p_to timestamp with time zone) OWNER TO supersmartmatch_geo_owner;

CREATE FUNCTION public.current_app_user() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('app.current_user_id'::text, true), ''::text))::uuid;

ALTER FUNCTION public.current_app_user() OWNER TO supersmartmatch_geo_owner;

CREATE FUNCTION public.derived_columns() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY['updated_at'::text];

ALTER FUNCTION public.derived_columns() OWNER TO supersmartmatch_geo_owner;

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

ALTER FUNCTION public.drop_published_outbox_partitions() OWNER TO supersmartmatch_geo_owner;

CREATE FUNCTION public.erase_user_data(p_user_id uuid) RETURNS TABLE(matched bigint, erased bigint, left_over bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
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

ALTER FUNCTION public.erase_user_data(p_user_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.find_nearby_locations(center_lat double precision, center_lon double precision, radius_km double precision DEFAULT 50) RETURNS TABLE(location_id uuid, distance_km double precision, formatted_address text)
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN QUERY
  SELECT n.location_id, n.metres / 1000, n.formatted_address
    FROM public.shared_locations_within(public.geographic_point(center_lat, center_lon),
                                        public.search_radius(radius_km * 1000)) n;
END
$$;

ALTER FUNCTION public.find_nearby_locations(center_lat double precision, center_lon double precision, radius_km double precision) OWNER TO supersmartmatch_geo_owner;

CREATE FUNCTION public.find_nearby_locations(center_lat numeric, center_lon numeric, radius_km numeric DEFAULT 50) RETURNS TABLE(location_id uuid, distance_km numeric, formatted_address text)
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN QUERY
  SELECT n.location_id, (n.metres / 1000)::numeric, n.formatted_address
    FROM public.shared_locations_within(
           public.geographic_point(center_lat::double precision, center_lon::double precision),
           public.search_radius((radius_km * 1000)::double precision)) n;
END
$$;

ALTER FUNCTION public.find_nearby_locations(center_lat numeric, center_lon numeric, radius_km numeric) OWNER TO supersmartmatch_geo_owner;

CREATE FUNCTION public.find_nearest_locations(center_lat double precision, center_lon double precision, max_results integer DEFAULT 10) RETURNS TABLE(location_id uuid, distance_km double precision, formatted_address text)
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF max_results NOT BETWEEN 1 AND 1000 THEN
    RAISE EXCEPTION 'max_results % is not between 1 and 1000', max_results USING ERRCODE = 'numeric_value_out_of_range';
  END IF;
  RETURN QUERY
  SELECT n.location_id, n.metres / 1000, n.formatted_address
    FROM public.shared_locations_nearest(public.geographic_point(center_lat, center_lon), max_results) n;
END
$$;

ALTER FUNCTION public.find_nearest_locations(center_lat double precision, center_lon double precision, max_results integer) OWNER TO supersmartmatch_geo_owner;

CREATE FUNCTION public.geographic_point(p_lat double precision, p_lon double precision) RETURNS public.geography
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF p_lat NOT BETWEEN -90 AND 90 THEN
    RAISE EXCEPTION 'latitude % is not between -90 and 90', p_lat USING ERRCODE = 'numeric_value_out_of_range';
  ELSIF p_lon NOT BETWEEN -180 AND 180 THEN
    RAISE EXCEPTION 'longitude % is not between -180 and 180', p_lon USING ERRCODE = 'numeric_value_out_of_range';
  END IF;
  RETURN public.ST_MakePoint(p_lon, p_lat)::public.geography;
END
$$;

ALTER FUNCTION public.geographic_point(p_lat double precision, p_lon double precision) OWNER TO supersmartmatch_geo_owner;

CREATE FUNCTION public.is_on_hold(VARIADIC p_subjects uuid[]) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN EXISTS (SELECT FROM public.legal_holds WHERE subject_id = ANY (p_subjects));
END
$$;

ALTER FUNCTION public.is_on_hold(VARIADIC p_subjects uuid[]) OWNER TO matching_definer;

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

ALTER FUNCTION public.lock_aggregate(p_aggregate_type text, p_aggregate_id uuid) OWNER TO supersmartmatch_geo_owner;

CREATE FUNCTION public.maintenance_jobs_changed() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  PERFORM public.schedule_maintenance_jobs();
  RETURN NULL;
END
$$;

ALTER FUNCTION public.maintenance_jobs_changed() OWNER TO supersmartmatch_geo_owner;

CREATE FUNCTION public.normalize_address() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  NEW.formatted_address := btrim(regexp_replace(normalize(NEW.formatted_address, NFC), '\s+', ' ', 'g'));
  RETURN NEW;
END
$$;

ALTER FUNCTION public.normalize_address() OWNER TO supersmartmatch_geo_owner;

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

ALTER FUNCTION public.purge_cron_history() OWNER TO supersmartmatch_geo_owner;

CREATE FUNCTION public.purge_distances() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_count integer;
BEGIN
  DELETE FROM public.distance_calculations
   WHERE calculation_id IN (SELECT calculation_id FROM public.distance_calculations
                             WHERE cache_expires_at <= public.retention_cutoff('distances') + interval '1 hour'
                             ORDER BY cache_expires_at LIMIT 10000);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;

ALTER FUNCTION public.purge_distances() OWNER TO matching_definer;

CREATE FUNCTION public.purge_event_records() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  DELETE FROM public.outbox_dead_letters WHERE created_at < public.retention_cutoff('event-records');
  DELETE FROM public.inbox WHERE created_at < public.retention_cutoff('event-records')
$$;

ALTER FUNCTION public.purge_event_records() OWNER TO matching_definer;

CREATE FUNCTION public.purge_private_locations() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_count integer;
BEGIN
  DELETE FROM public.locations
   WHERE location_id IN (SELECT l.location_id FROM public.locations l
                          WHERE l.owner_user_id IS NOT NULL AND NOT public.is_on_hold(l.owner_user_id)
                            AND l.cache_expires_at <= public.retention_cutoff('private-places') + interval '30 days'
                            AND NOT EXISTS (SELECT 1 FROM public.user_location_preferences p
                                             WHERE p.location_id = l.location_id)
                          ORDER BY l.cache_expires_at LIMIT 1000);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;

ALTER FUNCTION public.purge_private_locations() OWNER TO matching_definer;

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

ALTER FUNCTION public.range_partitions(p_parent regclass) OWNER TO supersmartmatch_geo_owner;

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

ALTER TABLE public.outbox_events OWNER TO supersmartmatch_geo_owner;

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

ALTER FUNCTION public.read_outbox(p_relay text, p_limit integer) OWNER TO supersmartmatch_geo_owner;

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

ALTER FUNCTION public.require_empty_default_partitions() OWNER TO supersmartmatch_geo_owner;

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

ALTER FUNCTION public.run_maintenance_job(p_name text) OWNER TO supersmartmatch_geo_owner;

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

ALTER FUNCTION public.schedule_maintenance_jobs() OWNER TO supersmartmatch_geo_owner;

CREATE FUNCTION public.search_radius(p_metres double precision) RETURNS double precision
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  IF p_metres NOT BETWEEN 0 AND 'Infinity' THEN
    RAISE EXCEPTION 'radius of % km is negative or no number', p_metres / 1000 USING ERRCODE = 'numeric_value_out_of_range';
  END IF;
  RETURN LEAST(p_metres, 20100000);
END
$$;

ALTER FUNCTION public.search_radius(p_metres double precision) OWNER TO supersmartmatch_geo_owner;

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

CREATE FUNCTION public.shared_locations_nearest(p_center public.geography, p_limit integer) RETURNS TABLE(location_id uuid, metres double precision, formatted_address text)
    LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
#variable_conflict use_column
DECLARE
  v_reach double precision := 1000;
BEGIN
  WHILE v_reach < 20100000
    AND (SELECT count(*) FROM (SELECT 1 FROM public.locations l
                                WHERE l.owner_user_id IS NULL
                                  AND public.ST_DWithin(p_center, l.coordinates::public.geography, v_reach)
                                  AND public.ST_Distance(p_center, l.coordinates::public.geography) <= v_reach
                                LIMIT p_limit) found) < p_limit
  LOOP
    v_reach := v_reach * 2;
  END LOOP;
  RETURN QUERY
  SELECT * FROM public.shared_locations_within(p_center, v_reach) ORDER BY metres, location_id LIMIT p_limit;
END
$$;

ALTER FUNCTION public.shared_locations_nearest(p_center public.geography, p_limit integer) OWNER TO matching_definer;

CREATE FUNCTION public.shared_locations_within(p_center public.geography, p_metres double precision) RETURNS TABLE(location_id uuid, metres double precision, formatted_address text)
    LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
#variable_conflict use_column
BEGIN
  IF public.current_app_user() IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY
  SELECT l.location_id, public.ST_Distance(p_center, l.coordinates::public.geography) AS metres, l.formatted_address
    FROM public.locations l
   WHERE l.owner_user_id IS NULL AND public.ST_DWithin(p_center, l.coordinates::public.geography, p_metres + 0.001)
     AND public.ST_Distance(p_center, l.coordinates::public.geography) <= p_metres
   ORDER BY metres, location_id;
END
$$;

ALTER FUNCTION public.shared_locations_within(p_center public.geography, p_metres double precision) OWNER TO matching_definer;

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

ALTER FUNCTION public.touch_updated_at() OWNER TO supersmartmatch_geo_owner;

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

ALTER TABLE migrations.schema_migrations OWNER TO supersmartmatch_geo_owner;

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

ALTER TABLE public.outbox_events_default OWNER TO supersmartmatch_geo_owner;

CREATE VIEW public.default_partition_rows WITH (security_invoker='true') AS
 SELECT 'outbox_events'::text AS table_name,
    count(*) AS rows
   FROM public.outbox_events_default;

ALTER VIEW public.default_partition_rows OWNER TO supersmartmatch_geo_owner;

CREATE TABLE public.inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);

ALTER TABLE public.inbox OWNER TO supersmartmatch_geo_owner;

CREATE TABLE public.legal_holds (
    subject_id uuid NOT NULL,
    reason text NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT legal_holds_reason_check CHECK ((reason <> ''::text))
);

ALTER TABLE ONLY public.legal_holds FORCE ROW LEVEL SECURITY;

ALTER TABLE public.legal_holds OWNER TO supersmartmatch_geo_owner;

CREATE TABLE public.locations (
    location_id uuid DEFAULT gen_random_uuid() NOT NULL,
    owner_user_id uuid,
    formatted_address text NOT NULL,
    street_number character varying(20),
    street_name character varying(200),
    city character varying(100) NOT NULL,
    region character varying(100),
    country character varying(100) NOT NULL,
    country_code character varying(2) NOT NULL,
    postal_code character varying(20),
    coordinates public.geometry(Point,4326) NOT NULL,
    geocoding_accuracy character varying(20),
    geocoding_source character varying(50),
    place_types text[],
    timezone character varying(50),
    geocoded_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    cache_expires_at timestamp with time zone DEFAULT (CURRENT_TIMESTAMP + '30 days'::interval) NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT locations_coordinates_check CHECK (((NOT public.st_isempty(coordinates)) AND ((public.st_x(coordinates) >= ('-180'::integer)::double precision) AND (public.st_x(coordinates) <= (180)::double precision)) AND ((public.st_y(coordinates) >= ('-90'::integer)::double precision) AND (public.st_y(coordinates) <= (90)::double precision)))),
    CONSTRAINT locations_country_code_check CHECK (((country_code)::text ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT locations_formatted_address_check CHECK (((formatted_address <> ''::text) AND (char_length(formatted_address) <= 500))),
    CONSTRAINT locations_geocoding_accuracy_check CHECK (((geocoding_accuracy)::text = ANY ((ARRAY['rooftop'::character varying, 'range_interpolated'::character varying, 'geometric_center'::character varying])::text[]))),
    CONSTRAINT locations_geocoding_source_check CHECK (((geocoding_source)::text = ANY ((ARRAY['google'::character varying, 'mapbox'::character varying, 'nominatim'::character varying, 'geonames'::character varying])::text[]))),
    CONSTRAINT locations_place_types_check CHECK ((place_types <@ ARRAY['address'::text, 'neighborhood'::text, 'city'::text, 'region'::text, 'country'::text]))
);

ALTER TABLE ONLY public.locations FORCE ROW LEVEL SECURITY;

ALTER TABLE public.locations OWNER TO supersmartmatch_geo_owner;

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

ALTER TABLE public.maintenance_jobs OWNER TO supersmartmatch_geo_owner;

CREATE TABLE public.outbox_cursor (
    relay text NOT NULL,
    xid xid8 NOT NULL,
    sequence bigint NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);

ALTER TABLE public.outbox_cursor OWNER TO supersmartmatch_geo_owner;

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

ALTER TABLE public.outbox_dead_letters OWNER TO supersmartmatch_geo_owner;

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

ALTER VIEW public.outbox_events_status OWNER TO supersmartmatch_geo_owner;

CREATE TABLE public.outbox_published_partitions (
    partition_name text NOT NULL,
    published_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);

ALTER TABLE public.outbox_published_partitions OWNER TO supersmartmatch_geo_owner;

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

ALTER TABLE public.retention_rules OWNER TO supersmartmatch_geo_owner;

CREATE TABLE public.user_location_preferences (
    preference_id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    location_id uuid NOT NULL,
    location_type character varying(20) NOT NULL,
    max_commute_distance_km integer,
    max_commute_time_minutes integer,
    transport_modes text[],
    is_flexible boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT user_location_preferences_location_type_check CHECK (((location_type)::text = ANY ((ARRAY['home'::character varying, 'work'::character varying, 'preferred'::character varying, 'excluded'::character varying])::text[]))),
    CONSTRAINT user_location_preferences_max_commute_distance_km_check CHECK ((max_commute_distance_km >= 0)),
    CONSTRAINT user_location_preferences_max_commute_time_minutes_check CHECK ((max_commute_time_minutes >= 0)),
    CONSTRAINT user_location_preferences_transport_modes_check CHECK ((transport_modes <@ ARRAY['driving'::text, 'public_transport'::text, 'walking'::text, 'cycling'::text]))
);

ALTER TABLE ONLY public.user_location_preferences FORCE ROW LEVEL SECURITY;

ALTER TABLE public.user_location_preferences OWNER TO supersmartmatch_geo_owner;

ALTER TABLE ONLY public.outbox_events ATTACH PARTITION public.outbox_events_default DEFAULT;

ALTER TABLE ONLY migrations.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.distance_calculations
    ADD CONSTRAINT distance_calculations_pkey PRIMARY KEY (calculation_id);

ALTER TABLE ONLY public.distance_calculations
    ADD CONSTRAINT distance_calculations_unique UNIQUE (origin_location_id, destination_location_id);

ALTER TABLE ONLY public.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (consumer, event_id);

ALTER TABLE ONLY public.legal_holds
    ADD CONSTRAINT legal_holds_pkey PRIMARY KEY (subject_id);

ALTER TABLE ONLY public.locations
    ADD CONSTRAINT locations_coordinates_idx UNIQUE NULLS NOT DISTINCT (coordinates, formatted_address, owner_user_id);

ALTER TABLE ONLY public.locations
    ADD CONSTRAINT locations_pkey PRIMARY KEY (location_id);

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

ALTER TABLE ONLY public.user_location_preferences
    ADD CONSTRAINT user_location_preferences_pkey PRIMARY KEY (preference_id);

ALTER TABLE ONLY public.user_location_preferences
    ADD CONSTRAINT user_location_preferences_unique UNIQUE (user_id, location_id, location_type);

CREATE INDEX idx_distance_calculations_destination ON public.distance_calculations USING btree (destination_location_id);

CREATE INDEX idx_distance_calculations_expires ON public.distance_calculations USING btree (cache_expires_at);

CREATE INDEX idx_distance_calculations_origin ON public.distance_calculations USING btree (origin_location_id);

CREATE INDEX idx_inbox_created ON public.inbox USING btree (created_at);

CREATE INDEX idx_locations_city ON public.locations USING btree (city);

CREATE INDEX idx_locations_coordinates ON public.locations USING gist (coordinates);

CREATE INDEX idx_locations_coordinates_geog ON public.locations USING gist (((coordinates)::public.geography));

CREATE INDEX idx_locations_country ON public.locations USING btree (country_code);

CREATE INDEX idx_locations_expires ON public.locations USING btree (cache_expires_at) WHERE (owner_user_id IS NOT NULL);

CREATE INDEX idx_locations_owner ON public.locations USING btree (owner_user_id) WHERE (owner_user_id IS NOT NULL);

CREATE INDEX idx_outbox_dead_letters_aggregate ON public.outbox_dead_letters USING btree (aggregate_type, aggregate_id);

CREATE INDEX idx_outbox_dead_letters_created ON public.outbox_dead_letters USING btree (created_at);

CREATE INDEX idx_outbox_dead_letters_user ON public.outbox_dead_letters USING btree (((event_data ->> 'user_id'::text)));

CREATE INDEX idx_outbox_events_user ON ONLY public.outbox_events USING btree ((((event_data ->> 'user_id'::text))::uuid)) WHERE (event_data ? 'user_id'::text);

CREATE UNIQUE INDEX idx_user_location_preferences_home ON public.user_location_preferences USING btree (user_id) WHERE ((location_type)::text = 'home'::text);

CREATE INDEX idx_user_location_preferences_location ON public.user_location_preferences USING btree (location_id);

CREATE INDEX idx_user_location_preferences_type ON public.user_location_preferences USING btree (location_type);

CREATE INDEX idx_user_location_preferences_user ON public.user_location_preferences USING btree (user_id);

CREATE INDEX outbox_events_default_uuid_idx ON public.outbox_events_default USING btree ((((event_data ->> 'user_id'::text))::uuid)) WHERE (event_data ? 'user_id'::text);

ALTER INDEX public.outbox_events_pkey ATTACH PARTITION public.outbox_events_default_pkey;

ALTER INDEX public.idx_outbox_events_user ATTACH PARTITION public.outbox_events_default_uuid_idx;

CREATE TRIGGER distance_calculations_touch BEFORE UPDATE ON public.distance_calculations FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER locations_address BEFORE INSERT OR UPDATE OF formatted_address ON public.locations FOR EACH ROW EXECUTE FUNCTION public.normalize_address();

CREATE TRIGGER locations_touch BEFORE UPDATE ON public.locations FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER maintenance_jobs_schedule AFTER INSERT OR DELETE OR UPDATE OF name, schedule ON public.maintenance_jobs FOR EACH STATEMENT EXECUTE FUNCTION public.maintenance_jobs_changed();

CREATE TRIGGER maintenance_jobs_touch BEFORE UPDATE ON public.maintenance_jobs FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER outbox_cursor_touch BEFORE UPDATE ON public.outbox_cursor FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER outbox_dead_letters_touch BEFORE UPDATE ON public.outbox_dead_letters FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER retention_rules_touch BEFORE UPDATE ON public.retention_rules FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER user_location_preferences_events AFTER UPDATE ON public.user_location_preferences REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('preference', 'location.preference', 'preference_id', 'user_id,location_id');

CREATE TRIGGER user_location_preferences_events_delete AFTER DELETE ON public.user_location_preferences REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('preference', 'location.preference', 'preference_id', 'user_id,location_id');

CREATE TRIGGER user_location_preferences_events_insert AFTER INSERT ON public.user_location_preferences REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('preference', 'location.preference', 'preference_id', 'user_id,location_id');

CREATE TRIGGER user_location_preferences_location BEFORE INSERT OR UPDATE OF user_id, location_id, location_type ON public.user_location_preferences FOR EACH ROW EXECUTE FUNCTION public.check_preference_location();

CREATE TRIGGER user_location_preferences_touch BEFORE UPDATE ON public.user_location_preferences FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

ALTER TABLE ONLY public.distance_calculations
    ADD CONSTRAINT distance_calculations_destination_location_id_fkey FOREIGN KEY (destination_location_id) REFERENCES public.locations(location_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.distance_calculations
    ADD CONSTRAINT distance_calculations_origin_location_id_fkey FOREIGN KEY (origin_location_id) REFERENCES public.locations(location_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.user_location_preferences
    ADD CONSTRAINT user_location_preferences_location_id_fkey FOREIGN KEY (location_id) REFERENCES public.locations(location_id) ON DELETE CASCADE;

CREATE POLICY admin_read ON public.user_location_preferences FOR SELECT TO admin_role USING (true);

CREATE POLICY admin_shared_access ON public.locations TO admin_role USING ((owner_user_id IS NULL)) WITH CHECK ((owner_user_id IS NULL));

CREATE POLICY definer_access ON public.distance_calculations TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.legal_holds TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.locations TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.outbox_dead_letters TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.outbox_events TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.user_location_preferences TO matching_definer USING (true) WITH CHECK (true);

ALTER TABLE public.distance_calculations ENABLE ROW LEVEL SECURITY;

CREATE POLICY identity_required ON public.locations AS RESTRICTIVE TO authenticated_users, recruiter_role, admin_role USING ((( SELECT public.current_app_user() AS current_app_user) IS NOT NULL));

CREATE POLICY identity_required ON public.user_location_preferences AS RESTRICTIVE TO authenticated_users, recruiter_role, admin_role USING ((( SELECT public.current_app_user() AS current_app_user) IS NOT NULL));

ALTER TABLE public.legal_holds ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.locations ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.outbox_dead_letters ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.outbox_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.outbox_events_default ENABLE ROW LEVEL SECURITY;

CREATE POLICY outbox_worker_access ON public.outbox_dead_letters TO outbox_worker USING (true) WITH CHECK (true);

CREATE POLICY outbox_worker_access ON public.outbox_events FOR SELECT TO outbox_worker USING (true);

CREATE POLICY recruiter_insert ON public.locations FOR INSERT TO recruiter_role WITH CHECK ((owner_user_id IS NULL));

CREATE POLICY recruiter_read ON public.locations FOR SELECT TO recruiter_role USING ((owner_user_id IS NULL));

CREATE POLICY self_access ON public.user_location_preferences TO authenticated_users USING ((user_id = ( SELECT public.current_app_user() AS current_app_user))) WITH CHECK ((user_id = ( SELECT public.current_app_user() AS current_app_user)));

CREATE POLICY self_delete ON public.locations FOR DELETE TO authenticated_users USING ((owner_user_id = ( SELECT public.current_app_user() AS current_app_user)));

CREATE POLICY self_insert ON public.locations FOR INSERT TO authenticated_users WITH CHECK ((owner_user_id = ( SELECT public.current_app_user() AS current_app_user)));

CREATE POLICY self_read ON public.locations FOR SELECT TO authenticated_users USING (((owner_user_id IS NULL) OR (owner_user_id = ( SELECT public.current_app_user() AS current_app_user))));

CREATE POLICY self_update ON public.locations FOR UPDATE TO authenticated_users USING ((owner_user_id = ( SELECT public.current_app_user() AS current_app_user))) WITH CHECK ((owner_user_id = ( SELECT public.current_app_user() AS current_app_user)));

ALTER TABLE public.user_location_preferences ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA pgbouncer TO pgbouncer_auth;

GRANT ALL ON SCHEMA public TO supersmartmatch_geo_owner;
GRANT ALL ON SCHEMA public TO matching_definer;
GRANT USAGE ON SCHEMA public TO authenticated_users;
GRANT USAGE ON SCHEMA public TO recruiter_role;
GRANT USAGE ON SCHEMA public TO admin_role;
GRANT USAGE ON SCHEMA public TO outbox_worker;

REVOKE ALL ON FUNCTION pgbouncer.get_auth(p_usename text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgbouncer.get_auth(p_usename text) TO pgbouncer_auth;

REVOKE ALL ON FUNCTION public.add_event_triggers(p_table regclass, p_function text, VARIADIC p_arguments text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.app_can_see_location(p_location_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.app_can_see_location(p_location_id uuid) TO supersmartmatch_geo_owner;
GRANT ALL ON FUNCTION public.app_can_see_location(p_location_id uuid) TO authenticated_users;
GRANT ALL ON FUNCTION public.app_can_see_location(p_location_id uuid) TO recruiter_role;
GRANT ALL ON FUNCTION public.app_can_see_location(p_location_id uuid) TO admin_role;

REVOKE ALL ON FUNCTION public.cache_distance(p_origin uuid, p_destination uuid, p_source text, p_driving_km numeric, p_driving_minutes integer, p_public_transport_minutes integer, p_walking_minutes integer, p_cycling_minutes integer, p_route_polyline text, p_traffic_info jsonb, p_toll_info jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.cache_distance(p_origin uuid, p_destination uuid, p_source text, p_driving_km numeric, p_driving_minutes integer, p_public_transport_minutes integer, p_walking_minutes integer, p_cycling_minutes integer, p_route_polyline text, p_traffic_info jsonb, p_toll_info jsonb) TO supersmartmatch_geo_owner;
GRANT ALL ON FUNCTION public.cache_distance(p_origin uuid, p_destination uuid, p_source text, p_driving_km numeric, p_driving_minutes integer, p_public_transport_minutes integer, p_walking_minutes integer, p_cycling_minutes integer, p_route_polyline text, p_traffic_info jsonb, p_toll_info jsonb) TO authenticated_users;
GRANT ALL ON FUNCTION public.cache_distance(p_origin uuid, p_destination uuid, p_source text, p_driving_km numeric, p_driving_minutes integer, p_public_transport_minutes integer, p_walking_minutes integer, p_cycling_minutes integer, p_route_polyline text, p_traffic_info jsonb, p_toll_info jsonb) TO recruiter_role;
GRANT ALL ON FUNCTION public.cache_distance(p_origin uuid, p_destination uuid, p_source text, p_driving_km numeric, p_driving_minutes integer, p_public_transport_minutes integer, p_walking_minutes integer, p_cycling_minutes integer, p_route_polyline text, p_traffic_info jsonb, p_toll_info jsonb) TO admin_role;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.distance_calculations TO matching_definer;

REVOKE ALL ON FUNCTION public.cached_distance(p_origin uuid, p_destination uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.cached_distance(p_origin uuid, p_destination uuid) TO supersmartmatch_geo_owner;
GRANT ALL ON FUNCTION public.cached_distance(p_origin uuid, p_destination uuid) TO authenticated_users;
GRANT ALL ON FUNCTION public.cached_distance(p_origin uuid, p_destination uuid) TO recruiter_role;
GRANT ALL ON FUNCTION public.cached_distance(p_origin uuid, p_destination uuid) TO admin_role;

REVOKE ALL ON FUNCTION public.calculate_distance_km(lat1 double precision, lon1 double precision, lat2 double precision, lon2 double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION public.calculate_distance_km(lat1 double precision, lon1 double precision, lat2 double precision, lon2 double precision) TO authenticated_users;
GRANT ALL ON FUNCTION public.calculate_distance_km(lat1 double precision, lon1 double precision, lat2 double precision, lon2 double precision) TO recruiter_role;
GRANT ALL ON FUNCTION public.calculate_distance_km(lat1 double precision, lon1 double precision, lat2 double precision, lon2 double precision) TO admin_role;

REVOKE ALL ON FUNCTION public.calculate_distance_km(lat1 numeric, lon1 numeric, lat2 numeric, lon2 numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION public.calculate_distance_km(lat1 numeric, lon1 numeric, lat2 numeric, lon2 numeric) TO authenticated_users;
GRANT ALL ON FUNCTION public.calculate_distance_km(lat1 numeric, lon1 numeric, lat2 numeric, lon2 numeric) TO recruiter_role;
GRANT ALL ON FUNCTION public.calculate_distance_km(lat1 numeric, lon1 numeric, lat2 numeric, lon2 numeric) TO admin_role;

REVOKE ALL ON FUNCTION public.candidate_region(p_user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.candidate_region(p_user_id uuid) TO supersmartmatch_geo_owner;
GRANT ALL ON FUNCTION public.candidate_region(p_user_id uuid) TO recruiter_role;
GRANT ALL ON FUNCTION public.candidate_region(p_user_id uuid) TO admin_role;

REVOKE ALL ON FUNCTION public.check_preference_location() FROM PUBLIC;
GRANT ALL ON FUNCTION public.check_preference_location() TO supersmartmatch_geo_owner;

REVOKE ALL ON FUNCTION public.count_user_data(p_user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.count_user_data(p_user_id uuid) TO supersmartmatch_geo_owner;

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

REVOKE ALL ON FUNCTION public.drop_published_outbox_partitions() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.erase_user_data(p_user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.erase_user_data(p_user_id uuid) TO supersmartmatch_geo_owner;
GRANT ALL ON FUNCTION public.erase_user_data(p_user_id uuid) TO outbox_worker;

REVOKE ALL ON FUNCTION public.find_nearby_locations(center_lat double precision, center_lon double precision, radius_km double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION public.find_nearby_locations(center_lat double precision, center_lon double precision, radius_km double precision) TO authenticated_users;
GRANT ALL ON FUNCTION public.find_nearby_locations(center_lat double precision, center_lon double precision, radius_km double precision) TO recruiter_role;
GRANT ALL ON FUNCTION public.find_nearby_locations(center_lat double precision, center_lon double precision, radius_km double precision) TO admin_role;

REVOKE ALL ON FUNCTION public.find_nearby_locations(center_lat numeric, center_lon numeric, radius_km numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION public.find_nearby_locations(center_lat numeric, center_lon numeric, radius_km numeric) TO authenticated_users;
GRANT ALL ON FUNCTION public.find_nearby_locations(center_lat numeric, center_lon numeric, radius_km numeric) TO recruiter_role;
GRANT ALL ON FUNCTION public.find_nearby_locations(center_lat numeric, center_lon numeric, radius_km numeric) TO admin_role;

REVOKE ALL ON FUNCTION public.find_nearest_locations(center_lat double precision, center_lon double precision, max_results integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.find_nearest_locations(center_lat double precision, center_lon double precision, max_results integer) TO authenticated_users;
GRANT ALL ON FUNCTION public.find_nearest_locations(center_lat double precision, center_lon double precision, max_results integer) TO recruiter_role;
GRANT ALL ON FUNCTION public.find_nearest_locations(center_lat double precision, center_lon double precision, max_results integer) TO admin_role;

REVOKE ALL ON FUNCTION public.geographic_point(p_lat double precision, p_lon double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION public.geographic_point(p_lat double precision, p_lon double precision) TO authenticated_users;
GRANT ALL ON FUNCTION public.geographic_point(p_lat double precision, p_lon double precision) TO recruiter_role;
GRANT ALL ON FUNCTION public.geographic_point(p_lat double precision, p_lon double precision) TO admin_role;

REVOKE ALL ON FUNCTION public.is_on_hold(VARIADIC p_subjects uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.is_on_hold(VARIADIC p_subjects uuid[]) TO supersmartmatch_geo_owner;

REVOKE ALL ON FUNCTION public.list_legal_holds() FROM PUBLIC;
GRANT ALL ON FUNCTION public.list_legal_holds() TO supersmartmatch_geo_owner;

REVOKE ALL ON FUNCTION public.lock_aggregate(p_aggregate_type text, p_aggregate_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.lock_aggregate(p_aggregate_type text, p_aggregate_id uuid) TO matching_definer;
GRANT ALL ON FUNCTION public.lock_aggregate(p_aggregate_type text, p_aggregate_id uuid) TO authenticated_users;
GRANT ALL ON FUNCTION public.lock_aggregate(p_aggregate_type text, p_aggregate_id uuid) TO recruiter_role;
GRANT ALL ON FUNCTION public.lock_aggregate(p_aggregate_type text, p_aggregate_id uuid) TO admin_role;

REVOKE ALL ON FUNCTION public.maintenance_jobs_changed() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.normalize_address() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.publish_aggregate_events() FROM PUBLIC;
GRANT ALL ON FUNCTION public.publish_aggregate_events() TO supersmartmatch_geo_owner;

REVOKE ALL ON FUNCTION public.publish_domain_event(p_aggregate_type character varying, p_aggregate_id uuid, p_event_type character varying, p_event_data jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.publish_domain_event(p_aggregate_type character varying, p_aggregate_id uuid, p_event_type character varying, p_event_data jsonb) TO supersmartmatch_geo_owner;

REVOKE ALL ON FUNCTION public.purge_cron_history() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.purge_distances() FROM PUBLIC;
GRANT ALL ON FUNCTION public.purge_distances() TO supersmartmatch_geo_owner;

REVOKE ALL ON FUNCTION public.purge_event_records() FROM PUBLIC;
GRANT ALL ON FUNCTION public.purge_event_records() TO supersmartmatch_geo_owner;

REVOKE ALL ON FUNCTION public.purge_private_locations() FROM PUBLIC;
GRANT ALL ON FUNCTION public.purge_private_locations() TO supersmartmatch_geo_owner;

REVOKE ALL ON FUNCTION public.range_partitions(p_parent regclass) FROM PUBLIC;

GRANT SELECT,INSERT,DELETE ON TABLE public.outbox_events TO matching_definer;
GRANT SELECT ON TABLE public.outbox_events TO outbox_worker;

REVOKE ALL ON FUNCTION public.read_outbox(p_relay text, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.read_outbox(p_relay text, p_limit integer) TO outbox_worker;

REVOKE ALL ON FUNCTION public.require_empty_default_partitions() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.retention_cutoff(p_rule text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.retention_cutoff(p_rule text) TO supersmartmatch_geo_owner;

REVOKE ALL ON FUNCTION public.retention_removes(p_rule text, p_keep interval, p_held boolean, p_holds uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.retention_removes(p_rule text, p_keep interval, p_held boolean, p_holds uuid[]) TO supersmartmatch_geo_owner;

REVOKE ALL ON FUNCTION public.retention_state() FROM PUBLIC;
GRANT ALL ON FUNCTION public.retention_state() TO supersmartmatch_geo_owner;

REVOKE ALL ON FUNCTION public.run_maintenance_job(p_name text) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.schedule_maintenance_jobs() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.search_radius(p_metres double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION public.search_radius(p_metres double precision) TO authenticated_users;
GRANT ALL ON FUNCTION public.search_radius(p_metres double precision) TO recruiter_role;
GRANT ALL ON FUNCTION public.search_radius(p_metres double precision) TO admin_role;

REVOKE ALL ON FUNCTION public.set_retention(p_rules jsonb, p_holds jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_retention(p_rules jsonb, p_holds jsonb) TO supersmartmatch_geo_owner;

REVOKE ALL ON FUNCTION public.shared_locations_nearest(p_center public.geography, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.shared_locations_nearest(p_center public.geography, p_limit integer) TO supersmartmatch_geo_owner;
GRANT ALL ON FUNCTION public.shared_locations_nearest(p_center public.geography, p_limit integer) TO authenticated_users;
GRANT ALL ON FUNCTION public.shared_locations_nearest(p_center public.geography, p_limit integer) TO recruiter_role;
GRANT ALL ON FUNCTION public.shared_locations_nearest(p_center public.geography, p_limit integer) TO admin_role;

REVOKE ALL ON FUNCTION public.shared_locations_within(p_center public.geography, p_metres double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION public.shared_locations_within(p_center public.geography, p_metres double precision) TO supersmartmatch_geo_owner;
GRANT ALL ON FUNCTION public.shared_locations_within(p_center public.geography, p_metres double precision) TO authenticated_users;
GRANT ALL ON FUNCTION public.shared_locations_within(p_center public.geography, p_metres double precision) TO recruiter_role;
GRANT ALL ON FUNCTION public.shared_locations_within(p_center public.geography, p_metres double precision) TO admin_role;

REVOKE ALL ON FUNCTION public.touch_updated_at() FROM PUBLIC;

GRANT SELECT,DELETE ON TABLE public.inbox TO matching_definer;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.inbox TO outbox_worker;

GRANT SELECT,INSERT,DELETE ON TABLE public.legal_holds TO matching_definer;

GRANT UPDATE(reason) ON TABLE public.legal_holds TO matching_definer;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.locations TO matching_definer;
GRANT SELECT,DELETE ON TABLE public.locations TO authenticated_users;
GRANT SELECT ON TABLE public.locations TO recruiter_role;
GRANT SELECT,DELETE ON TABLE public.locations TO admin_role;

GRANT INSERT(owner_user_id) ON TABLE public.locations TO authenticated_users;
GRANT INSERT(owner_user_id) ON TABLE public.locations TO recruiter_role;
GRANT INSERT(owner_user_id) ON TABLE public.locations TO admin_role;

GRANT INSERT(formatted_address),UPDATE(formatted_address) ON TABLE public.locations TO authenticated_users;
GRANT INSERT(formatted_address) ON TABLE public.locations TO recruiter_role;
GRANT INSERT(formatted_address),UPDATE(formatted_address) ON TABLE public.locations TO admin_role;

GRANT INSERT(street_number),UPDATE(street_number) ON TABLE public.locations TO authenticated_users;
GRANT INSERT(street_number) ON TABLE public.locations TO recruiter_role;
GRANT INSERT(street_number),UPDATE(street_number) ON TABLE public.locations TO admin_role;

GRANT INSERT(street_name),UPDATE(street_name) ON TABLE public.locations TO authenticated_users;
GRANT INSERT(street_name) ON TABLE public.locations TO recruiter_role;
GRANT INSERT(street_name),UPDATE(street_name) ON TABLE public.locations TO admin_role;

GRANT INSERT(city),UPDATE(city) ON TABLE public.locations TO authenticated_users;
GRANT INSERT(city) ON TABLE public.locations TO recruiter_role;
GRANT INSERT(city),UPDATE(city) ON TABLE public.locations TO admin_role;

GRANT INSERT(region),UPDATE(region) ON TABLE public.locations TO authenticated_users;
GRANT INSERT(region) ON TABLE public.locations TO recruiter_role;
GRANT INSERT(region),UPDATE(region) ON TABLE public.locations TO admin_role;

GRANT INSERT(country),UPDATE(country) ON TABLE public.locations TO authenticated_users;
GRANT INSERT(country) ON TABLE public.locations TO recruiter_role;
GRANT INSERT(country),UPDATE(country) ON TABLE public.locations TO admin_role;

GRANT INSERT(country_code),UPDATE(country_code) ON TABLE public.locations TO authenticated_users;
GRANT INSERT(country_code) ON TABLE public.locations TO recruiter_role;
GRANT INSERT(country_code),UPDATE(country_code) ON TABLE public.locations TO admin_role;

GRANT INSERT(postal_code),UPDATE(postal_code) ON TABLE public.locations TO authenticated_users;
GRANT INSERT(postal_code) ON TABLE public.locations TO recruiter_role;
GRANT INSERT(postal_code),UPDATE(postal_code) ON TABLE public.locations TO admin_role;

GRANT INSERT(coordinates),UPDATE(coordinates) ON TABLE public.locations TO authenticated_users;
GRANT INSERT(coordinates) ON TABLE public.locations TO recruiter_role;
GRANT INSERT(coordinates),UPDATE(coordinates) ON TABLE public.locations TO admin_role;

GRANT INSERT(geocoding_accuracy),UPDATE(geocoding_accuracy) ON TABLE public.locations TO authenticated_users;
GRANT INSERT(geocoding_accuracy) ON TABLE public.locations TO recruiter_role;
GRANT INSERT(geocoding_accuracy),UPDATE(geocoding_accuracy) ON TABLE public.locations TO admin_role;

GRANT INSERT(geocoding_source),UPDATE(geocoding_source) ON TABLE public.locations TO authenticated_users;
GRANT INSERT(geocoding_source) ON TABLE public.locations TO recruiter_role;
GRANT INSERT(geocoding_source),UPDATE(geocoding_source) ON TABLE public.locations TO admin_role;

GRANT INSERT(place_types),UPDATE(place_types) ON TABLE public.locations TO authenticated_users;
GRANT INSERT(place_types) ON TABLE public.locations TO recruiter_role;
GRANT INSERT(place_types),UPDATE(place_types) ON TABLE public.locations TO admin_role;

GRANT INSERT(timezone),UPDATE(timezone) ON TABLE public.locations TO authenticated_users;
GRANT INSERT(timezone) ON TABLE public.locations TO recruiter_role;
GRANT INSERT(timezone),UPDATE(timezone) ON TABLE public.locations TO admin_role;

GRANT INSERT(geocoded_at),UPDATE(geocoded_at) ON TABLE public.locations TO authenticated_users;
GRANT INSERT(geocoded_at) ON TABLE public.locations TO recruiter_role;
GRANT INSERT(geocoded_at),UPDATE(geocoded_at) ON TABLE public.locations TO admin_role;

GRANT INSERT(cache_expires_at),UPDATE(cache_expires_at) ON TABLE public.locations TO authenticated_users;
GRANT INSERT(cache_expires_at) ON TABLE public.locations TO recruiter_role;
GRANT INSERT(cache_expires_at),UPDATE(cache_expires_at) ON TABLE public.locations TO admin_role;

GRANT SELECT,INSERT,UPDATE ON TABLE public.outbox_cursor TO outbox_worker;

GRANT SELECT,DELETE ON TABLE public.outbox_dead_letters TO matching_definer;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.outbox_dead_letters TO outbox_worker;

GRANT SELECT ON TABLE public.outbox_events_status TO outbox_worker;

GRANT SELECT ON TABLE public.outbox_published_partitions TO matching_definer;

GRANT SELECT ON TABLE public.retention_rules TO matching_definer;

GRANT UPDATE(keep) ON TABLE public.retention_rules TO matching_definer;

GRANT UPDATE(held) ON TABLE public.retention_rules TO matching_definer;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.user_location_preferences TO matching_definer;
GRANT SELECT,DELETE ON TABLE public.user_location_preferences TO authenticated_users;

GRANT SELECT(preference_id) ON TABLE public.user_location_preferences TO admin_role;

GRANT INSERT(user_id) ON TABLE public.user_location_preferences TO authenticated_users;
GRANT SELECT(user_id) ON TABLE public.user_location_preferences TO admin_role;

GRANT INSERT(location_id),UPDATE(location_id) ON TABLE public.user_location_preferences TO authenticated_users;
GRANT SELECT(location_id) ON TABLE public.user_location_preferences TO admin_role;

GRANT INSERT(location_type),UPDATE(location_type) ON TABLE public.user_location_preferences TO authenticated_users;
GRANT SELECT(location_type) ON TABLE public.user_location_preferences TO admin_role;

GRANT INSERT(max_commute_distance_km),UPDATE(max_commute_distance_km) ON TABLE public.user_location_preferences TO authenticated_users;

GRANT INSERT(max_commute_time_minutes),UPDATE(max_commute_time_minutes) ON TABLE public.user_location_preferences TO authenticated_users;

GRANT INSERT(transport_modes),UPDATE(transport_modes) ON TABLE public.user_location_preferences TO authenticated_users;

GRANT INSERT(is_flexible),UPDATE(is_flexible) ON TABLE public.user_location_preferences TO authenticated_users;

GRANT SELECT(created_at) ON TABLE public.user_location_preferences TO admin_role;

GRANT SELECT(updated_at) ON TABLE public.user_location_preferences TO admin_role;

ALTER DEFAULT PRIVILEGES FOR ROLE matching_definer REVOKE ALL ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE matching_definer GRANT ALL ON FUNCTIONS TO supersmartmatch_geo_owner;

ALTER DEFAULT PRIVILEGES FOR ROLE supersmartmatch_geo_owner REVOKE ALL ON FUNCTIONS FROM PUBLIC;

