-- One way to make a time partition, for outbox_events (days).

-- Creates a partition for [p_from, p_to) unless it is there; true if it was created. Rows of that range that wait in the default
-- partition move into it. Bounds are instants, and the function runs in UTC, so no client's time zone shifts them (D-090).
--
-- 1. A relation of that name must be a partition of this parent with exactly this bound, otherwise an error (D-094).
-- 2. Rows in the default partition: DETACH it, move them, ATTACH the new partition, ATTACH the default again (D-089).
-- The text is core's, whose partitioned tables have foreign keys besides; a test keeps the two the same.
CREATE FUNCTION create_range_partition(p_parent regclass, p_name text, p_from timestamptz, p_to timestamptz) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
  v_bound text := format('FOR VALUES FROM (%L) TO (%L)', p_from, p_to);
  v_partition text := format('public.%I', p_name);
  v_default regclass;
  v_in_range text; -- of the column that the parent is partitioned by
  v_rescue boolean := false;
  v_constraint record;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('partitions of ' || p_parent::text, 0));

  IF to_regclass(v_partition) IS NOT NULL THEN
    IF NOT EXISTS (SELECT 1 FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                    WHERE i.inhrelid = to_regclass(v_partition) AND i.inhparent = p_parent
                      AND pg_get_expr(c.relpartbound, c.oid) = v_bound) THEN
      RAISE EXCEPTION '% exists, but is not the partition of % %', p_name, p_parent, v_bound
        USING ERRCODE = 'duplicate_table';
    END IF;
    RETURN false;
  END IF;

  SELECT NULLIF(t.partdefid, 0), format('%1$I >= $1 AND %1$I < $2', a.attname) INTO v_default, v_in_range
    FROM pg_partitioned_table t JOIN pg_attribute a ON a.attrelid = t.partrelid AND a.attnum = t.partattrs[0]
   WHERE t.partrelid = p_parent;
  IF v_default IS NOT NULL THEN
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s WHERE %s)', v_default, v_in_range) INTO v_rescue USING p_from, p_to;
  END IF;

  EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL EXCLUDING IDENTITY)', v_partition, p_parent);
  FOR v_constraint IN
    SELECT conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint WHERE conrelid = p_parent AND contype = 'f'
  LOOP
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', v_partition, v_constraint.conname, v_constraint.definition);
  END LOOP;
  -- Who comes by the parent meets the parent's policies; who names the partition meets none, and sees nothing. Not forced: as owner
  -- the jobs move and count its rows.
  IF (SELECT relrowsecurity FROM pg_class WHERE oid = p_parent) THEN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', v_partition);
  END IF;

  IF v_rescue THEN
    EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', p_parent, v_default);
    EXECUTE format('WITH moved AS (DELETE FROM %s WHERE %s RETURNING *) INSERT INTO %s SELECT * FROM moved',
                   v_default, v_in_range, v_partition) USING p_from, p_to;
  END IF;
  EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s %s', p_parent, v_partition, v_bound);
  IF v_rescue THEN
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s DEFAULT', p_parent, v_default);
  END IF;
  RETURN true;
END
$$;

-- The ranges of a parent's partitions, without the default: for what drops them.
CREATE FUNCTION range_partitions(p_parent regclass)
RETURNS TABLE (partition regclass, range_from timestamptz, range_to timestamptz)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $$
  SELECT c.oid::regclass, bound[1]::timestamptz, bound[2]::timestamptz
    FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid
   CROSS JOIN LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''(.+)''\) TO \(''(.+)''\)') AS bound
   WHERE i.inhparent = p_parent AND bound IS NOT NULL
   ORDER BY 2
$$;
