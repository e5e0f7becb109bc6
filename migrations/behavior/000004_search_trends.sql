-- What is searched for, by word and day (D-127, D-128, D-130, D-131, D-140, D-142). Nobody is in it and so nobody can be erased from it:
-- a word enters only when the vocabulary has it.

-- Names of skills, and words that at least 11 people typed within 30 days. The behavior service writes all of it anew every day; what
-- it writes no more is gone two days later.
CREATE TABLE IF NOT EXISTS trend_vocabulary /* ON CLUSTER */ (
  keyword String,
  source Enum8('unknown' = 0, 'skill' = 1, 'typed' = 2),
  updated_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),

  CONSTRAINT keyword_is_clean CHECK keyword = lowerUTF8(keyword) AND position(keyword, '@') = 0
    AND NOT match(keyword, '([0-9].*){4}') AND NOT match(keyword, '\\s')
)
ENGINE = /* Replicated */ReplacingMergeTree(updated_at)
ORDER BY keyword
TTL toDateTime(updated_at) + INTERVAL 2 DAY;

CREATE TABLE IF NOT EXISTS search_trends /* ON CLUSTER */ (
  keyword String,
  date Date,
  search_count UInt64,
  total_results UInt64,
  total_clicks UInt64
)
ENGINE = /* Replicated */SummingMergeTree
PARTITION BY toYYYYMM(date)
ORDER BY (keyword, date)
TTL date + INTERVAL 2 YEAR
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000,
  replicated_deduplication_window_seconds = 604800;

-- Words with an @ or four digits are dropped before the text is split; c++, c# and développeur stay whole.
CREATE MATERIALIZED VIEW IF NOT EXISTS search_trends_mv /* ON CLUSTER */ TO search_trends AS
SELECT arrayJoin(arrayDistinct(extractAll(arrayStringConcat(arrayFilter(
         word -> position(word, '@') = 0 AND NOT match(word, '([0-9].*){4}'),
         splitByWhitespace(lowerUTF8(query_text))), ' '),
         '[\\p{L}\\p{N}][\\p{L}\\p{N}+#.]*'))) AS keyword,
       toDate(timestamp) AS date,
       count() AS search_count,
       sum(results_count) AS total_results,
       sum(results_clicked) AS total_clicks
FROM search_queries
WHERE keyword IN (SELECT keyword FROM trend_vocabulary)
GROUP BY keyword, date;

CREATE OR REPLACE VIEW search_trends_v /* ON CLUSTER */ AS
SELECT keyword, date, sum(search_count) AS search_count, sum(total_results) AS total_results, sum(total_clicks) AS total_clicks
FROM search_trends
GROUP BY keyword, date;
