-- Measurements over time.

CREATE TABLE temporal_analytics (
  metric_id UUID NOT NULL DEFAULT gen_random_uuid(),
  "timestamp" TIMESTAMPTZ NOT NULL, -- of the measurement
  metric_type VARCHAR(50) NOT NULL CHECK (
    metric_type IN ('response_time', 'availability_coverage', 'scheduling_success_rate')
  ),
  entity_type VARCHAR(20) NOT NULL CHECK (entity_type IN ('user', 'job', 'system')),
  entity_id UUID,
  value NUMERIC(20,4) NOT NULL,
  unit VARCHAR(20) CHECK (unit IN ('seconds', 'percentage', 'count')),
  -- No ids in here: what names a person must be where erasure finds it.
  dimensions JSONB CHECK (jsonb_typeof(dimensions) = 'object' AND dimensions::text !~* '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'),
  CHECK ((entity_id IS NULL) = (entity_type = 'system')),
  PRIMARY KEY (metric_id, "timestamp")
);
SELECT create_hypertable('temporal_analytics', 'timestamp', chunk_time_interval => INTERVAL '30 days', if_not_exists => true);
CREATE INDEX idx_temporal_analytics_metric ON temporal_analytics (metric_type, "timestamp" DESC);
CREATE INDEX idx_temporal_analytics_user ON temporal_analytics (entity_id, "timestamp" DESC) WHERE entity_type = 'user';
CREATE INDEX idx_temporal_analytics_user_time ON temporal_analytics ("timestamp") WHERE entity_type = 'user'; -- retention
GRANT SELECT, INSERT, UPDATE, DELETE ON temporal_analytics TO matching_definer;

SET LOCAL ROLE matching_definer;

CREATE FUNCTION record_metric(
  p_metric_type text,
  p_entity_type text,
  p_entity_id uuid,
  p_value numeric,
  p_unit text,
  p_dimensions jsonb DEFAULT NULL,
  p_measured_at timestamptz DEFAULT now()
) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
  INSERT INTO public.temporal_analytics ("timestamp", metric_type, entity_type, entity_id, value, unit, dimensions)
  VALUES (p_measured_at, p_metric_type, p_entity_type, p_entity_id, p_value, p_unit, p_dimensions)
  RETURNING metric_id
$$;
GRANT EXECUTE ON FUNCTION record_metric(text, text, uuid, numeric, text, jsonb, timestamptz) TO outbox_worker;

CREATE VIEW admin_temporal_analytics WITH (security_barrier = true) AS
SELECT metric_id, "timestamp", metric_type, entity_type, entity_id, value, unit, dimensions
  FROM temporal_analytics
 WHERE (SELECT current_app_user()) IS NOT NULL;
GRANT SELECT ON admin_temporal_analytics TO admin_role;

-- By day, for analysts: of people only where there are at least eleven.
CREATE VIEW metric_statistics WITH (security_barrier = true) AS
SELECT time_bucket('1 day', "timestamp") AS bucket, metric_type, entity_type, unit, count(*) AS measurements, avg(value) AS average
  FROM temporal_analytics
 GROUP BY 1, 2, 3, 4
HAVING entity_type <> 'user' OR count(DISTINCT entity_id) >= 11;
GRANT SELECT ON metric_statistics TO analytics;

SET LOCAL ROLE supersmartmatch_temporal_owner;
