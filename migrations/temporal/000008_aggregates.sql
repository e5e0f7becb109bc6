-- hourly_availability_stats and daily_scheduling_metrics, with the same columns and rows on either edition of TimescaleDB (D-120).
-- The edition is what the server says it is:
--
-- community  continuous aggregates, refreshed and fed with live rows by TimescaleDB; its retention policies are in 000009
-- apache     plain materialized views over the live rows and <name>_history, refreshed by maintenance_jobs. What expire_rows
--            (000009) takes out of a hypertable it adds to the history in the same statement, so nothing is counted twice or lost
--
-- What is made here for apache works on community too, so a server that changes to it later keeps what it has.
-- user_count is beyond the specification: without it a view could not tell eleven patterns of one person from those of eleven.

DO $$
DECLARE
  v_licence text := current_setting('timescaledb.license', true);
BEGIN
  IF v_licence IS NULL THEN
    RAISE EXCEPTION 'timescaledb does not say which edition it is: it is not loaded' USING ERRCODE = 'object_not_in_prerequisite_state';
  ELSIF v_licence <> 'apache' THEN
    EXECUTE $sql$
      CREATE MATERIALIZED VIEW hourly_availability_stats
      WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
      SELECT time_bucket('1 hour', "timestamp") AS bucket, availability_type, count(*) AS slot_count,
             avg(flexibility_minutes) AS avg_flexibility, count(DISTINCT user_id) AS user_count
        FROM availability_patterns GROUP BY 1, 2
      WITH NO DATA;

      CREATE MATERIALIZED VIEW daily_scheduling_metrics
      WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
      SELECT time_bucket('1 day', "timestamp") AS bucket, status, count(*) AS interview_count,
             avg(EXTRACT(EPOCH FROM (slot_end - slot_start)) / 60) AS avg_duration_minutes
        FROM interview_slots GROUP BY 1, 2
      WITH NO DATA;

      -- A refresh never reaches back to where rows are dropped: it would take the buckets of dropped rows away (D-117).
      SELECT add_continuous_aggregate_policy('hourly_availability_stats', start_offset => INTERVAL '30 days',
                                             end_offset => INTERVAL '1 hour', schedule_interval => INTERVAL '1 hour');
      SELECT add_continuous_aggregate_policy('daily_scheduling_metrics', start_offset => INTERVAL '90 days',
                                             end_offset => INTERVAL '1 day', schedule_interval => INTERVAL '1 day');
    $sql$;
  ELSE
    EXECUTE $sql$
      CREATE TABLE hourly_availability_stats_history (
        bucket TIMESTAMPTZ NOT NULL,
        availability_type VARCHAR(20) NOT NULL,
        slot_count BIGINT NOT NULL,
        avg_flexibility NUMERIC NOT NULL,
        user_count BIGINT NOT NULL,
        PRIMARY KEY (bucket, availability_type)
      );
      CREATE MATERIALIZED VIEW hourly_availability_stats AS
      SELECT bucket, availability_type, sum(slot_count)::bigint AS slot_count,
             sum(slot_count * avg_flexibility) / sum(slot_count) AS avg_flexibility, max(user_count) AS user_count
        FROM (SELECT time_bucket('1 hour', "timestamp") AS bucket, availability_type, count(*) AS slot_count,
                     avg(flexibility_minutes) AS avg_flexibility, count(DISTINCT user_id) AS user_count
                FROM availability_patterns GROUP BY 1, 2
              UNION ALL
              SELECT bucket, availability_type, slot_count, avg_flexibility, user_count
                FROM hourly_availability_stats_history) parts
       GROUP BY bucket, availability_type
      WITH DATA;
      CREATE UNIQUE INDEX idx_hourly_availability_stats ON hourly_availability_stats (bucket, availability_type);

      CREATE TABLE daily_scheduling_metrics_history (
        bucket TIMESTAMPTZ NOT NULL,
        status VARCHAR(20) NOT NULL,
        interview_count BIGINT NOT NULL,
        avg_duration_minutes NUMERIC NOT NULL,
        PRIMARY KEY (bucket, status)
      );
      CREATE MATERIALIZED VIEW daily_scheduling_metrics AS
      SELECT bucket, status, sum(interview_count)::bigint AS interview_count,
             sum(interview_count * avg_duration_minutes) / sum(interview_count) AS avg_duration_minutes
        FROM (SELECT time_bucket('1 day', "timestamp") AS bucket, status, count(*) AS interview_count,
                     avg(EXTRACT(EPOCH FROM (slot_end - slot_start)) / 60) AS avg_duration_minutes
                FROM interview_slots GROUP BY 1, 2
              UNION ALL
              SELECT bucket, status, interview_count, avg_duration_minutes FROM daily_scheduling_metrics_history) parts
       GROUP BY bucket, status
      WITH DATA;
      CREATE UNIQUE INDEX idx_daily_scheduling_metrics ON daily_scheduling_metrics (bucket, status);
    $sql$;
  END IF;
END
$$;
GRANT SELECT ON hourly_availability_stats, daily_scheduling_metrics TO matching_definer;

SET LOCAL ROLE matching_definer;

-- What analysts see: no cell that could be about one person.
CREATE VIEW availability_statistics WITH (security_barrier = true) AS
SELECT bucket, availability_type, slot_count, avg_flexibility, user_count FROM hourly_availability_stats WHERE user_count >= 11;
CREATE VIEW scheduling_statistics WITH (security_barrier = true) AS
SELECT bucket, status, interview_count, avg_duration_minutes FROM daily_scheduling_metrics WHERE interview_count >= 11;
GRANT SELECT ON availability_statistics, scheduling_statistics TO analytics;

SET LOCAL ROLE supersmartmatch_temporal_owner;
