-- A person's day in one row: a target table, filled by a view on each table of events (D-126, D-130, D-131, D-140).
-- Its columns are states; readers use daily_user_metrics_v.

CREATE TABLE IF NOT EXISTS daily_user_metrics /* ON CLUSTER */ (
  user_id UUID,
  date Date,
  total_events AggregateFunction(uniqExact, UUID) COMMENT 'by event id, so that no event counts twice',
  unique_sessions AggregateFunction(uniq, UUID),
  avg_page_load_time AggregateFunction(avg, Nullable(Float32)),
  total_time_spent AggregateFunction(sum, UInt64) COMMENT 'seconds, searching and reading jobs'
)
ENGINE = /* Replicated */AggregatingMergeTree
PARTITION BY toYYYYMM(date)
ORDER BY (user_id, date)
TTL date + INTERVAL 2 YEAR
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000,
  replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS daily_user_metrics_interactions_mv /* ON CLUSTER */ TO daily_user_metrics AS
SELECT user_id, toDate(timestamp) AS date,
       uniqExactState(event_id) AS total_events,
       uniqState(session_id) AS unique_sessions,
       avgState(toFloat32(page_load_time)) AS avg_page_load_time
FROM user_interactions
GROUP BY user_id, date;

CREATE MATERIALIZED VIEW IF NOT EXISTS daily_user_metrics_searches_mv /* ON CLUSTER */ TO daily_user_metrics AS
SELECT user_id, toDate(timestamp) AS date, sumState(toUInt64(time_spent_seconds)) AS total_time_spent
FROM search_queries
GROUP BY user_id, date;

CREATE MATERIALIZED VIEW IF NOT EXISTS daily_user_metrics_jobs_mv /* ON CLUSTER */ TO daily_user_metrics AS
SELECT user_id, toDate(timestamp) AS date, sumState(toUInt64(time_on_page)) AS total_time_spent
FROM job_interactions
GROUP BY user_id, date;

CREATE OR REPLACE VIEW daily_user_metrics_v /* ON CLUSTER */ AS
SELECT user_id, date,
       uniqExactMerge(total_events) AS total_events,
       uniqMerge(unique_sessions) AS unique_sessions,
       avgMerge(avg_page_load_time) AS avg_page_load_time,
       sumMerge(total_time_spent) AS total_time_spent
FROM daily_user_metrics
GROUP BY user_id, date;
