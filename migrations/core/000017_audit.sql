-- Who did what to whose data (D-055 to D-057). Written by triggers in the transaction of the change: names of changed columns, and
-- values of the few columns that are named below, never a personal value.

CREATE TABLE audit_log (
  -- Columns in the order that pads least: every writer writes them.
  audit_id BIGINT GENERATED ALWAYS AS IDENTITY,
  xid XID8 NOT NULL DEFAULT pg_current_xact_id(),
  timestamp TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  retention_until DATE NOT NULL,
  record_id UUID,
  user_id UUID, -- who did it; NULL for scheduled work
  subject_user_id UUID, -- whose data it is
  table_name VARCHAR(64) NOT NULL,
  operation VARCHAR(10) NOT NULL CONSTRAINT audit_log_operation_check CHECK (
    operation IN ('INSERT', 'UPDATE', 'DELETE', 'SELECT', 'EXPORT', 'LOGIN', 'ANONYMIZE')
  ),
  data_classification VARCHAR(20) NOT NULL CHECK (
    data_classification IN ('public', 'internal', 'confidential', 'restricted')
  ),
  user_ip INET, -- of who did it; NULL after that person's erasure
  old_values JSONB,
  new_values JSONB,
  changed_columns TEXT[],
  reason TEXT,
  PRIMARY KEY (xid, audit_id, timestamp) -- in the order in which rows are sealed (000018)
) PARTITION BY RANGE (timestamp);

-- Rows come in the order of their time, so that a time finds them without an entry for each: ask by table with a bound on time.
CREATE INDEX idx_audit_log_table_time ON audit_log USING brin (table_name, timestamp)
  WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX idx_audit_log_user ON audit_log (user_id, timestamp);
CREATE INDEX idx_audit_log_subject ON audit_log (subject_user_id, timestamp);
CREATE INDEX idx_audit_log_retention ON audit_log USING brin (retention_until);

CREATE TABLE audit_log_default PARTITION OF audit_log DEFAULT;
ALTER TABLE audit_log_default ENABLE ROW LEVEL SECURITY;

CREATE OR REPLACE VIEW default_partition_rows WITH (security_invoker = true) AS
SELECT 'job_postings' AS table_name, count(*) AS rows FROM job_postings_default
UNION ALL
SELECT 'outbox_events', count(*) FROM outbox_events_default
UNION ALL
SELECT 'audit_log', count(*) FROM audit_log_default;

ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_log FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON audit_log FOR ALL TO matching_definer USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE (user_ip), DELETE ON audit_log TO matching_definer;

-- Append-only. Erasure may forget an address, the purge may delete; each says so for its own transaction.
CREATE FUNCTION keep_audit_log() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  v_upkeep text := CASE current_user WHEN 'matching_definer' THEN current_setting('app.audit_upkeep', true) END;
BEGIN
  IF TG_OP = 'DELETE' AND v_upkeep = 'purge' THEN
    RETURN OLD;
  ELSIF TG_OP = 'UPDATE' AND v_upkeep = 'erasure' AND NEW.user_ip IS NULL
        AND to_jsonb(NEW) - 'user_ip' = to_jsonb(OLD) - 'user_ip' THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'audit_log is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
  FOR EACH ROW EXECUTE FUNCTION keep_audit_log();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION keep_audit_log();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log_default
  FOR EACH STATEMENT EXECUTE FUNCTION keep_audit_log();

CREATE FUNCTION create_audit_partition(p_month timestamptz) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
  v_name text := to_char(p_month, '"audit_log_y"YYYY"m"MM');
