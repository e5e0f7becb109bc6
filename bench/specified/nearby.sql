-- find_nearby_locations as specified, over a table with the indexes specified. Changed only where it could not be created or would
-- answer nothing: the parameter center_lat is there once, and names that are parameters and columns at once are qualified.
CREATE SCHEMA specified;
CREATE TABLE specified.locations AS SELECT location_id, formatted_address, coordinates FROM public.locations;
CREATE INDEX idx_locations_coordinates ON specified.locations USING gist (coordinates);
ANALYZE specified.locations;

CREATE FUNCTION specified.find_nearby_locations(center_lat DECIMAL, center_lon DECIMAL, radius_km INTEGER DEFAULT 50)
RETURNS TABLE (location_id UUID, distance_km DECIMAL, formatted_address TEXT) AS $$
BEGIN
    RETURN QUERY
    SELECT
        l.location_id,
        (ST_Distance(
            ST_GeogFromText('POINT(' || center_lon || ' ' || center_lat || ')'),
            l.coordinates::geography
        ) / 1000.0)::DECIMAL AS distance_km,
        l.formatted_address
    FROM specified.locations l
    WHERE ST_DWithin(
        ST_GeogFromText('POINT(' || center_lon || ' ' || center_lat || ')'),
        l.coordinates::geography,
        radius_km * 1000
    )
    ORDER BY distance_km;
END;
$$ LANGUAGE plpgsql;
