-- Outbox: append-only log of changes, written in the transaction of the change (D-175 to D-183).
-- A reader keeps a position (xid, sequence) and takes only rows whose xid is below pg_snapshot_xmin: no late commit is lost.

CREATE TABLE outbox_events (
  -- Columns in the order that pads least: every writer writes them.
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  xid XID8 NOT NULL DEFAULT pg_current_xact_id(),
  sequence BIGINT GENERATED ALWAYS AS IDENTITY,
  event_id UUID NOT NULL DEFAULT gen_random_uuid(),
  aggregate_id UUID NOT NULL,
  event_version INTEGER NOT NULL DEFAULT 1, -- schema version of event_data for this event_type
  -- Specified, never updated: outbox_events_status derives them from the cursor (D-178).
  retry_count INTEGER NOT NULL DEFAULT 0,
  max_retries INTEGER NOT NULL DEFAULT 3,
  published_at TIMESTAMPTZ,
  published BOOLEAN NOT NULL DEFAULT FALSE,

  aggregate_type VARCHAR(50) NOT NULL,
  event_type VARCHAR(100) NOT NULL,
  event_data JSONB NOT NULL CHECK (jsonb_typeof(event_data) = 'object'),
  -- Every index here is paid for by every writer. What is not published yet is found by position, not by a flag (D-178).
  PRIMARY KEY (xid, sequence, created_at)
) PARTITION BY RANGE (created_at);

-- A person's events, for erasure.
CREATE INDEX idx_outbox_events_user ON outbox_events (((event_data ->> 'user_id')::uuid)) WHERE event_data ? 'user_id';
CREATE INDEX idx_outbox_events_candidate ON outbox_events (((event_data ->> 'candidate_user_id')::uuid))
  WHERE event_data ? 'candidate_user_id';
CREATE INDEX idx_outbox_events_recruiter ON outbox_events (((event_data ->> 'recruiter_id')::uuid)) WHERE event_data ? 'recruiter_id';

ALTER TABLE outbox_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox_events FORCE ROW LEVEL SECURITY;

CREATE TABLE outbox_events_default PARTITION OF outbox_events DEFAULT;
ALTER TABLE outbox_events_default ENABLE ROW LEVEL SECURITY;

-- Today and the week after: what is written while nothing makes partitions goes to the default.
CREATE FUNCTION create_outbox_partitions() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
  v_day timestamptz;
BEGIN
  FOR i IN 0..7 LOOP
    v_day := date_trunc('day', now()) + make_interval(days => i);
    PERFORM public.create_range_partition('public.outbox_events', to_char(v_day, '"outbox_events_y"YYYY"m"MM"d"DD'),
                                          v_day, v_day + interval '1 day');
  END LOOP;
END
$$;
SELECT create_outbox_partitions();

