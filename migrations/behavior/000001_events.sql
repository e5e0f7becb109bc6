-- What people do: the three tables of events that the behavior service writes, in batches (D-129, D-133 to D-138, D-142 to D-146).
-- A batch that is delivered again is dropped by its insert_deduplication_token, here and in every table that a view fills from it
-- (D-137); an event that comes again later in another batch replaces itself when parts are merged, and reports count by uniqExact.

CREATE TABLE IF NOT EXISTS user_interactions /* ON CLUSTER */ (
  event_id UUID DEFAULT generateUUIDv4(),
  user_id UUID COMMENT 'the user''s; of somebody who is not logged in, a random id of the visitor',
  is_anonymous Bool DEFAULT false COMMENT 'user_id is a visitor''s',
  timestamp DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),

  event_type Enum8(
    'unknown' = 0,
    'page_view' = 1,
    'job_click' = 2,
    'job_save' = 3,
    'job_apply' = 4,
    'search_query' = 5,
    'profile_update' = 6,
    'filter_change' = 7,
    'email_open' = 8,
    'email_click' = 9,
    'logout' = 10,
    'login' = 11,
    'signup' = 12,
    'interview' = 13,
    'message' = 14
  ),
  event_category Enum8(
    'unknown' = 0,
    'engagement' = 1,
    'conversion' = 2,
    'navigation' = 3,
    'search' = 4,
    'profile' = 5,
    'communication' = 6
  ),

  entity_type LowCardinality(String) COMMENT 'job, company, profile, search',
  entity_id Nullable(UUID),

  session_id UUID COMMENT 'of analytics: random, never the login session''s',
  device_type Enum8('unknown' = 0, 'desktop' = 1, 'mobile' = 2, 'tablet' = 3),
  user_agent String TTL toDateTime(timestamp) + INTERVAL 30 DAY,
  ip_address IPv6 COMMENT 'network only: /24 of IPv4, /48 of IPv6' TTL toDateTime(timestamp) + INTERVAL 30 DAY,
  country LowCardinality(String),
  city LowCardinality(String) TTL toDateTime(timestamp) + INTERVAL 30 DAY,

  properties Map(String, String),

  page_load_time Nullable(UInt32) COMMENT 'ms',
  response_time Nullable(UInt32) COMMENT 'ms',

  experiment_id Nullable(String),
  variant Nullable(String),

  CONSTRAINT user_id_is_given CHECK user_id != toUUID('00000000-0000-0000-0000-000000000000'),
  CONSTRAINT ip_address_is_a_network CHECK ip_address = if(startsWith(IPv6NumToString(ip_address), '::ffff:'),
    tupleElement(IPv6CIDRToRange(ip_address, 120), 1), tupleElement(IPv6CIDRToRange(ip_address, 48), 1)),
  CONSTRAINT properties_are_known CHECK arrayAll(key -> key IN ('page', 'section', 'position', 'filter', 'sort_order', 'result_page',
    'utm_source', 'utm_medium', 'utm_campaign'), mapKeys(properties))
)
ENGINE = /* Replicated */ReplacingMergeTree
PARTITION BY toYYYYMM(timestamp)
ORDER BY (user_id, timestamp, event_id)
TTL toDateTime(timestamp) + INTERVAL 2 YEAR
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000,
  replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS search_queries /* ON CLUSTER */ (
  query_id UUID DEFAULT generateUUIDv4(),
  user_id UUID COMMENT 'as in user_interactions',
  is_anonymous Bool DEFAULT false,
  timestamp DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),

  query_text String COMMENT 'free text: analytics read it without',
  query_type Enum8('unknown' = 0, 'keyword' = 1, 'location' = 2, 'company' = 3, 'title' = 4, 'skill' = 5),
  query_source Enum8('unknown' = 0, 'search_bar' = 1, 'filter' = 2, 'suggestion' = 3, 'voice' = 4),

  filters Map(String, Array(String)),

  results_count UInt32,
  results_clicked UInt16,
  time_spent_seconds UInt32,

  led_to_application Bool DEFAULT false,
  led_to_save Bool DEFAULT false,

  session_id UUID,

  CONSTRAINT user_id_is_given CHECK user_id != toUUID('00000000-0000-0000-0000-000000000000'),
  CONSTRAINT time_is_within_a_day CHECK time_spent_seconds <= 86400
)
ENGINE = /* Replicated */ReplacingMergeTree
PARTITION BY toYYYYMM(timestamp)
ORDER BY (user_id, timestamp, query_id)
TTL toDateTime(timestamp) + INTERVAL 18 MONTH
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000,
  replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS job_interactions /* ON CLUSTER */ (
  interaction_id UUID DEFAULT generateUUIDv4(),
  user_id UUID COMMENT 'as in user_interactions',
  is_anonymous Bool DEFAULT false,
  job_id UUID,
  timestamp DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),

  interaction_type Enum8(
    'unknown' = 0,
    'view' = 1,
    'detailed_view' = 2,
    'save' = 3,
    'unsave' = 4,
    'apply' = 5,
    'share' = 6,
    'report' = 7
  ),
  source Enum8(
    'unknown' = 0,
    'search_results' = 1,
    'recommendations' = 2,
    'saved_jobs' = 3,
    'company_page' = 4,
    'email' = 5,
    'direct_link' = 6
  ),
  search_position Nullable(UInt16),

  time_on_page UInt32 COMMENT 'seconds',
  scroll_depth UInt8 COMMENT 'percent',
  elements_clicked Array(String),

  application_method Nullable(Enum8(
    'unknown' = 0,
    'quick_apply' = 1,
    'external_redirect' = 2,
    'email' = 3,
    'platform_form' = 4
  )),
  cover_letter_included Bool DEFAULT false,

  session_id UUID,

  CONSTRAINT user_id_is_given CHECK user_id != toUUID('00000000-0000-0000-0000-000000000000'),
  CONSTRAINT scroll_depth_is_a_percentage CHECK scroll_depth <= 100,
  CONSTRAINT time_is_within_a_day CHECK time_on_page <= 86400
)
ENGINE = /* Replicated */ReplacingMergeTree
PARTITION BY toYYYYMM(timestamp)
ORDER BY (user_id, job_id, timestamp, interaction_id)
TTL toDateTime(timestamp) + INTERVAL 3 YEAR
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000,
  replicated_deduplication_window_seconds = 604800;
