-- How far, what is near. Distances are geodesic on the WGS 84 spheroid, exact at the poles and across the antimeridian, because
-- points are geography and not degrees on a plane.

-- A point of checked coordinates: PostGIS would bring a latitude of 95 back into range without a word (D-101).
CREATE FUNCTION geographic_point(p_lat double precision, p_lon double precision) RETURNS geography
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp
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

-- No place on earth is farther than half its girth.
CREATE FUNCTION search_radius(p_metres double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF p_metres NOT BETWEEN 0 AND 'Infinity' THEN
    RAISE EXCEPTION 'radius of % km is negative or no number', p_metres / 1000 USING ERRCODE = 'numeric_value_out_of_range';
  END IF;
  RETURN LEAST(p_metres, 20100000);
END
$$;

CREATE FUNCTION calculate_distance_km(lat1 double precision, lon1 double precision, lat2 double precision, lon2 double precision)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  RETURN public.ST_Distance(public.geographic_point(lat1, lon1), public.geographic_point(lat2, lon2)) / 1000;
END
$$;

CREATE FUNCTION calculate_distance_km(lat1 DECIMAL, lon1 DECIMAL, lat2 DECIMAL, lon2 DECIMAL) RETURNS DECIMAL
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  RETURN public.calculate_distance_km(lat1::double precision, lon1::double precision, lat2::double precision,
                                      lon2::double precision)::numeric;
END
$$;

SET LOCAL ROLE matching_definer;

-- The two searches read past row security and apply its rule themselves, shared places for whoever has an identity: under a policy
-- the index would not be used, for its operators are not leakproof (D-081). The plan is made for each centre and radius: a general
-- one knows neither.

-- The index knows places by boxes in space. At a pole, the boxes of one point that was written with two longitudes need not touch:
-- it is asked for a millimetre more, and the distance decides.
CREATE FUNCTION shared_locations_within(p_center geography, p_metres double precision)
RETURNS TABLE (location_id uuid, metres double precision, formatted_address text)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_custom_plan
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

-- Looks farther until there are enough. The index could walk in order of distance (<->), but near a pole PostGIS 3.5 ends that with
-- "index returned tuples in wrong order", and elsewhere the order is that of a sphere.
CREATE FUNCTION shared_locations_nearest(p_center geography, p_limit integer)
RETURNS TABLE (location_id uuid, metres double precision, formatted_address text)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_custom_plan
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

-- The region of a person's home and no more: for the card that a recruiter sees (D-108). Whether there is a card, core decides.
CREATE FUNCTION candidate_region(p_user_id uuid) RETURNS TABLE (region varchar, country_code varchar)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  RETURN QUERY
  SELECT l.region, l.country_code
    FROM public.user_location_preferences p JOIN public.locations l USING (location_id)
   WHERE p.user_id = p_user_id AND p.location_type = 'home' AND public.current_app_user() IS NOT NULL;
END
$$;

-- A shared place, or one of the caller's own; none without an identity.
CREATE FUNCTION app_can_see_location(p_location_id uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM public.locations
                  WHERE location_id = p_location_id AND public.current_app_user() IS NOT NULL
                    AND (owner_user_id IS NULL OR owner_user_id = public.current_app_user()));
END
$$;

-- The cached distance of a pair, unless it has expired; no row means: ask the provider.
CREATE FUNCTION cached_distance(p_origin uuid, p_destination uuid) RETURNS SETOF distance_calculations
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  RETURN QUERY
  SELECT d.* FROM public.distance_calculations d
   WHERE d.origin_location_id = p_origin AND d.destination_location_id = p_destination AND d.cache_expires_at > now()
     AND public.app_can_see_location(p_origin) AND public.app_can_see_location(p_destination);
END
$$;

-- Keeps what a provider said for an hour, in place of what was kept of the pair, and works the straight line out itself.
CREATE FUNCTION cache_distance(
  p_origin uuid,
  p_destination uuid,
  p_source text,
  p_driving_km numeric DEFAULT NULL,
  p_driving_minutes integer DEFAULT NULL,
  p_public_transport_minutes integer DEFAULT NULL,
  p_walking_minutes integer DEFAULT NULL,
  p_cycling_minutes integer DEFAULT NULL,
  p_route_polyline text DEFAULT NULL,
  p_traffic_info jsonb DEFAULT NULL,
  p_toll_info jsonb DEFAULT NULL
) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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

GRANT EXECUTE ON FUNCTION shared_locations_within(geography, double precision), shared_locations_nearest(geography, integer),
  app_can_see_location(uuid), cached_distance(uuid, uuid),
  cache_distance(uuid, uuid, text, numeric, integer, integer, integer, integer, text, jsonb, jsonb)
  TO authenticated_users, recruiter_role, admin_role;
GRANT EXECUTE ON FUNCTION candidate_region(uuid) TO recruiter_role, admin_role;

SET LOCAL ROLE supersmartmatch_geo_owner;

-- Shared places within a radius, nearest first. Two of each, because an argument of double precision fits no DECIMAL (D-102); the
-- radius of the first is multiplied as DECIMAL.
CREATE FUNCTION find_nearby_locations(center_lat DECIMAL, center_lon DECIMAL, radius_km NUMERIC DEFAULT 50)
RETURNS TABLE (location_id UUID, distance_km DECIMAL, formatted_address TEXT)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  RETURN QUERY
  SELECT n.location_id, (n.metres / 1000)::numeric, n.formatted_address
    FROM public.shared_locations_within(
           public.geographic_point(center_lat::double precision, center_lon::double precision),
           public.search_radius((radius_km * 1000)::double precision)) n;
END
$$;

CREATE FUNCTION find_nearby_locations(center_lat double precision, center_lon double precision,
                                      radius_km double precision DEFAULT 50)
RETURNS TABLE (location_id UUID, distance_km double precision, formatted_address TEXT)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  RETURN QUERY
  SELECT n.location_id, n.metres / 1000, n.formatted_address
    FROM public.shared_locations_within(public.geographic_point(center_lat, center_lon),
                                        public.search_radius(radius_km * 1000)) n;
END
$$;

-- The nearest shared places, nearest first; of those equally far the lower id.
CREATE FUNCTION find_nearest_locations(center_lat double precision, center_lon double precision, max_results integer DEFAULT 10)
RETURNS TABLE (location_id UUID, distance_km double precision, formatted_address TEXT)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp
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

GRANT EXECUTE ON FUNCTION geographic_point(double precision, double precision), search_radius(double precision),
  calculate_distance_km(double precision, double precision, double precision, double precision),
  calculate_distance_km(DECIMAL, DECIMAL, DECIMAL, DECIMAL),
  find_nearby_locations(DECIMAL, DECIMAL, NUMERIC),
  find_nearby_locations(double precision, double precision, double precision),
  find_nearest_locations(double precision, double precision, integer)
  TO authenticated_users, recruiter_role, admin_role;
