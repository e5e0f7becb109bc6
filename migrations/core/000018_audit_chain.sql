-- Makes a changed, removed or added audit row show. A job seals rows that no running transaction can precede any more, in the order
-- (xid, audit_id), into one hash chain for each month of their timestamp; never the writer, whom a chain head would make wait for
-- every other one (decision 28). Whoever may rewrite log, chain and head alike is found out only by a head that was kept elsewhere.
--
--   link n = sha256(link n-1, hash of the row, its retention_until);  link 0 = sha256 of the month
--
-- An address enters as keyed hash, kept beside the link: erasing the address leaves the chain valid (D-056). A purge leaves the links
-- and names itself in them by an epoch.

CREATE TABLE audit_epochs (
  epoch_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  rows BIGINT NOT NULL CHECK (rows > 0), -- so many it deleted
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE audit_chain (
  month DATE NOT NULL,
  position BIGINT NOT NULL,
  audit_id BIGINT NOT NULL UNIQUE,
  row_hash BYTEA NOT NULL,
  ip_hash BYTEA,
  retention_until DATE NOT NULL,
  hash BYTEA NOT NULL,
  epoch_id BIGINT REFERENCES audit_epochs (epoch_id), -- the purge that deleted the row
  PRIMARY KEY (month, position)
);
CREATE INDEX idx_audit_chain_epoch ON audit_chain (epoch_id) WHERE epoch_id IS NOT NULL;

-- The end of each chain. A month that was dropped as a whole keeps its head.
CREATE TABLE audit_heads (
  month DATE PRIMARY KEY,
  rows BIGINT NOT NULL,
  xid XID8 NOT NULL, -- of the last row sealed
  audit_id BIGINT NOT NULL,
  hash BYTEA NOT NULL,
  dropped_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TRIGGER audit_heads_touch BEFORE UPDATE ON audit_heads FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

ALTER TABLE audit_epochs ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_epochs FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON audit_epochs FOR ALL TO matching_definer USING (true) WITH CHECK (true);
ALTER TABLE audit_chain ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_chain FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON audit_chain FOR ALL TO matching_definer USING (true) WITH CHECK (true);
ALTER TABLE audit_heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_heads FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON audit_heads FOR ALL TO matching_definer USING (true) WITH CHECK (true);
-- To be kept elsewhere.
CREATE POLICY identity_required ON audit_heads AS RESTRICTIVE FOR ALL TO authenticated_users, recruiter_role, admin_role
  USING ((SELECT current_app_user()) IS NOT NULL);
CREATE POLICY admin_read ON audit_heads FOR SELECT TO admin_role USING (true);
GRANT SELECT, INSERT ON audit_epochs TO matching_definer;
GRANT SELECT, INSERT, DELETE, UPDATE (epoch_id) ON audit_chain TO matching_definer;
GRANT SELECT, INSERT, UPDATE ON audit_heads TO matching_definer;
GRANT SELECT ON audit_heads TO admin_role;

CREATE FUNCTION audit_month(p_timestamp timestamptz) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN date_trunc('month', p_timestamp AT TIME ZONE 'UTC')::date;
GRANT EXECUTE ON FUNCTION audit_month(timestamptz) TO matching_definer;

-- The same bytes whatever the time zone and date style of a session.
CREATE FUNCTION audit_row_hash(p audit_log, p_ip_hash bytea) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN sha256(convert_to(jsonb_build_array(
  (p).audit_id, (p).xid::text, (extract(epoch FROM (p)."timestamp") * 1000000)::bigint, (p).table_name, (p).operation,
  (p).record_id, (p).user_id, (p).subject_user_id, encode(p_ip_hash, 'hex'), (p).old_values, (p).new_values,
  to_jsonb((p).changed_columns), (p).reason, (p).data_classification, (p).retention_until - date '2000-01-01')::text, 'UTF8'));
GRANT EXECUTE ON FUNCTION audit_row_hash(audit_log, bytea) TO matching_definer;

CREATE FUNCTION audit_link_hash(p_previous bytea, p_month date, p_row_hash bytea, p_retention_until date) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN sha256(COALESCE(p_previous, sha256(convert_to('supersmartmatch audit ' || to_char(p_month, 'YYYY-MM'), 'UTF8')))
              || p_row_hash || int4send(p_retention_until - date '2000-01-01'));
GRANT EXECUTE ON FUNCTION audit_link_hash(bytea, date, bytea, date) TO matching_definer;

SET LOCAL ROLE matching_definer;

CREATE FUNCTION audit_ip_hash(p_ip inet) RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
  SELECT public.hmac(convert_to(host(p_ip), 'UTF8'), mac_key, 'sha256')
    FROM app_private.keys WHERE purpose = 'audit' AND retired_at IS NULL AND p_ip IS NOT NULL
$$;

-- Whether a hash is of this address, or the address was erased. By any key, for a retired one made the hashes of its time.
CREATE FUNCTION audit_ip_matches(p_ip inet, p_ip_hash bytea) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
  SELECT p_ip IS NULL
         OR EXISTS (SELECT FROM app_private.keys
                     WHERE purpose = 'audit' AND public.hmac(convert_to(host(p_ip), 'UTF8'), mac_key, 'sha256') = p_ip_hash)
$$;

-- Seals what is due, up to so many rows; returns how many. Everything up to the last head is sealed, in all months together.
CREATE FUNCTION seal_audit_log(p_limit integer DEFAULT 100000) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_horizon xid8;
  v_last public.audit_heads;
  v_row public.audit_log;
  v_head public.audit_heads;
  v_ip_hash bytea;
  v_row_hash bytea;
  v_sealed integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('seal audit_log', 0));
  -- Taken before the rows are read: whatever is older has ended, and is seen.
  v_horizon := pg_snapshot_xmin(pg_current_snapshot());
  SELECT * INTO v_last FROM public.audit_heads ORDER BY xid DESC, audit_id DESC LIMIT 1;
  FOR v_row IN
    SELECT * FROM public.audit_log
     WHERE (xid, audit_id) > (COALESCE(v_last.xid, '0'), COALESCE(v_last.audit_id, 0)) AND xid < v_horizon
     ORDER BY xid, audit_id LIMIT p_limit
  LOOP
    IF v_head.month IS DISTINCT FROM public.audit_month(v_row.timestamp) THEN
      PERFORM public.set_audit_head(v_head);
      SELECT * INTO v_head FROM public.audit_heads WHERE month = public.audit_month(v_row.timestamp);
      v_head.month := public.audit_month(v_row.timestamp);
      v_head.rows := COALESCE(v_head.rows, 0);
    END IF;
    v_ip_hash := public.audit_ip_hash(v_row.user_ip);
    v_row_hash := public.audit_row_hash(v_row, v_ip_hash);
    v_head.rows := v_head.rows + 1;
    v_head.hash := public.audit_link_hash(v_head.hash, v_head.month, v_row_hash, v_row.retention_until);
    v_head.xid := v_row.xid;
    v_head.audit_id := v_row.audit_id;
    INSERT INTO public.audit_chain (month, position, audit_id, row_hash, ip_hash, retention_until, hash)
    VALUES (v_head.month, v_head.rows, v_row.audit_id, v_row_hash, v_ip_hash, v_row.retention_until, v_head.hash);
    v_sealed := v_sealed + 1;
  END LOOP;
  PERFORM public.set_audit_head(v_head);
  RETURN v_sealed;
END
$$;

CREATE FUNCTION set_audit_head(p_head audit_heads) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, public, pg_temp
AS $$
  INSERT INTO public.audit_heads (month, rows, xid, audit_id, hash)
  SELECT p_head.month, p_head.rows, p_head.xid, p_head.audit_id, p_head.hash WHERE p_head.month IS NOT NULL
  ON CONFLICT (month) DO UPDATE
    SET rows = EXCLUDED.rows, xid = EXCLUDED.xid, audit_id = EXCLUDED.audit_id, hash = EXCLUDED.hash
$$;

-- What is wrong with the log of the months from p_from on, in the order of the log; no row means that nothing is.
CREATE FUNCTION verify_audit_log(p_from date DEFAULT '-infinity') RETURNS TABLE (month date, audit_id bigint, problem text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH links AS (
    SELECT l.*, e.created_at AS purged_at,
           lag(l.hash) OVER chain AS previous, lag(l.position, 1, 0::bigint) OVER chain AS previous_position
      FROM public.audit_chain l LEFT JOIN public.audit_epochs e USING (epoch_id)
     WHERE l.month >= p_from
    WINDOW chain AS (PARTITION BY l.month ORDER BY l.position)
  ), log AS (
    SELECT a.audit_id, a.xid, public.audit_month(a.timestamp) AS month, a AS row
      FROM public.audit_log a WHERE p_from = '-infinity' OR a.timestamp >= p_from::timestamp AT TIME ZONE 'UTC'
  ), sealed AS (
    SELECT xid, audit_id FROM public.audit_heads ORDER BY xid DESC, audit_id DESC LIMIT 1
  )
  SELECT month, audit_id, problem
    FROM (
      SELECT l.month, l.position, l.audit_id, CASE
               WHEN l.position <> l.previous_position + 1 THEN 'links before this one were removed'
               WHEN l.hash <> public.audit_link_hash(l.previous, l.month, l.row_hash, l.retention_until) THEN 'the link was changed'
               WHEN a.audit_id IS NULL AND l.epoch_id IS NULL THEN 'the row was removed'
               WHEN a.audit_id IS NULL AND l.purged_at::date < l.retention_until THEN 'the row was purged before its time'
               WHEN a.audit_id IS NULL THEN NULL
               WHEN l.epoch_id IS NOT NULL THEN 'the row was purged, and is there again'
               WHEN a.month <> l.month THEN 'the row was changed'
               WHEN public.audit_row_hash(a.row, l.ip_hash) <> l.row_hash THEN 'the row was changed'
               WHEN NOT public.audit_ip_matches((a.row).user_ip, l.ip_hash) THEN 'the address was changed'
             END AS problem
        FROM links l LEFT JOIN log a USING (audit_id)
      UNION ALL
      SELECT a.month, NULL, a.audit_id, 'the row was added'
        FROM log a CROSS JOIN sealed s
       WHERE (a.xid, a.audit_id) <= (s.xid, s.audit_id)
         AND NOT EXISTS (SELECT 1 FROM public.audit_chain l WHERE l.audit_id = a.audit_id)
      UNION ALL
      SELECT h.month, h.rows, h.audit_id, 'the end of the chain was removed'
        FROM public.audit_heads h
        LEFT JOIN LATERAL (SELECT l.position, l.audit_id, l.hash FROM public.audit_chain l
                            WHERE l.month = h.month ORDER BY l.position DESC LIMIT 1) l ON TRUE
       WHERE h.month >= p_from AND h.dropped_at IS NULL
         AND (h.rows, h.audit_id, h.hash) IS DISTINCT FROM (l.position, l.audit_id, l.hash)
      UNION ALL
      SELECT l.month, max(l.position), max(l.audit_id), 'the chain has no head'
        FROM public.audit_chain l
       WHERE l.month >= p_from AND NOT EXISTS (SELECT 1 FROM public.audit_heads h WHERE h.month = l.month)
       GROUP BY l.month
      UNION ALL
      SELECT h.month, h.rows, h.audit_id, 'the month was dropped before its time'
        FROM public.audit_heads h WHERE h.month >= p_from AND h.dropped_at < h.month + interval '37 months'
    ) found
   WHERE problem IS NOT NULL
   ORDER BY month, position, audit_id;
END
$$;
GRANT EXECUTE ON FUNCTION verify_audit_log(date) TO admin_role;

-- Deletes rows past retention_until that are sealed, up to so many; returns how many. Of a month without rows the links go as well.
CREATE FUNCTION purge_audit_log(p_limit integer DEFAULT 10000) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
  v_xids xid8[];
  v_ids bigint[];
  v_times timestamptz[];
  v_epoch bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('seal audit_log', 0));
  SELECT array_agg(xid), array_agg(audit_id), array_agg(timestamp) INTO v_xids, v_ids, v_times
    FROM (SELECT a.xid, a.audit_id, a.timestamp FROM public.audit_log a JOIN public.audit_chain l USING (audit_id)
           WHERE a.retention_until < CURRENT_DATE AND NOT public.is_on_hold(a.subject_user_id, a.user_id) LIMIT p_limit) due;
  IF v_ids IS NOT NULL THEN
    PERFORM set_config('app.audit_upkeep', 'purge', true);
    WITH gone AS (
      DELETE FROM public.audit_log a USING unnest(v_xids, v_ids, v_times) AS due (xid, audit_id, "timestamp")
       WHERE a.xid = due.xid AND a.audit_id = due.audit_id AND a.timestamp = due.timestamp AND a.retention_until < CURRENT_DATE
         AND NOT public.is_on_hold(a.subject_user_id, a.user_id)
      RETURNING a.audit_id
    )
    SELECT array_agg(audit_id) INTO v_ids FROM gone;
    PERFORM set_config('app.audit_upkeep', '', true);
  END IF;
  IF v_ids IS NOT NULL THEN
    INSERT INTO public.audit_epochs (rows) VALUES (cardinality(v_ids)) RETURNING epoch_id INTO v_epoch;
    UPDATE public.audit_chain SET epoch_id = v_epoch WHERE audit_id = ANY (v_ids);
  END IF;
  WITH ended AS (
    UPDATE public.audit_heads h SET dropped_at = now()
     WHERE dropped_at IS NULL AND month < CURRENT_DATE - interval '37 months'
       AND NOT EXISTS (SELECT 1 FROM public.audit_chain l WHERE l.month = h.month AND l.epoch_id IS NULL)
    RETURNING month
  )
  DELETE FROM public.audit_chain WHERE month IN (SELECT month FROM ended);
  RETURN COALESCE(cardinality(v_ids), 0);
END
$$;

-- Fails, and so becomes the last_error of its job, when the log of this month or the one before was tampered with.
CREATE FUNCTION require_intact_audit_log() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_found record;
BEGIN
  SELECT * INTO v_found FROM public.verify_audit_log(public.audit_month(now() - interval '1 month')) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'audit_log %, row %: %', v_found.month, v_found.audit_id, v_found.problem USING ERRCODE = 'data_corrupted';
  END IF;
END
$$;

SET LOCAL ROLE supersmartmatch_core_owner;

INSERT INTO maintenance_jobs (name, command, schedule) VALUES
  ('seal-audit-log', 'SELECT public.seal_audit_log()', '30 seconds'),
  ('purge-audit-log', 'SELECT public.purge_audit_log()', '*/10 * * * *'),
  ('verify-audit-log', 'SELECT public.require_intact_audit_log()', '0 2 * * *');
