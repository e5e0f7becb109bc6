-- Erases one person from every table that has the user_id, the target table of the daily metrics included (D-130, D-138, D-139).
-- Parameter: user_id. A DELETE only hides; APPLY DELETED MASK takes the rows off the disk. Run any number of times; the last query
-- looks past the mask and must find nothing.

DELETE FROM user_interactions /* ON CLUSTER */ WHERE user_id = {user_id:UUID} SETTINGS lightweight_deletes_sync = 2;
DELETE FROM search_queries /* ON CLUSTER */ WHERE user_id = {user_id:UUID} SETTINGS lightweight_deletes_sync = 2;
DELETE FROM job_interactions /* ON CLUSTER */ WHERE user_id = {user_id:UUID} SETTINGS lightweight_deletes_sync = 2;
DELETE FROM user_behavior_segments /* ON CLUSTER */ WHERE user_id = {user_id:UUID} SETTINGS lightweight_deletes_sync = 2;
DELETE FROM daily_user_metrics /* ON CLUSTER */ WHERE user_id = {user_id:UUID} SETTINGS lightweight_deletes_sync = 2;

ALTER TABLE user_interactions /* ON CLUSTER */ APPLY DELETED MASK SETTINGS mutations_sync = 2;
ALTER TABLE search_queries /* ON CLUSTER */ APPLY DELETED MASK SETTINGS mutations_sync = 2;
ALTER TABLE job_interactions /* ON CLUSTER */ APPLY DELETED MASK SETTINGS mutations_sync = 2;
ALTER TABLE user_behavior_segments /* ON CLUSTER */ APPLY DELETED MASK SETTINGS mutations_sync = 2;
ALTER TABLE daily_user_metrics /* ON CLUSTER */ APPLY DELETED MASK SETTINGS mutations_sync = 2;

SELECT sum(rows) AS left FROM (
  SELECT count() AS rows FROM user_interactions WHERE user_id = {user_id:UUID}
  UNION ALL SELECT count() FROM search_queries WHERE user_id = {user_id:UUID}
  UNION ALL SELECT count() FROM job_interactions WHERE user_id = {user_id:UUID}
  UNION ALL SELECT count() FROM user_behavior_segments WHERE user_id = {user_id:UUID}
  UNION ALL SELECT count() FROM daily_user_metrics WHERE user_id = {user_id:UUID}
) SETTINGS apply_deleted_mask = 0;