CREATE TABLE outbox_cursor (
  relay TEXT PRIMARY KEY,
  xid XID8 NOT NULL,
  sequence BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TRIGGER outbox_cursor_touch BEFORE UPDATE ON outbox_cursor FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

-- An event that was refused max_retries times. Holds the event itself: its partition may be gone before somebody looks.
CREATE TABLE outbox_dead_letters (
  event_id UUID PRIMARY KEY,
  aggregate_type VARCHAR(50) NOT NULL,
  aggregate_id UUID NOT NULL,
  event_type VARCHAR(100) NOT NULL,
  event_data JSONB NOT NULL,
  event_version INTEGER NOT NULL,
  sequence BIGINT NOT NULL,
  last_error TEXT NOT NULL,
  attempts INTEGER NOT NULL CHECK (attempts > 0),
  next_attempt_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_outbox_dead_letters_aggregate ON outbox_dead_letters (aggregate_type, aggregate_id);
CREATE INDEX idx_outbox_dead_letters_created ON outbox_dead_letters (created_at);
-- For the erasure of a person.
CREATE INDEX idx_outbox_dead_letters_user ON outbox_dead_letters ((event_data ->> 'user_id'));
CREATE INDEX idx_outbox_dead_letters_candidate ON outbox_dead_letters ((event_data ->> 'candidate_user_id'));
CREATE INDEX idx_outbox_dead_letters_recruiter ON outbox_dead_letters ((event_data ->> 'recruiter_id'));
CREATE TRIGGER outbox_dead_letters_touch BEFORE UPDATE ON outbox_dead_letters
  FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

-- What a consumer has done: inserted in the transaction of the effect, so a second delivery changes nothing.
CREATE TABLE inbox (
  consumer TEXT NOT NULL,
  event_id UUID NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (consumer, event_id)
);
CREATE INDEX idx_inbox_created ON inbox (created_at);

-- When the retention job first saw that every event of a partition, or of a day of the default one, was published: it is dropped some
-- days later (000009).
CREATE TABLE outbox_published_partitions (
  partition_name TEXT PRIMARY KEY,
  published_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE POLICY definer_access ON outbox_events FOR ALL TO matching_definer USING (true) WITH CHECK (true);
CREATE POLICY outbox_worker_access ON outbox_events FOR SELECT TO outbox_worker USING (true);
ALTER TABLE outbox_dead_letters ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox_dead_letters FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON outbox_dead_letters FOR ALL TO matching_definer USING (true) WITH CHECK (true);
CREATE POLICY outbox_worker_access ON outbox_dead_letters FOR ALL TO outbox_worker USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, DELETE ON outbox_events TO matching_definer;
GRANT SELECT, DELETE ON outbox_dead_letters, inbox TO matching_definer;
GRANT SELECT ON outbox_events TO outbox_worker;
GRANT SELECT, INSERT, UPDATE ON outbox_cursor TO outbox_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_dead_letters, inbox TO outbox_worker;

-- The next events of a relay, in order. A relay without a cursor starts at the first event kept.
CREATE FUNCTION read_outbox(p_relay text, p_limit integer DEFAULT 1000) RETURNS SETOF outbox_events
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
  SELECT e.*
    FROM public.outbox_events e
   WHERE (e.xid, e.sequence) > (COALESCE((SELECT c.xid FROM public.outbox_cursor c WHERE c.relay = p_relay), '0'::xid8),
                                COALESCE((SELECT c.sequence FROM public.outbox_cursor c WHERE c.relay = p_relay), 0))
     AND e.xid < pg_snapshot_xmin(pg_current_snapshot())
   ORDER BY e.xid, e.sequence
   LIMIT p_limit
$$;
GRANT EXECUTE ON FUNCTION read_outbox(text, integer) TO outbox_worker;

-- published: every relay has passed the event.
CREATE VIEW outbox_events_status WITH (security_invoker = true) AS
SELECT e.event_id, e.aggregate_type, e.aggregate_id, e.event_type, e.created_at, e.xid, e.sequence,
       COALESCE((SELECT bool_and((e.xid, e.sequence) <= (c.xid, c.sequence)) FROM outbox_cursor c), FALSE) AS published,
       COALESCE(d.attempts, 0) AS retry_count,
       d.last_error
  FROM outbox_events e
  LEFT JOIN outbox_dead_letters d USING (event_id);
GRANT SELECT ON outbox_events_status TO outbox_worker;

SET LOCAL ROLE matching_definer;

-- Writes one event by hand and wakes a listener. No role of the services may call it: events are made by triggers.
CREATE FUNCTION publish_domain_event(
  p_aggregate_type VARCHAR(50),
  p_aggregate_id UUID,
  p_event_type VARCHAR(100),
  p_event_data JSONB
) RETURNS UUID
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_event_id UUID;
BEGIN
  INSERT INTO public.outbox_events (aggregate_type, aggregate_id, event_type, event_data)
  VALUES (p_aggregate_type, p_aggregate_id, p_event_type, p_event_data)
  RETURNING outbox_events.event_id INTO v_event_id;
  PERFORM pg_notify('outbox_events', v_event_id::text);
  RETURN v_event_id;
END
$$;

-- Events of an aggregate's own table: one per row and statement, <prefix>.created, .updated or .deleted.
-- The payload is ids and the names of changed columns, never values (D-175); an update that changes nothing emits nothing.
-- Trigger arguments: aggregate type, event prefix, id column, further id columns separated by commas.
-- Its statements are static, so a session plans each trigger's once. That plan has to serve one row and a hundred thousand alike: the
-- old and the new rows are never paired by a nested loop.
CREATE FUNCTION publish_aggregate_events() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_nestloop = off
AS $$
DECLARE
  v_id CONSTANT text := TG_ARGV[2];
  v_ids CONSTANT text[] := TG_ARGV[2] || string_to_array(TG_ARGV[3], ',');
  v_derived CONSTANT text[] := public.derived_columns();
BEGIN
  IF TG_OP = 'UPDATE' THEN
    INSERT INTO public.outbox_events (aggregate_type, aggregate_id, event_type, event_data)
    SELECT TG_ARGV[0], (c.ids ->> v_id)::uuid, TG_ARGV[1] || '.updated', c.ids || jsonb_build_object('changed_fields', c.fields)
      FROM (SELECT jsonb_strip_nulls((SELECT jsonb_object_agg(id, n.row -> id) FROM unnest(v_ids) AS id)) AS ids,
                   (SELECT jsonb_agg(key ORDER BY key) FROM jsonb_each(n.row)
                     WHERE value IS DISTINCT FROM o.row -> key AND key <> ALL (v_derived)) AS fields
              FROM (SELECT to_jsonb(r) AS row FROM new_rows r OFFSET 0) n
              JOIN (SELECT to_jsonb(r) AS row FROM old_rows r OFFSET 0) o ON n.row ->> v_id = o.row ->> v_id
            OFFSET 0) c
     WHERE c.fields IS NOT NULL;
  ELSIF TG_OP = 'INSERT' THEN
    INSERT INTO public.outbox_events (aggregate_type, aggregate_id, event_type, event_data)
    SELECT TG_ARGV[0], (n.row ->> v_id)::uuid, TG_ARGV[1] || '.created',
           jsonb_strip_nulls((SELECT jsonb_object_agg(id, n.row -> id) FROM unnest(v_ids) AS id))
      FROM (SELECT to_jsonb(r) AS row FROM new_rows r OFFSET 0) n;
  ELSE
    INSERT INTO public.outbox_events (aggregate_type, aggregate_id, event_type, event_data)
    SELECT TG_ARGV[0], (o.row ->> v_id)::uuid, TG_ARGV[1] || '.deleted',
           jsonb_strip_nulls((SELECT jsonb_object_agg(id, o.row -> id) FROM unnest(v_ids) AS id))
      FROM (SELECT to_jsonb(r) AS row FROM old_rows r OFFSET 0) o;
  END IF;
  RETURN NULL;
END
$$;

SET LOCAL ROLE supersmartmatch_temporal_owner;

-- Gives a table its three event triggers (a trigger with transition tables serves one command).
CREATE FUNCTION add_event_triggers(p_table regclass, p_function text, VARIADIC p_arguments text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_name text := p_table::text || '_events';
  v_call text := format('%I(%s)', p_function, (SELECT string_agg(quote_literal(a), ', ') FROM unnest(p_arguments) a));
BEGIN
  EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows
                  FOR EACH STATEMENT EXECUTE FUNCTION public.%s', v_name || '_insert', p_table, v_call);
  EXECUTE format('CREATE TRIGGER %I AFTER UPDATE ON %s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                  FOR EACH STATEMENT EXECUTE FUNCTION public.%s', v_name, p_table, v_call);
  EXECUTE format('CREATE TRIGGER %I AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows
                  FOR EACH STATEMENT EXECUTE FUNCTION public.%s', v_name || '_delete', p_table, v_call);
END
$$;
