-- Places, where people live and work, and the distances between places. A row of locations with an owner is private: one person's
-- address, which goes with the person. Without an owner it is shared: a place of a job or a city.

CREATE TABLE locations (
  location_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  owner_user_id UUID, -- NULL: shared (D-106)
  formatted_address TEXT NOT NULL CHECK (formatted_address <> '' AND char_length(formatted_address) <= 500), -- normalised
  street_number VARCHAR(20),
  street_name VARCHAR(200),
  city VARCHAR(100) NOT NULL,
  region VARCHAR(100),
  country VARCHAR(100) NOT NULL,
  country_code VARCHAR(2) NOT NULL CHECK (country_code ~ '^[A-Z]{2}$'), -- ISO 3166-1 alpha-2
  postal_code VARCHAR(20),
  coordinates GEOMETRY(POINT, 4326) NOT NULL CHECK (
    NOT ST_IsEmpty(coordinates) AND ST_X(coordinates) BETWEEN -180 AND 180 AND ST_Y(coordinates) BETWEEN -90 AND 90
  ),
  geocoding_accuracy VARCHAR(20) CHECK (geocoding_accuracy IN ('rooftop', 'range_interpolated', 'geometric_center')),
  geocoding_source VARCHAR(50) CHECK (geocoding_source IN ('google', 'mapbox', 'nominatim', 'geonames')),
  place_types TEXT[] CHECK (place_types <@ ARRAY['address', 'neighborhood', 'city', 'region', 'country']),
  timezone VARCHAR(50),
  geocoded_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  cache_expires_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP + INTERVAL '30 days', -- infinity: no geocoder's data
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  -- Two addresses at one point are two places; the same address twice is one (D-096 to D-098).
  CONSTRAINT locations_coordinates_idx UNIQUE NULLS NOT DISTINCT (coordinates, formatted_address, owner_user_id)
);
-- For map boxes; distances use the next one, on the expression the functions write (D-100).
CREATE INDEX idx_locations_coordinates ON locations USING gist (coordinates);
CREATE INDEX idx_locations_coordinates_geog ON locations USING gist ((coordinates::geography));
CREATE INDEX idx_locations_city ON locations (city);
CREATE INDEX idx_locations_country ON locations (country_code);
CREATE INDEX idx_locations_owner ON locations (owner_user_id) WHERE owner_user_id IS NOT NULL;
CREATE INDEX idx_locations_expires ON locations (cache_expires_at) WHERE owner_user_id IS NOT NULL;

-- One spelling of an address, so that an upsert finds it (D-098).
CREATE FUNCTION normalize_address() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  NEW.formatted_address := btrim(regexp_replace(normalize(NEW.formatted_address, NFC), '\s+', ' ', 'g'));
  RETURN NEW;
END
$$;
CREATE TRIGGER locations_address BEFORE INSERT OR UPDATE OF formatted_address ON locations
  FOR EACH ROW EXECUTE FUNCTION normalize_address();
CREATE TRIGGER locations_touch BEFORE UPDATE ON locations FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

-- What a routing provider said of a pair, until it expires; A to B and B to A differ by road (D-105).
CREATE TABLE distance_calculations (
  calculation_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  origin_location_id UUID NOT NULL REFERENCES locations (location_id) ON DELETE CASCADE,
  destination_location_id UUID NOT NULL REFERENCES locations (location_id) ON DELETE CASCADE,
  straight_line_distance_km DECIMAL(8,2) CHECK (straight_line_distance_km >= 0), -- geodesic on the spheroid (D-104)
  driving_distance_km DECIMAL(8,2) CHECK (driving_distance_km >= 0),
  driving_time_minutes INTEGER CHECK (driving_time_minutes >= 0),
  public_transport_time_minutes INTEGER CHECK (public_transport_time_minutes >= 0),
  walking_time_minutes INTEGER CHECK (walking_time_minutes >= 0),
  cycling_time_minutes INTEGER CHECK (cycling_time_minutes >= 0),
  route_polyline TEXT,
  traffic_info JSONB,
  toll_info JSONB,
  calculation_source VARCHAR(50) CHECK (calculation_source IN ('google', 'mapbox', 'osrm')),
  calculated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  cache_expires_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP + INTERVAL '1 hour',
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT distance_calculations_unique UNIQUE (origin_location_id, destination_location_id)
);
CREATE INDEX idx_distance_calculations_origin ON distance_calculations (origin_location_id);
CREATE INDEX idx_distance_calculations_destination ON distance_calculations (destination_location_id);
CREATE INDEX idx_distance_calculations_expires ON distance_calculations (cache_expires_at);
CREATE TRIGGER distance_calculations_touch BEFORE UPDATE ON distance_calculations
  FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE TABLE user_location_preferences (
  preference_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id UUID NOT NULL, -- of core
  location_id UUID NOT NULL REFERENCES locations (location_id) ON DELETE CASCADE,
  location_type VARCHAR(20) NOT NULL CHECK (location_type IN ('home', 'work', 'preferred', 'excluded')),
  max_commute_distance_km INTEGER CHECK (max_commute_distance_km >= 0),
  max_commute_time_minutes INTEGER CHECK (max_commute_time_minutes >= 0),
  transport_modes TEXT[] CHECK (transport_modes <@ ARRAY['driving', 'public_transport', 'walking', 'cycling']),
  is_flexible BOOLEAN NOT NULL DEFAULT FALSE,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT user_location_preferences_unique UNIQUE (user_id, location_id, location_type)
);
CREATE INDEX idx_user_location_preferences_user ON user_location_preferences (user_id);
CREATE INDEX idx_user_location_preferences_type ON user_location_preferences (location_type);
CREATE INDEX idx_user_location_preferences_location ON user_location_preferences (location_id);
CREATE UNIQUE INDEX idx_user_location_preferences_home ON user_location_preferences (user_id) WHERE location_type = 'home';
CREATE TRIGGER user_location_preferences_touch BEFORE UPDATE ON user_location_preferences
  FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

ALTER TABLE locations ENABLE ROW LEVEL SECURITY;
ALTER TABLE locations FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON locations FOR ALL TO matching_definer USING (true) WITH CHECK (true);
ALTER TABLE distance_calculations ENABLE ROW LEVEL SECURITY;
ALTER TABLE distance_calculations FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON distance_calculations FOR ALL TO matching_definer USING (true) WITH CHECK (true);
ALTER TABLE user_location_preferences ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_location_preferences FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON user_location_preferences FOR ALL TO matching_definer USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON locations, distance_calculations, user_location_preferences TO matching_definer;

SET LOCAL ROLE matching_definer;

-- Home and work are places of the person's own, so that they can be erased and nobody else finds them; a place that is preferred
-- or excluded may be shared. Never somebody else's (D-106).
CREATE FUNCTION check_preference_location() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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

SET LOCAL ROLE supersmartmatch_geo_owner;

CREATE TRIGGER user_location_preferences_location
  BEFORE INSERT OR UPDATE OF user_id, location_id, location_type ON user_location_preferences
  FOR EACH ROW EXECUTE FUNCTION check_preference_location();
SELECT add_event_triggers('user_location_preferences', 'publish_aggregate_events', 'preference', 'location.preference',
                          'preference_id', 'user_id,location_id');
