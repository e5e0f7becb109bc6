-- What a model made of somebody's behaviour: profiling, only with consent, and deleted on objection (D-026, D-121, D-132, D-140, D-141).

CREATE TABLE IF NOT EXISTS user_behavior_segments /* ON CLUSTER */ (
  user_id UUID,
  calculation_date Date DEFAULT toDate(now('UTC')),
  segment_id UUID MATERIALIZED reinterpretAsUUID(sipHash128(user_id, calculation_date)) COMMENT 'the same for every version of a day',

  activity_level Enum8('unknown' = 0, 'low' = 1, 'medium' = 2, 'high' = 3, 'very_high' = 4),
  engagement_type Enum8('unknown' = 0, 'browser' = 1, 'saver' = 2, 'applier' = 3, 'researcher' = 4),
  search_pattern Enum8('unknown' = 0, 'focused' = 1, 'exploratory' = 2, 'opportunistic' = 3),

  preferred_job_types Array(String),
  preferred_companies Array(String),
  preferred_locations Array(String),
  salary_range_inferred Tuple(UInt32, UInt32) COMMENT 'a year, from and to; (0, 0): unknown',
  salary_currency LowCardinality(String) COMMENT 'ISO 4217; empty: no range',

  sessions_per_week Float32,
  avg_session_duration Float32 COMMENT 'minutes',
  jobs_viewed_per_session Float32,
  application_rate Float32 COMMENT 'applications per job viewed',

  most_active_hour UInt8 COMMENT 'UTC',
  most_active_day Enum8('unknown' = -1, 'Sun' = 0, 'Mon' = 1, 'Tue' = 2, 'Wed' = 3, 'Thu' = 4, 'Fri' = 5, 'Sat' = 6) COMMENT 'toDayOfWeek(…, 2)',

  churn_probability Float32,
  conversion_likelihood Float32,
  engagement_score Float32,

  model_version String,
  last_updated DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),

  CONSTRAINT user_id_is_given CHECK user_id != toUUID('00000000-0000-0000-0000-000000000000'),
  CONSTRAINT salary_has_a_currency CHECK if(salary_range_inferred = (0, 0), salary_currency = '', match(salary_currency, '^[A-Z]{3}$')),
  CONSTRAINT salary_range_is_one CHECK salary_range_inferred.1 <= salary_range_inferred.2,
  CONSTRAINT hour_is_one CHECK most_active_hour <= 23,
  CONSTRAINT shares_are_shares CHECK churn_probability BETWEEN 0 AND 1 AND conversion_likelihood BETWEEN 0 AND 1,
  CONSTRAINT model_is_named CHECK model_version != ''
)
ENGINE = /* Replicated */ReplacingMergeTree(last_updated)
PARTITION BY toYYYYMM(calculation_date)
ORDER BY (user_id, calculation_date)
TTL calculation_date + INTERVAL 1 YEAR;

-- One row a person and day: the last version, merged or not.
CREATE OR REPLACE VIEW user_behavior_segments_v /* ON CLUSTER */ AS
SELECT segment_id, * FROM user_behavior_segments FINAL;