BEGIN
  IF NOT public.create_range_partition('public.audit_log', v_name, p_month, p_month + interval '1 month') THEN
    RETURN false;
  END IF;
  -- A statement trigger of the parent does not fire for a partition by its name.
  EXECUTE format('CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON public.%I
                    FOR EACH STATEMENT EXECUTE FUNCTION public.keep_audit_log()', v_name);
  RETURN true;
END
$$;

-- As for job_postings (000009): months ahead, and one that nobody made in time.
CREATE FUNCTION create_audit_partitions() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC'
AS $$
BEGIN
  PERFORM public.create_audit_partition(ahead)
     FROM generate_series(date_trunc('month', now()), now() + interval '2 months', interval '1 month') AS ahead
    WHERE ahead NOT IN (SELECT month FROM public.missed_months('public.audit_log'));
END
$$;
CREATE FUNCTION rescue_audit_partition(p_limit integer DEFAULT 10000) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_month timestamptz := (SELECT month FROM public.missed_months('public.audit_log') WHERE rows <= p_limit LIMIT 1);
BEGIN
  RETURN v_month IS NOT NULL AND public.create_audit_partition(v_month);
END
$$;
SELECT create_audit_partitions();

-- Where the request came from, as its transaction says.
CREATE FUNCTION current_client_ip() RETURNS inet
LANGUAGE sql STABLE PARALLEL SAFE
RETURN NULLIF(current_setting('app.client_ip', true), '')::inet;
GRANT EXECUTE ON FUNCTION current_client_ip() TO matching_definer;

CREATE FUNCTION audit_classification(p_table_name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN p_table_name IN ('company_members', 'user_sessions') THEN 'internal' ELSE 'restricted' END;
GRANT EXECUTE ON FUNCTION audit_classification(text) TO matching_definer;

CREATE FUNCTION audit_retention(p_table_name text) RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE
RETURN ((CURRENT_TIMESTAMP AT TIME ZONE 'UTC')
        + CASE audit_classification(p_table_name) WHEN 'internal' THEN interval '1 year' ELSE interval '3 years' END)::date;
GRANT EXECUTE ON FUNCTION audit_retention(text) TO matching_definer;

SET LOCAL ROLE matching_definer;

-- One row for each row that a statement changed; none for an update that changes nothing but derived columns.
-- Trigger arguments: key columns, of which the first is record_id; the column that leads to the subject (user_id or candidate_id);
-- columns whose values are kept, which must say nothing about a person but rights and states.
-- Planned once, as publish_aggregate_events() is; and profiles are looked up by their key, however few there were then.
CREATE FUNCTION audit_changes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_nestloop = off
  SET enable_seqscan = off
AS $$
DECLARE
  v_keys CONSTANT text[] := string_to_array(TG_ARGV[0], ',');
  v_kept CONSTANT text[] := string_to_array(TG_ARGV[2], ',');
  v_derived CONSTANT text[] := public.derived_columns();
  v_actor CONSTANT uuid := public.current_app_user();
  v_ip CONSTANT inet := public.current_client_ip();
  v_classification CONSTANT text := public.audit_classification(TG_TABLE_NAME);
  v_retention CONSTANT date := public.audit_retention(TG_TABLE_NAME);
BEGIN
  IF TG_OP = 'UPDATE' THEN
    INSERT INTO public.audit_log (table_name, operation, record_id, user_id, user_ip, subject_user_id, changed_columns, old_values,
                                  new_values, data_classification, retention_until)
    SELECT TG_TABLE_NAME, TG_OP, (c.after ->> v_keys[1])::uuid, v_actor, v_ip,
           CASE TG_ARGV[1] WHEN 'user_id' THEN (c.after ->> 'user_id')::uuid
             ELSE (SELECT p.user_id FROM public.candidate_profiles p WHERE p.candidate_id = (c.after ->> 'candidate_id')::uuid) END,
           c.columns,
           (SELECT jsonb_object_agg(key, c.before -> key) FROM unnest(v_kept) AS key WHERE key = ANY (c.columns)),
           (SELECT jsonb_object_agg(key, c.after -> key) FROM unnest(v_kept) AS key WHERE key = ANY (c.columns)),
           v_classification, v_retention
      FROM (SELECT n.row AS after, o.row AS before,
                   (SELECT array_agg(key ORDER BY key) FROM jsonb_each(n.row)
                     WHERE value IS DISTINCT FROM o.row -> key AND key <> ALL (v_derived)) AS columns
              FROM (SELECT to_jsonb(r) AS row FROM new_rows r OFFSET 0) n
              JOIN (SELECT to_jsonb(r) AS row FROM old_rows r OFFSET 0) o
                ON concat_ws(',', n.row ->> v_keys[1], n.row ->> v_keys[2]) = concat_ws(',', o.row ->> v_keys[1], o.row ->> v_keys[2])
            OFFSET 0) c
     WHERE c.columns IS NOT NULL;
  ELSIF TG_OP = 'INSERT' THEN
    INSERT INTO public.audit_log (table_name, operation, record_id, user_id, user_ip, subject_user_id, new_values,
                                  data_classification, retention_until)
    SELECT TG_TABLE_NAME, TG_OP, (n.row ->> v_keys[1])::uuid, v_actor, v_ip,
           CASE TG_ARGV[1] WHEN 'user_id' THEN (n.row ->> 'user_id')::uuid
             ELSE (SELECT p.user_id FROM public.candidate_profiles p WHERE p.candidate_id = (n.row ->> 'candidate_id')::uuid) END,
           (SELECT jsonb_object_agg(key, n.row -> key) FROM unnest(v_kept) AS key), v_classification, v_retention
      FROM (SELECT to_jsonb(r) AS row FROM new_rows r OFFSET 0) n;
  ELSE
    INSERT INTO public.audit_log (table_name, operation, record_id, user_id, user_ip, subject_user_id, old_values,
                                  data_classification, retention_until)
    SELECT TG_TABLE_NAME, TG_OP, (o.row ->> v_keys[1])::uuid, v_actor, v_ip,
           CASE TG_ARGV[1] WHEN 'user_id' THEN (o.row ->> 'user_id')::uuid
             ELSE (SELECT p.user_id FROM public.candidate_profiles p WHERE p.candidate_id = (o.row ->> 'candidate_id')::uuid) END,
           (SELECT jsonb_object_agg(key, o.row -> key) FROM unnest(v_kept) AS key), v_classification, v_retention
      FROM (SELECT to_jsonb(r) AS row FROM old_rows r OFFSET 0) o;
  END IF;
  RETURN NULL;
END
$$;

-- What no trigger sees: reads, exports, log-ins, erasures. For definer functions.
CREATE FUNCTION write_audit(p_operation text, p_table_name text, p_record_id uuid, p_actor uuid, p_subject uuid, p_reason text)
RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
  INSERT INTO public.audit_log (table_name, operation, record_id, user_id, user_ip, subject_user_id, reason, data_classification,
                                retention_until)
  VALUES (p_table_name, p_operation, p_record_id, p_actor, public.current_client_ip(), p_subject, p_reason,
          public.audit_classification(p_table_name), public.audit_retention(p_table_name))
$$;

-- A token outlives the account: what its request does would be written down, with the address.
CREATE FUNCTION refuse_erased_caller() RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  IF EXISTS (SELECT FROM public.users WHERE user_id = public.current_app_user() AND status = 'anonymized') THEN
    RAISE EXCEPTION 'the account was erased' USING ERRCODE = 'insufficient_privilege';
  END IF;
END
$$;

-- An administrator says what the transaction reads, and why, before it does (D-055).
CREATE FUNCTION audit_read(p_table_name text, p_record_id uuid, p_subject_user_id uuid, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  IF public.current_app_user() IS NULL THEN
    RAISE EXCEPTION 'a read needs somebody who reads' USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM public.refuse_erased_caller();
  PERFORM public.write_audit('SELECT', p_table_name, p_record_id, public.current_app_user(), p_subject_user_id, p_reason);
END
$$;
GRANT EXECUTE ON FUNCTION audit_read(text, uuid, uuid, text) TO admin_role;

-- For administrators as auditors.
CREATE VIEW admin_audit_log WITH (security_barrier = true) AS
SELECT audit_id, table_name, operation, record_id, user_id, subject_user_id, user_ip, timestamp, old_values, new_values,
       changed_columns, reason, data_classification, retention_until
  FROM audit_log
 WHERE (SELECT current_app_user()) IS NOT NULL;
GRANT SELECT ON admin_audit_log TO admin_role;

SET LOCAL ROLE supersmartmatch_core_owner;

DO $$
DECLARE
  v_table record;
  v_call text;
BEGIN
  FOR v_table IN
    SELECT * FROM (VALUES
      ('users', 'user_id', 'user_id', 'user_type,status'),
      ('candidate_profiles', 'candidate_id', 'user_id', ''),
      ('candidate_skills', 'candidate_skill_id', 'candidate_id', ''),
      ('work_experiences', 'experience_id', 'candidate_id', ''),
      ('education', 'education_id', 'candidate_id', ''),
      ('certifications', 'certification_id', 'candidate_id', ''),
      ('candidate_languages', 'language_id', 'candidate_id', ''),
      ('job_applications', 'application_id', 'user_id', 'status'),
      ('company_members', 'company_id,user_id', 'user_id', 'role'),
      ('user_consents', 'user_id,consent_id', 'user_id', 'purpose')
    ) AS audited (name, keys, subject, kept)
  LOOP
    v_call := format('EXECUTE FUNCTION audit_changes(%L, %L, %L)', v_table.keys, v_table.subject, v_table.kept);
    EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %I REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT %s',
                   v_table.name || '_audit_insert', v_table.name, v_call);
    EXECUTE format('CREATE TRIGGER %I AFTER UPDATE ON %I REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT %s', v_table.name || '_audit', v_table.name, v_call);
    EXECUTE format('CREATE TRIGGER %I AFTER DELETE ON %I REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT %s',
                   v_table.name || '_audit_delete', v_table.name, v_call);
  END LOOP;
END
$$;

INSERT INTO maintenance_jobs (name, command, schedule) VALUES
  ('create-audit-partitions', 'SELECT public.create_audit_partitions()', '10 * * * *'),
  ('rescue-audit-partitions', 'SELECT public.rescue_audit_partition()', '20 * * * *'),
  ('drop-empty-audit-partitions', 'SELECT public.drop_empty_partitions(''public.audit_log'', ''3 years'')', '40 * * * *');
