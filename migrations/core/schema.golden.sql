SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

CREATE SCHEMA app_private;

ALTER SCHEMA app_private OWNER TO supersmartmatch_core_owner;

CREATE SCHEMA migrations;

ALTER SCHEMA migrations OWNER TO supersmartmatch_core_owner;

CREATE SCHEMA pgbouncer;

ALTER SCHEMA pgbouncer OWNER TO postgres;

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';

CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA public;

COMMENT ON EXTENSION pgcrypto IS 'cryptographic functions';

CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA public;

COMMENT ON EXTENSION unaccent IS 'text search dictionary that removes accents';

CREATE FUNCTION pgbouncer.get_auth(p_usename text) RETURNS TABLE(usename name, passwd text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT a.rolname, a.rolpassword
      FROM pg_catalog.pg_authid a
     WHERE a.rolname = p_usename
       AND a.rolcanlogin AND NOT a.rolsuper AND NOT a.rolreplication AND NOT a.rolbypassrls
       AND (a.rolvaliduntil IS NULL OR a.rolvaliduntil > now())
       AND NOT pg_catalog.pg_has_role(a.oid, 'matching_definer', 'MEMBER')
  $$;

ALTER FUNCTION pgbouncer.get_auth(p_usename text) OWNER TO postgres;

CREATE FUNCTION public.add_consent(p_user_id uuid, p_purpose text, p_granted boolean, p_version text, p_source text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_last public.user_consents;
BEGIN
  PERFORM public.lock_aggregate('user', p_user_id);
  SELECT * INTO v_last FROM public.user_consents
   WHERE user_id = p_user_id AND purpose = p_purpose ORDER BY consent_id DESC LIMIT 1;
  IF p_granted THEN
    IF v_last.consent_id IS NOT NULL AND v_last.withdrawn_at IS NULL AND v_last.version = p_version THEN
      RETURN FALSE;
    END IF;
    INSERT INTO public.user_consents (user_id, purpose, version, source) VALUES (p_user_id, p_purpose, p_version, p_source);
  ELSE
    IF v_last.consent_id IS NULL OR v_last.withdrawn_at IS NOT NULL THEN
      RETURN FALSE;
    END IF;
    INSERT INTO public.user_consents (user_id, purpose, version, granted_at, withdrawn_at, source)
    VALUES (p_user_id, p_purpose, v_last.version, v_last.granted_at, now(), p_source);
  END IF;
  RETURN TRUE;
END
$$;

ALTER FUNCTION public.add_consent(p_user_id uuid, p_purpose text, p_granted boolean, p_version text, p_source text) OWNER TO matching_definer;

CREATE FUNCTION public.add_event_triggers(p_table regclass, p_function text, VARIADIC p_arguments text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  -- Specified as candidate_profile_events.
  v_name text := CASE p_table::text WHEN 'candidate_profiles' THEN 'candidate_profile' ELSE p_table::text END || '_events';
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

ALTER FUNCTION public.add_event_triggers(p_table regclass, p_function text, VARIADIC p_arguments text[]) OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.add_founding_member() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF current_setting('role') = 'recruiter_role' THEN
    INSERT INTO public.company_members (company_id, user_id, role) VALUES (NEW.company_id, public.current_app_user(), 'owner');
  END IF;
  RETURN NULL;
END
$$;

ALTER FUNCTION public.add_founding_member() OWNER TO matching_definer;

CREATE FUNCTION public.add_job_skill_weights() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_new CONSTANT text := 'SELECT job_id, requirement_type, weight FROM new_rows';
  v_old CONSTANT text := 'SELECT job_id, requirement_type, -weight FROM old_rows';
BEGIN
  EXECUTE format(
    'INSERT INTO public.job_skill_weights (job_id, required_weight, optional_weight)
     SELECT job_id, COALESCE(sum(weight) FILTER (WHERE requirement_type = ''required''), 0),
                    COALESCE(sum(weight) FILTER (WHERE requirement_type <> ''required''), 0)
       FROM (%s) AS changes (job_id, requirement_type, weight)
      WHERE job_id IN (SELECT job_id FROM public.job_posting_keys)
      GROUP BY job_id ORDER BY job_id
     ON CONFLICT (job_id) DO UPDATE
       SET required_weight = job_skill_weights.required_weight + EXCLUDED.required_weight,
           optional_weight = job_skill_weights.optional_weight + EXCLUDED.optional_weight',
    CASE TG_OP WHEN 'INSERT' THEN v_new WHEN 'DELETE' THEN v_old ELSE v_new || ' UNION ALL ' || v_old END);
  RETURN NULL;
END
$$;

ALTER FUNCTION public.add_job_skill_weights() OWNER TO matching_definer;

CREATE FUNCTION public.anonymize_user_data(target_user_id uuid, reason text DEFAULT NULL::text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  PERFORM public.require_self_or_admin(target_user_id);
  IF target_user_id <> public.current_app_user() THEN
    PERFORM public.refuse_erased_caller();
  END IF;
  RETURN public.erase_user(target_user_id, reason);
END
$$;

ALTER FUNCTION public.anonymize_user_data(target_user_id uuid, reason text) OWNER TO matching_definer;

CREATE FUNCTION public.app_applied_jobs() RETURNS uuid[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN ARRAY(SELECT a.job_id
                 FROM public.candidate_profiles p JOIN public.job_applications a USING (candidate_id)
                WHERE p.user_id = public.current_app_user());
END
$$;

ALTER FUNCTION public.app_applied_jobs() OWNER TO matching_definer;

CREATE FUNCTION public.app_can_see_candidate(p_candidate_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN public.app_candidate_access(p_candidate_id) >= 1;
END
$$;

ALTER FUNCTION public.app_can_see_candidate(p_candidate_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.app_candidate_access(p_candidate_id uuid) RETURNS integer
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF public.current_app_user() IS NULL THEN
    RETURN 0;
  END IF;
  IF EXISTS (SELECT 1 FROM public.job_applications WHERE candidate_id = p_candidate_id AND status <> 'withdrawn') THEN
    IF EXISTS (SELECT 1
                 FROM public.job_applications a
                 JOIN public.job_posting_keys k USING (job_id)
                 JOIN public.job_postings j ON j.job_id = k.job_id AND j.created_at = k.created_at
                 JOIN public.company_members m ON m.company_id = j.company_id AND m.user_id = j.recruiter_id
                WHERE a.candidate_id = p_candidate_id AND a.status <> 'withdrawn'
                  AND j.recruiter_id = public.current_app_user()) THEN
      RETURN 3;
    END IF;
  END IF;
  RETURN COALESCE((SELECT CASE profile_visibility WHEN 'public' THEN 2 WHEN 'limited' THEN 1 ELSE 0 END
                     FROM public.candidate_profiles WHERE candidate_id = p_candidate_id), 0);
END
$$;

ALTER FUNCTION public.app_candidate_access(p_candidate_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.app_companies() RETURNS uuid[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN ARRAY(SELECT company_id FROM public.company_members WHERE user_id = public.current_app_user());
END
$$;

ALTER FUNCTION public.app_companies() OWNER TO matching_definer;

CREATE FUNCTION public.app_follows_status(p_aggregate_type text, p_aggregate_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF p_aggregate_type = 'application' THEN
    RETURN EXISTS (SELECT 1 FROM public.job_applications
                    WHERE application_id = p_aggregate_id AND status <> 'withdrawn' AND public.app_recruits_job(job_id));
  END IF;
  RETURN EXISTS (SELECT 1
                   FROM public.job_posting_keys k
                   JOIN public.job_postings j ON j.job_id = k.job_id AND j.created_at = k.created_at
                  WHERE k.job_id = p_aggregate_id AND public.app_is_company_member(j.company_id));
END
$$;

ALTER FUNCTION public.app_follows_status(p_aggregate_type text, p_aggregate_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.app_has_applied(p_job_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN EXISTS (SELECT 1
                   FROM public.job_applications a JOIN public.candidate_profiles p USING (candidate_id)
                  WHERE a.job_id = p_job_id AND p.user_id = public.current_app_user());
END
$$;

ALTER FUNCTION public.app_has_applied(p_job_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.app_is_company_member(p_company_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM public.company_members
                  WHERE company_id = p_company_id AND user_id = public.current_app_user());
END
$$;

ALTER FUNCTION public.app_is_company_member(p_company_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.app_is_company_owner(p_company_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM public.company_members
                  WHERE company_id = p_company_id AND user_id = public.current_app_user() AND role = 'owner');
END
$$;

ALTER FUNCTION public.app_is_company_owner(p_company_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.app_job_is_open(p_job_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN EXISTS (SELECT 1
                   FROM public.job_posting_keys k
                   JOIN public.job_postings j ON j.job_id = k.job_id AND j.created_at = k.created_at
                  WHERE k.job_id = p_job_id AND j.status = 'active' AND (j.expires_at IS NULL OR j.expires_at > now())
                    AND public.current_app_user() IS NOT NULL);
END
$$;

ALTER FUNCTION public.app_job_is_open(p_job_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.app_owns_application(p_application_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM public.job_applications
                  WHERE application_id = p_application_id AND user_id = public.current_app_user());
END
$$;

ALTER FUNCTION public.app_owns_application(p_application_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.app_owns_candidate(p_candidate_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM public.candidate_profiles
                  WHERE candidate_id = p_candidate_id AND user_id = public.current_app_user());
END
$$;

ALTER FUNCTION public.app_owns_candidate(p_candidate_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.app_recruits_job(p_job_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN EXISTS (SELECT 1
                   FROM public.job_posting_keys k
                   JOIN public.job_postings j ON j.job_id = k.job_id AND j.created_at = k.created_at
                   JOIN public.company_members m ON m.company_id = j.company_id AND m.user_id = j.recruiter_id
                  WHERE k.job_id = p_job_id AND j.recruiter_id = public.current_app_user());
END
$$;

ALTER FUNCTION public.app_recruits_job(p_job_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.audit_changes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET enable_nestloop TO 'off'
    SET enable_seqscan TO 'off'
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

ALTER FUNCTION public.audit_changes() OWNER TO matching_definer;

CREATE FUNCTION public.audit_classification(p_table_name text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (p_table_name = ANY (ARRAY['company_members'::text, 'user_sessions'::text])) THEN 'internal'::text ELSE 'restricted'::text END;

ALTER FUNCTION public.audit_classification(p_table_name text) OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.audit_ip_hash(p_ip inet) RETURNS bytea
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  SELECT public.hmac(convert_to(host(p_ip), 'UTF8'), mac_key, 'sha256')
    FROM app_private.keys WHERE purpose = 'audit' AND retired_at IS NULL AND p_ip IS NOT NULL
$$;

ALTER FUNCTION public.audit_ip_hash(p_ip inet) OWNER TO matching_definer;

CREATE FUNCTION public.audit_ip_matches(p_ip inet, p_ip_hash bytea) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  SELECT p_ip IS NULL
         OR EXISTS (SELECT FROM app_private.keys
                     WHERE purpose = 'audit' AND public.hmac(convert_to(host(p_ip), 'UTF8'), mac_key, 'sha256') = p_ip_hash)
$$;

ALTER FUNCTION public.audit_ip_matches(p_ip inet, p_ip_hash bytea) OWNER TO matching_definer;

CREATE FUNCTION public.audit_link_hash(p_previous bytea, p_month date, p_row_hash bytea, p_retention_until date) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN sha256(((COALESCE(p_previous, sha256(convert_to(('supersmartmatch audit '::text || to_char((p_month)::timestamp with time zone, 'YYYY-MM'::text)), 'UTF8'::name))) || p_row_hash) || int4send((p_retention_until - '2000-01-01'::date))));

ALTER FUNCTION public.audit_link_hash(p_previous bytea, p_month date, p_row_hash bytea, p_retention_until date) OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.audit_month(p_timestamp timestamp with time zone) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (date_trunc('month'::text, (p_timestamp AT TIME ZONE 'UTC'::text)))::date;

ALTER FUNCTION public.audit_month(p_timestamp timestamp with time zone) OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.audit_read(p_table_name text, p_record_id uuid, p_subject_user_id uuid, p_reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF public.current_app_user() IS NULL THEN
    RAISE EXCEPTION 'a read needs somebody who reads' USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM public.refuse_erased_caller();
  PERFORM public.write_audit('SELECT', p_table_name, p_record_id, public.current_app_user(), p_subject_user_id, p_reason);
END
$$;

ALTER FUNCTION public.audit_read(p_table_name text, p_record_id uuid, p_subject_user_id uuid, p_reason text) OWNER TO matching_definer;

CREATE FUNCTION public.audit_retention(p_table_name text) RETURNS date
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (((CURRENT_TIMESTAMP AT TIME ZONE 'UTC'::text) + CASE public.audit_classification(p_table_name) WHEN 'internal'::text THEN '1 year'::interval ELSE '3 years'::interval END))::date;

ALTER FUNCTION public.audit_retention(p_table_name text) OWNER TO supersmartmatch_core_owner;

SET default_tablespace = '';

CREATE TABLE public.audit_log (
    audit_id bigint NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    "timestamp" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    retention_until date NOT NULL,
    record_id uuid,
    user_id uuid,
    subject_user_id uuid,
    table_name character varying(64) NOT NULL,
    operation character varying(10) NOT NULL,
    data_classification character varying(20) NOT NULL,
    user_ip inet,
    old_values jsonb,
    new_values jsonb,
    changed_columns text[],
    reason text,
    CONSTRAINT audit_log_data_classification_check CHECK (((data_classification)::text = ANY ((ARRAY['public'::character varying, 'internal'::character varying, 'confidential'::character varying, 'restricted'::character varying])::text[]))),
    CONSTRAINT audit_log_operation_check CHECK (((operation)::text = ANY ((ARRAY['INSERT'::character varying, 'UPDATE'::character varying, 'DELETE'::character varying, 'SELECT'::character varying, 'EXPORT'::character varying, 'LOGIN'::character varying, 'ANONYMIZE'::character varying])::text[])))
)
PARTITION BY RANGE ("timestamp");

ALTER TABLE ONLY public.audit_log FORCE ROW LEVEL SECURITY;

ALTER TABLE public.audit_log OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.audit_row_hash(p public.audit_log, p_ip_hash bytea) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN sha256(convert_to((jsonb_build_array((p).audit_id, ((p).xid)::text, ((EXTRACT(epoch FROM (p)."timestamp") * (1000000)::numeric))::bigint, (p).table_name, (p).operation, (p).record_id, (p).user_id, (p).subject_user_id, encode(p_ip_hash, 'hex'::text), (p).old_values, (p).new_values, to_jsonb((p).changed_columns), (p).reason, (p).data_classification, ((p).retention_until - '2000-01-01'::date)))::text, 'UTF8'::name));

ALTER FUNCTION public.audit_row_hash(p public.audit_log, p_ip_hash bytea) OWNER TO supersmartmatch_core_owner;

SET default_table_access_method = heap;

CREATE TABLE public.candidate_profiles (
    candidate_id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    first_name character varying(100),
    last_name character varying(100),
    phone text,
    phone_hash bytea,
    date_of_birth text,
    nationality text,
    current_title character varying(200),
    experience_years integer DEFAULT 0 NOT NULL,
    availability_status character varying(20) DEFAULT 'open'::character varying NOT NULL,
    expected_salary_min numeric(12,2),
    expected_salary_max numeric(12,2),
    currency character varying(3) DEFAULT 'EUR'::character varying NOT NULL,
    expected_salary_period character varying(20) DEFAULT 'yearly'::character varying NOT NULL,
    share_expected_salary boolean DEFAULT false NOT NULL,
    work_authorization text,
    profile_completeness integer DEFAULT 0 NOT NULL,
    profile_visibility character varying(20) DEFAULT 'limited'::character varying NOT NULL,
    content_language character varying(3) DEFAULT 'eng'::character varying NOT NULL,
    last_activity_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    search_vector tsvector,
    CONSTRAINT candidate_profiles_availability_status_check CHECK (((availability_status)::text = ANY ((ARRAY['open'::character varying, 'passive'::character varying, 'not_looking'::character varying, 'hired'::character varying])::text[]))),
    CONSTRAINT candidate_profiles_check CHECK ((expected_salary_min <= expected_salary_max)),
    CONSTRAINT candidate_profiles_content_language_check CHECK (((content_language)::text = ANY ((ARRAY['eng'::character varying, 'fra'::character varying])::text[]))),
    CONSTRAINT candidate_profiles_currency_check CHECK (((currency)::text ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT candidate_profiles_date_of_birth_check CHECK ((date_of_birth ~ '^v1(\.[A-Za-z0-9+/=_-]+){2}\.[A-Za-z0-9+/=_-]*\.[A-Za-z0-9+/=_-]+$'::text)),
    CONSTRAINT candidate_profiles_expected_salary_max_check CHECK ((expected_salary_max >= (0)::numeric)),
    CONSTRAINT candidate_profiles_expected_salary_min_check CHECK ((expected_salary_min >= (0)::numeric)),
    CONSTRAINT candidate_profiles_expected_salary_period_check CHECK (((expected_salary_period)::text = ANY ((ARRAY['yearly'::character varying, 'monthly'::character varying, 'hourly'::character varying])::text[]))),
    CONSTRAINT candidate_profiles_experience_years_check CHECK ((experience_years >= 0)),
    CONSTRAINT candidate_profiles_nationality_check CHECK ((nationality ~ '^v1(\.[A-Za-z0-9+/=_-]+){2}\.[A-Za-z0-9+/=_-]*\.[A-Za-z0-9+/=_-]+$'::text)),
    CONSTRAINT candidate_profiles_phone_check CHECK ((phone ~ '^v1(\.[A-Za-z0-9+/=_-]+){2}\.[A-Za-z0-9+/=_-]*\.[A-Za-z0-9+/=_-]+$'::text)),
    CONSTRAINT candidate_profiles_profile_completeness_check CHECK (((profile_completeness >= 0) AND (profile_completeness <= 100))),
    CONSTRAINT candidate_profiles_profile_visibility_check CHECK (((profile_visibility)::text = ANY ((ARRAY['public'::character varying, 'limited'::character varying, 'private'::character varying])::text[]))),
    CONSTRAINT candidate_profiles_work_authorization_check CHECK ((work_authorization ~ '^v1(\.[A-Za-z0-9+/=_-]+){2}\.[A-Za-z0-9+/=_-]*\.[A-Za-z0-9+/=_-]+$'::text))
);

ALTER TABLE ONLY public.candidate_profiles FORCE ROW LEVEL SECURITY;

ALTER TABLE public.candidate_profiles OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.candidate_completeness(p public.candidate_profiles, p_skills bigint, p_experience boolean, p_education boolean, p_language boolean) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN CASE WHEN p.first_name <> '' AND p.last_name <> '' THEN 20 ELSE 0 END
       + CASE WHEN p.current_title <> '' THEN 10 ELSE 0 END
       + CASE WHEN p.phone IS NOT NULL THEN 10 ELSE 0 END
       + CASE WHEN p.expected_salary_min IS NOT NULL THEN 5 ELSE 0 END
       + CASE WHEN p.work_authorization IS NOT NULL THEN 5 ELSE 0 END
       + LEAST(p_skills, 4)::integer * 5
       + CASE WHEN p_experience THEN 15 ELSE 0 END
       + CASE WHEN p_education THEN 10 ELSE 0 END
       + CASE WHEN p_language THEN 5 ELSE 0 END;
END
$$;

ALTER FUNCTION public.candidate_completeness(p public.candidate_profiles, p_skills bigint, p_experience boolean, p_education boolean, p_language boolean) OWNER TO matching_definer;

CREATE FUNCTION public.candidate_facts(p_candidates uuid[]) RETURNS TABLE(candidate_id uuid, skill_names text, skills bigint, has_experience boolean, has_education boolean, has_language boolean)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT c.id, s.names, COALESCE(s.number, 0),
         c.id IN (SELECT candidate_id FROM public.work_experiences WHERE candidate_id = ANY (p_candidates)),
         c.id IN (SELECT candidate_id FROM public.education WHERE candidate_id = ANY (p_candidates)),
         c.id IN (SELECT candidate_id FROM public.candidate_languages WHERE candidate_id = ANY (p_candidates))
    FROM unnest(p_candidates) AS c(id)
    LEFT JOIN (SELECT candidate_id, string_agg(t.skill_name, ' ') AS names, count(*) AS number
                 FROM public.candidate_skills JOIN public.skills_taxonomy t USING (skill_id)
                WHERE candidate_id = ANY (p_candidates) GROUP BY candidate_id) s ON s.candidate_id = c.id;
END
$$;

ALTER FUNCTION public.candidate_facts(p_candidates uuid[]) OWNER TO matching_definer;

CREATE FUNCTION public.candidate_search_vector(p public.candidate_profiles, p_skill_names text) RETURNS tsvector
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_content regconfig := ('public.ssm_' || p.content_language)::regconfig;
BEGIN
  RETURN setweight(to_tsvector('public.ssm_name', concat_ws(' ', p.first_name, p.last_name)), 'A')
      || setweight(to_tsvector(v_content, COALESCE(p.current_title, '')), 'B')
      || setweight(to_tsvector(v_content, COALESCE(p_skill_names, '')), 'C');
END
$$;

ALTER FUNCTION public.candidate_search_vector(p public.candidate_profiles, p_skill_names text) OWNER TO matching_definer;

CREATE FUNCTION public.check_skill_parents() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_skill_id uuid;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('skills_taxonomy.parent_skill_id', 0));
  WITH RECURSIVE ancestors (skill_id, ancestor_id) AS (
    SELECT skill_id, parent_skill_id FROM new_rows WHERE parent_skill_id IS NOT NULL
    UNION
    SELECT a.skill_id, s.parent_skill_id
      FROM ancestors a
      JOIN public.skills_taxonomy s ON s.skill_id = a.ancestor_id
     WHERE s.parent_skill_id IS NOT NULL
  )
  SELECT skill_id INTO v_skill_id FROM ancestors WHERE skill_id = ancestor_id LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'skill % would be its own ancestor', v_skill_id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'skills_taxonomy_no_cycle';
  END IF;
  RETURN NULL;
END
$$;

ALTER FUNCTION public.check_skill_parents() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.check_user_type() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_user_id uuid := (to_jsonb(NEW) ->> TG_ARGV[0])::uuid;
  v_user_type text;
BEGIN
  SELECT user_type INTO v_user_type FROM public.users WHERE user_id = v_user_id FOR SHARE;
  IF v_user_type <> ALL (TG_ARGV[1:]) THEN
    RAISE EXCEPTION '%.% must name a user of type %', TG_TABLE_NAME, TG_ARGV[0], array_to_string(TG_ARGV[1:], ' or ')
      USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN NEW;
END
$$;

ALTER FUNCTION public.check_user_type() OWNER TO matching_definer;

CREATE FUNCTION public.check_user_type_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF (NEW.user_type <> 'candidate' AND EXISTS (SELECT 1 FROM public.candidate_profiles p WHERE p.user_id = NEW.user_id))
     OR (NEW.user_type = 'candidate'
         AND (EXISTS (SELECT 1 FROM public.job_postings j WHERE j.recruiter_id = NEW.user_id)
              OR EXISTS (SELECT 1 FROM public.company_members m WHERE m.user_id = NEW.user_id))) THEN
    RAISE EXCEPTION 'user_type cannot change while a profile, a posting or a membership depends on it'
      USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN NEW;
END
$$;

ALTER FUNCTION public.check_user_type_change() OWNER TO matching_definer;

CREATE FUNCTION public.count_applications() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  UPDATE public.job_postings j
     SET application_count = j.application_count + n.received
    FROM (SELECT job_id, count(*) AS received FROM new_rows GROUP BY job_id) n
    JOIN public.job_posting_keys k USING (job_id)
   WHERE j.job_id = n.job_id AND j.created_at = k.created_at;
  RETURN NULL;
END
$$;

ALTER FUNCTION public.count_applications() OWNER TO matching_definer;

CREATE FUNCTION public.count_personal_rows(p_user_id uuid) RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
DECLARE
  v_candidate_id uuid := (SELECT candidate_id FROM public.candidate_profiles WHERE user_id = p_user_id);
  v_table record;
  v_rows bigint;
  v_found bigint;
BEGIN
  SELECT (SELECT count(*) FROM public.users
           WHERE user_id = p_user_id AND (email, password_hash, status)
                 IS DISTINCT FROM (format('anonymized_%s@anonymized.invalid', p_user_id), '!', 'anonymized'))
       + (SELECT count(*) FROM public.candidate_profiles
           WHERE user_id = p_user_id
             AND ((first_name, last_name, experience_years, profile_visibility) IS DISTINCT FROM ('Anonymized', 'User', 0, 'private')
                  OR num_nonnulls(phone, phone_hash, date_of_birth, nationality, current_title, expected_salary_min,
                                  expected_salary_max, work_authorization, last_activity_at) > 0))
       + (SELECT count(*) FROM public.job_postings WHERE recruiter_id = p_user_id)
       + public.count_traces(p_user_id)
    INTO v_found;
  FOR v_table IN SELECT * FROM public.erased_tables() LOOP
    EXECUTE format('SELECT count(*) FROM public.%I WHERE %I = $1', v_table.name, v_table.id_column)
      INTO v_rows USING CASE WHEN v_table.of_profile THEN v_candidate_id ELSE p_user_id END;
    v_found := v_found + v_rows;
  END LOOP;
  RETURN v_found;
END
$_$;

ALTER FUNCTION public.count_personal_rows(p_user_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.count_traces(p_user_id uuid, p_since timestamp with time zone DEFAULT '-infinity'::timestamp with time zone) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  SELECT (SELECT count(*) FROM public.aggregate_events WHERE user_id = p_user_id)
       + (SELECT count(*) FROM public.audit_log WHERE user_id = p_user_id AND user_ip IS NOT NULL AND timestamp >= p_since)
       -- Nobody is known yet while somebody logs in: the address in such a row is the subject's.
       + (SELECT count(*) FROM public.audit_log
           WHERE user_id IS NULL AND subject_user_id = p_user_id AND user_ip IS NOT NULL AND timestamp >= p_since)
$$;

ALTER FUNCTION public.count_traces(p_user_id uuid, p_since timestamp with time zone) OWNER TO matching_definer;

CREATE FUNCTION public.create_audit_partition(p_month timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
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

ALTER FUNCTION public.create_audit_partition(p_month timestamp with time zone) OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.create_audit_partitions() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
BEGIN
  PERFORM public.create_audit_partition(ahead)
     FROM generate_series(date_trunc('month', now()), now() + interval '2 months', interval '1 month') AS ahead
    WHERE ahead NOT IN (SELECT month FROM public.missed_months('public.audit_log'));
END
$$;

ALTER FUNCTION public.create_audit_partitions() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.create_job_partition(p_instant timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
DECLARE
  v_month timestamptz := date_trunc('month', p_instant);
BEGIN
  RETURN public.create_range_partition('public.job_postings', to_char(v_month, '"job_postings_y"YYYY"m"MM'),
                                       v_month, v_month + interval '1 month');
END
$$;

ALTER FUNCTION public.create_job_partition(p_instant timestamp with time zone) OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.create_monthly_partitions() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
BEGIN
  PERFORM public.create_job_partition(ahead)
     FROM generate_series(date_trunc('month', now()), now() + interval '2 months', interval '1 month') AS ahead
    WHERE ahead NOT IN (SELECT month FROM public.missed_months('public.job_postings'));
END
$$;

ALTER FUNCTION public.create_monthly_partitions() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.create_outbox_partitions() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
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

ALTER FUNCTION public.create_outbox_partitions() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.create_range_partition(p_parent regclass, p_name text, p_from timestamp with time zone, p_to timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $_$
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
$_$;

ALTER FUNCTION public.create_range_partition(p_parent regclass, p_name text, p_from timestamp with time zone, p_to timestamp with time zone) OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.create_user(p_email text, p_user_type text, p_password_hash text DEFAULT '!'::text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_user_id uuid;
BEGIN
  IF current_setting('role') <> 'admin_role' OR public.current_app_user() IS NULL THEN
    RAISE EXCEPTION 'only an administrator with an identity may create an account' USING ERRCODE = 'insufficient_privilege';
  END IF;
  INSERT INTO public.users (email, user_type, password_hash)
  VALUES (lower(btrim(p_email)), p_user_type, p_password_hash)
  RETURNING user_id INTO v_user_id;
  RETURN v_user_id;
END
$$;

ALTER FUNCTION public.create_user(p_email text, p_user_type text, p_password_hash text) OWNER TO matching_definer;

CREATE FUNCTION public.current_app_user() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('app.current_user_id'::text, true), ''::text))::uuid;

ALTER FUNCTION public.current_app_user() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.current_client_ip() RETURNS inet
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('app.client_ip'::text, true), ''::text))::inet;

ALTER FUNCTION public.current_client_ip() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.decrypt_pii(encrypted_data text) RETURNS text
    LANGUAGE plpgsql STRICT SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
DECLARE
  v_parts text[] := regexp_match(encrypted_data, '^(v1:([0-9a-f-]{36}):)([A-Za-z0-9+/=]+)$');
  v_key app_private.keys;
  v_body bytea;
  v_tag bytea;
BEGIN
  IF v_parts IS NULL THEN
    RAISE EXCEPTION 'not a value of encrypt_pii' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  SELECT * INTO v_key FROM app_private.keys WHERE key_id = v_parts[2]::uuid AND purpose = 'pii';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no key % to decrypt with', v_parts[2] USING ERRCODE = 'invalid_parameter_value';
  END IF;
  v_body := decode(v_parts[3], 'base64');
  v_tag := substring(v_body FROM greatest(octet_length(v_body) - 31, 1));
  v_body := substring(v_body FROM 1 FOR greatest(octet_length(v_body) - 32, 0));
  IF public.hmac(v_tag, v_key.mac_key, 'sha256') IS DISTINCT FROM
     public.hmac(public.hmac(convert_to(v_parts[1], 'UTF8') || v_body, v_key.mac_key, 'sha256'), v_key.mac_key, 'sha256') THEN
    RAISE EXCEPTION 'the value was changed after it was encrypted' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN convert_from(public.decrypt_iv(substring(v_body FROM 17), v_key.encryption_key, substring(v_body FROM 1 FOR 16), 'aes-cbc'),
                      'UTF8');
END
$_$;

ALTER FUNCTION public.decrypt_pii(encrypted_data text) OWNER TO matching_definer;

CREATE FUNCTION public.derive_closing() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  NEW.closed_at := CASE WHEN NEW.status IN ('filled', 'expired', 'cancelled') THEN COALESCE(NEW.closed_at, CURRENT_TIMESTAMP) END;
  NEW.filled_at := CASE WHEN NEW.status = 'filled' THEN COALESCE(NEW.filled_at, CURRENT_TIMESTAMP) END;
  RETURN NEW;
END
$$;

ALTER FUNCTION public.derive_closing() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.derive_decision() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  NEW.decided_at :=
    CASE WHEN NEW.status IN ('hired', 'rejected', 'withdrawn') THEN COALESCE(NEW.decided_at, CURRENT_TIMESTAMP) END;
  RETURN NEW;
END
$$;

ALTER FUNCTION public.derive_decision() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.derive_is_current() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  IF NEW.end_date IS NULL THEN
    NEW.is_current := TRUE;
  ELSIF TG_OP = 'UPDATE' AND OLD.end_date IS NULL THEN
    NEW.is_current := FALSE;
  END IF;
  RETURN NEW;
END
$$;

ALTER FUNCTION public.derive_is_current() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.derive_is_native() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  NEW.is_native := NEW.proficiency_level = 'native';
  RETURN NEW;
END
$$;

ALTER FUNCTION public.derive_is_native() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.derive_remote_policy() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  NEW.remote_policy := CASE
    WHEN NEW.work_location ->> 'type' = 'remote' THEN 'full'
    WHEN NEW.work_location ->> 'type' = 'onsite' THEN 'no'
    WHEN NEW.remote_policy = 'flexible' THEN 'flexible'
    ELSE 'partial'
  END;
  RETURN NEW;
END
$$;

ALTER FUNCTION public.derive_remote_policy() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.derived_columns() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY['updated_at'::text, 'search_vector'::text, 'view_count'::text, 'application_count'::text, 'profile_completeness'::text];

ALTER FUNCTION public.derived_columns() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.drop_empty_partitions(p_parent regclass, p_age interval) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_partition record;
  v_find text;
  v_occupied boolean;
  v_dropped integer := 0;
BEGIN
  FOR v_partition IN SELECT partition FROM public.range_partitions(p_parent) WHERE range_to < now() - p_age LOOP
    v_find := format('SELECT EXISTS (SELECT 1 FROM %s)', v_partition.partition);
    EXECUTE v_find INTO v_occupied;
    IF NOT v_occupied THEN
      EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', p_parent);
      EXECUTE v_find INTO v_occupied;
    END IF;
    IF NOT v_occupied THEN
      EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', p_parent, v_partition.partition);
      EXECUTE format('DROP TABLE %s', v_partition.partition);
      v_dropped := v_dropped + 1;
    END IF;
  END LOOP;
  RETURN v_dropped;
END
$$;

ALTER FUNCTION public.drop_empty_partitions(p_parent regclass, p_age interval) OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.drop_published_outbox_partitions() RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $_$
DECLARE
  v_cursor record;
  v_day record;
  v_find text;
  v_pending boolean;
  v_dropped integer := 0;
BEGIN
  SELECT xid, sequence INTO v_cursor FROM public.outbox_cursor ORDER BY xid, sequence LIMIT 1;
  IF NOT FOUND THEN
    RETURN 0;
  END IF;
  FOR v_day IN
    SELECT partition::text AS name, partition::text AS place, 'TRUE' AS rows, format('DROP TABLE %s', partition) AS removal,
           format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', partition) AS lock
      FROM public.range_partitions('public.outbox_events') WHERE range_to <= now()
    UNION ALL
    SELECT to_char(day, '"outbox_events_default of "YYYY-MM-DD'), 'public.outbox_events_default', rows,
           format('DELETE FROM public.outbox_events_default WHERE %s AND (xid, sequence) <= (%L, %L)', rows, v_cursor.xid, v_cursor.sequence),
           NULL
      FROM (SELECT DISTINCT date_trunc('day', created_at) AS day FROM public.outbox_events_default
             WHERE created_at < date_trunc('day', now())) AS days,
           format('created_at >= %L AND created_at < %L', day, day + interval '1 day') AS rows
  LOOP
    v_find := format('SELECT EXISTS (SELECT 1 FROM %s WHERE (xid, sequence) > ($1, $2) AND %s)', v_day.place, v_day.rows);
    EXECUTE v_find INTO v_pending USING v_cursor.xid, v_cursor.sequence;
    IF v_pending THEN
      DELETE FROM public.outbox_published_partitions WHERE partition_name = v_day.name;
      CONTINUE;
    END IF;
    INSERT INTO public.outbox_published_partitions (partition_name) VALUES (v_day.name) ON CONFLICT DO NOTHING;
    DELETE FROM public.outbox_published_partitions
     WHERE partition_name = v_day.name AND published_at <= public.retention_cutoff('published-events');
    CONTINUE WHEN NOT FOUND;
    IF v_day.lock IS NOT NULL THEN
      -- Again when nobody can write: a transaction that began that day may have ended just now.
      EXECUTE v_day.lock;
      EXECUTE v_find INTO v_pending USING v_cursor.xid, v_cursor.sequence;
      CONTINUE WHEN v_pending;
    END IF;
    EXECUTE v_day.removal;
    v_dropped := v_dropped + 1;
  END LOOP;
  -- What an erasure emptied meanwhile.
  DELETE FROM public.outbox_published_partitions WHERE published_at <= public.retention_cutoff('published-events');
  RETURN v_dropped;
END
$_$;

ALTER FUNCTION public.drop_published_outbox_partitions() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.encrypt_pii(data text) RETURNS text
    LANGUAGE plpgsql STRICT SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_key app_private.keys;
  v_iv bytea := public.gen_random_bytes(16);
  v_prefix text;
  v_body bytea;
BEGIN
  SELECT * INTO STRICT v_key FROM app_private.keys WHERE purpose = 'pii' AND retired_at IS NULL;
  v_prefix := format('v1:%s:', v_key.key_id);
  v_body := v_iv || public.encrypt_iv(convert_to(data, 'UTF8'), v_key.encryption_key, v_iv, 'aes-cbc');
  v_body := v_body || public.hmac(convert_to(v_prefix, 'UTF8') || v_body, v_key.mac_key, 'sha256');
  RETURN v_prefix || translate(encode(v_body, 'base64'), E'\n', '');
END
$$;

ALTER FUNCTION public.encrypt_pii(data text) OWNER TO matching_definer;

CREATE FUNCTION public.end_sessions() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  UPDATE public.user_sessions SET is_revoked = TRUE WHERE user_id = NEW.user_id AND NOT is_revoked;
  RETURN NULL;
END
$$;

ALTER FUNCTION public.end_sessions() OWNER TO matching_definer;

CREATE FUNCTION public.erase_traces(p_user_id uuid, p_since timestamp with time zone DEFAULT '-infinity'::timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_erased bigint;
  v_rows bigint;
BEGIN
  UPDATE public.aggregate_events SET user_id = NULL WHERE user_id = p_user_id;
  GET DIAGNOSTICS v_erased = ROW_COUNT;
  PERFORM set_config('app.audit_upkeep', 'erasure', true);
  UPDATE public.audit_log SET user_ip = NULL
   WHERE user_ip IS NOT NULL AND (user_id = p_user_id OR user_id IS NULL AND subject_user_id = p_user_id) AND timestamp >= p_since;
  GET DIAGNOSTICS v_rows = ROW_COUNT;
  PERFORM set_config('app.audit_upkeep', '', true);
  RETURN v_erased + v_rows;
END
$$;

ALTER FUNCTION public.erase_traces(p_user_id uuid, p_since timestamp with time zone) OWNER TO matching_definer;

CREATE FUNCTION public.erase_user(p_user_id uuid, p_reason text DEFAULT NULL::text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
DECLARE
  v_candidate_id uuid := (SELECT candidate_id FROM public.candidate_profiles WHERE user_id = p_user_id);
  v_actor uuid := public.current_app_user();
  v_aggregates uuid[];
  v_table record;
  v_rows bigint;
  v_erased bigint;
  v_request_id uuid;
BEGIN
  PERFORM public.lock_aggregate(type, id)
     FROM (SELECT 'application' AS type, application_id AS id FROM public.job_applications WHERE candidate_id = v_candidate_id
           UNION ALL SELECT 'candidate', v_candidate_id WHERE v_candidate_id IS NOT NULL
           UNION ALL SELECT 'job', job_id FROM public.job_postings WHERE recruiter_id = p_user_id
           UNION ALL SELECT 'user', p_user_id
           ORDER BY 1, 2) sorted;
  PERFORM FROM public.users WHERE user_id = p_user_id FOR UPDATE;
  IF NOT FOUND THEN
    RETURN FALSE;
  END IF;
  IF public.is_on_hold(p_user_id) THEN
    RAISE EXCEPTION 'this person is on legal hold: end it in spec.retention.legalHolds first'
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  PERFORM FROM public.candidate_profiles WHERE user_id = p_user_id FOR UPDATE;
  PERFORM set_config('app.erasing', p_user_id::text, true);

  v_aggregates := ARRAY[p_user_id, v_candidate_id]
    || ARRAY(SELECT application_id FROM public.job_applications WHERE candidate_id = v_candidate_id);
  UPDATE public.job_postings
     SET recruiter_id = NULL, application_email = NULL, application_instructions = NULL,
         status = CASE WHEN closed_at IS NULL THEN 'cancelled' ELSE status END
   WHERE recruiter_id = p_user_id;
  GET DIAGNOSTICS v_erased = ROW_COUNT;
  FOR v_table IN SELECT * FROM public.erased_tables() LOOP
    EXECUTE format('DELETE FROM public.%I WHERE %I = $1', v_table.name, v_table.id_column)
      USING CASE WHEN v_table.of_profile THEN v_candidate_id ELSE p_user_id END;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    v_erased := v_erased + v_rows;
  END LOOP;
  UPDATE public.candidate_profiles
     SET first_name = 'Anonymized', last_name = 'User', phone = NULL, phone_hash = NULL, date_of_birth = NULL, nationality = NULL,
         current_title = NULL, experience_years = 0, availability_status = 'not_looking', expected_salary_min = NULL,
         expected_salary_max = NULL, currency = DEFAULT, expected_salary_period = DEFAULT, share_expected_salary = FALSE,
         work_authorization = NULL, profile_visibility = 'private', content_language = DEFAULT, last_activity_at = NULL,
         created_at = date_trunc('day', created_at, 'UTC')
   WHERE user_id = p_user_id;
  -- By itself: with the names, the trigger would count them.
  UPDATE public.candidate_profiles SET profile_completeness = 0 WHERE user_id = p_user_id;
  UPDATE public.users
     SET email = format('anonymized_%s@anonymized.invalid', p_user_id), password_hash = '!', status = 'anonymized',
         email_verified = FALSE, last_login_at = NULL, failed_login_attempts = 0, account_locked_until = NULL,
         created_at = date_trunc('day', created_at, 'UTC')
   WHERE user_id = p_user_id;
  v_erased := v_erased + 1 + (v_candidate_id IS NOT NULL)::integer;

  DELETE FROM public.outbox_dead_letters WHERE aggregate_id = ANY (v_aggregates) OR event_data ->> 'user_id' = p_user_id::text;
  DELETE FROM public.outbox_events WHERE (event_data ->> 'user_id')::uuid = p_user_id;
  PERFORM public.erase_traces(p_user_id);
  INSERT INTO public.audit_log (table_name, operation, record_id, user_id, user_ip, subject_user_id, reason, data_classification,
                                retention_until)
  VALUES ('users', 'ANONYMIZE', p_user_id, v_actor, CASE WHEN v_actor <> p_user_id THEN public.current_client_ip() END, p_user_id,
          p_reason, public.audit_classification('users'), public.audit_retention('users'));
  PERFORM set_config('app.erasing', '', true);

  v_rows := public.count_personal_rows(p_user_id);
  IF v_rows > 0 THEN
    RAISE EXCEPTION 'the erasure of % left % rows', p_user_id, v_rows USING ERRCODE = 'data_exception';
  END IF;
  UPDATE public.erasure_requests SET matched = matched + v_erased, erased = erased + v_erased, done_at = now()
   WHERE user_id = p_user_id AND store = 'core' RETURNING request_id INTO v_request_id;
  IF FOUND THEN
    -- What came back here may have come back there.
    UPDATE public.erasure_requests SET verified_zero = FALSE, done_at = NULL WHERE user_id = p_user_id AND store <> 'core';
  ELSE
    v_request_id := gen_random_uuid();
    INSERT INTO public.erasure_requests (request_id, user_id, store)
    SELECT v_request_id, p_user_id, store
      FROM unnest(ARRAY['core', 'vault', 'geolocation', 'temporal', 'behavior', 'search', 'cache', 'events']) AS store;
    UPDATE public.erasure_requests SET matched = v_erased, erased = v_erased, verified_zero = TRUE, done_at = now()
     WHERE request_id = v_request_id AND store = 'core';
  END IF;
  PERFORM public.publish_domain_event('user', p_user_id, 'user.anonymized', jsonb_strip_nulls(jsonb_build_object(
    'user_id', p_user_id, 'candidate_id', v_candidate_id, 'request_id', v_request_id)));
  RETURN TRUE;
END
$_$;

ALTER FUNCTION public.erase_user(p_user_id uuid, p_reason text) OWNER TO matching_definer;

CREATE FUNCTION public.erased_tables() RETURNS TABLE(name text, id_column text, of_profile boolean)
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  VALUES ('user_sessions', 'user_id', FALSE),
         ('company_members', 'user_id', FALSE),
         ('job_applications', 'candidate_id', TRUE),
         ('candidate_job_matches', 'candidate_id', TRUE),
         ('candidate_skills', 'candidate_id', TRUE),
         ('work_experiences', 'candidate_id', TRUE),
         ('education', 'candidate_id', TRUE),
         ('certifications', 'candidate_id', TRUE),
         ('candidate_languages', 'candidate_id', TRUE)
$$;

ALTER FUNCTION public.erased_tables() OWNER TO matching_definer;

CREATE FUNCTION public.expire_certifications() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
DECLARE
  v_ids uuid[];
  v_count integer;
BEGIN
  SELECT array_agg(candidate_id ORDER BY candidate_id) INTO v_ids
    FROM (SELECT DISTINCT candidate_id FROM public.certifications
           WHERE expiration_date < CURRENT_DATE AND verification_status IN ('unverified', 'verified') LIMIT 1000) due;
  PERFORM public.lock_aggregate('candidate', id) FROM unnest(v_ids) AS id;
  UPDATE public.certifications SET verification_status = 'expired'
   WHERE candidate_id = ANY (v_ids) AND expiration_date < CURRENT_DATE AND verification_status IN ('unverified', 'verified');
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;

ALTER FUNCTION public.expire_certifications() OWNER TO matching_definer;

CREATE FUNCTION public.expire_jobs() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_ids uuid[];
  v_count integer;
BEGIN
  SELECT array_agg(job_id ORDER BY job_id) INTO v_ids
    FROM (SELECT job_id FROM public.job_postings WHERE status IN ('active', 'paused') AND expires_at <= now()
           ORDER BY expires_at LIMIT 1000) due;
  PERFORM public.lock_aggregate('job', id) FROM unnest(v_ids) AS id;
  UPDATE public.job_postings SET status = 'expired'
   WHERE job_id = ANY (v_ids) AND status IN ('active', 'paused') AND expires_at <= now();
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;

ALTER FUNCTION public.expire_jobs() OWNER TO matching_definer;

CREATE FUNCTION public.export_user_data(target_user_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_candidate_id uuid := (SELECT candidate_id FROM public.candidate_profiles WHERE user_id = target_user_id);
  -- In an OR with a subquery no index of aggregate_events would be used.
  v_applications uuid[] := ARRAY(SELECT application_id FROM public.job_applications WHERE candidate_id = v_candidate_id);
  v_data jsonb;
BEGIN
  PERFORM public.require_self_or_admin(target_user_id);
  SELECT jsonb_build_object('users', jsonb_agg(to_jsonb(u) - 'password_hash')) INTO v_data
    FROM public.users u WHERE user_id = target_user_id HAVING count(*) > 0;
  IF v_data IS NULL THEN
    RETURN NULL;
  END IF;
  PERFORM public.refuse_erased_caller();
  PERFORM public.write_audit('EXPORT', 'users', target_user_id, public.current_app_user(), target_user_id, NULL);
  RETURN v_data || jsonb_build_object(
    'user_sessions', (SELECT COALESCE(jsonb_agg(to_jsonb(r) - 'refresh_token_hash'), '[]')
                        FROM public.user_sessions r WHERE user_id = target_user_id),
    'user_consents', (SELECT COALESCE(jsonb_agg(to_jsonb(r)), '[]') FROM public.user_consents r WHERE user_id = target_user_id),
    'erasure_requests', (SELECT COALESCE(jsonb_agg(to_jsonb(r)), '[]')
                           FROM public.erasure_requests r WHERE user_id = target_user_id),
    'company_members', (SELECT COALESCE(jsonb_agg(to_jsonb(r)), '[]') FROM public.company_members r WHERE user_id = target_user_id),
    'job_postings', (SELECT COALESCE(jsonb_agg(to_jsonb(r) - 'search_vector'), '[]')
                       FROM public.job_postings r WHERE recruiter_id = target_user_id),
    'candidate_profiles', (SELECT COALESCE(jsonb_agg(to_jsonb(r) - 'search_vector' - 'phone_hash'), '[]')
                             FROM public.candidate_profiles r WHERE user_id = target_user_id),
    'candidate_skills', (SELECT COALESCE(jsonb_agg(to_jsonb(r) || jsonb_build_object('skill_name', s.skill_name)), '[]')
                           FROM public.candidate_skills r JOIN public.skills_taxonomy s USING (skill_id)
                          WHERE candidate_id = v_candidate_id),
    'work_experiences', (SELECT COALESCE(jsonb_agg(to_jsonb(r)), '[]')
                           FROM public.work_experiences r WHERE candidate_id = v_candidate_id),
    'education', (SELECT COALESCE(jsonb_agg(to_jsonb(r)), '[]') FROM public.education r WHERE candidate_id = v_candidate_id),
    'certifications', (SELECT COALESCE(jsonb_agg(to_jsonb(r)), '[]')
                         FROM public.certifications r WHERE candidate_id = v_candidate_id),
    'candidate_languages', (SELECT COALESCE(jsonb_agg(to_jsonb(r)), '[]')
                              FROM public.candidate_languages r WHERE candidate_id = v_candidate_id),
    'job_applications', (SELECT COALESCE(jsonb_agg(to_jsonb(r)), '[]')
                           FROM public.job_applications r WHERE candidate_id = v_candidate_id),
    'candidate_job_matches', (SELECT COALESCE(jsonb_agg(to_jsonb(r)), '[]')
                                FROM public.candidate_job_matches r WHERE candidate_id = v_candidate_id),
    'aggregate_events', (SELECT COALESCE(jsonb_agg(to_jsonb(r) - 'user_id'), '[]')
                           FROM public.aggregate_events r
                          WHERE user_id = target_user_id
                             OR aggregate_type = 'application' AND aggregate_id = ANY (v_applications)),
    -- Another person's address is not the subject's.
    'audit_log', (SELECT COALESCE(jsonb_agg(to_jsonb(r) - CASE WHEN COALESCE(r.user_id, r.subject_user_id) = target_user_id THEN '' ELSE 'user_ip' END), '[]')
                    FROM public.admin_audit_log r WHERE target_user_id IN (r.user_id, r.subject_user_id)));
END
$$;

ALTER FUNCTION public.export_user_data(target_user_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.find_account(p_email text) RETURNS TABLE(user_id uuid, password_hash character varying, user_type character varying, status character varying, account_locked_until timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  SELECT u.user_id, u.password_hash, u.user_type, u.status, u.account_locked_until
    FROM public.users u WHERE lower(u.email) = lower(btrim(p_email))
$$;

ALTER FUNCTION public.find_account(p_email text) OWNER TO matching_definer;

CREATE FUNCTION public.finish_erasures() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_late record;
  v_rows bigint;
  v_count integer := 0;
BEGIN
  FOR v_late IN
    SELECT request_id, user_id, done_at - interval '1 day' AS since FROM public.erasure_requests
     WHERE done_at > now() - interval '1 day' AND store = 'core' AND NOT public.is_on_hold(user_id)
       AND public.count_traces(user_id, done_at - interval '1 day') > 0
     ORDER BY user_id LIMIT 1000
  LOOP
    PERFORM public.lock_aggregate('user', v_late.user_id);
    v_rows := public.erase_traces(v_late.user_id, v_late.since);
    UPDATE public.erasure_requests SET matched = matched + v_rows, erased = erased + v_rows
     WHERE request_id = v_late.request_id AND store = 'core' AND v_rows > 0;
    v_count := v_count + (v_rows > 0)::integer;
  END LOOP;
  RETURN v_count;
END
$$;

ALTER FUNCTION public.finish_erasures() OWNER TO matching_definer;

CREATE FUNCTION public.generate_job_slug() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_slug text;
BEGIN
  IF NEW.slug IS NOT NULL THEN
    INSERT INTO public.job_posting_keys (job_id, created_at, slug) VALUES (NEW.job_id, NEW.created_at, NEW.slug);
    RETURN NEW;
  END IF;

  SELECT lower(public.unaccent(concat_ws('-', NEW.title, c.company_name))) INTO v_slug
    FROM public.companies c WHERE c.company_id = NEW.company_id;
  v_slug := btrim(regexp_replace(v_slug, '[^a-z0-9]+', '-', 'g'), '-');
  v_slug := COALESCE(NULLIF(rtrim(left(v_slug, 250), '-'), ''), 'job-' || NEW.job_id);
  FOREACH NEW.slug IN ARRAY ARRAY[v_slug, v_slug || '-' || left(NEW.job_id::text, 8), v_slug || '-' || NEW.job_id] LOOP
    INSERT INTO public.job_posting_keys (job_id, created_at, slug) VALUES (NEW.job_id, NEW.created_at, NEW.slug)
    ON CONFLICT (slug) DO NOTHING;
    IF FOUND THEN
      RETURN NEW;
    END IF;
  END LOOP;
  RAISE EXCEPTION 'no free slug for job %', NEW.job_id USING ERRCODE = 'unique_violation';
END
$$;

ALTER FUNCTION public.generate_job_slug() OWNER TO matching_definer;

CREATE FUNCTION public.is_on_hold(VARIADIC p_subjects uuid[]) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN EXISTS (SELECT FROM public.legal_holds WHERE subject_id = ANY (p_subjects));
END
$$;

ALTER FUNCTION public.is_on_hold(VARIADIC p_subjects uuid[]) OWNER TO matching_definer;

CREATE FUNCTION public.is_string_array(p_value jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((jsonb_typeof(p_value) = 'array'::text) AND (NOT jsonb_path_exists(p_value, '$[*]?(@.type() != "string")'::jsonpath)));

ALTER FUNCTION public.is_string_array(p_value jsonb) OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.keep_audit_log() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
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

ALTER FUNCTION public.keep_audit_log() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.keep_consents() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  IF TG_OP = 'DELETE' AND OLD.created_at < public.retention_cutoff('consents') THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'a consent is never changed, and kept as a proof: withdraw it with record_consent()'
    USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END
$$;

ALTER FUNCTION public.keep_consents() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.keep_job_identity() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  RAISE EXCEPTION 'job_id, slug and created_at of a posting never change'
    USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END
$$;

ALTER FUNCTION public.keep_job_identity() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.list_legal_holds() RETURNS TABLE(subject uuid, reason text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  RETURN QUERY SELECT h.subject_id, h.reason FROM public.legal_holds h ORDER BY h.subject_id;
END
$$;

ALTER FUNCTION public.list_legal_holds() OWNER TO matching_definer;

CREATE FUNCTION public.lock_aggregate(p_aggregate_type text, p_aggregate_id uuid) RETURNS void
    LANGUAGE sql
    RETURN pg_advisory_xact_lock(hashtextextended(((p_aggregate_type || ':'::text) || (p_aggregate_id)::text), (0)::bigint));

ALTER FUNCTION public.lock_aggregate(p_aggregate_type text, p_aggregate_id uuid) OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.maintenance_jobs_changed() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  PERFORM public.schedule_maintenance_jobs();
  RETURN NULL;
END
$$;

ALTER FUNCTION public.maintenance_jobs_changed() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.missed_months(p_parent regclass) RETURNS TABLE(month timestamp with time zone, rows bigint)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $_$
BEGIN
  RETURN QUERY EXECUTE (
    SELECT format('SELECT date_trunc(''month'', %I), count(*) FROM %s GROUP BY 1
                    ORDER BY to_regclass(format(''%s_y%%s'', to_char(date_trunc(''month'', %1$I), ''YYYY"m"MM''))) IS NOT NULL, 1',
                  a.attname, t.partdefid::regclass, p_parent)
      FROM pg_partitioned_table t JOIN pg_attribute a ON a.attrelid = t.partrelid AND a.attnum = t.partattrs[0]
     WHERE t.partrelid = p_parent);
END
$_$;

ALTER FUNCTION public.missed_months(p_parent regclass) OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.publish_aggregate_events() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET enable_nestloop TO 'off'
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

ALTER FUNCTION public.publish_aggregate_events() OWNER TO matching_definer;

CREATE FUNCTION public.publish_child_events() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
DECLARE
  -- Inserted and deleted rows all count; of updated ones those that differ, on the old and the new side, as a row may have moved
  -- from one aggregate to another.
  v_changed text := CASE TG_OP
    WHEN 'INSERT' THEN format('SELECT %I AS id FROM new_rows', TG_ARGV[2])
    WHEN 'DELETE' THEN format('SELECT %I AS id FROM old_rows', TG_ARGV[2])
    ELSE format(
      'SELECT (value ->> %L)::uuid AS id
         FROM ((SELECT to_jsonb(n) - $3 FROM new_rows n EXCEPT SELECT to_jsonb(o) - $3 FROM old_rows o)
               UNION ALL
               (SELECT to_jsonb(o) - $3 FROM old_rows o EXCEPT SELECT to_jsonb(n) - $3 FROM new_rows n)) AS differing (value)',
      TG_ARGV[2])
  END;
  v_ids text;
BEGIN
  SELECT string_agg(format('%L, p.%I', id, id), ', ') INTO v_ids
    FROM unnest(string_to_array(concat_ws(',', TG_ARGV[2], NULLIF(TG_ARGV[3], '')), ',')) AS id;
  EXECUTE format(
    'INSERT INTO public.outbox_events (aggregate_type, aggregate_id, event_type, event_data)
     SELECT $1, p.%1$I, $2, jsonb_build_object(%2$s, ''changed_fields'', jsonb_build_array($4))
       FROM (SELECT DISTINCT id FROM (%3$s) changes) c
       JOIN public.%4$I p ON p.%1$I = c.id', TG_ARGV[2], v_ids, v_changed, TG_ARGV[4])
    USING TG_ARGV[0], TG_ARGV[1] || '.updated', public.derived_columns(), TG_TABLE_NAME::text;
  RETURN NULL;
END
$_$;

ALTER FUNCTION public.publish_child_events() OWNER TO matching_definer;

CREATE FUNCTION public.publish_domain_event(p_aggregate_type character varying, p_aggregate_id uuid, p_event_type character varying, p_event_data jsonb) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
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

ALTER FUNCTION public.publish_domain_event(p_aggregate_type character varying, p_aggregate_id uuid, p_event_type character varying, p_event_data jsonb) OWNER TO matching_definer;

CREATE FUNCTION public.purge_applications() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_cutoff CONSTANT timestamptz := public.retention_cutoff('job-applications');
  v_ids uuid[];
  v_count integer;
BEGIN
  SELECT array_agg(application_id ORDER BY application_id) INTO v_ids
    FROM ((SELECT application_id FROM public.job_applications
            WHERE decided_at < v_cutoff AND NOT public.is_on_hold(user_id) ORDER BY decided_at LIMIT 1000)
          UNION ALL
          -- Posting by posting: joined at once, all applications would be read.
          (SELECT a.application_id
             FROM (SELECT job_id FROM public.job_postings WHERE closed_at < v_cutoff OFFSET 0) j
            CROSS JOIN LATERAL (SELECT application_id, user_id FROM public.job_applications
                                 WHERE job_id = j.job_id AND decided_at IS NULL AND updated_at < v_cutoff OFFSET 0) a
            WHERE NOT public.is_on_hold(a.user_id) LIMIT 1000)
          LIMIT 1000) due;
  PERFORM public.lock_aggregate('application', id) FROM unnest(v_ids) AS id;
  DELETE FROM public.job_applications a
   WHERE application_id = ANY (v_ids) AND NOT public.is_on_hold(user_id)
     AND (decided_at < v_cutoff
          OR decided_at IS NULL AND updated_at < v_cutoff
             AND (SELECT j.closed_at FROM public.job_postings j WHERE j.job_id = a.job_id) < v_cutoff);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;

ALTER FUNCTION public.purge_applications() OWNER TO matching_definer;

CREATE FUNCTION public.purge_audit_log(p_limit integer DEFAULT 10000) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
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

ALTER FUNCTION public.purge_audit_log(p_limit integer) OWNER TO matching_definer;

CREATE FUNCTION public.purge_closed_jobs() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_cutoff CONSTANT timestamptz := public.retention_cutoff('closed-jobs');
  v_scores CONSTANT timestamptz := public.retention_cutoff('job-matches');
  v_ids uuid[];
  v_count integer;
BEGIN
  SELECT array_agg(job_id ORDER BY job_id) INTO v_ids
    FROM (SELECT job_id FROM public.job_postings j
           WHERE closed_at < v_cutoff AND NOT public.is_on_hold(recruiter_id)
             AND NOT EXISTS (SELECT 1 FROM public.job_applications a WHERE a.job_id = j.job_id)
             AND NOT EXISTS (SELECT 1 FROM public.candidate_job_matches m JOIN public.candidate_profiles p USING (candidate_id)
                              WHERE m.job_id = j.job_id AND (m.computed_at >= v_scores OR public.is_on_hold(p.user_id)))
           ORDER BY closed_at LIMIT 1000) due;
  PERFORM public.lock_aggregate('job', id) FROM unnest(v_ids) AS id;
  DELETE FROM public.job_postings j
   WHERE job_id = ANY (v_ids) AND closed_at < v_cutoff AND NOT public.is_on_hold(recruiter_id)
     AND NOT EXISTS (SELECT 1 FROM public.job_applications a WHERE a.job_id = j.job_id)
     AND NOT EXISTS (SELECT 1 FROM public.candidate_job_matches m JOIN public.candidate_profiles p USING (candidate_id)
                      WHERE m.job_id = j.job_id AND (m.computed_at >= v_scores OR public.is_on_hold(p.user_id)));
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;

ALTER FUNCTION public.purge_closed_jobs() OWNER TO matching_definer;

CREATE FUNCTION public.purge_cron_history() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  IF to_regclass('cron.job_run_details') IS NOT NULL THEN
    DELETE FROM cron.job_run_details WHERE username = current_user AND end_time < now() - interval '7 days';
  END IF;
END
$$;

ALTER FUNCTION public.purge_cron_history() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.purge_event_records() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  DELETE FROM public.outbox_dead_letters WHERE created_at < public.retention_cutoff('event-records');
  DELETE FROM public.inbox WHERE created_at < public.retention_cutoff('event-records')
$$;

ALTER FUNCTION public.purge_event_records() OWNER TO matching_definer;

CREATE FUNCTION public.purge_matches() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_count integer;
BEGIN
  DELETE FROM public.candidate_job_matches
   WHERE (candidate_id, job_id) IN (
     SELECT m.candidate_id, m.job_id FROM public.candidate_job_matches m JOIN public.candidate_profiles p USING (candidate_id)
      WHERE m.computed_at < public.retention_cutoff('job-matches') AND NOT public.is_on_hold(p.user_id)
      ORDER BY m.computed_at LIMIT 10000);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;

ALTER FUNCTION public.purge_matches() OWNER TO matching_definer;

CREATE FUNCTION public.purge_proofs() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  DELETE FROM public.user_consents c
   WHERE created_at < public.retention_cutoff('consents') AND NOT public.is_on_hold(user_id)
     AND (withdrawn_at IS NOT NULL
          OR EXISTS (SELECT 1 FROM public.user_consents later
                      WHERE later.user_id = c.user_id AND later.purpose = c.purpose AND later.consent_id > c.consent_id)
          OR NOT EXISTS (SELECT 1 FROM public.users u WHERE u.user_id = c.user_id AND u.status <> 'anonymized'));
  DELETE FROM public.erasure_requests WHERE done_at < public.retention_cutoff('erasure-requests');
  UPDATE public.users SET terms_accepted_at = NULL, privacy_accepted_at = NULL
   WHERE user_id IN (
     SELECT u.user_id FROM public.users u
      WHERE u.status = 'anonymized' AND (u.terms_accepted_at IS NOT NULL OR u.privacy_accepted_at IS NOT NULL)
        AND u.updated_at < public.retention_cutoff('accepted-terms') AND NOT public.is_on_hold(u.user_id)
      ORDER BY u.user_id LIMIT 10000)
$$;

ALTER FUNCTION public.purge_proofs() OWNER TO matching_definer;

CREATE FUNCTION public.purge_user_sessions() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_count integer;
BEGIN
  DELETE FROM public.user_sessions
   WHERE session_id IN (SELECT session_id FROM public.user_sessions
                         WHERE expires_at < public.retention_cutoff('sessions') AND NOT public.is_on_hold(user_id)
                         ORDER BY expires_at LIMIT 10000);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;

ALTER FUNCTION public.purge_user_sessions() OWNER TO matching_definer;

CREATE FUNCTION public.range_partitions(p_parent regclass) RETURNS TABLE(partition regclass, range_from timestamp with time zone, range_to timestamp with time zone)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
  SELECT c.oid::regclass, bound[1]::timestamptz, bound[2]::timestamptz
    FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid
   CROSS JOIN LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''(.+)''\) TO \(''(.+)''\)') AS bound
   WHERE i.inhparent = p_parent AND bound IS NOT NULL
   ORDER BY 2
$$;

ALTER FUNCTION public.range_partitions(p_parent regclass) OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.outbox_events (
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    sequence bigint NOT NULL,
    event_id uuid DEFAULT gen_random_uuid() NOT NULL,
    aggregate_id uuid NOT NULL,
    event_version integer DEFAULT 1 NOT NULL,
    retry_count integer DEFAULT 0 NOT NULL,
    max_retries integer DEFAULT 3 NOT NULL,
    published_at timestamp with time zone,
    published boolean DEFAULT false NOT NULL,
    aggregate_type character varying(50) NOT NULL,
    event_type character varying(100) NOT NULL,
    event_data jsonb NOT NULL,
    CONSTRAINT outbox_events_event_data_check CHECK ((jsonb_typeof(event_data) = 'object'::text)),
    CONSTRAINT outbox_events_person_check CHECK ((((aggregate_type)::text <> ALL ((ARRAY['user'::character varying, 'candidate'::character varying, 'application'::character varying])::text[])) OR ((event_data ->> 'user_id'::text) IS NOT NULL)))
)
PARTITION BY RANGE (created_at);

ALTER TABLE ONLY public.outbox_events FORCE ROW LEVEL SECURITY;

ALTER TABLE public.outbox_events OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.read_outbox(p_relay text, p_limit integer DEFAULT 1000) RETURNS SETOF public.outbox_events
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  SELECT e.*
    FROM public.outbox_events e
   WHERE (e.xid, e.sequence) > (COALESCE((SELECT c.xid FROM public.outbox_cursor c WHERE c.relay = p_relay), '0'::xid8),
                                COALESCE((SELECT c.sequence FROM public.outbox_cursor c WHERE c.relay = p_relay), 0))
     AND e.xid < pg_snapshot_xmin(pg_current_snapshot())
   ORDER BY e.xid, e.sequence
   LIMIT p_limit
$$;

ALTER FUNCTION public.read_outbox(p_relay text, p_limit integer) OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.read_session(p_session_id uuid) RETURNS TABLE(user_id uuid, user_type character varying, expires_at timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  SELECT s.user_id, u.user_type, s.expires_at
    FROM public.user_sessions s JOIN public.users u USING (user_id)
   WHERE s.session_id = p_session_id AND NOT s.is_revoked AND s.expires_at > now() AND u.status = 'active'
$$;

ALTER FUNCTION public.read_session(p_session_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.record_consent(p_purpose text, p_granted boolean, p_version text, p_source text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF public.current_app_user() IS NULL THEN
    RAISE EXCEPTION 'a consent needs somebody who gives it' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF p_purpose = 'public_profile' THEN
    RAISE EXCEPTION 'set profile_visibility instead: it is the consent to a public profile' USING ERRCODE = 'check_violation';
  END IF;
  RETURN public.add_consent(public.current_app_user(), p_purpose, p_granted, p_version, p_source);
END
$$;

ALTER FUNCTION public.record_consent(p_purpose text, p_granted boolean, p_version text, p_source text) OWNER TO matching_definer;

CREATE FUNCTION public.record_login(p_user_id uuid, p_succeeded boolean) RETURNS timestamp with time zone
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_locked_until timestamptz;
  v_failures integer;
BEGIN
  PERFORM public.lock_aggregate('user', p_user_id);
  SELECT account_locked_until, failed_login_attempts + 1 INTO v_locked_until, v_failures
    FROM public.users WHERE user_id = p_user_id AND status <> 'anonymized' FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no account %', p_user_id USING ERRCODE = 'no_data_found';
  ELSIF v_locked_until > now() THEN
    RETURN v_locked_until;
  END IF;
  PERFORM public.write_audit('LOGIN', 'users', p_user_id, p_user_id, p_user_id,
                             CASE WHEN p_succeeded THEN 'password accepted' ELSE 'password refused' END);
  IF p_succeeded THEN
    UPDATE public.users SET failed_login_attempts = 0, account_locked_until = NULL, last_login_at = now()
     WHERE user_id = p_user_id;
    RETURN NULL;
  END IF;
  v_locked_until := CASE WHEN v_failures >= 5
    THEN now() + LEAST(interval '15 minutes' * power(2, LEAST(v_failures - 5, 10)), interval '1 day') END;
  UPDATE public.users SET failed_login_attempts = v_failures, account_locked_until = v_locked_until WHERE user_id = p_user_id;
  RETURN v_locked_until;
END
$$;

ALTER FUNCTION public.record_login(p_user_id uuid, p_succeeded boolean) OWNER TO matching_definer;

CREATE FUNCTION public.record_status() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
BEGIN
  IF TG_OP = 'INSERT' THEN
    EXECUTE format(
      'INSERT INTO public.aggregate_events (aggregate_type, aggregate_id, version, new_status, user_id)
       SELECT $1, r.%I, 1, r.status, $2 FROM new_rows r', TG_ARGV[1]) USING TG_ARGV[0], public.current_app_user();
  ELSIF TG_OP = 'UPDATE' THEN
    EXECUTE format(
      'INSERT INTO public.aggregate_events (aggregate_type, aggregate_id, version, old_status, new_status, user_id)
       SELECT $1, r.%1$I, e.version + 1, o.status, r.status, $2
         FROM new_rows r
         JOIN old_rows o USING (%1$I)
        CROSS JOIN LATERAL (SELECT max(version) AS version FROM public.aggregate_events
                             WHERE aggregate_type = $1 AND aggregate_id = r.%1$I) e
        WHERE r.status <> o.status', TG_ARGV[1]) USING TG_ARGV[0], public.current_app_user();
  ELSE
    EXECUTE format('DELETE FROM public.aggregate_events WHERE aggregate_type = $1 AND aggregate_id IN (SELECT %I FROM old_rows)',
                   TG_ARGV[1]) USING TG_ARGV[0];
  END IF;
  RETURN NULL;
END
$_$;

ALTER FUNCTION public.record_status() OWNER TO matching_definer;

CREATE FUNCTION public.record_visibility() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  PERFORM public.add_consent(NEW.user_id, 'public_profile', NEW.profile_visibility = 'public', '1', 'profile_visibility');
  RETURN NULL;
END
$$;

ALTER FUNCTION public.record_visibility() OWNER TO matching_definer;

CREATE FUNCTION public.refresh_candidate_profiles() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_candidates uuid[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(DISTINCT candidate_id) INTO v_candidates FROM new_rows;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(DISTINCT candidate_id) INTO v_candidates FROM old_rows;
  ELSE
    SELECT array_agg(DISTINCT c.candidate_id) INTO v_candidates
      FROM (SELECT candidate_id FROM new_rows UNION ALL SELECT candidate_id FROM old_rows) c;
  END IF;
  UPDATE public.candidate_profiles p
     SET search_vector = public.candidate_search_vector(p, f.skill_names),
         profile_completeness = public.candidate_completeness(p, f.skills, f.has_experience, f.has_education, f.has_language)
    FROM public.candidate_facts(v_candidates) f
   WHERE p.candidate_id = f.candidate_id;
  RETURN NULL;
END
$$;

ALTER FUNCTION public.refresh_candidate_profiles() OWNER TO matching_definer;

CREATE FUNCTION public.refresh_skill_demand() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
DECLARE
  v_skills uuid[];
  v_demands numeric[];
BEGIN
  REFRESH MATERIALIZED VIEW CONCURRENTLY public.skill_demand;
  WITH recent AS (
    SELECT skill_id, sum(postings) AS postings FROM public.skill_demand
     WHERE month >= date_trunc('month', now()) - interval '2 months' GROUP BY skill_id
  ), demand AS (
    SELECT s.skill_id, COALESCE(round((10 * ln(1 + r.postings) / ln(1 + max(r.postings) OVER ()))::numeric, 2), 0) AS value
      FROM public.skills_taxonomy s LEFT JOIN recent r USING (skill_id)
  ), due AS (
    SELECT d.skill_id, d.value FROM demand d JOIN public.skills_taxonomy s USING (skill_id)
     WHERE s.market_demand <> d.value ORDER BY d.skill_id LIMIT 1000
  )
  SELECT array_agg(skill_id ORDER BY skill_id), array_agg(value ORDER BY skill_id) INTO v_skills, v_demands FROM due;
  PERFORM public.lock_aggregate('skill', id) FROM unnest(v_skills) AS id;
  UPDATE public.skills_taxonomy s SET market_demand = due.value
    FROM unnest(v_skills, v_demands) AS due (skill_id, value)
   WHERE s.skill_id = due.skill_id;
  RETURN COALESCE(cardinality(v_skills), 0);
END
$$;

ALTER FUNCTION public.refresh_skill_demand() OWNER TO matching_definer;

CREATE FUNCTION public.refuse_anonymized() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_user_id uuid := (to_jsonb(NEW) ->> TG_ARGV[0])::uuid;
  v_status text;
BEGIN
  IF current_setting('app.erasing', true) = v_user_id::text THEN
    RETURN NEW;
  END IF;
  IF TG_OP = 'INSERT' THEN
    SELECT status INTO v_status FROM public.users WHERE user_id = v_user_id FOR KEY SHARE;
  ELSE
    SELECT status INTO v_status FROM public.users WHERE user_id = v_user_id;
  END IF;
  IF v_status = 'anonymized' THEN
    RAISE EXCEPTION 'the account was erased' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN NEW;
END
$$;

ALTER FUNCTION public.refuse_anonymized() OWNER TO matching_definer;

CREATE FUNCTION public.refuse_erased_caller() RETURNS void
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF EXISTS (SELECT FROM public.users WHERE user_id = public.current_app_user() AND status = 'anonymized') THEN
    RAISE EXCEPTION 'the account was erased' USING ERRCODE = 'insufficient_privilege';
  END IF;
END
$$;

ALTER FUNCTION public.refuse_erased_caller() OWNER TO matching_definer;

CREATE FUNCTION public.remove_job_posting_key() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  DELETE FROM public.job_posting_keys WHERE job_id = OLD.job_id;
  RETURN NULL;
END
$$;

ALTER FUNCTION public.remove_job_posting_key() OWNER TO matching_definer;

CREATE FUNCTION public.require_empty_default_partitions() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_found text;
BEGIN
  SELECT string_agg(format('%s: %s', table_name, rows), ', ') INTO v_found FROM public.default_partition_rows WHERE rows > 0;
  IF v_found IS NOT NULL THEN
    RAISE EXCEPTION 'rows in the default partition of %. Those of outbox_events go once they are published; what no job moves, create_range_partition() does, when writers can wait', v_found
      USING ERRCODE = 'check_violation';
  END IF;
END
$$;

ALTER FUNCTION public.require_empty_default_partitions() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.require_intact_audit_log() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
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

ALTER FUNCTION public.require_intact_audit_log() OWNER TO matching_definer;

CREATE FUNCTION public.require_self_or_admin(p_user_id uuid) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF current_setting('role') = 'admin_role' AND public.current_app_user() IS NOT NULL
     OR current_setting('role') IN ('authenticated_users', 'recruiter_role') AND p_user_id = public.current_app_user() THEN
    RETURN;
  END IF;
  RAISE EXCEPTION 'only the person itself or an administrator with an identity may do this' USING ERRCODE = 'insufficient_privilege';
END
$$;

ALTER FUNCTION public.require_self_or_admin(p_user_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.rescue_audit_partition(p_limit integer DEFAULT 10000) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_month timestamptz := (SELECT month FROM public.missed_months('public.audit_log') WHERE rows <= p_limit LIMIT 1);
BEGIN
  RETURN v_month IS NOT NULL AND public.create_audit_partition(v_month);
END
$$;

ALTER FUNCTION public.rescue_audit_partition(p_limit integer) OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.rescue_job_partition(p_limit integer DEFAULT 10000) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_month timestamptz := (SELECT month FROM public.missed_months('public.job_postings') WHERE rows <= p_limit LIMIT 1);
BEGIN
  RETURN v_month IS NOT NULL AND public.create_job_partition(v_month);
END
$$;

ALTER FUNCTION public.rescue_job_partition(p_limit integer) OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.reset_certificate_verification() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  NEW.verification_status := 'unverified';
  RETURN NEW;
END
$$;

ALTER FUNCTION public.reset_certificate_verification() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.reset_skill_verification() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  NEW.verification_status := 'self_declared';
  NEW.verification_details := NULL;
  NEW.proficiency_score := NULL;
  RETURN NEW;
END
$$;

ALTER FUNCTION public.reset_skill_verification() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.retention_cutoff(p_rule text) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_cutoff timestamptz;
BEGIN
  SELECT CASE WHEN held THEN '-infinity' ELSE now() - keep END INTO STRICT v_cutoff
    FROM public.retention_rules WHERE name = p_rule;
  RETURN v_cutoff;
END
$$;

ALTER FUNCTION public.retention_cutoff(p_rule text) OWNER TO matching_definer;

CREATE FUNCTION public.retention_removes(p_rule text, p_keep interval, p_held boolean, p_holds uuid[]) RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
DECLARE
  v_holds CONSTANT uuid[] := ARRAY(SELECT subject_id FROM public.legal_holds);
  v_cutoff CONSTANT timestamptz := public.retention_cutoff(p_rule);
  v_rule public.retention_rules;
  v_rows bigint;
BEGIN
  IF p_held OR (now() - p_keep <= v_cutoff AND v_holds <@ p_holds) THEN
    RETURN 0;
  END IF;
  SELECT * INTO v_rule FROM public.retention_rules WHERE name = p_rule;
  EXECUTE format(
    'SELECT count(*) FROM (%s) AS r
      WHERE dated < $1 AND NOT COALESCE(subjects && $2, FALSE) AND (dated >= $3 OR COALESCE(subjects && $4, FALSE))', v_rule.rows_of)
    INTO v_rows USING now() - p_keep + v_rule.ahead, p_holds, v_cutoff + v_rule.ahead, v_holds;
  RETURN v_rows;
END
$_$;

ALTER FUNCTION public.retention_removes(p_rule text, p_keep interval, p_held boolean, p_holds uuid[]) OWNER TO matching_definer;

CREATE FUNCTION public.retention_state() RETURNS TABLE(name text, keep interval, held boolean, oldest timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
DECLARE
  v_holds CONSTANT uuid[] := ARRAY(SELECT subject_id FROM public.legal_holds);
  v_rule public.retention_rules;
BEGIN
  FOR v_rule IN SELECT * FROM public.retention_rules r ORDER BY r.name LOOP
    name := v_rule.name;
    keep := v_rule.keep;
    held := v_rule.held;
    oldest := NULL;
    IF NOT held THEN
      EXECUTE format('SELECT dated FROM (%s) AS r WHERE dated IS NOT NULL %s ORDER BY dated LIMIT 1', v_rule.rows_of,
                     CASE WHEN v_holds <> '{}' THEN 'AND NOT COALESCE(subjects && $1, FALSE)' ELSE '' END)
         INTO oldest USING v_holds;
      oldest := oldest - v_rule.ahead;
    END IF;
    RETURN NEXT;
  END LOOP;
END
$_$;

ALTER FUNCTION public.retention_state() OWNER TO matching_definer;

CREATE FUNCTION public.revoke_sessions(p_user_id uuid, p_session_id uuid DEFAULT NULL::uuid) RETURNS SETOF uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF public.current_app_user() IS NULL
     OR p_user_id IS DISTINCT FROM public.current_app_user() AND current_setting('role') <> 'admin_role' THEN
    RAISE EXCEPTION 'only an administrator with an identity may log somebody else out' USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM FROM public.users WHERE user_id = p_user_id FOR NO KEY UPDATE;
  RETURN QUERY
  UPDATE public.user_sessions s SET is_revoked = TRUE
   WHERE s.user_id = p_user_id AND NOT s.is_revoked
     AND (p_session_id IS NULL
          OR s.family_id = (SELECT f.family_id FROM public.user_sessions f
                             WHERE f.session_id = p_session_id AND f.user_id = p_user_id))
  RETURNING s.session_id;
END
$$;

ALTER FUNCTION public.revoke_sessions(p_user_id uuid, p_session_id uuid) OWNER TO matching_definer;

CREATE FUNCTION public.rotate_session(p_refresh_token_hash text, p_next_token_hash text, p_expires_at timestamp with time zone, p_user_agent text) RETURNS TABLE(outcome text, session_id uuid, user_id uuid, user_type character varying)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
#variable_conflict use_column
DECLARE
  v_session public.user_sessions;
  v_user_type varchar;
BEGIN
  PERFORM FROM public.users u
    WHERE u.user_id = (SELECT s.user_id FROM public.user_sessions s WHERE s.refresh_token_hash = p_refresh_token_hash) FOR SHARE;
  -- A second caller with the same token waits here, and then sees that it was used.
  SELECT * INTO v_session FROM public.user_sessions WHERE refresh_token_hash = p_refresh_token_hash FOR UPDATE;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'refused', NULL::uuid, NULL::uuid, NULL::varchar;
    RETURN;
  ELSIF v_session.is_revoked THEN
    -- Again until none is alive: one that goes on just now is waited for, and its follower is seen only afterwards.
    LOOP
      UPDATE public.user_sessions SET is_revoked = TRUE WHERE family_id = v_session.family_id AND NOT is_revoked;
      EXIT WHEN NOT EXISTS (SELECT FROM public.user_sessions WHERE family_id = v_session.family_id AND NOT is_revoked);
    END LOOP;
    RETURN QUERY SELECT 'reused', v_session.session_id, v_session.user_id, NULL::varchar;
    RETURN;
  END IF;
  SELECT u.user_type INTO v_user_type FROM public.users u
   WHERE u.user_id = v_session.user_id AND u.status = 'active' AND COALESCE(u.account_locked_until <= now(), TRUE);
  IF NOT FOUND OR v_session.expires_at <= now() THEN
    RETURN QUERY SELECT 'refused', v_session.session_id, v_session.user_id, NULL::varchar;
    RETURN;
  END IF;
  UPDATE public.user_sessions SET is_revoked = TRUE WHERE user_sessions.session_id = v_session.session_id;
  RETURN QUERY
  INSERT INTO public.user_sessions AS s (user_id, family_id, refresh_token_hash, expires_at, user_agent, ip_address)
  VALUES (v_session.user_id, v_session.family_id, p_next_token_hash, p_expires_at, p_user_agent, public.current_client_ip())
  RETURNING 'rotated', s.session_id, s.user_id, v_user_type;
END
$$;

ALTER FUNCTION public.rotate_session(p_refresh_token_hash text, p_next_token_hash text, p_expires_at timestamp with time zone, p_user_agent text) OWNER TO matching_definer;

CREATE FUNCTION public.run_maintenance_job(p_name text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET lock_timeout TO '1s'
    AS $$
DECLARE
  v_command text;
  v_error text;
  v_ended timestamptz;
BEGIN
  SELECT command INTO v_command FROM public.maintenance_jobs WHERE name = p_name;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no maintenance job is named %', p_name USING ERRCODE = 'undefined_object';
  END IF;
  IF NOT pg_try_advisory_xact_lock(hashtextextended('maintenance job ' || p_name, 0)) THEN
    RETURN false;
  END IF;
  BEGIN
    EXECUTE v_command;
  EXCEPTION WHEN OTHERS THEN
    v_error := SQLSTATE || ' ' || SQLERRM;
  END;
  v_ended := clock_timestamp();
  UPDATE public.maintenance_jobs
     SET last_run_at = v_ended, last_error = v_error,
         last_success_at = CASE WHEN v_error IS NULL THEN v_ended ELSE last_success_at END
   WHERE name = p_name;
  RETURN v_error IS NULL;
END
$$;

ALTER FUNCTION public.run_maintenance_job(p_name text) OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.schedule_maintenance_jobs() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  c_call CONSTANT text := 'SELECT public.run_maintenance_job(%L)';
BEGIN
  IF to_regclass('cron.job') IS NULL THEN
    RETURN;
  END IF;
  IF current_user <> (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'public.maintenance_jobs'::regclass) THEN
    RAISE EXCEPTION 'only the owner of maintenance_jobs may schedule: jobs would run as %', current_user
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM cron.unschedule(j.jobid)
     FROM cron.job j
    WHERE j.username = current_user AND j.database = current_database() AND j.command = format(c_call, j.jobname)
      AND NOT EXISTS (SELECT 1 FROM public.maintenance_jobs m WHERE m.name = j.jobname);
  PERFORM cron.schedule(m.name, m.schedule, format(c_call, m.name))
     FROM public.maintenance_jobs m
    WHERE NOT EXISTS (SELECT 1 FROM cron.job j
                       WHERE j.username = current_user AND j.database = current_database() AND j.jobname = m.name
                         AND j.schedule = m.schedule AND j.command = format(c_call, m.name));
END
$$;

ALTER FUNCTION public.schedule_maintenance_jobs() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.seal_audit_log(p_limit integer DEFAULT 100000) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
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

ALTER FUNCTION public.seal_audit_log(p_limit integer) OWNER TO matching_definer;

CREATE FUNCTION public.search_candidates(p_query text, p_language text DEFAULT 'eng'::text, p_limit integer DEFAULT 20) RETURNS TABLE(candidate_id uuid, access integer, rank real, current_title character varying, experience_years integer, first_name character varying, last_name character varying)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_query tsquery := plainto_tsquery('public.ssm_name', p_query)
    || plainto_tsquery(CASE p_language WHEN 'fra' THEN 'public.ssm_fra'::regconfig ELSE 'public.ssm_eng'::regconfig END, p_query);
BEGIN
  RETURN QUERY
  SELECT p.candidate_id, a.access, ts_rank(v.visible, v_query), p.current_title, p.experience_years,
         CASE WHEN a.access >= 2 THEN p.first_name END, CASE WHEN a.access >= 2 THEN p.last_name END
    FROM public.candidate_profiles p
   CROSS JOIN LATERAL (SELECT public.app_candidate_access(p.candidate_id) OFFSET 0) AS a(access)
   CROSS JOIN LATERAL (SELECT CASE WHEN a.access >= 2 THEN p.search_vector ELSE ts_filter(p.search_vector, '{b,c}') END
                       OFFSET 0) AS v(visible)
   WHERE p.search_vector @@ v_query AND a.access > 0 AND v.visible @@ v_query
   ORDER BY 3 DESC, 1
   LIMIT LEAST(GREATEST(p_limit, 0), 100);
END
$$;

ALTER FUNCTION public.search_candidates(p_query text, p_language text, p_limit integer) OWNER TO matching_definer;

CREATE FUNCTION public.search_jobs(p_query text, p_language text DEFAULT 'eng'::text, p_limit integer DEFAULT 20) RETURNS TABLE(job_id uuid, rank real, title character varying, company_id uuid, created_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
#variable_conflict use_column
DECLARE
  v_query tsquery :=
    plainto_tsquery(CASE p_language WHEN 'fra' THEN 'public.ssm_fra'::regconfig ELSE 'public.ssm_eng'::regconfig END, p_query);
  v_role text := current_setting('role');
  v_applied uuid[] := CASE v_role WHEN 'authenticated_users' THEN public.app_applied_jobs() END;
  v_companies uuid[] := CASE v_role WHEN 'recruiter_role' THEN public.app_companies() END;
BEGIN
  IF public.current_app_user() IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY
  SELECT j.job_id, ts_rank(j.search_vector, v_query) AS rank, j.title, j.company_id, j.created_at
    FROM public.job_postings j
   WHERE j.search_vector @@ v_query
     AND (j.status = 'active' OR v_role = 'admin_role' OR j.job_id = ANY (v_applied) OR j.company_id = ANY (v_companies))
   ORDER BY rank DESC, j.created_at DESC, j.job_id
   LIMIT LEAST(GREATEST(p_limit, 0), 100);
END
$$;

ALTER FUNCTION public.search_jobs(p_query text, p_language text, p_limit integer) OWNER TO matching_definer;

CREATE FUNCTION public.set_application_user() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  SELECT user_id INTO NEW.user_id FROM public.candidate_profiles WHERE candidate_id = NEW.candidate_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no candidate %', NEW.candidate_id
      USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'job_applications_candidate_id_fkey';
  END IF;
  RETURN NEW;
END
$$;

ALTER FUNCTION public.set_application_user() OWNER TO matching_definer;

CREATE TABLE public.audit_heads (
    month date NOT NULL,
    rows bigint NOT NULL,
    xid xid8 NOT NULL,
    audit_id bigint NOT NULL,
    hash bytea NOT NULL,
    dropped_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);

ALTER TABLE ONLY public.audit_heads FORCE ROW LEVEL SECURITY;

ALTER TABLE public.audit_heads OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.set_audit_head(p_head public.audit_heads) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  INSERT INTO public.audit_heads (month, rows, xid, audit_id, hash)
  SELECT p_head.month, p_head.rows, p_head.xid, p_head.audit_id, p_head.hash WHERE p_head.month IS NOT NULL
  ON CONFLICT (month) DO UPDATE
    SET rows = EXCLUDED.rows, xid = EXCLUDED.xid, audit_id = EXCLUDED.audit_id, hash = EXCLUDED.hash
$$;

ALTER FUNCTION public.set_audit_head(p_head public.audit_heads) OWNER TO matching_definer;

CREATE FUNCTION public.set_retention(p_rules jsonb, p_holds jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_unknown text := (SELECT string_agg(key, ', ') FROM jsonb_object_keys(p_rules) AS key
                      WHERE key NOT IN (SELECT name FROM public.retention_rules));
BEGIN
  IF v_unknown IS NOT NULL THEN
    RAISE EXCEPTION 'no retention rule is named %', v_unknown USING ERRCODE = 'undefined_object';
  END IF;
  INSERT INTO public.legal_holds AS h (subject_id, reason)
  SELECT key::uuid, value FROM jsonb_each_text(p_holds)
  ON CONFLICT (subject_id) DO UPDATE SET reason = excluded.reason WHERE h.reason <> excluded.reason;
  DELETE FROM public.legal_holds
   WHERE p_holds IS NOT NULL AND subject_id NOT IN (SELECT key::uuid FROM jsonb_object_keys(p_holds) AS key);
  UPDATE public.retention_rules r SET keep = wanted.keep, held = wanted.held
    FROM (SELECT key AS name, (value ->> 'keep')::interval AS keep, (value ->> 'held')::boolean AS held
            FROM jsonb_each(p_rules)) wanted
   WHERE r.name = wanted.name AND (r.keep, r.held) IS DISTINCT FROM (wanted.keep, wanted.held);
END
$$;

ALTER FUNCTION public.set_retention(p_rules jsonb, p_holds jsonb) OWNER TO matching_definer;

CREATE FUNCTION public.start_session(p_user_id uuid, p_refresh_token_hash text, p_expires_at timestamp with time zone, p_user_agent text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_session_id uuid;
BEGIN
  PERFORM FROM public.users
    WHERE user_id = p_user_id AND status = 'active' AND COALESCE(account_locked_until <= now(), TRUE) FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'account % may not log in', p_user_id USING ERRCODE = 'invalid_authorization_specification';
  END IF;
  INSERT INTO public.user_sessions (user_id, refresh_token_hash, expires_at, user_agent, ip_address)
  VALUES (p_user_id, p_refresh_token_hash, p_expires_at, p_user_agent, public.current_client_ip())
  RETURNING session_id INTO v_session_id;
  RETURN v_session_id;
END
$$;

ALTER FUNCTION public.start_session(p_user_id uuid, p_refresh_token_hash text, p_expires_at timestamp with time zone, p_user_agent text) OWNER TO matching_definer;

CREATE FUNCTION public.touch_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF to_jsonb(NEW) - public.derived_columns() IS DISTINCT FROM to_jsonb(OLD) - public.derived_columns() THEN
    NEW.updated_at := CURRENT_TIMESTAMP;
  ELSE
    NEW.updated_at := OLD.updated_at;
  END IF;
  RETURN NEW;
END
$$;

ALTER FUNCTION public.touch_updated_at() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.update_candidate_search_vector() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.search_vector := public.candidate_search_vector(NEW, NULL);
  ELSE
    NEW.search_vector := public.candidate_search_vector(
      NEW, (SELECT f.skill_names FROM public.candidate_facts(ARRAY[NEW.candidate_id]) f));
  END IF;
  RETURN NEW;
END
$$;

ALTER FUNCTION public.update_candidate_search_vector() OWNER TO matching_definer;

CREATE FUNCTION public.update_company_search_vector() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  NEW.search_vector :=
    setweight(to_tsvector('public.ssm_name', NEW.company_name), 'A') ||
    setweight(to_tsvector(('public.ssm_' || NEW.content_language)::regconfig, COALESCE(NEW.description, '')), 'C');
  RETURN NEW;
END
$$;

ALTER FUNCTION public.update_company_search_vector() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.update_job_search_vector() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  v_config regconfig := ('public.ssm_' || NEW.content_language)::regconfig;
BEGIN
  NEW.search_vector :=
    setweight(to_tsvector(v_config, NEW.title), 'A') ||
    setweight(to_tsvector(v_config, NEW.description), 'B') ||
    setweight(to_tsvector(v_config, COALESCE(array_to_string(NEW.requirements, ' '), '')), 'C');
  RETURN NEW;
END
$$;

ALTER FUNCTION public.update_job_search_vector() OWNER TO supersmartmatch_core_owner;

CREATE FUNCTION public.update_profile_completeness() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.profile_completeness := public.candidate_completeness(NEW, 0, FALSE, FALSE, FALSE);
  ELSE
    NEW.profile_completeness :=
      (SELECT public.candidate_completeness(NEW, f.skills, f.has_experience, f.has_education, f.has_language)
         FROM public.candidate_facts(ARRAY[NEW.candidate_id]) f);
  END IF;
  RETURN NEW;
END
$$;

ALTER FUNCTION public.update_profile_completeness() OWNER TO matching_definer;

CREATE FUNCTION public.verify_audit_log(p_from date DEFAULT '-infinity'::date) RETURNS TABLE(month date, audit_id bigint, problem text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
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

ALTER FUNCTION public.verify_audit_log(p_from date) OWNER TO matching_definer;

CREATE FUNCTION public.write_audit(p_operation text, p_table_name text, p_record_id uuid, p_actor uuid, p_subject uuid, p_reason text) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  INSERT INTO public.audit_log (table_name, operation, record_id, user_id, user_ip, subject_user_id, reason, data_classification,
                                retention_until)
  VALUES (p_table_name, p_operation, p_record_id, p_actor, public.current_client_ip(), p_subject, p_reason,
          public.audit_classification(p_table_name), public.audit_retention(p_table_name))
$$;

ALTER FUNCTION public.write_audit(p_operation text, p_table_name text, p_record_id uuid, p_actor uuid, p_subject uuid, p_reason text) OWNER TO matching_definer;

CREATE FUNCTION public.yearly_salary(p_amount numeric, p_period text, p_weekly_hours numeric DEFAULT NULL::numeric) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE p_period WHEN 'yearly'::text THEN p_amount WHEN 'monthly'::text THEN (p_amount * (12)::numeric) WHEN 'hourly'::text THEN ((p_amount * COALESCE(p_weekly_hours, (35)::numeric)) * (52)::numeric) ELSE NULL::numeric END;

ALTER FUNCTION public.yearly_salary(p_amount numeric, p_period text, p_weekly_hours numeric) OWNER TO supersmartmatch_core_owner;

CREATE TEXT SEARCH DICTIONARY public.english_plain (
    TEMPLATE = pg_catalog.snowball,
    language = 'english' );

ALTER TEXT SEARCH DICTIONARY public.english_plain OWNER TO supersmartmatch_core_owner;

CREATE TEXT SEARCH DICTIONARY public.french_plain (
    TEMPLATE = pg_catalog.snowball,
    language = 'french' );

ALTER TEXT SEARCH DICTIONARY public.french_plain OWNER TO supersmartmatch_core_owner;

CREATE TEXT SEARCH CONFIGURATION public.ssm_eng (
    PARSER = pg_catalog."default" );

ALTER TEXT SEARCH CONFIGURATION public.ssm_eng
    ADD MAPPING FOR asciiword WITH public.unaccent, public.english_plain;

ALTER TEXT SEARCH CONFIGURATION public.ssm_eng
    ADD MAPPING FOR word WITH public.unaccent, public.english_plain;

ALTER TEXT SEARCH CONFIGURATION public.ssm_eng
    ADD MAPPING FOR numword WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_eng
    ADD MAPPING FOR email WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_eng
    ADD MAPPING FOR url WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_eng
    ADD MAPPING FOR host WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_eng
    ADD MAPPING FOR sfloat WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_eng
    ADD MAPPING FOR version WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_eng
    ADD MAPPING FOR hword_numpart WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_eng
    ADD MAPPING FOR hword_part WITH public.unaccent, public.english_plain;

ALTER TEXT SEARCH CONFIGURATION public.ssm_eng
    ADD MAPPING FOR hword_asciipart WITH public.unaccent, public.english_plain;

ALTER TEXT SEARCH CONFIGURATION public.ssm_eng
    ADD MAPPING FOR numhword WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_eng
    ADD MAPPING FOR asciihword WITH public.unaccent, public.english_plain;

ALTER TEXT SEARCH CONFIGURATION public.ssm_eng
    ADD MAPPING FOR hword WITH public.unaccent, public.english_plain;

ALTER TEXT SEARCH CONFIGURATION public.ssm_eng
    ADD MAPPING FOR url_path WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_eng
    ADD MAPPING FOR file WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_eng
    ADD MAPPING FOR "float" WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_eng
    ADD MAPPING FOR "int" WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_eng
    ADD MAPPING FOR uint WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_eng OWNER TO supersmartmatch_core_owner;

CREATE TEXT SEARCH CONFIGURATION public.ssm_fra (
    PARSER = pg_catalog."default" );

ALTER TEXT SEARCH CONFIGURATION public.ssm_fra
    ADD MAPPING FOR asciiword WITH public.unaccent, public.french_plain;

ALTER TEXT SEARCH CONFIGURATION public.ssm_fra
    ADD MAPPING FOR word WITH public.unaccent, public.french_plain;

ALTER TEXT SEARCH CONFIGURATION public.ssm_fra
    ADD MAPPING FOR numword WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_fra
    ADD MAPPING FOR email WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_fra
    ADD MAPPING FOR url WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_fra
    ADD MAPPING FOR host WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_fra
    ADD MAPPING FOR sfloat WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_fra
    ADD MAPPING FOR version WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_fra
    ADD MAPPING FOR hword_numpart WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_fra
    ADD MAPPING FOR hword_part WITH public.unaccent, public.french_plain;

ALTER TEXT SEARCH CONFIGURATION public.ssm_fra
    ADD MAPPING FOR hword_asciipart WITH public.unaccent, public.french_plain;

ALTER TEXT SEARCH CONFIGURATION public.ssm_fra
    ADD MAPPING FOR numhword WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_fra
    ADD MAPPING FOR asciihword WITH public.unaccent, public.french_plain;

ALTER TEXT SEARCH CONFIGURATION public.ssm_fra
    ADD MAPPING FOR hword WITH public.unaccent, public.french_plain;

ALTER TEXT SEARCH CONFIGURATION public.ssm_fra
    ADD MAPPING FOR url_path WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_fra
    ADD MAPPING FOR file WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_fra
    ADD MAPPING FOR "float" WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_fra
    ADD MAPPING FOR "int" WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_fra
    ADD MAPPING FOR uint WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_fra OWNER TO supersmartmatch_core_owner;

CREATE TEXT SEARCH CONFIGURATION public.ssm_name (
    PARSER = pg_catalog."default" );

ALTER TEXT SEARCH CONFIGURATION public.ssm_name
    ADD MAPPING FOR asciiword WITH public.unaccent, simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_name
    ADD MAPPING FOR word WITH public.unaccent, simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_name
    ADD MAPPING FOR numword WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_name
    ADD MAPPING FOR email WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_name
    ADD MAPPING FOR url WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_name
    ADD MAPPING FOR host WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_name
    ADD MAPPING FOR sfloat WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_name
    ADD MAPPING FOR version WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_name
    ADD MAPPING FOR hword_numpart WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_name
    ADD MAPPING FOR hword_part WITH public.unaccent, simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_name
    ADD MAPPING FOR hword_asciipart WITH public.unaccent, simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_name
    ADD MAPPING FOR numhword WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_name
    ADD MAPPING FOR asciihword WITH public.unaccent, simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_name
    ADD MAPPING FOR hword WITH public.unaccent, simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_name
    ADD MAPPING FOR url_path WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_name
    ADD MAPPING FOR file WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_name
    ADD MAPPING FOR "float" WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_name
    ADD MAPPING FOR "int" WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_name
    ADD MAPPING FOR uint WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.ssm_name OWNER TO supersmartmatch_core_owner;

CREATE TABLE app_private.keys (
    key_id uuid DEFAULT gen_random_uuid() NOT NULL,
    purpose text NOT NULL,
    encryption_key bytea NOT NULL,
    mac_key bytea NOT NULL,
    retired_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT keys_encryption_key_check CHECK ((octet_length(encryption_key) = 32)),
    CONSTRAINT keys_mac_key_check CHECK ((octet_length(mac_key) = 32)),
    CONSTRAINT keys_purpose_check CHECK ((purpose = ANY (ARRAY['pii'::text, 'audit'::text])))
);

ALTER TABLE ONLY app_private.keys FORCE ROW LEVEL SECURITY;

ALTER TABLE app_private.keys OWNER TO supersmartmatch_core_owner;

CREATE TABLE migrations.schema_migrations (
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    breaking boolean NOT NULL,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    execution_ms integer DEFAULT 0 NOT NULL,
    CONSTRAINT schema_migrations_version_check CHECK ((version > 0))
);

ALTER TABLE migrations.schema_migrations OWNER TO supersmartmatch_core_owner;

CREATE VIEW public.admin_audit_log WITH (security_barrier='true') AS
 SELECT audit_id,
    table_name,
    operation,
    record_id,
    user_id,
    subject_user_id,
    user_ip,
    "timestamp",
    old_values,
    new_values,
    changed_columns,
    reason,
    data_classification,
    retention_until
   FROM public.audit_log
  WHERE (( SELECT public.current_app_user() AS current_app_user) IS NOT NULL);

ALTER VIEW public.admin_audit_log OWNER TO matching_definer;

CREATE TABLE public.users (
    user_id uuid DEFAULT gen_random_uuid() NOT NULL,
    email character varying(255) NOT NULL,
    password_hash character varying(255) NOT NULL,
    user_type character varying(20) NOT NULL,
    status character varying(20) DEFAULT 'active'::character varying NOT NULL,
    email_verified boolean DEFAULT false NOT NULL,
    terms_accepted_at timestamp with time zone,
    privacy_accepted_at timestamp with time zone,
    last_login_at timestamp with time zone,
    failed_login_attempts integer DEFAULT 0 NOT NULL,
    account_locked_until timestamp with time zone,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT users_failed_login_attempts_check CHECK ((failed_login_attempts >= 0)),
    CONSTRAINT users_status_check CHECK (((status)::text = ANY ((ARRAY['active'::character varying, 'inactive'::character varying, 'suspended'::character varying, 'anonymized'::character varying])::text[]))),
    CONSTRAINT users_user_type_check CHECK (((user_type)::text = ANY ((ARRAY['candidate'::character varying, 'recruiter'::character varying, 'admin'::character varying])::text[])))
);

ALTER TABLE ONLY public.users FORCE ROW LEVEL SECURITY;

ALTER TABLE public.users OWNER TO supersmartmatch_core_owner;

CREATE VIEW public.admin_users WITH (security_barrier='true') AS
 SELECT user_id,
    email,
    user_type,
    status,
    email_verified,
    terms_accepted_at,
    privacy_accepted_at,
    last_login_at,
    failed_login_attempts,
    account_locked_until,
    created_at,
    updated_at
   FROM public.users
  WHERE (( SELECT public.current_app_user() AS current_app_user) IS NOT NULL);

ALTER VIEW public.admin_users OWNER TO matching_definer;

CREATE TABLE public.aggregate_events (
    aggregate_type character varying(50) NOT NULL,
    aggregate_id uuid NOT NULL,
    version integer NOT NULL,
    old_status character varying(20),
    new_status character varying(20) NOT NULL,
    user_id uuid,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT aggregate_events_aggregate_type_check CHECK (((aggregate_type)::text = ANY ((ARRAY['job'::character varying, 'application'::character varying])::text[]))),
    CONSTRAINT aggregate_events_check CHECK (((version = 1) = (old_status IS NULL))),
    CONSTRAINT aggregate_events_check1 CHECK (((old_status)::text <> (new_status)::text)),
    CONSTRAINT aggregate_events_version_check CHECK ((version > 0))
);

ALTER TABLE ONLY public.aggregate_events FORCE ROW LEVEL SECURITY;

ALTER TABLE public.aggregate_events OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.audit_chain (
    month date NOT NULL,
    "position" bigint NOT NULL,
    audit_id bigint NOT NULL,
    row_hash bytea NOT NULL,
    ip_hash bytea,
    retention_until date NOT NULL,
    hash bytea NOT NULL,
    epoch_id bigint
);

ALTER TABLE ONLY public.audit_chain FORCE ROW LEVEL SECURITY;

ALTER TABLE public.audit_chain OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.audit_epochs (
    epoch_id bigint NOT NULL,
    rows bigint NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT audit_epochs_rows_check CHECK ((rows > 0))
);

ALTER TABLE ONLY public.audit_epochs FORCE ROW LEVEL SECURITY;

ALTER TABLE public.audit_epochs OWNER TO supersmartmatch_core_owner;

ALTER TABLE public.audit_epochs ALTER COLUMN epoch_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_epochs_epoch_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.audit_log ALTER COLUMN audit_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_log_audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.audit_log_default (
    audit_id bigint NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    "timestamp" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    retention_until date NOT NULL,
    record_id uuid,
    user_id uuid,
    subject_user_id uuid,
    table_name character varying(64) NOT NULL,
    operation character varying(10) NOT NULL,
    data_classification character varying(20) NOT NULL,
    user_ip inet,
    old_values jsonb,
    new_values jsonb,
    changed_columns text[],
    reason text,
    CONSTRAINT audit_log_data_classification_check CHECK (((data_classification)::text = ANY ((ARRAY['public'::character varying, 'internal'::character varying, 'confidential'::character varying, 'restricted'::character varying])::text[]))),
    CONSTRAINT audit_log_operation_check CHECK (((operation)::text = ANY ((ARRAY['INSERT'::character varying, 'UPDATE'::character varying, 'DELETE'::character varying, 'SELECT'::character varying, 'EXPORT'::character varying, 'LOGIN'::character varying, 'ANONYMIZE'::character varying])::text[])))
);

ALTER TABLE public.audit_log_default OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.candidate_job_matches (
    candidate_id uuid NOT NULL,
    job_id uuid NOT NULL,
    score numeric(5,4) NOT NULL,
    model_version character varying(50) NOT NULL,
    computed_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT candidate_job_matches_score_check CHECK (((score >= (0)::numeric) AND (score <= (1)::numeric)))
);

ALTER TABLE ONLY public.candidate_job_matches FORCE ROW LEVEL SECURITY;

ALTER TABLE public.candidate_job_matches OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.candidate_languages (
    language_id uuid DEFAULT gen_random_uuid() NOT NULL,
    candidate_id uuid NOT NULL,
    language_code character varying(3) NOT NULL,
    language_name character varying(50) NOT NULL,
    proficiency_level character varying(20) NOT NULL,
    cefr_level character varying(2),
    is_native boolean DEFAULT false NOT NULL,
    certification_name character varying(100),
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT candidate_languages_cefr_level_check CHECK (((cefr_level)::text = ANY ((ARRAY['A1'::character varying, 'A2'::character varying, 'B1'::character varying, 'B2'::character varying, 'C1'::character varying, 'C2'::character varying])::text[]))),
    CONSTRAINT candidate_languages_language_code_check CHECK ((((language_code)::text ~ '^[a-z]{3}$'::text) AND ((language_code)::text <> ALL ((ARRAY['alb'::character varying, 'arm'::character varying, 'baq'::character varying, 'bur'::character varying, 'chi'::character varying, 'cze'::character varying, 'dut'::character varying, 'fre'::character varying, 'geo'::character varying, 'ger'::character varying, 'gre'::character varying, 'ice'::character varying, 'mac'::character varying, 'mao'::character varying, 'may'::character varying, 'per'::character varying, 'rum'::character varying, 'slo'::character varying, 'tib'::character varying, 'wel'::character varying])::text[])))),
    CONSTRAINT candidate_languages_proficiency_level_check CHECK (((proficiency_level)::text = ANY ((ARRAY['beginner'::character varying, 'elementary'::character varying, 'intermediate'::character varying, 'advanced'::character varying, 'native'::character varying])::text[])))
);

ALTER TABLE ONLY public.candidate_languages FORCE ROW LEVEL SECURITY;

ALTER TABLE public.candidate_languages OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.candidate_skills (
    candidate_skill_id uuid DEFAULT gen_random_uuid() NOT NULL,
    candidate_id uuid NOT NULL,
    skill_id uuid NOT NULL,
    skill_level integer DEFAULT 1 NOT NULL,
    years_experience numeric(3,1) DEFAULT 0.0 NOT NULL,
    is_primary boolean DEFAULT false NOT NULL,
    last_used_date date,
    proficiency_score numeric(3,2),
    verification_status character varying(20) DEFAULT 'self_declared'::character varying NOT NULL,
    verification_details jsonb,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT candidate_skills_proficiency_score_check CHECK (((proficiency_score >= (0)::numeric) AND (proficiency_score <= (1)::numeric))),
    CONSTRAINT candidate_skills_skill_level_check CHECK (((skill_level >= 1) AND (skill_level <= 5))),
    CONSTRAINT candidate_skills_verification_status_check CHECK (((verification_status)::text = ANY ((ARRAY['self_declared'::character varying, 'assessed'::character varying, 'certified'::character varying, 'verified'::character varying])::text[]))),
    CONSTRAINT candidate_skills_years_experience_check CHECK ((years_experience >= (0)::numeric))
);

ALTER TABLE ONLY public.candidate_skills FORCE ROW LEVEL SECURITY;

ALTER TABLE public.candidate_skills OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.certifications (
    certification_id uuid DEFAULT gen_random_uuid() NOT NULL,
    candidate_id uuid NOT NULL,
    certification_name character varying(200) NOT NULL,
    issuing_organization character varying(200) NOT NULL,
    issue_date date,
    expiration_date date,
    credential_id character varying(100),
    credential_url text,
    verification_status character varying(20) DEFAULT 'unverified'::character varying NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT certifications_check CHECK ((issue_date <= expiration_date)),
    CONSTRAINT certifications_verification_status_check CHECK (((verification_status)::text = ANY ((ARRAY['unverified'::character varying, 'verified'::character varying, 'expired'::character varying, 'revoked'::character varying])::text[])))
);

ALTER TABLE ONLY public.certifications FORCE ROW LEVEL SECURITY;

ALTER TABLE public.certifications OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.cities (
    geoname_id integer NOT NULL,
    name character varying(200) NOT NULL,
    country_code character(2) NOT NULL,
    admin1 character varying(200),
    population integer DEFAULT 0 NOT NULL,
    latitude double precision NOT NULL,
    longitude double precision NOT NULL,
    CONSTRAINT cities_country_code_check CHECK ((country_code ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT cities_latitude_check CHECK (((latitude >= ('-90'::integer)::double precision) AND (latitude <= (90)::double precision))),
    CONSTRAINT cities_longitude_check CHECK (((longitude >= ('-180'::integer)::double precision) AND (longitude <= (180)::double precision))),
    CONSTRAINT cities_population_check CHECK ((population >= 0))
);

ALTER TABLE public.cities OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.companies (
    company_id uuid DEFAULT gen_random_uuid() NOT NULL,
    company_name character varying(200) NOT NULL,
    legal_name character varying(200),
    industry character varying(100),
    company_size character varying(20),
    founded_year integer,
    headquarters_location jsonb,
    website_url text,
    logo_url text,
    description text,
    content_language character varying(3) DEFAULT 'eng'::character varying NOT NULL,
    company_culture jsonb,
    glassdoor_rating numeric(2,1),
    employee_count_range character varying(20),
    stock_symbol character varying(10),
    is_verified boolean DEFAULT false NOT NULL,
    verification_date timestamp with time zone,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    search_vector tsvector,
    CONSTRAINT companies_company_size_check CHECK (((company_size)::text = ANY ((ARRAY['startup'::character varying, 'small'::character varying, 'medium'::character varying, 'large'::character varying, 'enterprise'::character varying])::text[]))),
    CONSTRAINT companies_content_language_check CHECK (((content_language)::text = ANY ((ARRAY['eng'::character varying, 'fra'::character varying])::text[]))),
    CONSTRAINT companies_founded_year_check CHECK (((founded_year >= 1000) AND (founded_year <= 2100))),
    CONSTRAINT companies_glassdoor_rating_check CHECK (((glassdoor_rating >= (0)::numeric) AND (glassdoor_rating <= (5)::numeric)))
);

ALTER TABLE ONLY public.companies FORCE ROW LEVEL SECURITY;

ALTER TABLE public.companies OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.company_members (
    company_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role character varying(20) DEFAULT 'member'::character varying NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT company_members_role_check CHECK (((role)::text = ANY ((ARRAY['owner'::character varying, 'member'::character varying])::text[])))
);

ALTER TABLE ONLY public.company_members FORCE ROW LEVEL SECURITY;

ALTER TABLE public.company_members OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.job_postings (
    job_id uuid DEFAULT gen_random_uuid() NOT NULL,
    company_id uuid NOT NULL,
    recruiter_id uuid,
    title character varying(200) NOT NULL,
    department character varying(100),
    employment_type character varying(50) NOT NULL,
    seniority_level character varying(20),
    experience_required_min integer DEFAULT 0 NOT NULL,
    experience_required_max integer,
    description text NOT NULL,
    responsibilities text[],
    requirements text[],
    nice_to_have text[],
    benefits text[],
    content_language character varying(3) DEFAULT 'eng'::character varying NOT NULL,
    salary_min numeric(12,2),
    salary_max numeric(12,2),
    salary_currency character varying(3) DEFAULT 'EUR'::character varying NOT NULL,
    salary_period character varying(20) DEFAULT 'yearly'::character varying NOT NULL,
    weekly_hours numeric(4,1),
    equity_offered boolean DEFAULT false NOT NULL,
    bonus_structure text,
    work_location jsonb NOT NULL,
    remote_policy character varying(20) DEFAULT 'no'::character varying NOT NULL,
    status character varying(20) DEFAULT 'active'::character varying NOT NULL,
    posted_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    expires_at timestamp with time zone,
    filled_at timestamp with time zone,
    closed_at timestamp with time zone,
    application_deadline date,
    application_url text,
    application_email character varying(255),
    application_instructions text,
    slug character varying(300) NOT NULL,
    search_vector tsvector,
    view_count integer DEFAULT 0 NOT NULL,
    application_count integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT job_postings_application_count_check CHECK ((application_count >= 0)),
    CONSTRAINT job_postings_check CHECK ((salary_min <= salary_max)),
    CONSTRAINT job_postings_check1 CHECK ((experience_required_min <= experience_required_max)),
    CONSTRAINT job_postings_content_language_check CHECK (((content_language)::text = ANY ((ARRAY['eng'::character varying, 'fra'::character varying])::text[]))),
    CONSTRAINT job_postings_employment_type_check CHECK (((employment_type)::text = ANY ((ARRAY['full-time'::character varying, 'part-time'::character varying, 'contract'::character varying, 'temporary'::character varying, 'internship'::character varying])::text[]))),
    CONSTRAINT job_postings_experience_required_min_check CHECK ((experience_required_min >= 0)),
    CONSTRAINT job_postings_remote_policy_check CHECK (((remote_policy)::text = ANY ((ARRAY['no'::character varying, 'partial'::character varying, 'full'::character varying, 'flexible'::character varying])::text[]))),
    CONSTRAINT job_postings_salary_currency_check CHECK (((salary_currency)::text ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT job_postings_salary_max_check CHECK ((salary_max >= (0)::numeric)),
    CONSTRAINT job_postings_salary_min_check CHECK ((salary_min >= (0)::numeric)),
    CONSTRAINT job_postings_salary_period_check CHECK (((salary_period)::text = ANY ((ARRAY['yearly'::character varying, 'monthly'::character varying, 'hourly'::character varying])::text[]))),
    CONSTRAINT job_postings_seniority_level_check CHECK (((seniority_level)::text = ANY ((ARRAY['entry'::character varying, 'junior'::character varying, 'mid'::character varying, 'senior'::character varying, 'lead'::character varying, 'executive'::character varying])::text[]))),
    CONSTRAINT job_postings_status_check CHECK (((status)::text = ANY ((ARRAY['draft'::character varying, 'active'::character varying, 'paused'::character varying, 'filled'::character varying, 'expired'::character varying, 'cancelled'::character varying])::text[]))),
    CONSTRAINT job_postings_view_count_check CHECK ((view_count >= 0)),
    CONSTRAINT job_postings_weekly_hours_check CHECK (((weekly_hours >= (1)::numeric) AND (weekly_hours <= (80)::numeric))),
    CONSTRAINT job_postings_work_location_check CHECK (((work_location ? 'type'::text) AND (COALESCE((work_location ->> 'type'::text), ''::text) = ANY (ARRAY['remote'::text, 'onsite'::text, 'hybrid'::text]))))
)
PARTITION BY RANGE (created_at);

ALTER TABLE ONLY public.job_postings FORCE ROW LEVEL SECURITY;

ALTER TABLE public.job_postings OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.job_postings_default (
    job_id uuid DEFAULT gen_random_uuid() NOT NULL,
    company_id uuid NOT NULL,
    recruiter_id uuid,
    title character varying(200) NOT NULL,
    department character varying(100),
    employment_type character varying(50) NOT NULL,
    seniority_level character varying(20),
    experience_required_min integer DEFAULT 0 NOT NULL,
    experience_required_max integer,
    description text NOT NULL,
    responsibilities text[],
    requirements text[],
    nice_to_have text[],
    benefits text[],
    content_language character varying(3) DEFAULT 'eng'::character varying NOT NULL,
    salary_min numeric(12,2),
    salary_max numeric(12,2),
    salary_currency character varying(3) DEFAULT 'EUR'::character varying NOT NULL,
    salary_period character varying(20) DEFAULT 'yearly'::character varying NOT NULL,
    weekly_hours numeric(4,1),
    equity_offered boolean DEFAULT false NOT NULL,
    bonus_structure text,
    work_location jsonb NOT NULL,
    remote_policy character varying(20) DEFAULT 'no'::character varying NOT NULL,
    status character varying(20) DEFAULT 'active'::character varying NOT NULL,
    posted_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    expires_at timestamp with time zone,
    filled_at timestamp with time zone,
    closed_at timestamp with time zone,
    application_deadline date,
    application_url text,
    application_email character varying(255),
    application_instructions text,
    slug character varying(300) NOT NULL,
    search_vector tsvector,
    view_count integer DEFAULT 0 NOT NULL,
    application_count integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT job_postings_application_count_check CHECK ((application_count >= 0)),
    CONSTRAINT job_postings_check CHECK ((salary_min <= salary_max)),
    CONSTRAINT job_postings_check1 CHECK ((experience_required_min <= experience_required_max)),
    CONSTRAINT job_postings_content_language_check CHECK (((content_language)::text = ANY ((ARRAY['eng'::character varying, 'fra'::character varying])::text[]))),
    CONSTRAINT job_postings_employment_type_check CHECK (((employment_type)::text = ANY ((ARRAY['full-time'::character varying, 'part-time'::character varying, 'contract'::character varying, 'temporary'::character varying, 'internship'::character varying])::text[]))),
    CONSTRAINT job_postings_experience_required_min_check CHECK ((experience_required_min >= 0)),
    CONSTRAINT job_postings_remote_policy_check CHECK (((remote_policy)::text = ANY ((ARRAY['no'::character varying, 'partial'::character varying, 'full'::character varying, 'flexible'::character varying])::text[]))),
    CONSTRAINT job_postings_salary_currency_check CHECK (((salary_currency)::text ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT job_postings_salary_max_check CHECK ((salary_max >= (0)::numeric)),
    CONSTRAINT job_postings_salary_min_check CHECK ((salary_min >= (0)::numeric)),
    CONSTRAINT job_postings_salary_period_check CHECK (((salary_period)::text = ANY ((ARRAY['yearly'::character varying, 'monthly'::character varying, 'hourly'::character varying])::text[]))),
    CONSTRAINT job_postings_seniority_level_check CHECK (((seniority_level)::text = ANY ((ARRAY['entry'::character varying, 'junior'::character varying, 'mid'::character varying, 'senior'::character varying, 'lead'::character varying, 'executive'::character varying])::text[]))),
    CONSTRAINT job_postings_status_check CHECK (((status)::text = ANY ((ARRAY['draft'::character varying, 'active'::character varying, 'paused'::character varying, 'filled'::character varying, 'expired'::character varying, 'cancelled'::character varying])::text[]))),
    CONSTRAINT job_postings_view_count_check CHECK ((view_count >= 0)),
    CONSTRAINT job_postings_weekly_hours_check CHECK (((weekly_hours >= (1)::numeric) AND (weekly_hours <= (80)::numeric))),
    CONSTRAINT job_postings_work_location_check CHECK (((work_location ? 'type'::text) AND (COALESCE((work_location ->> 'type'::text), ''::text) = ANY (ARRAY['remote'::text, 'onsite'::text, 'hybrid'::text]))))
);

ALTER TABLE public.job_postings_default OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.outbox_events_default (
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    sequence bigint NOT NULL,
    event_id uuid DEFAULT gen_random_uuid() NOT NULL,
    aggregate_id uuid NOT NULL,
    event_version integer DEFAULT 1 NOT NULL,
    retry_count integer DEFAULT 0 NOT NULL,
    max_retries integer DEFAULT 3 NOT NULL,
    published_at timestamp with time zone,
    published boolean DEFAULT false NOT NULL,
    aggregate_type character varying(50) NOT NULL,
    event_type character varying(100) NOT NULL,
    event_data jsonb NOT NULL,
    CONSTRAINT outbox_events_event_data_check CHECK ((jsonb_typeof(event_data) = 'object'::text)),
    CONSTRAINT outbox_events_person_check CHECK ((((aggregate_type)::text <> ALL ((ARRAY['user'::character varying, 'candidate'::character varying, 'application'::character varying])::text[])) OR ((event_data ->> 'user_id'::text) IS NOT NULL)))
);

ALTER TABLE public.outbox_events_default OWNER TO supersmartmatch_core_owner;

CREATE VIEW public.default_partition_rows WITH (security_invoker='true') AS
 SELECT 'job_postings'::text AS table_name,
    count(*) AS rows
   FROM public.job_postings_default
UNION ALL
 SELECT 'outbox_events'::text AS table_name,
    count(*) AS rows
   FROM public.outbox_events_default
UNION ALL
 SELECT 'audit_log'::text AS table_name,
    count(*) AS rows
   FROM public.audit_log_default;

ALTER VIEW public.default_partition_rows OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.education (
    education_id uuid DEFAULT gen_random_uuid() NOT NULL,
    candidate_id uuid NOT NULL,
    institution_name character varying(200) NOT NULL,
    degree_type character varying(50),
    field_of_study character varying(200),
    grade character varying(20),
    start_date date,
    end_date date,
    is_completed boolean DEFAULT true NOT NULL,
    location jsonb,
    description text,
    relevant_coursework text[],
    honors_awards text[],
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT education_check CHECK ((start_date <= end_date)),
    CONSTRAINT education_degree_type_check CHECK (((degree_type)::text = ANY ((ARRAY['bachelor'::character varying, 'master'::character varying, 'phd'::character varying, 'certificate'::character varying, 'diploma'::character varying])::text[])))
);

ALTER TABLE ONLY public.education FORCE ROW LEVEL SECURITY;

ALTER TABLE public.education OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.erasure_requests (
    request_id uuid NOT NULL,
    user_id uuid NOT NULL,
    store character varying(20) NOT NULL,
    requested_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    due_at timestamp with time zone DEFAULT (CURRENT_TIMESTAMP + '30 days'::interval) NOT NULL,
    matched bigint,
    erased bigint,
    verified_zero boolean DEFAULT false NOT NULL,
    done_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT erasure_requests_check CHECK (((done_at IS NULL) OR (verified_zero AND (matched IS NOT NULL) AND (erased IS NOT NULL)))),
    CONSTRAINT erasure_requests_erased_check CHECK ((erased >= 0)),
    CONSTRAINT erasure_requests_matched_check CHECK ((matched >= 0)),
    CONSTRAINT erasure_requests_store_check CHECK (((store)::text = ANY ((ARRAY['core'::character varying, 'vault'::character varying, 'geolocation'::character varying, 'temporal'::character varying, 'behavior'::character varying, 'search'::character varying, 'cache'::character varying, 'events'::character varying])::text[])))
);

ALTER TABLE ONLY public.erasure_requests FORCE ROW LEVEL SECURITY;

ALTER TABLE public.erasure_requests OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);

ALTER TABLE public.inbox OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.job_applications (
    application_id uuid DEFAULT gen_random_uuid() NOT NULL,
    job_id uuid NOT NULL,
    candidate_id uuid NOT NULL,
    user_id uuid NOT NULL,
    status character varying(20) DEFAULT 'submitted'::character varying NOT NULL,
    cover_letter text,
    notes text,
    source character varying(50),
    applied_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    decided_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT job_applications_cover_letter_check CHECK ((cover_letter ~ '^v1(\.[A-Za-z0-9+/=_-]+){2}\.[A-Za-z0-9+/=_-]*\.[A-Za-z0-9+/=_-]+$'::text)),
    CONSTRAINT job_applications_notes_check CHECK ((notes ~ '^v1(\.[A-Za-z0-9+/=_-]+){2}\.[A-Za-z0-9+/=_-]*\.[A-Za-z0-9+/=_-]+$'::text)),
    CONSTRAINT job_applications_status_check CHECK (((status)::text = ANY ((ARRAY['submitted'::character varying, 'in_review'::character varying, 'interview'::character varying, 'offer'::character varying, 'hired'::character varying, 'rejected'::character varying, 'withdrawn'::character varying])::text[])))
);

ALTER TABLE ONLY public.job_applications FORCE ROW LEVEL SECURITY;

ALTER TABLE public.job_applications OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.job_locations (
    job_id uuid NOT NULL,
    location_id uuid NOT NULL,
    is_primary boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);

ALTER TABLE ONLY public.job_locations FORCE ROW LEVEL SECURITY;

ALTER TABLE public.job_locations OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.job_posting_keys (
    job_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    slug character varying(300) NOT NULL
);

ALTER TABLE public.job_posting_keys OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.job_required_skills (
    job_skill_id uuid DEFAULT gen_random_uuid() NOT NULL,
    job_id uuid NOT NULL,
    skill_id uuid NOT NULL,
    requirement_type character varying(20) NOT NULL,
    minimum_level integer DEFAULT 1 NOT NULL,
    minimum_years numeric(3,1) DEFAULT 0.0 NOT NULL,
    weight numeric(3,2) DEFAULT 1.0 NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT job_required_skills_minimum_level_check CHECK (((minimum_level >= 1) AND (minimum_level <= 5))),
    CONSTRAINT job_required_skills_minimum_years_check CHECK ((minimum_years >= (0)::numeric)),
    CONSTRAINT job_required_skills_requirement_type_check CHECK (((requirement_type)::text = ANY ((ARRAY['required'::character varying, 'preferred'::character varying, 'nice_to_have'::character varying])::text[]))),
    CONSTRAINT job_required_skills_weight_check CHECK (((weight >= (0)::numeric) AND (weight <= (1)::numeric)))
);

ALTER TABLE ONLY public.job_required_skills FORCE ROW LEVEL SECURITY;

ALTER TABLE public.job_required_skills OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.job_skill_weights (
    job_id uuid NOT NULL,
    required_weight numeric(9,2) DEFAULT 0 NOT NULL,
    optional_weight numeric(9,2) DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);

ALTER TABLE public.job_skill_weights OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.legal_holds (
    subject_id uuid NOT NULL,
    reason text NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT legal_holds_reason_check CHECK ((reason <> ''::text))
);

ALTER TABLE ONLY public.legal_holds FORCE ROW LEVEL SECURITY;

ALTER TABLE public.legal_holds OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.maintenance_jobs (
    name text NOT NULL,
    command text NOT NULL,
    schedule text NOT NULL,
    last_run_at timestamp with time zone,
    last_success_at timestamp with time zone,
    last_error text,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);

ALTER TABLE public.maintenance_jobs OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.user_sessions (
    session_id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    family_id uuid DEFAULT gen_random_uuid() NOT NULL,
    refresh_token_hash character varying(255) NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    user_agent text,
    ip_address inet,
    is_revoked boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);

ALTER TABLE ONLY public.user_sessions FORCE ROW LEVEL SECURITY;

ALTER TABLE public.user_sessions OWNER TO supersmartmatch_core_owner;

CREATE VIEW public.my_sessions WITH (security_barrier='true') AS
 SELECT session_id,
    user_agent,
    ip_address,
    created_at,
    expires_at
   FROM public.user_sessions
  WHERE ((user_id = ( SELECT public.current_app_user() AS current_app_user)) AND (NOT is_revoked) AND (expires_at > now()));

ALTER VIEW public.my_sessions OWNER TO matching_definer;

CREATE VIEW public.my_user WITH (security_barrier='true') AS
 SELECT user_id,
    email,
    user_type,
    status,
    email_verified,
    terms_accepted_at,
    privacy_accepted_at,
    last_login_at,
    created_at,
    updated_at
   FROM public.users
  WHERE (user_id = ( SELECT public.current_app_user() AS current_app_user));

ALTER VIEW public.my_user OWNER TO matching_definer;

CREATE TABLE public.occupation_skills (
    occupation_id uuid NOT NULL,
    skill_id uuid NOT NULL,
    relation character varying(20) NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT occupation_skills_relation_check CHECK (((relation)::text = ANY ((ARRAY['essential'::character varying, 'optional'::character varying])::text[])))
);

ALTER TABLE public.occupation_skills OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.occupations (
    occupation_id uuid DEFAULT gen_random_uuid() NOT NULL,
    esco_uri text,
    label character varying(200) NOT NULL,
    isco08 character varying(4),
    aliases jsonb DEFAULT '[]'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT occupations_aliases_check CHECK (public.is_string_array(aliases)),
    CONSTRAINT occupations_isco08_check CHECK (((isco08)::text ~ '^[0-9]{1,4}$'::text))
);

ALTER TABLE public.occupations OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.outbox_cursor (
    relay text NOT NULL,
    xid xid8 NOT NULL,
    sequence bigint NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);

ALTER TABLE public.outbox_cursor OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.outbox_dead_letters (
    event_id uuid NOT NULL,
    aggregate_type character varying(50) NOT NULL,
    aggregate_id uuid NOT NULL,
    event_type character varying(100) NOT NULL,
    event_data jsonb NOT NULL,
    event_version integer NOT NULL,
    sequence bigint NOT NULL,
    last_error text NOT NULL,
    attempts integer NOT NULL,
    next_attempt_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT outbox_dead_letters_attempts_check CHECK ((attempts > 0))
);

ALTER TABLE ONLY public.outbox_dead_letters FORCE ROW LEVEL SECURITY;

ALTER TABLE public.outbox_dead_letters OWNER TO supersmartmatch_core_owner;

ALTER TABLE public.outbox_events ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outbox_events_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE VIEW public.outbox_events_status WITH (security_invoker='true') AS
 SELECT e.event_id,
    e.aggregate_type,
    e.aggregate_id,
    e.event_type,
    e.created_at,
    e.xid,
    e.sequence,
    COALESCE(( SELECT bool_and((ROW(e.xid, e.sequence) <= ROW(c.xid, c.sequence))) AS bool_and
           FROM public.outbox_cursor c), false) AS published,
    COALESCE(d.attempts, 0) AS retry_count,
    d.last_error
   FROM (public.outbox_events e
     LEFT JOIN public.outbox_dead_letters d USING (event_id));

ALTER VIEW public.outbox_events_status OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.outbox_published_partitions (
    partition_name text NOT NULL,
    published_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);

ALTER TABLE public.outbox_published_partitions OWNER TO supersmartmatch_core_owner;

CREATE VIEW public.recruiter_candidates WITH (security_barrier='true') AS
 SELECT p.candidate_id,
    a.access,
    p.current_title,
    p.experience_years,
        CASE
            WHEN (a.access >= 2) THEN p.first_name
            ELSE NULL::character varying
        END AS first_name,
        CASE
            WHEN (a.access >= 2) THEN p.last_name
            ELSE NULL::character varying
        END AS last_name,
        CASE
            WHEN (a.access >= 2) THEN p.availability_status
            ELSE NULL::character varying
        END AS availability_status,
        CASE
            WHEN ((a.access >= 2) AND p.share_expected_salary) THEN p.expected_salary_min
            ELSE NULL::numeric
        END AS expected_salary_min,
        CASE
            WHEN ((a.access >= 2) AND p.share_expected_salary) THEN p.expected_salary_max
            ELSE NULL::numeric
        END AS expected_salary_max,
        CASE
            WHEN ((a.access >= 2) AND p.share_expected_salary) THEN p.currency
            ELSE NULL::character varying
        END AS currency,
        CASE
            WHEN ((a.access >= 2) AND p.share_expected_salary) THEN p.expected_salary_period
            ELSE NULL::character varying
        END AS expected_salary_period,
        CASE
            WHEN (a.access = 3) THEN u.email
            ELSE NULL::character varying
        END AS email,
        CASE
            WHEN (a.access = 3) THEN p.phone
            ELSE NULL::text
        END AS phone,
        CASE
            WHEN (a.access = 3) THEN p.work_authorization
            ELSE NULL::text
        END AS work_authorization
   FROM ((public.candidate_profiles p
     JOIN public.users u USING (user_id))
     CROSS JOIN LATERAL ( SELECT public.app_candidate_access(p.candidate_id) AS app_candidate_access
         OFFSET 0) a(access))
  WHERE (a.access > 0);

ALTER VIEW public.recruiter_candidates OWNER TO matching_definer;

CREATE VIEW public.recruiter_certifications WITH (security_barrier='true') AS
 SELECT c.certification_id,
    c.candidate_id,
    a.access,
    c.certification_name,
    c.issuing_organization,
    c.issue_date,
    c.expiration_date,
    c.verification_status,
        CASE
            WHEN (a.access = 3) THEN c.credential_id
            ELSE NULL::character varying
        END AS credential_id,
        CASE
            WHEN (a.access = 3) THEN c.credential_url
            ELSE NULL::text
        END AS credential_url
   FROM (public.certifications c
     CROSS JOIN LATERAL ( SELECT public.app_candidate_access(c.candidate_id) AS app_candidate_access
         OFFSET 0) a(access))
  WHERE (a.access >= 2);

ALTER VIEW public.recruiter_certifications OWNER TO matching_definer;

CREATE TABLE public.retention_rules (
    name text NOT NULL,
    keep interval NOT NULL,
    held boolean DEFAULT false NOT NULL,
    rows_of text NOT NULL,
    ahead interval DEFAULT '00:00:00'::interval NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT retention_rules_keep_check CHECK (((keep > '00:00:00'::interval) AND ((keep)::text !~ '-'::text)))
);

ALTER TABLE public.retention_rules OWNER TO supersmartmatch_core_owner;

CREATE MATERIALIZED VIEW public.skill_demand AS
 SELECT r.skill_id,
    place.region,
    (date_trunc('month'::text, (j.posted_at AT TIME ZONE 'UTC'::text)))::date AS month,
    count(*) AS postings
   FROM ((public.job_postings j
     JOIN public.job_required_skills r USING (job_id))
     CROSS JOIN LATERAL ( SELECT DISTINCT COALESCE((location.value ->> 'countryCode'::text), (location.value ->> 'country'::text), (j.work_location ->> 'type'::text)) AS region
           FROM jsonb_array_elements(
                CASE jsonb_typeof((j.work_location -> 'locations'::text))
                    WHEN 'array'::text THEN COALESCE(NULLIF((j.work_location -> 'locations'::text), '[]'::jsonb), '[{}]'::jsonb)
                    ELSE '[{}]'::jsonb
                END) location(value)) place)
  WHERE ((j.status)::text <> 'draft'::text)
  GROUP BY r.skill_id, place.region, ((date_trunc('month'::text, (j.posted_at AT TIME ZONE 'UTC'::text)))::date)
 HAVING (count(*) >= 11)
  WITH NO DATA;

ALTER MATERIALIZED VIEW public.skill_demand OWNER TO matching_definer;

CREATE TABLE public.skill_relations (
    skill_id uuid NOT NULL,
    related_skill_id uuid NOT NULL,
    relation character varying(20) NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT skill_relations_check CHECK ((skill_id <> related_skill_id)),
    CONSTRAINT skill_relations_relation_check CHECK (((relation)::text = ANY ((ARRAY['broader'::character varying, 'essential'::character varying, 'optional'::character varying])::text[])))
);

ALTER TABLE public.skill_relations OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.skills_taxonomy (
    skill_id uuid DEFAULT gen_random_uuid() NOT NULL,
    esco_uri text,
    skill_name character varying(200) NOT NULL,
    category character varying(50) NOT NULL,
    parent_skill_id uuid,
    aliases jsonb DEFAULT '[]'::jsonb NOT NULL,
    description text,
    skill_level_max integer DEFAULT 5 NOT NULL,
    is_verified boolean DEFAULT false NOT NULL,
    verification_source character varying(100),
    popularity_score integer DEFAULT 0 NOT NULL,
    market_demand numeric(4,2) DEFAULT 0.0 NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT skills_taxonomy_aliases_check CHECK (public.is_string_array(aliases)),
    CONSTRAINT skills_taxonomy_category_check CHECK (((category)::text = ANY ((ARRAY['technical'::character varying, 'soft'::character varying, 'language'::character varying, 'tool'::character varying, 'framework'::character varying])::text[]))),
    CONSTRAINT skills_taxonomy_check CHECK ((parent_skill_id <> skill_id)),
    CONSTRAINT skills_taxonomy_market_demand_check CHECK (((market_demand >= (0)::numeric) AND (market_demand <= (10)::numeric))),
    CONSTRAINT skills_taxonomy_skill_level_max_check CHECK (((skill_level_max >= 1) AND (skill_level_max <= 5)))
);

ALTER TABLE public.skills_taxonomy OWNER TO supersmartmatch_core_owner;

CREATE TABLE public.user_consents (
    consent_id bigint NOT NULL,
    user_id uuid NOT NULL,
    purpose character varying(50) NOT NULL,
    version character varying(20) NOT NULL,
    granted_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    withdrawn_at timestamp with time zone,
    source character varying(50) NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT user_consents_check CHECK ((withdrawn_at >= granted_at)),
    CONSTRAINT user_consents_purpose_check CHECK (((purpose)::text = ANY ((ARRAY['profiling'::character varying, 'email_tracking'::character varying, 'public_profile'::character varying])::text[])))
);

ALTER TABLE ONLY public.user_consents FORCE ROW LEVEL SECURITY;

ALTER TABLE public.user_consents OWNER TO supersmartmatch_core_owner;

ALTER TABLE public.user_consents ALTER COLUMN consent_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.user_consents_consent_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.work_experiences (
    experience_id uuid DEFAULT gen_random_uuid() NOT NULL,
    candidate_id uuid NOT NULL,
    company_name character varying(200) NOT NULL,
    position_title character varying(200) NOT NULL,
    employment_type character varying(50),
    industry character varying(100),
    company_size character varying(20),
    start_date date NOT NULL,
    end_date date,
    is_current boolean DEFAULT false NOT NULL,
    location jsonb,
    description text,
    key_achievements text[],
    skills_used jsonb,
    salary_range text,
    management_experience boolean DEFAULT false NOT NULL,
    team_size integer,
    seniority_level character varying(20),
    promotion_from uuid,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    CONSTRAINT work_experiences_check CHECK (((end_date IS NULL) OR (start_date <= end_date))),
    CONSTRAINT work_experiences_check1 CHECK ((NOT ((is_current = true) AND (end_date IS NOT NULL)))),
    CONSTRAINT work_experiences_company_size_check CHECK (((company_size)::text = ANY ((ARRAY['startup'::character varying, 'small'::character varying, 'medium'::character varying, 'large'::character varying, 'enterprise'::character varying])::text[]))),
    CONSTRAINT work_experiences_employment_type_check CHECK (((employment_type)::text = ANY ((ARRAY['full-time'::character varying, 'part-time'::character varying, 'contract'::character varying, 'temporary'::character varying, 'internship'::character varying])::text[]))),
    CONSTRAINT work_experiences_salary_range_check CHECK ((salary_range ~ '^v1(\.[A-Za-z0-9+/=_-]+){2}\.[A-Za-z0-9+/=_-]*\.[A-Za-z0-9+/=_-]+$'::text)),
    CONSTRAINT work_experiences_seniority_level_check CHECK (((seniority_level)::text = ANY ((ARRAY['entry'::character varying, 'junior'::character varying, 'mid'::character varying, 'senior'::character varying, 'lead'::character varying, 'executive'::character varying])::text[]))),
    CONSTRAINT work_experiences_team_size_check CHECK ((team_size >= 0))
);

ALTER TABLE ONLY public.work_experiences FORCE ROW LEVEL SECURITY;

ALTER TABLE public.work_experiences OWNER TO supersmartmatch_core_owner;

ALTER TABLE ONLY public.audit_log ATTACH PARTITION public.audit_log_default DEFAULT;

ALTER TABLE ONLY public.job_postings ATTACH PARTITION public.job_postings_default DEFAULT;

ALTER TABLE ONLY public.outbox_events ATTACH PARTITION public.outbox_events_default DEFAULT;

ALTER TABLE ONLY app_private.keys
    ADD CONSTRAINT keys_pkey PRIMARY KEY (key_id);

ALTER TABLE ONLY migrations.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.aggregate_events
    ADD CONSTRAINT aggregate_events_pkey PRIMARY KEY (aggregate_type, aggregate_id, version);

ALTER TABLE ONLY public.audit_chain
    ADD CONSTRAINT audit_chain_audit_id_key UNIQUE (audit_id);

ALTER TABLE ONLY public.audit_chain
    ADD CONSTRAINT audit_chain_pkey PRIMARY KEY (month, "position");

ALTER TABLE ONLY public.audit_epochs
    ADD CONSTRAINT audit_epochs_pkey PRIMARY KEY (epoch_id);

ALTER TABLE ONLY public.audit_heads
    ADD CONSTRAINT audit_heads_pkey PRIMARY KEY (month);

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (xid, audit_id, "timestamp");

ALTER TABLE ONLY public.audit_log_default
    ADD CONSTRAINT audit_log_default_pkey PRIMARY KEY (xid, audit_id, "timestamp");

ALTER TABLE ONLY public.candidate_job_matches
    ADD CONSTRAINT candidate_job_matches_pkey PRIMARY KEY (candidate_id, job_id);

ALTER TABLE ONLY public.candidate_languages
    ADD CONSTRAINT candidate_languages_pkey PRIMARY KEY (language_id);

ALTER TABLE ONLY public.candidate_languages
    ADD CONSTRAINT candidate_languages_unique UNIQUE (candidate_id, language_code);

ALTER TABLE ONLY public.candidate_profiles
    ADD CONSTRAINT candidate_profiles_pkey PRIMARY KEY (candidate_id);

ALTER TABLE ONLY public.candidate_profiles
    ADD CONSTRAINT candidate_profiles_user_id_unique UNIQUE (user_id);

ALTER TABLE ONLY public.candidate_skills
    ADD CONSTRAINT candidate_skills_pkey PRIMARY KEY (candidate_skill_id);

ALTER TABLE ONLY public.candidate_skills
    ADD CONSTRAINT candidate_skills_unique UNIQUE (candidate_id, skill_id);

ALTER TABLE ONLY public.certifications
    ADD CONSTRAINT certifications_pkey PRIMARY KEY (certification_id);

ALTER TABLE ONLY public.cities
    ADD CONSTRAINT cities_pkey PRIMARY KEY (geoname_id);

ALTER TABLE ONLY public.companies
    ADD CONSTRAINT companies_pkey PRIMARY KEY (company_id);

ALTER TABLE ONLY public.company_members
    ADD CONSTRAINT company_members_pkey PRIMARY KEY (company_id, user_id);

ALTER TABLE ONLY public.education
    ADD CONSTRAINT education_pkey PRIMARY KEY (education_id);

ALTER TABLE ONLY public.erasure_requests
    ADD CONSTRAINT erasure_requests_pkey PRIMARY KEY (request_id, store);

ALTER TABLE ONLY public.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (consumer, event_id);

ALTER TABLE ONLY public.job_applications
    ADD CONSTRAINT job_applications_pkey PRIMARY KEY (application_id);

ALTER TABLE ONLY public.job_applications
    ADD CONSTRAINT job_applications_unique UNIQUE (job_id, candidate_id);

ALTER TABLE ONLY public.job_locations
    ADD CONSTRAINT job_locations_pkey PRIMARY KEY (job_id, location_id);

ALTER TABLE ONLY public.job_posting_keys
    ADD CONSTRAINT job_posting_keys_pkey PRIMARY KEY (job_id);

ALTER TABLE ONLY public.job_posting_keys
    ADD CONSTRAINT job_posting_keys_slug_key UNIQUE (slug);

ALTER TABLE ONLY public.job_postings
    ADD CONSTRAINT job_postings_pkey PRIMARY KEY (job_id, created_at);

ALTER TABLE ONLY public.job_postings_default
    ADD CONSTRAINT job_postings_default_pkey PRIMARY KEY (job_id, created_at);

ALTER TABLE ONLY public.job_required_skills
    ADD CONSTRAINT job_required_skills_pkey PRIMARY KEY (job_skill_id);

ALTER TABLE ONLY public.job_required_skills
    ADD CONSTRAINT job_required_skills_unique UNIQUE (job_id, skill_id);

ALTER TABLE ONLY public.job_skill_weights
    ADD CONSTRAINT job_skill_weights_pkey PRIMARY KEY (job_id);

ALTER TABLE ONLY public.legal_holds
    ADD CONSTRAINT legal_holds_pkey PRIMARY KEY (subject_id);

ALTER TABLE ONLY public.maintenance_jobs
    ADD CONSTRAINT maintenance_jobs_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.occupation_skills
    ADD CONSTRAINT occupation_skills_pkey PRIMARY KEY (occupation_id, skill_id, relation);

ALTER TABLE ONLY public.occupations
    ADD CONSTRAINT occupations_esco_uri_key UNIQUE (esco_uri);

ALTER TABLE ONLY public.occupations
    ADD CONSTRAINT occupations_pkey PRIMARY KEY (occupation_id);

ALTER TABLE ONLY public.outbox_cursor
    ADD CONSTRAINT outbox_cursor_pkey PRIMARY KEY (relay);

ALTER TABLE ONLY public.outbox_dead_letters
    ADD CONSTRAINT outbox_dead_letters_pkey PRIMARY KEY (event_id);

ALTER TABLE ONLY public.outbox_events
    ADD CONSTRAINT outbox_events_pkey PRIMARY KEY (xid, sequence, created_at);

ALTER TABLE ONLY public.outbox_events_default
    ADD CONSTRAINT outbox_events_default_pkey PRIMARY KEY (xid, sequence, created_at);

ALTER TABLE ONLY public.outbox_published_partitions
    ADD CONSTRAINT outbox_published_partitions_pkey PRIMARY KEY (partition_name);

ALTER TABLE ONLY public.retention_rules
    ADD CONSTRAINT retention_rules_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.skill_relations
    ADD CONSTRAINT skill_relations_pkey PRIMARY KEY (skill_id, related_skill_id, relation);

ALTER TABLE ONLY public.skills_taxonomy
    ADD CONSTRAINT skills_taxonomy_esco_uri_key UNIQUE (esco_uri);

ALTER TABLE ONLY public.skills_taxonomy
    ADD CONSTRAINT skills_taxonomy_pkey PRIMARY KEY (skill_id);

ALTER TABLE ONLY public.user_consents
    ADD CONSTRAINT user_consents_pkey PRIMARY KEY (consent_id);

ALTER TABLE ONLY public.user_sessions
    ADD CONSTRAINT user_sessions_pkey PRIMARY KEY (session_id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.work_experiences
    ADD CONSTRAINT work_experiences_candidate_unique UNIQUE (experience_id, candidate_id);

ALTER TABLE ONLY public.work_experiences
    ADD CONSTRAINT work_experiences_pkey PRIMARY KEY (experience_id);

CREATE UNIQUE INDEX keys_one_active ON app_private.keys USING btree (purpose) WHERE (retired_at IS NULL);

CREATE INDEX idx_audit_log_retention ON ONLY public.audit_log USING brin (retention_until);

CREATE INDEX audit_log_default_retention_until_idx ON public.audit_log_default USING brin (retention_until);

CREATE INDEX idx_audit_log_subject ON ONLY public.audit_log USING btree (subject_user_id, "timestamp");

CREATE INDEX audit_log_default_subject_user_id_timestamp_idx ON public.audit_log_default USING btree (subject_user_id, "timestamp");

CREATE INDEX idx_audit_log_table_time ON ONLY public.audit_log USING brin (table_name, "timestamp") WITH (pages_per_range='16', autosummarize='on');

CREATE INDEX audit_log_default_table_name_timestamp_idx ON public.audit_log_default USING brin (table_name, "timestamp") WITH (pages_per_range='16', autosummarize='on');

CREATE INDEX idx_audit_log_user ON ONLY public.audit_log USING btree (user_id, "timestamp");

CREATE INDEX audit_log_default_user_id_timestamp_idx ON public.audit_log_default USING btree (user_id, "timestamp");

CREATE INDEX idx_aggregate_events_user ON public.aggregate_events USING btree (user_id) WHERE (user_id IS NOT NULL);

CREATE INDEX idx_audit_chain_epoch ON public.audit_chain USING btree (epoch_id) WHERE (epoch_id IS NOT NULL);

CREATE INDEX idx_candidate_job_matches_computed ON public.candidate_job_matches USING btree (computed_at);

CREATE INDEX idx_candidate_job_matches_job ON public.candidate_job_matches USING btree (job_id);

CREATE INDEX idx_candidate_languages_candidate ON public.candidate_languages USING btree (candidate_id);

CREATE INDEX idx_candidate_languages_proficiency ON public.candidate_languages USING btree (proficiency_level);

CREATE INDEX idx_candidate_profiles_created ON public.candidate_profiles USING btree (created_at, candidate_id);

CREATE INDEX idx_candidate_profiles_phone_hash ON public.candidate_profiles USING btree (phone_hash) WHERE (phone_hash IS NOT NULL);

CREATE INDEX idx_candidate_profiles_salary ON public.candidate_profiles USING btree (expected_salary_min, expected_salary_max);

CREATE INDEX idx_candidate_profiles_search ON public.candidate_profiles USING gin (search_vector);

CREATE INDEX idx_candidate_profiles_status ON public.candidate_profiles USING btree (availability_status);

CREATE INDEX idx_candidate_skills_candidate ON public.candidate_skills USING btree (candidate_id);

CREATE INDEX idx_candidate_skills_level ON public.candidate_skills USING btree (skill_level DESC);

CREATE INDEX idx_candidate_skills_primary ON public.candidate_skills USING btree (candidate_id) WHERE is_primary;

CREATE INDEX idx_candidate_skills_skill ON public.candidate_skills USING btree (skill_id);

CREATE INDEX idx_certifications_candidate ON public.certifications USING btree (candidate_id);

CREATE INDEX idx_certifications_expiry ON public.certifications USING btree (expiration_date) WHERE (expiration_date IS NOT NULL);

CREATE INDEX idx_certifications_name ON public.certifications USING btree (certification_name);

CREATE INDEX idx_certifications_org ON public.certifications USING btree (issuing_organization);

CREATE INDEX idx_cities_country_population ON public.cities USING btree (country_code, population DESC);

CREATE INDEX idx_cities_prefix ON public.cities USING btree (lower((name)::text) text_pattern_ops);

CREATE INDEX idx_companies_created ON public.companies USING btree (created_at, company_id);

CREATE INDEX idx_companies_industry ON public.companies USING btree (industry);

CREATE INDEX idx_companies_name ON public.companies USING btree (company_name);

CREATE INDEX idx_companies_search ON public.companies USING gin (search_vector);

CREATE INDEX idx_companies_size ON public.companies USING btree (company_size);

CREATE INDEX idx_company_members_user ON public.company_members USING btree (user_id);

CREATE INDEX idx_education_candidate ON public.education USING btree (candidate_id);

CREATE INDEX idx_education_dates ON public.education USING btree (start_date, end_date);

CREATE INDEX idx_education_degree ON public.education USING btree (degree_type);

CREATE INDEX idx_education_institution ON public.education USING btree (institution_name);

CREATE INDEX idx_erasure_requests_done ON public.erasure_requests USING btree (done_at) WHERE (done_at IS NOT NULL);

CREATE INDEX idx_erasure_requests_due ON public.erasure_requests USING btree (due_at) WHERE (done_at IS NULL);

CREATE INDEX idx_erasure_requests_user ON public.erasure_requests USING btree (user_id);

CREATE INDEX idx_inbox_created ON public.inbox USING btree (created_at);

CREATE INDEX idx_job_applications_candidate ON public.job_applications USING btree (candidate_id);

CREATE INDEX idx_job_applications_decided ON public.job_applications USING btree (decided_at) WHERE (decided_at IS NOT NULL);

CREATE INDEX idx_job_locations_location ON public.job_locations USING btree (location_id);

CREATE UNIQUE INDEX idx_job_locations_primary ON public.job_locations USING btree (job_id) WHERE is_primary;

CREATE INDEX idx_job_postings_closed ON ONLY public.job_postings USING btree (closed_at) WHERE (closed_at IS NOT NULL);

CREATE INDEX idx_job_postings_company ON ONLY public.job_postings USING btree (company_id);

CREATE INDEX idx_job_postings_created ON ONLY public.job_postings USING btree (created_at DESC, job_id DESC);

CREATE INDEX idx_job_postings_employment ON ONLY public.job_postings USING btree (employment_type);

CREATE INDEX idx_job_postings_expiry ON ONLY public.job_postings USING btree (expires_at) WHERE ((status)::text = ANY ((ARRAY['active'::character varying, 'paused'::character varying])::text[]));

CREATE INDEX idx_job_postings_location ON ONLY public.job_postings USING gin (work_location);

CREATE INDEX idx_job_postings_posted ON ONLY public.job_postings USING btree (posted_at DESC);

CREATE INDEX idx_job_postings_recruiter ON ONLY public.job_postings USING btree (recruiter_id);

CREATE INDEX idx_job_postings_remote ON ONLY public.job_postings USING btree (remote_policy);

CREATE INDEX idx_job_postings_salary ON ONLY public.job_postings USING btree (salary_min, salary_max);

CREATE INDEX idx_job_postings_search ON ONLY public.job_postings USING gin (search_vector);

CREATE INDEX idx_job_postings_seniority ON ONLY public.job_postings USING btree (seniority_level);

CREATE INDEX idx_job_postings_status ON ONLY public.job_postings USING btree (status);

CREATE INDEX idx_job_required_skills_job ON public.job_required_skills USING btree (job_id) INCLUDE (skill_id, requirement_type, minimum_level, minimum_years, weight);

CREATE INDEX idx_job_required_skills_skill ON public.job_required_skills USING btree (skill_id) INCLUDE (job_id, requirement_type, minimum_level, minimum_years, weight);

CREATE INDEX idx_job_required_skills_type ON public.job_required_skills USING btree (requirement_type);

CREATE INDEX idx_occupation_skills_skill ON public.occupation_skills USING btree (skill_id);

CREATE INDEX idx_occupations_isco08 ON public.occupations USING btree (isco08);

CREATE INDEX idx_occupations_prefix ON public.occupations USING btree (lower((label)::text) text_pattern_ops);

CREATE INDEX idx_outbox_dead_letters_aggregate ON public.outbox_dead_letters USING btree (aggregate_id, aggregate_type);

CREATE INDEX idx_outbox_dead_letters_created ON public.outbox_dead_letters USING btree (created_at);

CREATE INDEX idx_outbox_dead_letters_user ON public.outbox_dead_letters USING btree (((event_data ->> 'user_id'::text))) WHERE ((event_data ->> 'user_id'::text) IS NOT NULL);

CREATE INDEX idx_outbox_events_user ON ONLY public.outbox_events USING btree ((((event_data ->> 'user_id'::text))::uuid)) WHERE ((event_data ->> 'user_id'::text) IS NOT NULL);

CREATE INDEX idx_skill_relations_related ON public.skill_relations USING btree (related_skill_id);

CREATE INDEX idx_skills_taxonomy_aliases ON public.skills_taxonomy USING gin (aliases);

CREATE INDEX idx_skills_taxonomy_category ON public.skills_taxonomy USING btree (category);

CREATE INDEX idx_skills_taxonomy_parent ON public.skills_taxonomy USING btree (parent_skill_id);

CREATE INDEX idx_skills_taxonomy_popularity ON public.skills_taxonomy USING btree (popularity_score DESC);

CREATE INDEX idx_skills_taxonomy_prefix ON public.skills_taxonomy USING btree (lower((skill_name)::text) text_pattern_ops);

CREATE INDEX idx_skills_taxonomy_substring ON public.skills_taxonomy USING gin (lower((skill_name)::text) public.gin_trgm_ops);

CREATE INDEX idx_user_consents_created ON public.user_consents USING btree (created_at);

CREATE INDEX idx_user_consents_user ON public.user_consents USING btree (user_id, purpose, consent_id);

CREATE INDEX idx_user_sessions_expires_at ON public.user_sessions USING btree (expires_at);

CREATE INDEX idx_user_sessions_family ON public.user_sessions USING btree (family_id);

CREATE UNIQUE INDEX idx_user_sessions_token_hash ON public.user_sessions USING btree (refresh_token_hash);

CREATE INDEX idx_user_sessions_user_id ON public.user_sessions USING btree (user_id);

CREATE INDEX idx_users_accepted_terms ON public.users USING btree (user_id) WHERE (((status)::text = 'anonymized'::text) AND ((terms_accepted_at IS NOT NULL) OR (privacy_accepted_at IS NOT NULL)));

CREATE INDEX idx_users_created ON public.users USING btree (created_at, user_id);

CREATE INDEX idx_work_experiences_candidate ON public.work_experiences USING btree (candidate_id);

CREATE INDEX idx_work_experiences_company ON public.work_experiences USING btree (company_name);

CREATE INDEX idx_work_experiences_current ON public.work_experiences USING btree (candidate_id, is_current) WHERE (is_current = true);

CREATE INDEX idx_work_experiences_dates ON public.work_experiences USING btree (start_date, end_date);

CREATE INDEX idx_work_experiences_promotion ON public.work_experiences USING btree (promotion_from, candidate_id);

CREATE INDEX idx_work_experiences_seniority ON public.work_experiences USING btree (seniority_level);

CREATE INDEX job_postings_default_closed_at_idx ON public.job_postings_default USING btree (closed_at) WHERE (closed_at IS NOT NULL);

CREATE INDEX job_postings_default_company_id_idx ON public.job_postings_default USING btree (company_id);

CREATE INDEX job_postings_default_created_at_job_id_idx ON public.job_postings_default USING btree (created_at DESC, job_id DESC);

CREATE INDEX job_postings_default_employment_type_idx ON public.job_postings_default USING btree (employment_type);

CREATE INDEX job_postings_default_expires_at_idx ON public.job_postings_default USING btree (expires_at) WHERE ((status)::text = ANY ((ARRAY['active'::character varying, 'paused'::character varying])::text[]));

CREATE INDEX job_postings_default_posted_at_idx ON public.job_postings_default USING btree (posted_at DESC);

CREATE INDEX job_postings_default_recruiter_id_idx ON public.job_postings_default USING btree (recruiter_id);

CREATE INDEX job_postings_default_remote_policy_idx ON public.job_postings_default USING btree (remote_policy);

CREATE INDEX job_postings_default_salary_min_salary_max_idx ON public.job_postings_default USING btree (salary_min, salary_max);

CREATE INDEX job_postings_default_search_vector_idx ON public.job_postings_default USING gin (search_vector);

CREATE INDEX job_postings_default_seniority_level_idx ON public.job_postings_default USING btree (seniority_level);

CREATE INDEX job_postings_default_status_idx ON public.job_postings_default USING btree (status);

CREATE INDEX job_postings_default_work_location_idx ON public.job_postings_default USING gin (work_location);

CREATE INDEX outbox_events_default_uuid_idx ON public.outbox_events_default USING btree ((((event_data ->> 'user_id'::text))::uuid)) WHERE ((event_data ->> 'user_id'::text) IS NOT NULL);

CREATE UNIQUE INDEX skill_demand_cell ON public.skill_demand USING btree (skill_id, region, month);

CREATE INDEX skill_demand_most ON public.skill_demand USING btree (region, month, postings, skill_id);

CREATE UNIQUE INDEX skills_taxonomy_name_unique ON public.skills_taxonomy USING btree (lower((skill_name)::text));

CREATE UNIQUE INDEX users_email_idx ON public.users USING btree (lower((email)::text));

ALTER INDEX public.audit_log_pkey ATTACH PARTITION public.audit_log_default_pkey;

ALTER INDEX public.idx_audit_log_retention ATTACH PARTITION public.audit_log_default_retention_until_idx;

ALTER INDEX public.idx_audit_log_subject ATTACH PARTITION public.audit_log_default_subject_user_id_timestamp_idx;

ALTER INDEX public.idx_audit_log_table_time ATTACH PARTITION public.audit_log_default_table_name_timestamp_idx;

ALTER INDEX public.idx_audit_log_user ATTACH PARTITION public.audit_log_default_user_id_timestamp_idx;

ALTER INDEX public.idx_job_postings_closed ATTACH PARTITION public.job_postings_default_closed_at_idx;

ALTER INDEX public.idx_job_postings_company ATTACH PARTITION public.job_postings_default_company_id_idx;

ALTER INDEX public.idx_job_postings_created ATTACH PARTITION public.job_postings_default_created_at_job_id_idx;

ALTER INDEX public.idx_job_postings_employment ATTACH PARTITION public.job_postings_default_employment_type_idx;

ALTER INDEX public.idx_job_postings_expiry ATTACH PARTITION public.job_postings_default_expires_at_idx;

ALTER INDEX public.job_postings_pkey ATTACH PARTITION public.job_postings_default_pkey;

ALTER INDEX public.idx_job_postings_posted ATTACH PARTITION public.job_postings_default_posted_at_idx;

ALTER INDEX public.idx_job_postings_recruiter ATTACH PARTITION public.job_postings_default_recruiter_id_idx;

ALTER INDEX public.idx_job_postings_remote ATTACH PARTITION public.job_postings_default_remote_policy_idx;

ALTER INDEX public.idx_job_postings_salary ATTACH PARTITION public.job_postings_default_salary_min_salary_max_idx;

ALTER INDEX public.idx_job_postings_search ATTACH PARTITION public.job_postings_default_search_vector_idx;

ALTER INDEX public.idx_job_postings_seniority ATTACH PARTITION public.job_postings_default_seniority_level_idx;

ALTER INDEX public.idx_job_postings_status ATTACH PARTITION public.job_postings_default_status_idx;

ALTER INDEX public.idx_job_postings_location ATTACH PARTITION public.job_postings_default_work_location_idx;

ALTER INDEX public.outbox_events_pkey ATTACH PARTITION public.outbox_events_default_pkey;

ALTER INDEX public.idx_outbox_events_user ATTACH PARTITION public.outbox_events_default_uuid_idx;

CREATE TRIGGER keys_touch BEFORE UPDATE ON app_private.keys FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER audit_heads_touch BEFORE UPDATE ON public.audit_heads FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER audit_log_append_only BEFORE DELETE OR UPDATE ON public.audit_log FOR EACH ROW EXECUTE FUNCTION public.keep_audit_log();

CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON public.audit_log FOR EACH STATEMENT EXECUTE FUNCTION public.keep_audit_log();

CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON public.audit_log_default FOR EACH STATEMENT EXECUTE FUNCTION public.keep_audit_log();

CREATE TRIGGER candidate_job_matches_touch BEFORE UPDATE ON public.candidate_job_matches FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER candidate_languages_audit AFTER UPDATE ON public.candidate_languages REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('language_id', 'candidate_id', '');

CREATE TRIGGER candidate_languages_audit_delete AFTER DELETE ON public.candidate_languages REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('language_id', 'candidate_id', '');

CREATE TRIGGER candidate_languages_audit_insert AFTER INSERT ON public.candidate_languages REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('language_id', 'candidate_id', '');

CREATE TRIGGER candidate_languages_events AFTER UPDATE ON public.candidate_languages REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('candidate', 'candidate.profile', 'candidate_id', 'user_id', 'candidate_profiles');

CREATE TRIGGER candidate_languages_events_delete AFTER DELETE ON public.candidate_languages REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('candidate', 'candidate.profile', 'candidate_id', 'user_id', 'candidate_profiles');

CREATE TRIGGER candidate_languages_events_insert AFTER INSERT ON public.candidate_languages REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('candidate', 'candidate.profile', 'candidate_id', 'user_id', 'candidate_profiles');

CREATE TRIGGER candidate_languages_is_native BEFORE INSERT OR UPDATE OF proficiency_level, is_native ON public.candidate_languages FOR EACH ROW EXECUTE FUNCTION public.derive_is_native();

CREATE TRIGGER candidate_languages_profile_delete AFTER DELETE ON public.candidate_languages REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.refresh_candidate_profiles();

CREATE TRIGGER candidate_languages_profile_insert AFTER INSERT ON public.candidate_languages REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.refresh_candidate_profiles();

CREATE TRIGGER candidate_languages_profile_update AFTER UPDATE ON public.candidate_languages REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.refresh_candidate_profiles();

CREATE TRIGGER candidate_languages_touch BEFORE UPDATE ON public.candidate_languages FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER candidate_profile_events AFTER UPDATE ON public.candidate_profiles REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('candidate', 'candidate.profile', 'candidate_id', 'user_id');

CREATE TRIGGER candidate_profile_events_delete AFTER DELETE ON public.candidate_profiles REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('candidate', 'candidate.profile', 'candidate_id', 'user_id');

CREATE TRIGGER candidate_profile_events_insert AFTER INSERT ON public.candidate_profiles REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('candidate', 'candidate.profile', 'candidate_id', 'user_id');

CREATE TRIGGER candidate_profiles_audit AFTER UPDATE ON public.candidate_profiles REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('candidate_id', 'user_id', '');

CREATE TRIGGER candidate_profiles_audit_delete AFTER DELETE ON public.candidate_profiles REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('candidate_id', 'user_id', '');

CREATE TRIGGER candidate_profiles_audit_insert AFTER INSERT ON public.candidate_profiles REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('candidate_id', 'user_id', '');

CREATE TRIGGER candidate_profiles_completeness BEFORE INSERT OR UPDATE OF first_name, last_name, current_title, phone, expected_salary_min, work_authorization ON public.candidate_profiles FOR EACH ROW EXECUTE FUNCTION public.update_profile_completeness();

CREATE TRIGGER candidate_profiles_consent AFTER UPDATE OF profile_visibility ON public.candidate_profiles FOR EACH ROW WHEN ((((old.profile_visibility)::text = 'public'::text) IS DISTINCT FROM ((new.profile_visibility)::text = 'public'::text))) EXECUTE FUNCTION public.record_visibility();

CREATE TRIGGER candidate_profiles_consent_insert AFTER INSERT ON public.candidate_profiles FOR EACH ROW WHEN (((new.profile_visibility)::text = 'public'::text)) EXECUTE FUNCTION public.record_visibility();

CREATE TRIGGER candidate_profiles_not_erased BEFORE INSERT OR UPDATE ON public.candidate_profiles FOR EACH ROW EXECUTE FUNCTION public.refuse_anonymized('user_id');

CREATE TRIGGER candidate_profiles_search_update BEFORE INSERT OR UPDATE OF first_name, last_name, current_title, content_language ON public.candidate_profiles FOR EACH ROW EXECUTE FUNCTION public.update_candidate_search_vector();

CREATE TRIGGER candidate_profiles_touch BEFORE UPDATE ON public.candidate_profiles FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER candidate_profiles_user_type BEFORE INSERT OR UPDATE OF user_id ON public.candidate_profiles FOR EACH ROW EXECUTE FUNCTION public.check_user_type('user_id', 'candidate');

CREATE TRIGGER candidate_skills_audit AFTER UPDATE ON public.candidate_skills REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('candidate_skill_id', 'candidate_id', '');

CREATE TRIGGER candidate_skills_audit_delete AFTER DELETE ON public.candidate_skills REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('candidate_skill_id', 'candidate_id', '');

CREATE TRIGGER candidate_skills_audit_insert AFTER INSERT ON public.candidate_skills REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('candidate_skill_id', 'candidate_id', '');

CREATE TRIGGER candidate_skills_events AFTER UPDATE ON public.candidate_skills REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('candidate', 'candidate.profile', 'candidate_id', 'user_id', 'candidate_profiles');

CREATE TRIGGER candidate_skills_events_delete AFTER DELETE ON public.candidate_skills REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('candidate', 'candidate.profile', 'candidate_id', 'user_id', 'candidate_profiles');

CREATE TRIGGER candidate_skills_events_insert AFTER INSERT ON public.candidate_skills REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('candidate', 'candidate.profile', 'candidate_id', 'user_id', 'candidate_profiles');

CREATE TRIGGER candidate_skills_profile_delete AFTER DELETE ON public.candidate_skills REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.refresh_candidate_profiles();

CREATE TRIGGER candidate_skills_profile_insert AFTER INSERT ON public.candidate_skills REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.refresh_candidate_profiles();

CREATE TRIGGER candidate_skills_profile_update AFTER UPDATE ON public.candidate_skills REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.refresh_candidate_profiles();

CREATE TRIGGER candidate_skills_touch BEFORE UPDATE ON public.candidate_skills FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER candidate_skills_verification BEFORE UPDATE ON public.candidate_skills FOR EACH ROW WHEN (((current_setting('role'::text) = 'authenticated_users'::text) AND (((old.skill_level IS DISTINCT FROM new.skill_level) OR (old.years_experience IS DISTINCT FROM new.years_experience)) OR (old.last_used_date IS DISTINCT FROM new.last_used_date)))) EXECUTE FUNCTION public.reset_skill_verification();

CREATE TRIGGER certifications_audit AFTER UPDATE ON public.certifications REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('certification_id', 'candidate_id', '');

CREATE TRIGGER certifications_audit_delete AFTER DELETE ON public.certifications REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('certification_id', 'candidate_id', '');

CREATE TRIGGER certifications_audit_insert AFTER INSERT ON public.certifications REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('certification_id', 'candidate_id', '');

CREATE TRIGGER certifications_events AFTER UPDATE ON public.certifications REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('candidate', 'candidate.profile', 'candidate_id', 'user_id', 'candidate_profiles');

CREATE TRIGGER certifications_events_delete AFTER DELETE ON public.certifications REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('candidate', 'candidate.profile', 'candidate_id', 'user_id', 'candidate_profiles');

CREATE TRIGGER certifications_events_insert AFTER INSERT ON public.certifications REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('candidate', 'candidate.profile', 'candidate_id', 'user_id', 'candidate_profiles');

CREATE TRIGGER certifications_profile_delete AFTER DELETE ON public.certifications REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.refresh_candidate_profiles();

CREATE TRIGGER certifications_profile_insert AFTER INSERT ON public.certifications REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.refresh_candidate_profiles();

CREATE TRIGGER certifications_profile_update AFTER UPDATE ON public.certifications REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.refresh_candidate_profiles();

CREATE TRIGGER certifications_touch BEFORE UPDATE ON public.certifications FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER certifications_verification BEFORE UPDATE ON public.certifications FOR EACH ROW WHEN (((current_setting('role'::text) = 'authenticated_users'::text) AND ((old.verification_status)::text <> 'revoked'::text) AND (((((((old.certification_name)::text IS DISTINCT FROM (new.certification_name)::text) OR ((old.issuing_organization)::text IS DISTINCT FROM (new.issuing_organization)::text)) OR (old.issue_date IS DISTINCT FROM new.issue_date)) OR (old.expiration_date IS DISTINCT FROM new.expiration_date)) OR ((old.credential_id)::text IS DISTINCT FROM (new.credential_id)::text)) OR (old.credential_url IS DISTINCT FROM new.credential_url)))) EXECUTE FUNCTION public.reset_certificate_verification();

CREATE TRIGGER companies_events AFTER UPDATE ON public.companies REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('company', 'company', 'company_id');

CREATE TRIGGER companies_events_delete AFTER DELETE ON public.companies REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('company', 'company', 'company_id');

CREATE TRIGGER companies_events_insert AFTER INSERT ON public.companies REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('company', 'company', 'company_id');

CREATE TRIGGER companies_founding_member AFTER INSERT ON public.companies FOR EACH ROW EXECUTE FUNCTION public.add_founding_member();

CREATE TRIGGER companies_search_update BEFORE INSERT OR UPDATE OF company_name, description, content_language ON public.companies FOR EACH ROW EXECUTE FUNCTION public.update_company_search_vector();

CREATE TRIGGER companies_touch BEFORE UPDATE ON public.companies FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER company_members_audit AFTER UPDATE ON public.company_members REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('company_id,user_id', 'user_id', 'role');

CREATE TRIGGER company_members_audit_delete AFTER DELETE ON public.company_members REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('company_id,user_id', 'user_id', 'role');

CREATE TRIGGER company_members_audit_insert AFTER INSERT ON public.company_members REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('company_id,user_id', 'user_id', 'role');

CREATE TRIGGER company_members_events AFTER UPDATE ON public.company_members REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('company', 'company', 'company_id', '', 'companies');

CREATE TRIGGER company_members_events_delete AFTER DELETE ON public.company_members REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('company', 'company', 'company_id', '', 'companies');

CREATE TRIGGER company_members_events_insert AFTER INSERT ON public.company_members REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('company', 'company', 'company_id', '', 'companies');

CREATE TRIGGER company_members_not_erased BEFORE INSERT ON public.company_members FOR EACH ROW EXECUTE FUNCTION public.refuse_anonymized('user_id');

CREATE TRIGGER company_members_touch BEFORE UPDATE ON public.company_members FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER company_members_user_type BEFORE INSERT OR UPDATE OF user_id ON public.company_members FOR EACH ROW EXECUTE FUNCTION public.check_user_type('user_id', 'recruiter', 'admin');

CREATE TRIGGER education_audit AFTER UPDATE ON public.education REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('education_id', 'candidate_id', '');

CREATE TRIGGER education_audit_delete AFTER DELETE ON public.education REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('education_id', 'candidate_id', '');

CREATE TRIGGER education_audit_insert AFTER INSERT ON public.education REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('education_id', 'candidate_id', '');

CREATE TRIGGER education_events AFTER UPDATE ON public.education REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('candidate', 'candidate.profile', 'candidate_id', 'user_id', 'candidate_profiles');

CREATE TRIGGER education_events_delete AFTER DELETE ON public.education REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('candidate', 'candidate.profile', 'candidate_id', 'user_id', 'candidate_profiles');

CREATE TRIGGER education_events_insert AFTER INSERT ON public.education REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('candidate', 'candidate.profile', 'candidate_id', 'user_id', 'candidate_profiles');

CREATE TRIGGER education_profile_delete AFTER DELETE ON public.education REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.refresh_candidate_profiles();

CREATE TRIGGER education_profile_insert AFTER INSERT ON public.education REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.refresh_candidate_profiles();

CREATE TRIGGER education_profile_update AFTER UPDATE ON public.education REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.refresh_candidate_profiles();

CREATE TRIGGER education_touch BEFORE UPDATE ON public.education FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER erasure_requests_touch BEFORE UPDATE ON public.erasure_requests FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER job_applications_audit AFTER UPDATE ON public.job_applications REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('application_id', 'user_id', 'status');

CREATE TRIGGER job_applications_audit_delete AFTER DELETE ON public.job_applications REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('application_id', 'user_id', 'status');

CREATE TRIGGER job_applications_audit_insert AFTER INSERT ON public.job_applications REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('application_id', 'user_id', 'status');

CREATE TRIGGER job_applications_count AFTER INSERT ON public.job_applications REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.count_applications();

CREATE TRIGGER job_applications_decision BEFORE INSERT OR UPDATE OF status, decided_at ON public.job_applications FOR EACH ROW EXECUTE FUNCTION public.derive_decision();

CREATE TRIGGER job_applications_events AFTER UPDATE ON public.job_applications REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('application', 'job.application', 'application_id', 'job_id,candidate_id,user_id');

CREATE TRIGGER job_applications_events_delete AFTER DELETE ON public.job_applications REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('application', 'job.application', 'application_id', 'job_id,candidate_id,user_id');

CREATE TRIGGER job_applications_events_insert AFTER INSERT ON public.job_applications REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('application', 'job.application', 'application_id', 'job_id,candidate_id,user_id');

CREATE TRIGGER job_applications_status AFTER UPDATE ON public.job_applications REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.record_status('application', 'application_id');

CREATE TRIGGER job_applications_status_delete AFTER DELETE ON public.job_applications REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.record_status('application', 'application_id');

CREATE TRIGGER job_applications_status_insert AFTER INSERT ON public.job_applications REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.record_status('application', 'application_id');

CREATE TRIGGER job_applications_touch BEFORE UPDATE ON public.job_applications FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER job_applications_user BEFORE INSERT OR UPDATE OF candidate_id, user_id ON public.job_applications FOR EACH ROW EXECUTE FUNCTION public.set_application_user();

CREATE TRIGGER job_applications_user_not_erased BEFORE INSERT ON public.job_applications FOR EACH ROW EXECUTE FUNCTION public.refuse_anonymized('user_id');

CREATE TRIGGER job_locations_events AFTER UPDATE ON public.job_locations REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('job', 'job.posting', 'job_id', 'company_id', 'job_postings');

CREATE TRIGGER job_locations_events_delete AFTER DELETE ON public.job_locations REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('job', 'job.posting', 'job_id', 'company_id', 'job_postings');

CREATE TRIGGER job_locations_events_insert AFTER INSERT ON public.job_locations REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('job', 'job.posting', 'job_id', 'company_id', 'job_postings');

CREATE TRIGGER job_locations_touch BEFORE UPDATE ON public.job_locations FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER job_postings_closing BEFORE INSERT OR UPDATE OF status, closed_at, filled_at ON public.job_postings FOR EACH ROW EXECUTE FUNCTION public.derive_closing();

CREATE TRIGGER job_postings_events AFTER UPDATE ON public.job_postings REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('job', 'job.posting', 'job_id', 'company_id');

CREATE TRIGGER job_postings_events_delete AFTER DELETE ON public.job_postings REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('job', 'job.posting', 'job_id', 'company_id');

CREATE TRIGGER job_postings_events_insert AFTER INSERT ON public.job_postings REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('job', 'job.posting', 'job_id', 'company_id');

CREATE TRIGGER job_postings_identity BEFORE UPDATE OF job_id, slug, created_at ON public.job_postings FOR EACH ROW WHEN ((((old.job_id IS DISTINCT FROM new.job_id) OR ((old.slug)::text IS DISTINCT FROM (new.slug)::text)) OR (old.created_at IS DISTINCT FROM new.created_at))) EXECUTE FUNCTION public.keep_job_identity();

CREATE TRIGGER job_postings_key_removal AFTER DELETE ON public.job_postings FOR EACH ROW EXECUTE FUNCTION public.remove_job_posting_key();

CREATE TRIGGER job_postings_not_erased BEFORE INSERT OR UPDATE OF recruiter_id ON public.job_postings FOR EACH ROW WHEN ((new.recruiter_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_anonymized('recruiter_id');

CREATE TRIGGER job_postings_recruiter_type BEFORE INSERT OR UPDATE OF recruiter_id ON public.job_postings FOR EACH ROW WHEN ((new.recruiter_id IS NOT NULL)) EXECUTE FUNCTION public.check_user_type('recruiter_id', 'recruiter', 'admin');

CREATE TRIGGER job_postings_remote_policy BEFORE INSERT OR UPDATE OF work_location, remote_policy ON public.job_postings FOR EACH ROW EXECUTE FUNCTION public.derive_remote_policy();

CREATE TRIGGER job_postings_search_update BEFORE INSERT OR UPDATE OF title, description, requirements, content_language ON public.job_postings FOR EACH ROW EXECUTE FUNCTION public.update_job_search_vector();

CREATE TRIGGER job_postings_slug_generation BEFORE INSERT ON public.job_postings FOR EACH ROW EXECUTE FUNCTION public.generate_job_slug();

CREATE TRIGGER job_postings_status AFTER UPDATE ON public.job_postings REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.record_status('job', 'job_id');

CREATE TRIGGER job_postings_status_delete AFTER DELETE ON public.job_postings REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.record_status('job', 'job_id');

CREATE TRIGGER job_postings_status_insert AFTER INSERT ON public.job_postings REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.record_status('job', 'job_id');

CREATE TRIGGER job_postings_touch BEFORE UPDATE ON public.job_postings FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER job_required_skills_events AFTER UPDATE ON public.job_required_skills REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('job', 'job.posting', 'job_id', 'company_id', 'job_postings');

CREATE TRIGGER job_required_skills_events_delete AFTER DELETE ON public.job_required_skills REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('job', 'job.posting', 'job_id', 'company_id', 'job_postings');

CREATE TRIGGER job_required_skills_events_insert AFTER INSERT ON public.job_required_skills REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('job', 'job.posting', 'job_id', 'company_id', 'job_postings');

CREATE TRIGGER job_required_skills_touch BEFORE UPDATE ON public.job_required_skills FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER job_required_skills_weights_delete AFTER DELETE ON public.job_required_skills REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.add_job_skill_weights();

CREATE TRIGGER job_required_skills_weights_insert AFTER INSERT ON public.job_required_skills REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.add_job_skill_weights();

CREATE TRIGGER job_required_skills_weights_update AFTER UPDATE ON public.job_required_skills REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.add_job_skill_weights();

CREATE TRIGGER job_skill_weights_touch BEFORE UPDATE ON public.job_skill_weights FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER maintenance_jobs_schedule AFTER INSERT OR DELETE OR UPDATE OF name, schedule ON public.maintenance_jobs FOR EACH STATEMENT EXECUTE FUNCTION public.maintenance_jobs_changed();

CREATE TRIGGER maintenance_jobs_touch BEFORE UPDATE ON public.maintenance_jobs FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER occupations_touch BEFORE UPDATE ON public.occupations FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER outbox_cursor_touch BEFORE UPDATE ON public.outbox_cursor FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER outbox_dead_letters_touch BEFORE UPDATE ON public.outbox_dead_letters FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER retention_rules_touch BEFORE UPDATE ON public.retention_rules FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER skill_relations_events AFTER UPDATE ON public.skill_relations REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('skill', 'skill', 'skill_id', '', 'skills_taxonomy');

CREATE TRIGGER skill_relations_events_delete AFTER DELETE ON public.skill_relations REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('skill', 'skill', 'skill_id', '', 'skills_taxonomy');

CREATE TRIGGER skill_relations_events_insert AFTER INSERT ON public.skill_relations REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('skill', 'skill', 'skill_id', '', 'skills_taxonomy');

CREATE TRIGGER skills_taxonomy_events AFTER UPDATE ON public.skills_taxonomy REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('skill', 'skill', 'skill_id');

CREATE TRIGGER skills_taxonomy_events_delete AFTER DELETE ON public.skills_taxonomy REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('skill', 'skill', 'skill_id');

CREATE TRIGGER skills_taxonomy_events_insert AFTER INSERT ON public.skills_taxonomy REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('skill', 'skill', 'skill_id');

CREATE TRIGGER skills_taxonomy_no_cycle AFTER UPDATE ON public.skills_taxonomy REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.check_skill_parents();

CREATE TRIGGER skills_taxonomy_no_cycle_insert AFTER INSERT ON public.skills_taxonomy REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.check_skill_parents();

CREATE TRIGGER skills_taxonomy_touch BEFORE UPDATE ON public.skills_taxonomy FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER user_consents_append_only BEFORE DELETE OR UPDATE ON public.user_consents FOR EACH ROW EXECUTE FUNCTION public.keep_consents();

CREATE TRIGGER user_consents_audit AFTER UPDATE ON public.user_consents REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('user_id,consent_id', 'user_id', 'purpose');

CREATE TRIGGER user_consents_audit_delete AFTER DELETE ON public.user_consents REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('user_id,consent_id', 'user_id', 'purpose');

CREATE TRIGGER user_consents_audit_insert AFTER INSERT ON public.user_consents REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('user_id,consent_id', 'user_id', 'purpose');

CREATE TRIGGER user_consents_events AFTER UPDATE ON public.user_consents REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('user', 'user', 'user_id', '', 'users');

CREATE TRIGGER user_consents_events_delete AFTER DELETE ON public.user_consents REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('user', 'user', 'user_id', '', 'users');

CREATE TRIGGER user_consents_events_insert AFTER INSERT ON public.user_consents REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('user', 'user', 'user_id', '', 'users');

CREATE TRIGGER user_consents_not_erased BEFORE INSERT ON public.user_consents FOR EACH ROW EXECUTE FUNCTION public.refuse_anonymized('user_id');

CREATE TRIGGER user_sessions_not_erased BEFORE INSERT ON public.user_sessions FOR EACH ROW EXECUTE FUNCTION public.refuse_anonymized('user_id');

CREATE TRIGGER user_sessions_touch BEFORE UPDATE ON public.user_sessions FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER users_audit AFTER UPDATE ON public.users REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('user_id', 'user_id', 'user_type,status');

CREATE TRIGGER users_audit_delete AFTER DELETE ON public.users REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('user_id', 'user_id', 'user_type,status');

CREATE TRIGGER users_audit_insert AFTER INSERT ON public.users REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('user_id', 'user_id', 'user_type,status');

CREATE TRIGGER users_end_sessions AFTER UPDATE OF status, password_hash ON public.users FOR EACH ROW WHEN ((((old.password_hash)::text IS DISTINCT FROM (new.password_hash)::text) OR (((old.status)::text = 'active'::text) AND ((new.status)::text <> 'active'::text)))) EXECUTE FUNCTION public.end_sessions();

CREATE TRIGGER users_events AFTER UPDATE ON public.users REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('user', 'user', 'user_id');

CREATE TRIGGER users_events_delete AFTER DELETE ON public.users REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('user', 'user', 'user_id');

CREATE TRIGGER users_events_insert AFTER INSERT ON public.users REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_aggregate_events('user', 'user', 'user_id');

CREATE TRIGGER users_touch BEFORE UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE TRIGGER users_type_change BEFORE UPDATE OF user_type ON public.users FOR EACH ROW WHEN (((old.user_type)::text IS DISTINCT FROM (new.user_type)::text)) EXECUTE FUNCTION public.check_user_type_change();

CREATE TRIGGER work_experiences_audit AFTER UPDATE ON public.work_experiences REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('experience_id', 'candidate_id', '');

CREATE TRIGGER work_experiences_audit_delete AFTER DELETE ON public.work_experiences REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('experience_id', 'candidate_id', '');

CREATE TRIGGER work_experiences_audit_insert AFTER INSERT ON public.work_experiences REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_changes('experience_id', 'candidate_id', '');

CREATE TRIGGER work_experiences_events AFTER UPDATE ON public.work_experiences REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('candidate', 'candidate.profile', 'candidate_id', 'user_id', 'candidate_profiles');

CREATE TRIGGER work_experiences_events_delete AFTER DELETE ON public.work_experiences REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('candidate', 'candidate.profile', 'candidate_id', 'user_id', 'candidate_profiles');

CREATE TRIGGER work_experiences_events_insert AFTER INSERT ON public.work_experiences REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.publish_child_events('candidate', 'candidate.profile', 'candidate_id', 'user_id', 'candidate_profiles');

CREATE TRIGGER work_experiences_is_current BEFORE INSERT OR UPDATE OF end_date, is_current ON public.work_experiences FOR EACH ROW EXECUTE FUNCTION public.derive_is_current();

CREATE TRIGGER work_experiences_profile_delete AFTER DELETE ON public.work_experiences REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.refresh_candidate_profiles();

CREATE TRIGGER work_experiences_profile_insert AFTER INSERT ON public.work_experiences REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.refresh_candidate_profiles();

CREATE TRIGGER work_experiences_profile_update AFTER UPDATE ON public.work_experiences REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.refresh_candidate_profiles();

CREATE TRIGGER work_experiences_touch BEFORE UPDATE ON public.work_experiences FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

ALTER TABLE ONLY public.audit_chain
    ADD CONSTRAINT audit_chain_epoch_id_fkey FOREIGN KEY (epoch_id) REFERENCES public.audit_epochs(epoch_id);

ALTER TABLE ONLY public.candidate_job_matches
    ADD CONSTRAINT candidate_job_matches_candidate_id_fkey FOREIGN KEY (candidate_id) REFERENCES public.candidate_profiles(candidate_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.candidate_job_matches
    ADD CONSTRAINT candidate_job_matches_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.job_posting_keys(job_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.candidate_languages
    ADD CONSTRAINT candidate_languages_candidate_id_fkey FOREIGN KEY (candidate_id) REFERENCES public.candidate_profiles(candidate_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.candidate_profiles
    ADD CONSTRAINT candidate_profiles_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(user_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.candidate_skills
    ADD CONSTRAINT candidate_skills_candidate_id_fkey FOREIGN KEY (candidate_id) REFERENCES public.candidate_profiles(candidate_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.candidate_skills
    ADD CONSTRAINT candidate_skills_skill_id_fkey FOREIGN KEY (skill_id) REFERENCES public.skills_taxonomy(skill_id);

ALTER TABLE ONLY public.certifications
    ADD CONSTRAINT certifications_candidate_id_fkey FOREIGN KEY (candidate_id) REFERENCES public.candidate_profiles(candidate_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.company_members
    ADD CONSTRAINT company_members_company_id_fkey FOREIGN KEY (company_id) REFERENCES public.companies(company_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.company_members
    ADD CONSTRAINT company_members_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(user_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.education
    ADD CONSTRAINT education_candidate_id_fkey FOREIGN KEY (candidate_id) REFERENCES public.candidate_profiles(candidate_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.job_applications
    ADD CONSTRAINT job_applications_candidate_id_fkey FOREIGN KEY (candidate_id) REFERENCES public.candidate_profiles(candidate_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.job_applications
    ADD CONSTRAINT job_applications_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.job_posting_keys(job_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.job_locations
    ADD CONSTRAINT job_locations_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.job_posting_keys(job_id) ON DELETE CASCADE;

ALTER TABLE public.job_postings
    ADD CONSTRAINT job_postings_company_id_fkey FOREIGN KEY (company_id) REFERENCES public.companies(company_id);

ALTER TABLE public.job_postings
    ADD CONSTRAINT job_postings_recruiter_id_fkey FOREIGN KEY (recruiter_id) REFERENCES public.users(user_id) ON DELETE SET NULL;

ALTER TABLE ONLY public.job_required_skills
    ADD CONSTRAINT job_required_skills_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.job_posting_keys(job_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.job_required_skills
    ADD CONSTRAINT job_required_skills_skill_id_fkey FOREIGN KEY (skill_id) REFERENCES public.skills_taxonomy(skill_id);

ALTER TABLE ONLY public.job_skill_weights
    ADD CONSTRAINT job_skill_weights_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.job_posting_keys(job_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.occupation_skills
    ADD CONSTRAINT occupation_skills_occupation_id_fkey FOREIGN KEY (occupation_id) REFERENCES public.occupations(occupation_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.occupation_skills
    ADD CONSTRAINT occupation_skills_skill_id_fkey FOREIGN KEY (skill_id) REFERENCES public.skills_taxonomy(skill_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.skill_relations
    ADD CONSTRAINT skill_relations_related_skill_id_fkey FOREIGN KEY (related_skill_id) REFERENCES public.skills_taxonomy(skill_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.skill_relations
    ADD CONSTRAINT skill_relations_skill_id_fkey FOREIGN KEY (skill_id) REFERENCES public.skills_taxonomy(skill_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.skills_taxonomy
    ADD CONSTRAINT skills_taxonomy_parent_skill_id_fkey FOREIGN KEY (parent_skill_id) REFERENCES public.skills_taxonomy(skill_id);

ALTER TABLE ONLY public.user_sessions
    ADD CONSTRAINT user_sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(user_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.work_experiences
    ADD CONSTRAINT work_experiences_candidate_id_fkey FOREIGN KEY (candidate_id) REFERENCES public.candidate_profiles(candidate_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.work_experiences
    ADD CONSTRAINT work_experiences_promotion_from_fkey FOREIGN KEY (promotion_from, candidate_id) REFERENCES public.work_experiences(experience_id, candidate_id) ON DELETE SET NULL (promotion_from);

CREATE POLICY definer_access ON app_private.keys TO matching_definer USING (true) WITH CHECK (true);

ALTER TABLE app_private.keys ENABLE ROW LEVEL SECURITY;

CREATE POLICY admin_full_access ON public.candidate_languages TO admin_role USING (true) WITH CHECK (true);

CREATE POLICY admin_full_access ON public.candidate_profiles TO admin_role USING (true) WITH CHECK (true);

CREATE POLICY admin_full_access ON public.candidate_skills TO admin_role USING (true) WITH CHECK (true);

CREATE POLICY admin_full_access ON public.certifications TO admin_role USING (true) WITH CHECK (true);

CREATE POLICY admin_full_access ON public.companies TO admin_role USING (true) WITH CHECK (true);

CREATE POLICY admin_full_access ON public.company_members TO admin_role USING (true) WITH CHECK (true);

CREATE POLICY admin_full_access ON public.education TO admin_role USING (true) WITH CHECK (true);

CREATE POLICY admin_full_access ON public.job_applications TO admin_role USING (true) WITH CHECK (true);

CREATE POLICY admin_full_access ON public.job_locations TO admin_role USING (true) WITH CHECK (true);

CREATE POLICY admin_full_access ON public.job_postings TO admin_role USING (true) WITH CHECK (true);

CREATE POLICY admin_full_access ON public.job_required_skills TO admin_role USING (true) WITH CHECK (true);

CREATE POLICY admin_full_access ON public.work_experiences TO admin_role USING (true) WITH CHECK (true);

CREATE POLICY admin_read ON public.aggregate_events FOR SELECT TO admin_role USING (true);

CREATE POLICY admin_read ON public.audit_heads FOR SELECT TO admin_role USING (true);

CREATE POLICY admin_read ON public.candidate_job_matches FOR SELECT TO admin_role USING (true);

CREATE POLICY admin_read ON public.erasure_requests FOR SELECT TO admin_role USING (true);

CREATE POLICY admin_read ON public.user_consents FOR SELECT TO admin_role USING (true);

ALTER TABLE public.aggregate_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_chain ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_epochs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_heads ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_log ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_log_default ENABLE ROW LEVEL SECURITY;

CREATE POLICY candidate_insert ON public.job_applications FOR INSERT TO authenticated_users WITH CHECK ((public.app_owns_candidate(candidate_id) AND ((status)::text = 'submitted'::text) AND public.app_job_is_open(job_id)));

CREATE POLICY candidate_isolation ON public.candidate_languages TO authenticated_users USING (public.app_owns_candidate(candidate_id)) WITH CHECK (public.app_owns_candidate(candidate_id));

CREATE POLICY candidate_isolation ON public.candidate_skills TO authenticated_users USING (public.app_owns_candidate(candidate_id)) WITH CHECK (public.app_owns_candidate(candidate_id));

CREATE POLICY candidate_isolation ON public.certifications TO authenticated_users USING (public.app_owns_candidate(candidate_id)) WITH CHECK (public.app_owns_candidate(candidate_id));

CREATE POLICY candidate_isolation ON public.education TO authenticated_users USING (public.app_owns_candidate(candidate_id)) WITH CHECK (public.app_owns_candidate(candidate_id));

CREATE POLICY candidate_isolation ON public.work_experiences TO authenticated_users USING (public.app_owns_candidate(candidate_id)) WITH CHECK (public.app_owns_candidate(candidate_id));

ALTER TABLE public.candidate_job_matches ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.candidate_languages ENABLE ROW LEVEL SECURITY;

CREATE POLICY candidate_profile_isolation ON public.candidate_profiles TO authenticated_users USING ((user_id = ( SELECT public.current_app_user() AS current_app_user))) WITH CHECK ((user_id = ( SELECT public.current_app_user() AS current_app_user)));

ALTER TABLE public.candidate_profiles ENABLE ROW LEVEL SECURITY;

CREATE POLICY candidate_read ON public.aggregate_events FOR SELECT TO authenticated_users USING (public.app_owns_application(aggregate_id));

CREATE POLICY candidate_read ON public.candidate_job_matches FOR SELECT TO authenticated_users USING (public.app_owns_candidate(candidate_id));

CREATE POLICY candidate_read ON public.job_applications FOR SELECT TO authenticated_users USING (public.app_owns_candidate(candidate_id));

CREATE POLICY candidate_read ON public.job_postings FOR SELECT TO authenticated_users USING ((((status)::text = 'active'::text) OR (job_id = ANY (( SELECT public.app_applied_jobs() AS app_applied_jobs)::uuid[]))));

ALTER TABLE public.candidate_skills ENABLE ROW LEVEL SECURITY;

CREATE POLICY candidate_withdraw ON public.job_applications FOR UPDATE TO authenticated_users USING ((public.app_owns_candidate(candidate_id) AND ((status)::text = ANY ((ARRAY['submitted'::character varying, 'in_review'::character varying, 'interview'::character varying, 'offer'::character varying])::text[])))) WITH CHECK ((public.app_owns_candidate(candidate_id) AND ((status)::text = 'withdrawn'::text)));

ALTER TABLE public.certifications ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.companies ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.company_members ENABLE ROW LEVEL SECURITY;

CREATE POLICY definer_access ON public.aggregate_events TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.audit_chain TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.audit_epochs TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.audit_heads TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.audit_log TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.candidate_job_matches TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.candidate_languages TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.candidate_profiles TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.candidate_skills TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.certifications TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.companies TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.company_members TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.education TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.erasure_requests TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.job_applications TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.job_locations TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.job_postings TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.job_required_skills TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.legal_holds TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.outbox_dead_letters TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.outbox_events TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.user_consents TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.user_sessions TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.users TO matching_definer USING (true) WITH CHECK (true);

CREATE POLICY definer_access ON public.work_experiences TO matching_definer USING (true) WITH CHECK (true);

ALTER TABLE public.education ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.erasure_requests ENABLE ROW LEVEL SECURITY;

CREATE POLICY identity_required ON public.aggregate_events AS RESTRICTIVE TO authenticated_users, recruiter_role, admin_role USING ((( SELECT public.current_app_user() AS current_app_user) IS NOT NULL));

CREATE POLICY identity_required ON public.audit_heads AS RESTRICTIVE TO authenticated_users, recruiter_role, admin_role USING ((( SELECT public.current_app_user() AS current_app_user) IS NOT NULL));

CREATE POLICY identity_required ON public.candidate_job_matches AS RESTRICTIVE TO authenticated_users, recruiter_role, admin_role USING ((( SELECT public.current_app_user() AS current_app_user) IS NOT NULL));

CREATE POLICY identity_required ON public.candidate_languages AS RESTRICTIVE TO authenticated_users, recruiter_role, admin_role USING ((( SELECT public.current_app_user() AS current_app_user) IS NOT NULL));

CREATE POLICY identity_required ON public.candidate_profiles AS RESTRICTIVE TO authenticated_users, recruiter_role, admin_role USING ((( SELECT public.current_app_user() AS current_app_user) IS NOT NULL));

CREATE POLICY identity_required ON public.candidate_skills AS RESTRICTIVE TO authenticated_users, recruiter_role, admin_role USING ((( SELECT public.current_app_user() AS current_app_user) IS NOT NULL));

CREATE POLICY identity_required ON public.certifications AS RESTRICTIVE TO authenticated_users, recruiter_role, admin_role USING ((( SELECT public.current_app_user() AS current_app_user) IS NOT NULL));

CREATE POLICY identity_required ON public.companies AS RESTRICTIVE TO authenticated_users, recruiter_role, admin_role USING ((( SELECT public.current_app_user() AS current_app_user) IS NOT NULL));

CREATE POLICY identity_required ON public.company_members AS RESTRICTIVE TO authenticated_users, recruiter_role, admin_role USING ((( SELECT public.current_app_user() AS current_app_user) IS NOT NULL));

CREATE POLICY identity_required ON public.education AS RESTRICTIVE TO authenticated_users, recruiter_role, admin_role USING ((( SELECT public.current_app_user() AS current_app_user) IS NOT NULL));

CREATE POLICY identity_required ON public.erasure_requests AS RESTRICTIVE TO authenticated_users, recruiter_role, admin_role USING ((( SELECT public.current_app_user() AS current_app_user) IS NOT NULL));

CREATE POLICY identity_required ON public.job_applications AS RESTRICTIVE TO authenticated_users, recruiter_role, admin_role USING ((( SELECT public.current_app_user() AS current_app_user) IS NOT NULL));

CREATE POLICY identity_required ON public.job_locations AS RESTRICTIVE TO authenticated_users, recruiter_role, admin_role USING ((( SELECT public.current_app_user() AS current_app_user) IS NOT NULL));

CREATE POLICY identity_required ON public.job_postings AS RESTRICTIVE TO authenticated_users, recruiter_role, admin_role USING ((( SELECT public.current_app_user() AS current_app_user) IS NOT NULL));

CREATE POLICY identity_required ON public.job_required_skills AS RESTRICTIVE TO authenticated_users, recruiter_role, admin_role USING ((( SELECT public.current_app_user() AS current_app_user) IS NOT NULL));

CREATE POLICY identity_required ON public.user_consents AS RESTRICTIVE TO authenticated_users, recruiter_role, admin_role USING ((( SELECT public.current_app_user() AS current_app_user) IS NOT NULL));

CREATE POLICY identity_required ON public.work_experiences AS RESTRICTIVE TO authenticated_users, recruiter_role, admin_role USING ((( SELECT public.current_app_user() AS current_app_user) IS NOT NULL));

ALTER TABLE public.job_applications ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.job_locations ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.job_postings ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.job_postings_default ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.job_required_skills ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.legal_holds ENABLE ROW LEVEL SECURITY;

CREATE POLICY member_read ON public.company_members FOR SELECT TO recruiter_role USING (public.app_is_company_member(company_id));

CREATE POLICY member_update ON public.companies FOR UPDATE TO recruiter_role USING (public.app_is_company_member(company_id)) WITH CHECK (public.app_is_company_member(company_id));

ALTER TABLE public.outbox_dead_letters ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.outbox_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.outbox_events_default ENABLE ROW LEVEL SECURITY;

CREATE POLICY outbox_worker_access ON public.outbox_dead_letters TO outbox_worker USING (true) WITH CHECK (true);

CREATE POLICY outbox_worker_access ON public.outbox_events FOR SELECT TO outbox_worker USING (true);

CREATE POLICY outbox_worker_read ON public.erasure_requests FOR SELECT TO outbox_worker USING (true);

CREATE POLICY outbox_worker_report ON public.erasure_requests FOR UPDATE TO outbox_worker USING (((store)::text <> 'core'::text)) WITH CHECK (((store)::text <> 'core'::text));

CREATE POLICY own_consents ON public.user_consents FOR SELECT TO authenticated_users, recruiter_role USING ((user_id = ( SELECT public.current_app_user() AS current_app_user)));

CREATE POLICY own_requests ON public.erasure_requests FOR SELECT TO authenticated_users, recruiter_role USING ((user_id = ( SELECT public.current_app_user() AS current_app_user)));

CREATE POLICY owner_delete ON public.company_members FOR DELETE TO recruiter_role USING ((public.app_is_company_owner(company_id) OR (user_id = ( SELECT public.current_app_user() AS current_app_user))));

CREATE POLICY owner_insert ON public.company_members FOR INSERT TO recruiter_role WITH CHECK (public.app_is_company_owner(company_id));

CREATE POLICY owner_update ON public.company_members FOR UPDATE TO recruiter_role USING (public.app_is_company_owner(company_id)) WITH CHECK (public.app_is_company_owner(company_id));

CREATE POLICY public_read ON public.companies FOR SELECT TO authenticated_users, recruiter_role USING (true);

CREATE POLICY public_read ON public.job_locations FOR SELECT TO authenticated_users, recruiter_role USING (true);

CREATE POLICY public_read ON public.job_required_skills FOR SELECT TO authenticated_users, recruiter_role USING (true);

CREATE POLICY recruiter_access ON public.candidate_languages FOR SELECT TO recruiter_role USING ((public.app_candidate_access(candidate_id) >= 2));

CREATE POLICY recruiter_access ON public.candidate_skills FOR SELECT TO recruiter_role USING ((public.app_candidate_access(candidate_id) >= 1));

CREATE POLICY recruiter_access ON public.certifications FOR SELECT TO recruiter_role USING ((public.app_candidate_access(candidate_id) >= 2));

CREATE POLICY recruiter_access ON public.education FOR SELECT TO recruiter_role USING ((public.app_candidate_access(candidate_id) >= 2));

CREATE POLICY recruiter_access ON public.work_experiences FOR SELECT TO recruiter_role USING ((public.app_candidate_access(candidate_id) >= 2));

CREATE POLICY recruiter_candidate_access ON public.candidate_profiles FOR SELECT TO recruiter_role USING ((((profile_visibility)::text = ANY ((ARRAY['public'::character varying, 'limited'::character varying])::text[])) OR (public.app_candidate_access(candidate_id) = 3)));

CREATE POLICY recruiter_delete ON public.job_locations FOR DELETE TO recruiter_role USING (public.app_recruits_job(job_id));

CREATE POLICY recruiter_delete ON public.job_required_skills FOR DELETE TO recruiter_role USING (public.app_recruits_job(job_id));

CREATE POLICY recruiter_insert ON public.companies FOR INSERT TO recruiter_role WITH CHECK (true);

CREATE POLICY recruiter_insert ON public.job_locations FOR INSERT TO recruiter_role WITH CHECK (public.app_recruits_job(job_id));

CREATE POLICY recruiter_insert ON public.job_postings FOR INSERT TO recruiter_role WITH CHECK (((recruiter_id = ( SELECT public.current_app_user() AS current_app_user)) AND public.app_is_company_member(company_id)));

CREATE POLICY recruiter_insert ON public.job_required_skills FOR INSERT TO recruiter_role WITH CHECK (public.app_recruits_job(job_id));

CREATE POLICY recruiter_read ON public.aggregate_events FOR SELECT TO recruiter_role USING (public.app_follows_status((aggregate_type)::text, aggregate_id));

CREATE POLICY recruiter_read ON public.candidate_job_matches FOR SELECT TO recruiter_role USING ((public.app_recruits_job(job_id) AND (public.app_candidate_access(candidate_id) >= 1)));

CREATE POLICY recruiter_read ON public.job_applications FOR SELECT TO recruiter_role USING ((public.app_recruits_job(job_id) AND ((status)::text <> 'withdrawn'::text)));

CREATE POLICY recruiter_read ON public.job_postings FOR SELECT TO recruiter_role USING ((((status)::text = 'active'::text) OR (company_id = ANY (( SELECT public.app_companies() AS app_companies)::uuid[]))));

CREATE POLICY recruiter_update ON public.job_applications FOR UPDATE TO recruiter_role USING ((public.app_recruits_job(job_id) AND ((status)::text <> 'withdrawn'::text))) WITH CHECK ((public.app_recruits_job(job_id) AND ((status)::text <> 'withdrawn'::text)));

CREATE POLICY recruiter_update ON public.job_locations FOR UPDATE TO recruiter_role USING (public.app_recruits_job(job_id)) WITH CHECK (public.app_recruits_job(job_id));

CREATE POLICY recruiter_update ON public.job_postings FOR UPDATE TO recruiter_role USING (((recruiter_id = ( SELECT public.current_app_user() AS current_app_user)) AND public.app_is_company_member(company_id))) WITH CHECK (((recruiter_id = ( SELECT public.current_app_user() AS current_app_user)) AND public.app_is_company_member(company_id)));

CREATE POLICY recruiter_update ON public.job_required_skills FOR UPDATE TO recruiter_role USING (public.app_recruits_job(job_id)) WITH CHECK (public.app_recruits_job(job_id));

ALTER TABLE public.user_consents ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.user_sessions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.work_experiences ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA app_private TO matching_definer;

GRANT USAGE ON SCHEMA pgbouncer TO pgbouncer_auth;

GRANT ALL ON SCHEMA public TO supersmartmatch_core_owner;
GRANT ALL ON SCHEMA public TO matching_definer;
GRANT USAGE ON SCHEMA public TO authenticated_users;
GRANT USAGE ON SCHEMA public TO recruiter_role;
GRANT USAGE ON SCHEMA public TO admin_role;
GRANT USAGE ON SCHEMA public TO authentication_role;
GRANT USAGE ON SCHEMA public TO outbox_worker;
GRANT USAGE ON SCHEMA public TO analytics;

REVOKE ALL ON FUNCTION pgbouncer.get_auth(p_usename text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgbouncer.get_auth(p_usename text) TO pgbouncer_auth;

REVOKE ALL ON FUNCTION public.add_consent(p_user_id uuid, p_purpose text, p_granted boolean, p_version text, p_source text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.add_consent(p_user_id uuid, p_purpose text, p_granted boolean, p_version text, p_source text) TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.add_event_triggers(p_table regclass, p_function text, VARIADIC p_arguments text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.add_founding_member() FROM PUBLIC;
GRANT ALL ON FUNCTION public.add_founding_member() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.add_job_skill_weights() FROM PUBLIC;
GRANT ALL ON FUNCTION public.add_job_skill_weights() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.anonymize_user_data(target_user_id uuid, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.anonymize_user_data(target_user_id uuid, reason text) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.anonymize_user_data(target_user_id uuid, reason text) TO authenticated_users;
GRANT ALL ON FUNCTION public.anonymize_user_data(target_user_id uuid, reason text) TO recruiter_role;
GRANT ALL ON FUNCTION public.anonymize_user_data(target_user_id uuid, reason text) TO admin_role;

REVOKE ALL ON FUNCTION public.app_applied_jobs() FROM PUBLIC;
GRANT ALL ON FUNCTION public.app_applied_jobs() TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.app_applied_jobs() TO authenticated_users;
GRANT ALL ON FUNCTION public.app_applied_jobs() TO recruiter_role;
GRANT ALL ON FUNCTION public.app_applied_jobs() TO admin_role;

REVOKE ALL ON FUNCTION public.app_can_see_candidate(p_candidate_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.app_can_see_candidate(p_candidate_id uuid) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.app_can_see_candidate(p_candidate_id uuid) TO authenticated_users;
GRANT ALL ON FUNCTION public.app_can_see_candidate(p_candidate_id uuid) TO recruiter_role;
GRANT ALL ON FUNCTION public.app_can_see_candidate(p_candidate_id uuid) TO admin_role;

REVOKE ALL ON FUNCTION public.app_candidate_access(p_candidate_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.app_candidate_access(p_candidate_id uuid) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.app_candidate_access(p_candidate_id uuid) TO authenticated_users;
GRANT ALL ON FUNCTION public.app_candidate_access(p_candidate_id uuid) TO recruiter_role;
GRANT ALL ON FUNCTION public.app_candidate_access(p_candidate_id uuid) TO admin_role;

REVOKE ALL ON FUNCTION public.app_companies() FROM PUBLIC;
GRANT ALL ON FUNCTION public.app_companies() TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.app_companies() TO authenticated_users;
GRANT ALL ON FUNCTION public.app_companies() TO recruiter_role;
GRANT ALL ON FUNCTION public.app_companies() TO admin_role;

REVOKE ALL ON FUNCTION public.app_follows_status(p_aggregate_type text, p_aggregate_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.app_follows_status(p_aggregate_type text, p_aggregate_id uuid) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.app_follows_status(p_aggregate_type text, p_aggregate_id uuid) TO authenticated_users;
GRANT ALL ON FUNCTION public.app_follows_status(p_aggregate_type text, p_aggregate_id uuid) TO recruiter_role;
GRANT ALL ON FUNCTION public.app_follows_status(p_aggregate_type text, p_aggregate_id uuid) TO admin_role;

REVOKE ALL ON FUNCTION public.app_has_applied(p_job_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.app_has_applied(p_job_id uuid) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.app_has_applied(p_job_id uuid) TO authenticated_users;
GRANT ALL ON FUNCTION public.app_has_applied(p_job_id uuid) TO recruiter_role;
GRANT ALL ON FUNCTION public.app_has_applied(p_job_id uuid) TO admin_role;

REVOKE ALL ON FUNCTION public.app_is_company_member(p_company_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.app_is_company_member(p_company_id uuid) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.app_is_company_member(p_company_id uuid) TO authenticated_users;
GRANT ALL ON FUNCTION public.app_is_company_member(p_company_id uuid) TO recruiter_role;
GRANT ALL ON FUNCTION public.app_is_company_member(p_company_id uuid) TO admin_role;

REVOKE ALL ON FUNCTION public.app_is_company_owner(p_company_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.app_is_company_owner(p_company_id uuid) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.app_is_company_owner(p_company_id uuid) TO authenticated_users;
GRANT ALL ON FUNCTION public.app_is_company_owner(p_company_id uuid) TO recruiter_role;
GRANT ALL ON FUNCTION public.app_is_company_owner(p_company_id uuid) TO admin_role;

REVOKE ALL ON FUNCTION public.app_job_is_open(p_job_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.app_job_is_open(p_job_id uuid) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.app_job_is_open(p_job_id uuid) TO authenticated_users;
GRANT ALL ON FUNCTION public.app_job_is_open(p_job_id uuid) TO recruiter_role;
GRANT ALL ON FUNCTION public.app_job_is_open(p_job_id uuid) TO admin_role;

REVOKE ALL ON FUNCTION public.app_owns_application(p_application_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.app_owns_application(p_application_id uuid) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.app_owns_application(p_application_id uuid) TO authenticated_users;
GRANT ALL ON FUNCTION public.app_owns_application(p_application_id uuid) TO recruiter_role;
GRANT ALL ON FUNCTION public.app_owns_application(p_application_id uuid) TO admin_role;

REVOKE ALL ON FUNCTION public.app_owns_candidate(p_candidate_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.app_owns_candidate(p_candidate_id uuid) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.app_owns_candidate(p_candidate_id uuid) TO authenticated_users;
GRANT ALL ON FUNCTION public.app_owns_candidate(p_candidate_id uuid) TO recruiter_role;
GRANT ALL ON FUNCTION public.app_owns_candidate(p_candidate_id uuid) TO admin_role;

REVOKE ALL ON FUNCTION public.app_recruits_job(p_job_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.app_recruits_job(p_job_id uuid) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.app_recruits_job(p_job_id uuid) TO authenticated_users;
GRANT ALL ON FUNCTION public.app_recruits_job(p_job_id uuid) TO recruiter_role;
GRANT ALL ON FUNCTION public.app_recruits_job(p_job_id uuid) TO admin_role;

REVOKE ALL ON FUNCTION public.audit_changes() FROM PUBLIC;
GRANT ALL ON FUNCTION public.audit_changes() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.audit_classification(p_table_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.audit_classification(p_table_name text) TO matching_definer;

REVOKE ALL ON FUNCTION public.audit_ip_hash(p_ip inet) FROM PUBLIC;
GRANT ALL ON FUNCTION public.audit_ip_hash(p_ip inet) TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.audit_ip_matches(p_ip inet, p_ip_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.audit_ip_matches(p_ip inet, p_ip_hash bytea) TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.audit_link_hash(p_previous bytea, p_month date, p_row_hash bytea, p_retention_until date) FROM PUBLIC;
GRANT ALL ON FUNCTION public.audit_link_hash(p_previous bytea, p_month date, p_row_hash bytea, p_retention_until date) TO matching_definer;

REVOKE ALL ON FUNCTION public.audit_month(p_timestamp timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.audit_month(p_timestamp timestamp with time zone) TO matching_definer;

REVOKE ALL ON FUNCTION public.audit_read(p_table_name text, p_record_id uuid, p_subject_user_id uuid, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.audit_read(p_table_name text, p_record_id uuid, p_subject_user_id uuid, p_reason text) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.audit_read(p_table_name text, p_record_id uuid, p_subject_user_id uuid, p_reason text) TO admin_role;

REVOKE ALL ON FUNCTION public.audit_retention(p_table_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.audit_retention(p_table_name text) TO matching_definer;

GRANT SELECT,INSERT,DELETE ON TABLE public.audit_log TO matching_definer;

GRANT UPDATE(user_ip) ON TABLE public.audit_log TO matching_definer;

REVOKE ALL ON FUNCTION public.audit_row_hash(p public.audit_log, p_ip_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.audit_row_hash(p public.audit_log, p_ip_hash bytea) TO matching_definer;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.candidate_profiles TO matching_definer;

GRANT SELECT(candidate_id) ON TABLE public.candidate_profiles TO authenticated_users;
GRANT SELECT(candidate_id) ON TABLE public.candidate_profiles TO admin_role;
GRANT SELECT(candidate_id) ON TABLE public.candidate_profiles TO recruiter_role;

GRANT SELECT(user_id),INSERT(user_id) ON TABLE public.candidate_profiles TO authenticated_users;
GRANT SELECT(user_id),INSERT(user_id) ON TABLE public.candidate_profiles TO admin_role;

GRANT SELECT(first_name),INSERT(first_name),UPDATE(first_name) ON TABLE public.candidate_profiles TO authenticated_users;
GRANT SELECT(first_name),INSERT(first_name),UPDATE(first_name) ON TABLE public.candidate_profiles TO admin_role;

GRANT SELECT(last_name),INSERT(last_name),UPDATE(last_name) ON TABLE public.candidate_profiles TO authenticated_users;
GRANT SELECT(last_name),INSERT(last_name),UPDATE(last_name) ON TABLE public.candidate_profiles TO admin_role;

GRANT SELECT(phone),INSERT(phone),UPDATE(phone) ON TABLE public.candidate_profiles TO authenticated_users;
GRANT SELECT(phone),INSERT(phone),UPDATE(phone) ON TABLE public.candidate_profiles TO admin_role;

GRANT INSERT(phone_hash),UPDATE(phone_hash) ON TABLE public.candidate_profiles TO authenticated_users;
GRANT INSERT(phone_hash),UPDATE(phone_hash) ON TABLE public.candidate_profiles TO admin_role;

GRANT SELECT(date_of_birth),INSERT(date_of_birth),UPDATE(date_of_birth) ON TABLE public.candidate_profiles TO authenticated_users;
GRANT SELECT(date_of_birth),INSERT(date_of_birth),UPDATE(date_of_birth) ON TABLE public.candidate_profiles TO admin_role;

GRANT SELECT(nationality),INSERT(nationality),UPDATE(nationality) ON TABLE public.candidate_profiles TO authenticated_users;
GRANT SELECT(nationality),INSERT(nationality),UPDATE(nationality) ON TABLE public.candidate_profiles TO admin_role;

GRANT SELECT(current_title),INSERT(current_title),UPDATE(current_title) ON TABLE public.candidate_profiles TO authenticated_users;
GRANT SELECT(current_title),INSERT(current_title),UPDATE(current_title) ON TABLE public.candidate_profiles TO admin_role;
GRANT SELECT(current_title) ON TABLE public.candidate_profiles TO recruiter_role;

GRANT SELECT(experience_years),INSERT(experience_years),UPDATE(experience_years) ON TABLE public.candidate_profiles TO authenticated_users;
GRANT SELECT(experience_years),INSERT(experience_years),UPDATE(experience_years) ON TABLE public.candidate_profiles TO admin_role;
GRANT SELECT(experience_years) ON TABLE public.candidate_profiles TO recruiter_role;

GRANT SELECT(availability_status),INSERT(availability_status),UPDATE(availability_status) ON TABLE public.candidate_profiles TO authenticated_users;
GRANT SELECT(availability_status),INSERT(availability_status),UPDATE(availability_status) ON TABLE public.candidate_profiles TO admin_role;

GRANT SELECT(expected_salary_min),INSERT(expected_salary_min),UPDATE(expected_salary_min) ON TABLE public.candidate_profiles TO authenticated_users;
GRANT SELECT(expected_salary_min),INSERT(expected_salary_min),UPDATE(expected_salary_min) ON TABLE public.candidate_profiles TO admin_role;

GRANT SELECT(expected_salary_max),INSERT(expected_salary_max),UPDATE(expected_salary_max) ON TABLE public.candidate_profiles TO authenticated_users;
GRANT SELECT(expected_salary_max),INSERT(expected_salary_max),UPDATE(expected_salary_max) ON TABLE public.candidate_profiles TO admin_role;

GRANT SELECT(currency),INSERT(currency),UPDATE(currency) ON TABLE public.candidate_profiles TO authenticated_users;
GRANT SELECT(currency),INSERT(currency),UPDATE(currency) ON TABLE public.candidate_profiles TO admin_role;

GRANT SELECT(expected_salary_period),INSERT(expected_salary_period),UPDATE(expected_salary_period) ON TABLE public.candidate_profiles TO authenticated_users;
GRANT SELECT(expected_salary_period),INSERT(expected_salary_period),UPDATE(expected_salary_period) ON TABLE public.candidate_profiles TO admin_role;

GRANT SELECT(share_expected_salary),INSERT(share_expected_salary),UPDATE(share_expected_salary) ON TABLE public.candidate_profiles TO authenticated_users;
GRANT SELECT(share_expected_salary),INSERT(share_expected_salary),UPDATE(share_expected_salary) ON TABLE public.candidate_profiles TO admin_role;

GRANT SELECT(work_authorization),INSERT(work_authorization),UPDATE(work_authorization) ON TABLE public.candidate_profiles TO authenticated_users;
GRANT SELECT(work_authorization),INSERT(work_authorization),UPDATE(work_authorization) ON TABLE public.candidate_profiles TO admin_role;

GRANT SELECT(profile_completeness) ON TABLE public.candidate_profiles TO authenticated_users;
GRANT SELECT(profile_completeness) ON TABLE public.candidate_profiles TO admin_role;

GRANT SELECT(profile_visibility),INSERT(profile_visibility),UPDATE(profile_visibility) ON TABLE public.candidate_profiles TO authenticated_users;
GRANT SELECT(profile_visibility),INSERT(profile_visibility),UPDATE(profile_visibility) ON TABLE public.candidate_profiles TO admin_role;
GRANT SELECT(profile_visibility) ON TABLE public.candidate_profiles TO recruiter_role;

GRANT SELECT(content_language),INSERT(content_language),UPDATE(content_language) ON TABLE public.candidate_profiles TO authenticated_users;
GRANT SELECT(content_language),INSERT(content_language),UPDATE(content_language) ON TABLE public.candidate_profiles TO admin_role;

GRANT SELECT(last_activity_at),INSERT(last_activity_at),UPDATE(last_activity_at) ON TABLE public.candidate_profiles TO authenticated_users;
GRANT SELECT(last_activity_at),INSERT(last_activity_at),UPDATE(last_activity_at) ON TABLE public.candidate_profiles TO admin_role;

GRANT SELECT(created_at) ON TABLE public.candidate_profiles TO authenticated_users;
GRANT SELECT(created_at) ON TABLE public.candidate_profiles TO admin_role;

GRANT SELECT(updated_at) ON TABLE public.candidate_profiles TO authenticated_users;
GRANT SELECT(updated_at) ON TABLE public.candidate_profiles TO admin_role;

REVOKE ALL ON FUNCTION public.candidate_completeness(p public.candidate_profiles, p_skills bigint, p_experience boolean, p_education boolean, p_language boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.candidate_completeness(p public.candidate_profiles, p_skills bigint, p_experience boolean, p_education boolean, p_language boolean) TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.candidate_facts(p_candidates uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.candidate_facts(p_candidates uuid[]) TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.candidate_search_vector(p public.candidate_profiles, p_skill_names text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.candidate_search_vector(p public.candidate_profiles, p_skill_names text) TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.check_skill_parents() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.check_user_type() FROM PUBLIC;
GRANT ALL ON FUNCTION public.check_user_type() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.check_user_type_change() FROM PUBLIC;
GRANT ALL ON FUNCTION public.check_user_type_change() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.count_applications() FROM PUBLIC;
GRANT ALL ON FUNCTION public.count_applications() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.count_personal_rows(p_user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.count_personal_rows(p_user_id uuid) TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.count_traces(p_user_id uuid, p_since timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.count_traces(p_user_id uuid, p_since timestamp with time zone) TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.create_audit_partition(p_month timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.create_audit_partitions() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.create_job_partition(p_instant timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.create_monthly_partitions() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.create_outbox_partitions() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.create_range_partition(p_parent regclass, p_name text, p_from timestamp with time zone, p_to timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.create_user(p_email text, p_user_type text, p_password_hash text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.create_user(p_email text, p_user_type text, p_password_hash text) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.create_user(p_email text, p_user_type text, p_password_hash text) TO admin_role;

REVOKE ALL ON FUNCTION public.current_app_user() FROM PUBLIC;
GRANT ALL ON FUNCTION public.current_app_user() TO matching_definer;
GRANT ALL ON FUNCTION public.current_app_user() TO authenticated_users;
GRANT ALL ON FUNCTION public.current_app_user() TO recruiter_role;
GRANT ALL ON FUNCTION public.current_app_user() TO admin_role;

REVOKE ALL ON FUNCTION public.current_client_ip() FROM PUBLIC;
GRANT ALL ON FUNCTION public.current_client_ip() TO matching_definer;

REVOKE ALL ON FUNCTION public.decrypt_pii(encrypted_data text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.decrypt_pii(encrypted_data text) TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.derive_closing() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.derive_decision() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.derive_is_current() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.derive_is_native() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.derive_remote_policy() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.derived_columns() FROM PUBLIC;
GRANT ALL ON FUNCTION public.derived_columns() TO matching_definer;
GRANT ALL ON FUNCTION public.derived_columns() TO authenticated_users;
GRANT ALL ON FUNCTION public.derived_columns() TO recruiter_role;
GRANT ALL ON FUNCTION public.derived_columns() TO admin_role;
GRANT ALL ON FUNCTION public.derived_columns() TO outbox_worker;

REVOKE ALL ON FUNCTION public.drop_empty_partitions(p_parent regclass, p_age interval) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.drop_published_outbox_partitions() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.encrypt_pii(data text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.encrypt_pii(data text) TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.end_sessions() FROM PUBLIC;
GRANT ALL ON FUNCTION public.end_sessions() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.erase_traces(p_user_id uuid, p_since timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.erase_traces(p_user_id uuid, p_since timestamp with time zone) TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.erase_user(p_user_id uuid, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.erase_user(p_user_id uuid, p_reason text) TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.erased_tables() FROM PUBLIC;
GRANT ALL ON FUNCTION public.erased_tables() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.expire_certifications() FROM PUBLIC;
GRANT ALL ON FUNCTION public.expire_certifications() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.expire_jobs() FROM PUBLIC;
GRANT ALL ON FUNCTION public.expire_jobs() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.export_user_data(target_user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.export_user_data(target_user_id uuid) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.export_user_data(target_user_id uuid) TO authenticated_users;
GRANT ALL ON FUNCTION public.export_user_data(target_user_id uuid) TO recruiter_role;
GRANT ALL ON FUNCTION public.export_user_data(target_user_id uuid) TO admin_role;

REVOKE ALL ON FUNCTION public.find_account(p_email text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.find_account(p_email text) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.find_account(p_email text) TO authentication_role;

REVOKE ALL ON FUNCTION public.finish_erasures() FROM PUBLIC;
GRANT ALL ON FUNCTION public.finish_erasures() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.generate_job_slug() FROM PUBLIC;
GRANT ALL ON FUNCTION public.generate_job_slug() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.is_on_hold(VARIADIC p_subjects uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.is_on_hold(VARIADIC p_subjects uuid[]) TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.is_string_array(p_value jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.is_string_array(p_value jsonb) TO matching_definer;
GRANT ALL ON FUNCTION public.is_string_array(p_value jsonb) TO authenticated_users;
GRANT ALL ON FUNCTION public.is_string_array(p_value jsonb) TO recruiter_role;
GRANT ALL ON FUNCTION public.is_string_array(p_value jsonb) TO admin_role;

REVOKE ALL ON FUNCTION public.keep_audit_log() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.keep_consents() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.keep_job_identity() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.list_legal_holds() FROM PUBLIC;
GRANT ALL ON FUNCTION public.list_legal_holds() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.lock_aggregate(p_aggregate_type text, p_aggregate_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.lock_aggregate(p_aggregate_type text, p_aggregate_id uuid) TO matching_definer;
GRANT ALL ON FUNCTION public.lock_aggregate(p_aggregate_type text, p_aggregate_id uuid) TO authenticated_users;
GRANT ALL ON FUNCTION public.lock_aggregate(p_aggregate_type text, p_aggregate_id uuid) TO recruiter_role;
GRANT ALL ON FUNCTION public.lock_aggregate(p_aggregate_type text, p_aggregate_id uuid) TO admin_role;

REVOKE ALL ON FUNCTION public.maintenance_jobs_changed() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.missed_months(p_parent regclass) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.publish_aggregate_events() FROM PUBLIC;
GRANT ALL ON FUNCTION public.publish_aggregate_events() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.publish_child_events() FROM PUBLIC;
GRANT ALL ON FUNCTION public.publish_child_events() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.publish_domain_event(p_aggregate_type character varying, p_aggregate_id uuid, p_event_type character varying, p_event_data jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.publish_domain_event(p_aggregate_type character varying, p_aggregate_id uuid, p_event_type character varying, p_event_data jsonb) TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.purge_applications() FROM PUBLIC;
GRANT ALL ON FUNCTION public.purge_applications() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.purge_audit_log(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.purge_audit_log(p_limit integer) TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.purge_closed_jobs() FROM PUBLIC;
GRANT ALL ON FUNCTION public.purge_closed_jobs() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.purge_cron_history() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.purge_event_records() FROM PUBLIC;
GRANT ALL ON FUNCTION public.purge_event_records() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.purge_matches() FROM PUBLIC;
GRANT ALL ON FUNCTION public.purge_matches() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.purge_proofs() FROM PUBLIC;
GRANT ALL ON FUNCTION public.purge_proofs() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.purge_user_sessions() FROM PUBLIC;
GRANT ALL ON FUNCTION public.purge_user_sessions() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.range_partitions(p_parent regclass) FROM PUBLIC;

GRANT SELECT,INSERT,DELETE ON TABLE public.outbox_events TO matching_definer;
GRANT SELECT ON TABLE public.outbox_events TO outbox_worker;

REVOKE ALL ON FUNCTION public.read_outbox(p_relay text, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.read_outbox(p_relay text, p_limit integer) TO outbox_worker;

REVOKE ALL ON FUNCTION public.read_session(p_session_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.read_session(p_session_id uuid) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.read_session(p_session_id uuid) TO authentication_role;

REVOKE ALL ON FUNCTION public.record_consent(p_purpose text, p_granted boolean, p_version text, p_source text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_consent(p_purpose text, p_granted boolean, p_version text, p_source text) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.record_consent(p_purpose text, p_granted boolean, p_version text, p_source text) TO authenticated_users;
GRANT ALL ON FUNCTION public.record_consent(p_purpose text, p_granted boolean, p_version text, p_source text) TO recruiter_role;
GRANT ALL ON FUNCTION public.record_consent(p_purpose text, p_granted boolean, p_version text, p_source text) TO admin_role;

REVOKE ALL ON FUNCTION public.record_login(p_user_id uuid, p_succeeded boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_login(p_user_id uuid, p_succeeded boolean) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.record_login(p_user_id uuid, p_succeeded boolean) TO authentication_role;

REVOKE ALL ON FUNCTION public.record_status() FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_status() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.record_visibility() FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_visibility() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.refresh_candidate_profiles() FROM PUBLIC;
GRANT ALL ON FUNCTION public.refresh_candidate_profiles() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.refresh_skill_demand() FROM PUBLIC;
GRANT ALL ON FUNCTION public.refresh_skill_demand() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.refuse_anonymized() FROM PUBLIC;
GRANT ALL ON FUNCTION public.refuse_anonymized() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.refuse_erased_caller() FROM PUBLIC;
GRANT ALL ON FUNCTION public.refuse_erased_caller() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.remove_job_posting_key() FROM PUBLIC;
GRANT ALL ON FUNCTION public.remove_job_posting_key() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.require_empty_default_partitions() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.require_intact_audit_log() FROM PUBLIC;
GRANT ALL ON FUNCTION public.require_intact_audit_log() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.require_self_or_admin(p_user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.require_self_or_admin(p_user_id uuid) TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.rescue_audit_partition(p_limit integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.rescue_job_partition(p_limit integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.reset_certificate_verification() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.reset_skill_verification() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.retention_cutoff(p_rule text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.retention_cutoff(p_rule text) TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.retention_removes(p_rule text, p_keep interval, p_held boolean, p_holds uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.retention_removes(p_rule text, p_keep interval, p_held boolean, p_holds uuid[]) TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.retention_state() FROM PUBLIC;
GRANT ALL ON FUNCTION public.retention_state() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.revoke_sessions(p_user_id uuid, p_session_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.revoke_sessions(p_user_id uuid, p_session_id uuid) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.revoke_sessions(p_user_id uuid, p_session_id uuid) TO authenticated_users;
GRANT ALL ON FUNCTION public.revoke_sessions(p_user_id uuid, p_session_id uuid) TO recruiter_role;
GRANT ALL ON FUNCTION public.revoke_sessions(p_user_id uuid, p_session_id uuid) TO admin_role;

REVOKE ALL ON FUNCTION public.rotate_session(p_refresh_token_hash text, p_next_token_hash text, p_expires_at timestamp with time zone, p_user_agent text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.rotate_session(p_refresh_token_hash text, p_next_token_hash text, p_expires_at timestamp with time zone, p_user_agent text) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.rotate_session(p_refresh_token_hash text, p_next_token_hash text, p_expires_at timestamp with time zone, p_user_agent text) TO authentication_role;

REVOKE ALL ON FUNCTION public.run_maintenance_job(p_name text) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.schedule_maintenance_jobs() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.seal_audit_log(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.seal_audit_log(p_limit integer) TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.search_candidates(p_query text, p_language text, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.search_candidates(p_query text, p_language text, p_limit integer) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.search_candidates(p_query text, p_language text, p_limit integer) TO recruiter_role;

REVOKE ALL ON FUNCTION public.search_jobs(p_query text, p_language text, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.search_jobs(p_query text, p_language text, p_limit integer) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.search_jobs(p_query text, p_language text, p_limit integer) TO authenticated_users;
GRANT ALL ON FUNCTION public.search_jobs(p_query text, p_language text, p_limit integer) TO recruiter_role;
GRANT ALL ON FUNCTION public.search_jobs(p_query text, p_language text, p_limit integer) TO admin_role;

REVOKE ALL ON FUNCTION public.set_application_user() FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_application_user() TO supersmartmatch_core_owner;

GRANT SELECT,INSERT,UPDATE ON TABLE public.audit_heads TO matching_definer;
GRANT SELECT ON TABLE public.audit_heads TO admin_role;

REVOKE ALL ON FUNCTION public.set_audit_head(p_head public.audit_heads) FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_audit_head(p_head public.audit_heads) TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.set_retention(p_rules jsonb, p_holds jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_retention(p_rules jsonb, p_holds jsonb) TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.start_session(p_user_id uuid, p_refresh_token_hash text, p_expires_at timestamp with time zone, p_user_agent text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.start_session(p_user_id uuid, p_refresh_token_hash text, p_expires_at timestamp with time zone, p_user_agent text) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.start_session(p_user_id uuid, p_refresh_token_hash text, p_expires_at timestamp with time zone, p_user_agent text) TO authentication_role;

REVOKE ALL ON FUNCTION public.touch_updated_at() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.update_candidate_search_vector() FROM PUBLIC;
GRANT ALL ON FUNCTION public.update_candidate_search_vector() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.update_company_search_vector() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.update_job_search_vector() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.update_profile_completeness() FROM PUBLIC;
GRANT ALL ON FUNCTION public.update_profile_completeness() TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.verify_audit_log(p_from date) FROM PUBLIC;
GRANT ALL ON FUNCTION public.verify_audit_log(p_from date) TO supersmartmatch_core_owner;
GRANT ALL ON FUNCTION public.verify_audit_log(p_from date) TO admin_role;

REVOKE ALL ON FUNCTION public.write_audit(p_operation text, p_table_name text, p_record_id uuid, p_actor uuid, p_subject uuid, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.write_audit(p_operation text, p_table_name text, p_record_id uuid, p_actor uuid, p_subject uuid, p_reason text) TO supersmartmatch_core_owner;

REVOKE ALL ON FUNCTION public.yearly_salary(p_amount numeric, p_period text, p_weekly_hours numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION public.yearly_salary(p_amount numeric, p_period text, p_weekly_hours numeric) TO matching_definer;
GRANT ALL ON FUNCTION public.yearly_salary(p_amount numeric, p_period text, p_weekly_hours numeric) TO authenticated_users;
GRANT ALL ON FUNCTION public.yearly_salary(p_amount numeric, p_period text, p_weekly_hours numeric) TO recruiter_role;
GRANT ALL ON FUNCTION public.yearly_salary(p_amount numeric, p_period text, p_weekly_hours numeric) TO admin_role;

GRANT SELECT,INSERT,UPDATE ON TABLE app_private.keys TO matching_definer;

GRANT SELECT ON TABLE public.admin_audit_log TO admin_role;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.users TO matching_definer;

GRANT SELECT ON TABLE public.admin_users TO admin_role;

GRANT SELECT,INSERT,DELETE ON TABLE public.aggregate_events TO matching_definer;
GRANT SELECT ON TABLE public.aggregate_events TO recruiter_role;
GRANT SELECT ON TABLE public.aggregate_events TO admin_role;

GRANT SELECT(aggregate_type) ON TABLE public.aggregate_events TO authenticated_users;

GRANT SELECT(aggregate_id) ON TABLE public.aggregate_events TO authenticated_users;

GRANT SELECT(version) ON TABLE public.aggregate_events TO authenticated_users;

GRANT SELECT(old_status) ON TABLE public.aggregate_events TO authenticated_users;

GRANT SELECT(new_status) ON TABLE public.aggregate_events TO authenticated_users;

GRANT UPDATE(user_id) ON TABLE public.aggregate_events TO matching_definer;

GRANT SELECT(created_at) ON TABLE public.aggregate_events TO authenticated_users;

GRANT SELECT,INSERT,DELETE ON TABLE public.audit_chain TO matching_definer;

GRANT UPDATE(epoch_id) ON TABLE public.audit_chain TO matching_definer;

GRANT SELECT,INSERT ON TABLE public.audit_epochs TO matching_definer;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.candidate_job_matches TO matching_definer;
GRANT SELECT ON TABLE public.candidate_job_matches TO authenticated_users;
GRANT SELECT ON TABLE public.candidate_job_matches TO recruiter_role;
GRANT SELECT ON TABLE public.candidate_job_matches TO admin_role;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.candidate_languages TO matching_definer;
GRANT SELECT,INSERT,DELETE ON TABLE public.candidate_languages TO authenticated_users;
GRANT SELECT,INSERT,DELETE ON TABLE public.candidate_languages TO admin_role;
GRANT SELECT ON TABLE public.candidate_languages TO recruiter_role;

GRANT UPDATE(language_code) ON TABLE public.candidate_languages TO authenticated_users;
GRANT UPDATE(language_code) ON TABLE public.candidate_languages TO admin_role;

GRANT UPDATE(language_name) ON TABLE public.candidate_languages TO authenticated_users;
GRANT UPDATE(language_name) ON TABLE public.candidate_languages TO admin_role;

GRANT UPDATE(proficiency_level) ON TABLE public.candidate_languages TO authenticated_users;
GRANT UPDATE(proficiency_level) ON TABLE public.candidate_languages TO admin_role;

GRANT UPDATE(cefr_level) ON TABLE public.candidate_languages TO authenticated_users;
GRANT UPDATE(cefr_level) ON TABLE public.candidate_languages TO admin_role;

GRANT UPDATE(is_native) ON TABLE public.candidate_languages TO authenticated_users;
GRANT UPDATE(is_native) ON TABLE public.candidate_languages TO admin_role;

GRANT UPDATE(certification_name) ON TABLE public.candidate_languages TO authenticated_users;
GRANT UPDATE(certification_name) ON TABLE public.candidate_languages TO admin_role;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.candidate_skills TO matching_definer;
GRANT SELECT,INSERT,DELETE ON TABLE public.candidate_skills TO admin_role;
GRANT SELECT,DELETE ON TABLE public.candidate_skills TO authenticated_users;

GRANT INSERT(candidate_id) ON TABLE public.candidate_skills TO authenticated_users;
GRANT SELECT(candidate_id) ON TABLE public.candidate_skills TO recruiter_role;

GRANT INSERT(skill_id) ON TABLE public.candidate_skills TO authenticated_users;
GRANT SELECT(skill_id) ON TABLE public.candidate_skills TO recruiter_role;

GRANT UPDATE(skill_level) ON TABLE public.candidate_skills TO admin_role;
GRANT INSERT(skill_level),UPDATE(skill_level) ON TABLE public.candidate_skills TO authenticated_users;
GRANT SELECT(skill_level) ON TABLE public.candidate_skills TO recruiter_role;

GRANT UPDATE(years_experience) ON TABLE public.candidate_skills TO admin_role;
GRANT INSERT(years_experience),UPDATE(years_experience) ON TABLE public.candidate_skills TO authenticated_users;
GRANT SELECT(years_experience) ON TABLE public.candidate_skills TO recruiter_role;

GRANT UPDATE(is_primary) ON TABLE public.candidate_skills TO admin_role;
GRANT INSERT(is_primary),UPDATE(is_primary) ON TABLE public.candidate_skills TO authenticated_users;
GRANT SELECT(is_primary) ON TABLE public.candidate_skills TO recruiter_role;

GRANT UPDATE(last_used_date) ON TABLE public.candidate_skills TO admin_role;
GRANT INSERT(last_used_date),UPDATE(last_used_date) ON TABLE public.candidate_skills TO authenticated_users;

GRANT UPDATE(proficiency_score) ON TABLE public.candidate_skills TO admin_role;

GRANT UPDATE(verification_status) ON TABLE public.candidate_skills TO admin_role;
GRANT SELECT(verification_status) ON TABLE public.candidate_skills TO recruiter_role;

GRANT UPDATE(verification_details) ON TABLE public.candidate_skills TO admin_role;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.certifications TO matching_definer;
GRANT SELECT,INSERT,DELETE ON TABLE public.certifications TO admin_role;
GRANT SELECT,DELETE ON TABLE public.certifications TO authenticated_users;

GRANT SELECT(certification_id) ON TABLE public.certifications TO recruiter_role;

GRANT INSERT(candidate_id) ON TABLE public.certifications TO authenticated_users;
GRANT SELECT(candidate_id) ON TABLE public.certifications TO recruiter_role;

GRANT UPDATE(certification_name) ON TABLE public.certifications TO admin_role;
GRANT INSERT(certification_name),UPDATE(certification_name) ON TABLE public.certifications TO authenticated_users;
GRANT SELECT(certification_name) ON TABLE public.certifications TO recruiter_role;

GRANT UPDATE(issuing_organization) ON TABLE public.certifications TO admin_role;
GRANT INSERT(issuing_organization),UPDATE(issuing_organization) ON TABLE public.certifications TO authenticated_users;
GRANT SELECT(issuing_organization) ON TABLE public.certifications TO recruiter_role;

GRANT UPDATE(issue_date) ON TABLE public.certifications TO admin_role;
GRANT INSERT(issue_date),UPDATE(issue_date) ON TABLE public.certifications TO authenticated_users;
GRANT SELECT(issue_date) ON TABLE public.certifications TO recruiter_role;

GRANT UPDATE(expiration_date) ON TABLE public.certifications TO admin_role;
GRANT INSERT(expiration_date),UPDATE(expiration_date) ON TABLE public.certifications TO authenticated_users;
GRANT SELECT(expiration_date) ON TABLE public.certifications TO recruiter_role;

GRANT UPDATE(credential_id) ON TABLE public.certifications TO admin_role;
GRANT INSERT(credential_id),UPDATE(credential_id) ON TABLE public.certifications TO authenticated_users;

GRANT UPDATE(credential_url) ON TABLE public.certifications TO admin_role;
GRANT INSERT(credential_url),UPDATE(credential_url) ON TABLE public.certifications TO authenticated_users;

GRANT UPDATE(verification_status) ON TABLE public.certifications TO admin_role;
GRANT SELECT(verification_status) ON TABLE public.certifications TO recruiter_role;

GRANT SELECT(created_at) ON TABLE public.certifications TO recruiter_role;

GRANT SELECT(updated_at) ON TABLE public.certifications TO recruiter_role;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.cities TO matching_definer;
GRANT SELECT ON TABLE public.cities TO authenticated_users;
GRANT SELECT ON TABLE public.cities TO recruiter_role;
GRANT SELECT ON TABLE public.cities TO admin_role;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.companies TO matching_definer;
GRANT SELECT ON TABLE public.companies TO authenticated_users;
GRANT SELECT ON TABLE public.companies TO recruiter_role;
GRANT SELECT,INSERT,DELETE ON TABLE public.companies TO admin_role;

GRANT INSERT(company_name),UPDATE(company_name) ON TABLE public.companies TO recruiter_role;
GRANT UPDATE(company_name) ON TABLE public.companies TO admin_role;

GRANT INSERT(legal_name),UPDATE(legal_name) ON TABLE public.companies TO recruiter_role;
GRANT UPDATE(legal_name) ON TABLE public.companies TO admin_role;

GRANT INSERT(industry),UPDATE(industry) ON TABLE public.companies TO recruiter_role;
GRANT UPDATE(industry) ON TABLE public.companies TO admin_role;

GRANT INSERT(company_size),UPDATE(company_size) ON TABLE public.companies TO recruiter_role;
GRANT UPDATE(company_size) ON TABLE public.companies TO admin_role;

GRANT INSERT(founded_year),UPDATE(founded_year) ON TABLE public.companies TO recruiter_role;
GRANT UPDATE(founded_year) ON TABLE public.companies TO admin_role;

GRANT INSERT(headquarters_location),UPDATE(headquarters_location) ON TABLE public.companies TO recruiter_role;
GRANT UPDATE(headquarters_location) ON TABLE public.companies TO admin_role;

GRANT INSERT(website_url),UPDATE(website_url) ON TABLE public.companies TO recruiter_role;
GRANT UPDATE(website_url) ON TABLE public.companies TO admin_role;

GRANT INSERT(logo_url),UPDATE(logo_url) ON TABLE public.companies TO recruiter_role;
GRANT UPDATE(logo_url) ON TABLE public.companies TO admin_role;

GRANT INSERT(description),UPDATE(description) ON TABLE public.companies TO recruiter_role;
GRANT UPDATE(description) ON TABLE public.companies TO admin_role;

GRANT INSERT(content_language),UPDATE(content_language) ON TABLE public.companies TO recruiter_role;
GRANT UPDATE(content_language) ON TABLE public.companies TO admin_role;

GRANT INSERT(company_culture),UPDATE(company_culture) ON TABLE public.companies TO recruiter_role;
GRANT UPDATE(company_culture) ON TABLE public.companies TO admin_role;

GRANT UPDATE(glassdoor_rating) ON TABLE public.companies TO admin_role;

GRANT INSERT(employee_count_range),UPDATE(employee_count_range) ON TABLE public.companies TO recruiter_role;
GRANT UPDATE(employee_count_range) ON TABLE public.companies TO admin_role;

GRANT INSERT(stock_symbol),UPDATE(stock_symbol) ON TABLE public.companies TO recruiter_role;
GRANT UPDATE(stock_symbol) ON TABLE public.companies TO admin_role;

GRANT UPDATE(is_verified) ON TABLE public.companies TO admin_role;

GRANT UPDATE(verification_date) ON TABLE public.companies TO admin_role;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.company_members TO matching_definer;
GRANT SELECT,DELETE ON TABLE public.company_members TO recruiter_role;
GRANT SELECT,INSERT,DELETE ON TABLE public.company_members TO admin_role;

GRANT INSERT(company_id) ON TABLE public.company_members TO recruiter_role;

GRANT INSERT(user_id) ON TABLE public.company_members TO recruiter_role;

GRANT INSERT(role),UPDATE(role) ON TABLE public.company_members TO recruiter_role;
GRANT UPDATE(role) ON TABLE public.company_members TO admin_role;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.job_postings TO matching_definer;
GRANT SELECT ON TABLE public.job_postings TO authenticated_users;
GRANT SELECT ON TABLE public.job_postings TO recruiter_role;
GRANT SELECT,DELETE ON TABLE public.job_postings TO admin_role;

GRANT INSERT(company_id) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(company_id) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(recruiter_id),UPDATE(recruiter_id) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(recruiter_id),UPDATE(recruiter_id) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(title),UPDATE(title) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(title),UPDATE(title) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(department),UPDATE(department) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(department),UPDATE(department) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(employment_type),UPDATE(employment_type) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(employment_type),UPDATE(employment_type) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(seniority_level),UPDATE(seniority_level) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(seniority_level),UPDATE(seniority_level) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(experience_required_min),UPDATE(experience_required_min) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(experience_required_min),UPDATE(experience_required_min) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(experience_required_max),UPDATE(experience_required_max) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(experience_required_max),UPDATE(experience_required_max) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(description),UPDATE(description) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(description),UPDATE(description) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(responsibilities),UPDATE(responsibilities) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(responsibilities),UPDATE(responsibilities) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(requirements),UPDATE(requirements) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(requirements),UPDATE(requirements) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(nice_to_have),UPDATE(nice_to_have) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(nice_to_have),UPDATE(nice_to_have) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(benefits),UPDATE(benefits) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(benefits),UPDATE(benefits) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(content_language),UPDATE(content_language) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(content_language),UPDATE(content_language) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(salary_min),UPDATE(salary_min) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(salary_min),UPDATE(salary_min) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(salary_max),UPDATE(salary_max) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(salary_max),UPDATE(salary_max) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(salary_currency),UPDATE(salary_currency) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(salary_currency),UPDATE(salary_currency) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(salary_period),UPDATE(salary_period) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(salary_period),UPDATE(salary_period) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(weekly_hours),UPDATE(weekly_hours) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(weekly_hours),UPDATE(weekly_hours) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(equity_offered),UPDATE(equity_offered) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(equity_offered),UPDATE(equity_offered) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(bonus_structure),UPDATE(bonus_structure) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(bonus_structure),UPDATE(bonus_structure) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(work_location),UPDATE(work_location) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(work_location),UPDATE(work_location) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(remote_policy),UPDATE(remote_policy) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(remote_policy),UPDATE(remote_policy) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(status),UPDATE(status) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(status),UPDATE(status) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(posted_at),UPDATE(posted_at) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(posted_at),UPDATE(posted_at) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(expires_at),UPDATE(expires_at) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(expires_at),UPDATE(expires_at) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(application_deadline),UPDATE(application_deadline) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(application_deadline),UPDATE(application_deadline) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(application_url),UPDATE(application_url) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(application_url),UPDATE(application_url) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(application_email),UPDATE(application_email) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(application_email),UPDATE(application_email) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(application_instructions),UPDATE(application_instructions) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(application_instructions),UPDATE(application_instructions) ON TABLE public.job_postings TO admin_role;

GRANT INSERT(slug) ON TABLE public.job_postings TO recruiter_role;
GRANT INSERT(slug) ON TABLE public.job_postings TO admin_role;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.education TO matching_definer;
GRANT SELECT,INSERT,DELETE ON TABLE public.education TO authenticated_users;
GRANT SELECT,INSERT,DELETE ON TABLE public.education TO admin_role;
GRANT SELECT ON TABLE public.education TO recruiter_role;

GRANT UPDATE(institution_name) ON TABLE public.education TO authenticated_users;
GRANT UPDATE(institution_name) ON TABLE public.education TO admin_role;

GRANT UPDATE(degree_type) ON TABLE public.education TO authenticated_users;
GRANT UPDATE(degree_type) ON TABLE public.education TO admin_role;

GRANT UPDATE(field_of_study) ON TABLE public.education TO authenticated_users;
GRANT UPDATE(field_of_study) ON TABLE public.education TO admin_role;

GRANT UPDATE(grade) ON TABLE public.education TO authenticated_users;
GRANT UPDATE(grade) ON TABLE public.education TO admin_role;

GRANT UPDATE(start_date) ON TABLE public.education TO authenticated_users;
GRANT UPDATE(start_date) ON TABLE public.education TO admin_role;

GRANT UPDATE(end_date) ON TABLE public.education TO authenticated_users;
GRANT UPDATE(end_date) ON TABLE public.education TO admin_role;

GRANT UPDATE(is_completed) ON TABLE public.education TO authenticated_users;
GRANT UPDATE(is_completed) ON TABLE public.education TO admin_role;

GRANT UPDATE(location) ON TABLE public.education TO authenticated_users;
GRANT UPDATE(location) ON TABLE public.education TO admin_role;

GRANT UPDATE(description) ON TABLE public.education TO authenticated_users;
GRANT UPDATE(description) ON TABLE public.education TO admin_role;

GRANT UPDATE(relevant_coursework) ON TABLE public.education TO authenticated_users;
GRANT UPDATE(relevant_coursework) ON TABLE public.education TO admin_role;

GRANT UPDATE(honors_awards) ON TABLE public.education TO authenticated_users;
GRANT UPDATE(honors_awards) ON TABLE public.education TO admin_role;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.erasure_requests TO matching_definer;
GRANT SELECT ON TABLE public.erasure_requests TO authenticated_users;
GRANT SELECT ON TABLE public.erasure_requests TO recruiter_role;
GRANT SELECT ON TABLE public.erasure_requests TO admin_role;
GRANT SELECT ON TABLE public.erasure_requests TO outbox_worker;

GRANT UPDATE(matched) ON TABLE public.erasure_requests TO outbox_worker;

GRANT UPDATE(erased) ON TABLE public.erasure_requests TO outbox_worker;

GRANT UPDATE(verified_zero) ON TABLE public.erasure_requests TO outbox_worker;

GRANT UPDATE(done_at) ON TABLE public.erasure_requests TO outbox_worker;

GRANT SELECT,DELETE ON TABLE public.inbox TO matching_definer;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.inbox TO outbox_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.job_applications TO matching_definer;
GRANT SELECT,INSERT,DELETE ON TABLE public.job_applications TO admin_role;

GRANT SELECT(application_id) ON TABLE public.job_applications TO authenticated_users;
GRANT SELECT(application_id) ON TABLE public.job_applications TO recruiter_role;

GRANT SELECT(job_id),INSERT(job_id) ON TABLE public.job_applications TO authenticated_users;
GRANT SELECT(job_id) ON TABLE public.job_applications TO recruiter_role;

GRANT SELECT(candidate_id),INSERT(candidate_id) ON TABLE public.job_applications TO authenticated_users;
GRANT SELECT(candidate_id) ON TABLE public.job_applications TO recruiter_role;

GRANT SELECT(status),UPDATE(status) ON TABLE public.job_applications TO authenticated_users;
GRANT SELECT(status),UPDATE(status) ON TABLE public.job_applications TO recruiter_role;
GRANT UPDATE(status) ON TABLE public.job_applications TO admin_role;

GRANT SELECT(cover_letter),INSERT(cover_letter) ON TABLE public.job_applications TO authenticated_users;
GRANT SELECT(cover_letter) ON TABLE public.job_applications TO recruiter_role;
GRANT UPDATE(cover_letter) ON TABLE public.job_applications TO admin_role;

GRANT SELECT(notes),UPDATE(notes) ON TABLE public.job_applications TO recruiter_role;
GRANT UPDATE(notes) ON TABLE public.job_applications TO admin_role;

GRANT SELECT(source),INSERT(source) ON TABLE public.job_applications TO authenticated_users;
GRANT SELECT(source) ON TABLE public.job_applications TO recruiter_role;
GRANT UPDATE(source) ON TABLE public.job_applications TO admin_role;

GRANT SELECT(applied_at) ON TABLE public.job_applications TO authenticated_users;
GRANT SELECT(applied_at) ON TABLE public.job_applications TO recruiter_role;

GRANT SELECT(decided_at) ON TABLE public.job_applications TO authenticated_users;
GRANT SELECT(decided_at) ON TABLE public.job_applications TO recruiter_role;

GRANT SELECT(created_at) ON TABLE public.job_applications TO authenticated_users;
GRANT SELECT(created_at) ON TABLE public.job_applications TO recruiter_role;

GRANT SELECT(updated_at) ON TABLE public.job_applications TO authenticated_users;
GRANT SELECT(updated_at) ON TABLE public.job_applications TO recruiter_role;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.job_locations TO matching_definer;
GRANT SELECT ON TABLE public.job_locations TO authenticated_users;
GRANT SELECT,INSERT,DELETE ON TABLE public.job_locations TO recruiter_role;
GRANT SELECT,INSERT,DELETE ON TABLE public.job_locations TO admin_role;

GRANT UPDATE(is_primary) ON TABLE public.job_locations TO recruiter_role;
GRANT UPDATE(is_primary) ON TABLE public.job_locations TO admin_role;

GRANT SELECT,INSERT,DELETE ON TABLE public.job_posting_keys TO matching_definer;
GRANT SELECT ON TABLE public.job_posting_keys TO authenticated_users;
GRANT SELECT ON TABLE public.job_posting_keys TO recruiter_role;
GRANT SELECT ON TABLE public.job_posting_keys TO admin_role;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.job_required_skills TO matching_definer;
GRANT SELECT ON TABLE public.job_required_skills TO authenticated_users;
GRANT SELECT,INSERT,DELETE ON TABLE public.job_required_skills TO recruiter_role;
GRANT SELECT,INSERT,DELETE ON TABLE public.job_required_skills TO admin_role;

GRANT UPDATE(requirement_type) ON TABLE public.job_required_skills TO recruiter_role;
GRANT UPDATE(requirement_type) ON TABLE public.job_required_skills TO admin_role;

GRANT UPDATE(minimum_level) ON TABLE public.job_required_skills TO recruiter_role;
GRANT UPDATE(minimum_level) ON TABLE public.job_required_skills TO admin_role;

GRANT UPDATE(minimum_years) ON TABLE public.job_required_skills TO recruiter_role;
GRANT UPDATE(minimum_years) ON TABLE public.job_required_skills TO admin_role;

GRANT UPDATE(weight) ON TABLE public.job_required_skills TO recruiter_role;
GRANT UPDATE(weight) ON TABLE public.job_required_skills TO admin_role;

GRANT SELECT,INSERT,UPDATE ON TABLE public.job_skill_weights TO matching_definer;
GRANT SELECT ON TABLE public.job_skill_weights TO authenticated_users;
GRANT SELECT ON TABLE public.job_skill_weights TO recruiter_role;
GRANT SELECT ON TABLE public.job_skill_weights TO admin_role;

GRANT SELECT,INSERT,DELETE ON TABLE public.legal_holds TO matching_definer;

GRANT UPDATE(reason) ON TABLE public.legal_holds TO matching_definer;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.user_sessions TO matching_definer;

GRANT SELECT ON TABLE public.my_sessions TO authenticated_users;
GRANT SELECT ON TABLE public.my_sessions TO recruiter_role;
GRANT SELECT ON TABLE public.my_sessions TO admin_role;

GRANT SELECT ON TABLE public.my_user TO authenticated_users;
GRANT SELECT ON TABLE public.my_user TO recruiter_role;
GRANT SELECT ON TABLE public.my_user TO admin_role;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.occupation_skills TO matching_definer;
GRANT SELECT ON TABLE public.occupation_skills TO authenticated_users;
GRANT SELECT ON TABLE public.occupation_skills TO recruiter_role;
GRANT SELECT ON TABLE public.occupation_skills TO admin_role;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.occupations TO matching_definer;
GRANT SELECT ON TABLE public.occupations TO authenticated_users;
GRANT SELECT ON TABLE public.occupations TO recruiter_role;
GRANT SELECT ON TABLE public.occupations TO admin_role;

GRANT SELECT,INSERT,UPDATE ON TABLE public.outbox_cursor TO outbox_worker;

GRANT SELECT,DELETE ON TABLE public.outbox_dead_letters TO matching_definer;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.outbox_dead_letters TO outbox_worker;

GRANT SELECT ON TABLE public.outbox_events_status TO outbox_worker;

GRANT SELECT ON TABLE public.outbox_published_partitions TO matching_definer;

GRANT SELECT ON TABLE public.recruiter_candidates TO recruiter_role;

GRANT SELECT ON TABLE public.recruiter_certifications TO recruiter_role;

GRANT SELECT ON TABLE public.retention_rules TO matching_definer;

GRANT UPDATE(keep) ON TABLE public.retention_rules TO matching_definer;

GRANT UPDATE(held) ON TABLE public.retention_rules TO matching_definer;

GRANT SELECT ON TABLE public.skill_demand TO authenticated_users;
GRANT SELECT ON TABLE public.skill_demand TO recruiter_role;
GRANT SELECT ON TABLE public.skill_demand TO admin_role;
GRANT SELECT ON TABLE public.skill_demand TO analytics;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.skill_relations TO matching_definer;
GRANT SELECT ON TABLE public.skill_relations TO authenticated_users;
GRANT SELECT ON TABLE public.skill_relations TO recruiter_role;
GRANT SELECT,INSERT,DELETE ON TABLE public.skill_relations TO admin_role;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.skills_taxonomy TO matching_definer;
GRANT SELECT ON TABLE public.skills_taxonomy TO authenticated_users;
GRANT SELECT ON TABLE public.skills_taxonomy TO recruiter_role;
GRANT SELECT,INSERT ON TABLE public.skills_taxonomy TO admin_role;

GRANT UPDATE(esco_uri) ON TABLE public.skills_taxonomy TO admin_role;

GRANT UPDATE(skill_name) ON TABLE public.skills_taxonomy TO admin_role;

GRANT UPDATE(category) ON TABLE public.skills_taxonomy TO admin_role;

GRANT UPDATE(parent_skill_id) ON TABLE public.skills_taxonomy TO admin_role;

GRANT UPDATE(aliases) ON TABLE public.skills_taxonomy TO admin_role;

GRANT UPDATE(description) ON TABLE public.skills_taxonomy TO admin_role;

GRANT UPDATE(skill_level_max) ON TABLE public.skills_taxonomy TO admin_role;

GRANT UPDATE(is_verified) ON TABLE public.skills_taxonomy TO admin_role;

GRANT UPDATE(verification_source) ON TABLE public.skills_taxonomy TO admin_role;

GRANT UPDATE(popularity_score) ON TABLE public.skills_taxonomy TO admin_role;

GRANT UPDATE(market_demand) ON TABLE public.skills_taxonomy TO admin_role;

GRANT SELECT,INSERT,DELETE ON TABLE public.user_consents TO matching_definer;
GRANT SELECT ON TABLE public.user_consents TO authenticated_users;
GRANT SELECT ON TABLE public.user_consents TO recruiter_role;
GRANT SELECT ON TABLE public.user_consents TO admin_role;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.work_experiences TO matching_definer;
GRANT SELECT,INSERT,DELETE ON TABLE public.work_experiences TO authenticated_users;
GRANT SELECT,INSERT,DELETE ON TABLE public.work_experiences TO admin_role;

GRANT SELECT(experience_id) ON TABLE public.work_experiences TO recruiter_role;

GRANT SELECT(candidate_id) ON TABLE public.work_experiences TO recruiter_role;

GRANT UPDATE(company_name) ON TABLE public.work_experiences TO authenticated_users;
GRANT UPDATE(company_name) ON TABLE public.work_experiences TO admin_role;
GRANT SELECT(company_name) ON TABLE public.work_experiences TO recruiter_role;

GRANT UPDATE(position_title) ON TABLE public.work_experiences TO authenticated_users;
GRANT UPDATE(position_title) ON TABLE public.work_experiences TO admin_role;
GRANT SELECT(position_title) ON TABLE public.work_experiences TO recruiter_role;

GRANT UPDATE(employment_type) ON TABLE public.work_experiences TO authenticated_users;
GRANT UPDATE(employment_type) ON TABLE public.work_experiences TO admin_role;
GRANT SELECT(employment_type) ON TABLE public.work_experiences TO recruiter_role;

GRANT UPDATE(industry) ON TABLE public.work_experiences TO authenticated_users;
GRANT UPDATE(industry) ON TABLE public.work_experiences TO admin_role;
GRANT SELECT(industry) ON TABLE public.work_experiences TO recruiter_role;

GRANT UPDATE(company_size) ON TABLE public.work_experiences TO authenticated_users;
GRANT UPDATE(company_size) ON TABLE public.work_experiences TO admin_role;
GRANT SELECT(company_size) ON TABLE public.work_experiences TO recruiter_role;

GRANT UPDATE(start_date) ON TABLE public.work_experiences TO authenticated_users;
GRANT UPDATE(start_date) ON TABLE public.work_experiences TO admin_role;
GRANT SELECT(start_date) ON TABLE public.work_experiences TO recruiter_role;

GRANT UPDATE(end_date) ON TABLE public.work_experiences TO authenticated_users;
GRANT UPDATE(end_date) ON TABLE public.work_experiences TO admin_role;
GRANT SELECT(end_date) ON TABLE public.work_experiences TO recruiter_role;

GRANT UPDATE(is_current) ON TABLE public.work_experiences TO authenticated_users;
GRANT UPDATE(is_current) ON TABLE public.work_experiences TO admin_role;
GRANT SELECT(is_current) ON TABLE public.work_experiences TO recruiter_role;

GRANT UPDATE(location) ON TABLE public.work_experiences TO authenticated_users;
GRANT UPDATE(location) ON TABLE public.work_experiences TO admin_role;
GRANT SELECT(location) ON TABLE public.work_experiences TO recruiter_role;

GRANT UPDATE(description) ON TABLE public.work_experiences TO authenticated_users;
GRANT UPDATE(description) ON TABLE public.work_experiences TO admin_role;
GRANT SELECT(description) ON TABLE public.work_experiences TO recruiter_role;

GRANT UPDATE(key_achievements) ON TABLE public.work_experiences TO authenticated_users;
GRANT UPDATE(key_achievements) ON TABLE public.work_experiences TO admin_role;
GRANT SELECT(key_achievements) ON TABLE public.work_experiences TO recruiter_role;

GRANT UPDATE(skills_used) ON TABLE public.work_experiences TO authenticated_users;
GRANT UPDATE(skills_used) ON TABLE public.work_experiences TO admin_role;
GRANT SELECT(skills_used) ON TABLE public.work_experiences TO recruiter_role;

GRANT UPDATE(salary_range) ON TABLE public.work_experiences TO authenticated_users;
GRANT UPDATE(salary_range) ON TABLE public.work_experiences TO admin_role;

GRANT UPDATE(management_experience) ON TABLE public.work_experiences TO authenticated_users;
GRANT UPDATE(management_experience) ON TABLE public.work_experiences TO admin_role;
GRANT SELECT(management_experience) ON TABLE public.work_experiences TO recruiter_role;

GRANT UPDATE(team_size) ON TABLE public.work_experiences TO authenticated_users;
GRANT UPDATE(team_size) ON TABLE public.work_experiences TO admin_role;
GRANT SELECT(team_size) ON TABLE public.work_experiences TO recruiter_role;

GRANT UPDATE(seniority_level) ON TABLE public.work_experiences TO authenticated_users;
GRANT UPDATE(seniority_level) ON TABLE public.work_experiences TO admin_role;
GRANT SELECT(seniority_level) ON TABLE public.work_experiences TO recruiter_role;

GRANT UPDATE(promotion_from) ON TABLE public.work_experiences TO authenticated_users;
GRANT UPDATE(promotion_from) ON TABLE public.work_experiences TO admin_role;
GRANT SELECT(promotion_from) ON TABLE public.work_experiences TO recruiter_role;

GRANT SELECT(created_at) ON TABLE public.work_experiences TO recruiter_role;

GRANT SELECT(updated_at) ON TABLE public.work_experiences TO recruiter_role;

ALTER DEFAULT PRIVILEGES FOR ROLE matching_definer REVOKE ALL ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE matching_definer GRANT ALL ON FUNCTIONS TO supersmartmatch_core_owner;

ALTER DEFAULT PRIVILEGES FOR ROLE supersmartmatch_core_owner REVOKE ALL ON FUNCTIONS FROM PUBLIC;

