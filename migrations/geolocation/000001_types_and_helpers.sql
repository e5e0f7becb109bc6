-- What all later files use: the caller's identity, timestamps.
--
-- Two owners. Tables, plain functions and scheduled work belong to supersmartmatch_geo_owner, which runs these files.
-- SECURITY DEFINER functions and definer views belong to matching_definer; a file creates them between
--   SET LOCAL ROLE matching_definer;
--   SET LOCAL ROLE supersmartmatch_geo_owner;
-- and every definer function pins its search_path (D-045). EXECUTE is revoked from PUBLIC by default (cluster.sql).

-- Who asks. NULL without an identity, also after a transaction that had one: then the setting is the empty string (D-075).
CREATE FUNCTION current_app_user() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN NULLIF(current_setting('app.current_user_id', true), '')::uuid;
GRANT EXECUTE ON FUNCTION current_app_user() TO matching_definer, authenticated_users, recruiter_role, admin_role;

-- Taken before the first write of a transaction for each aggregate it will change, sorted: makes `sequence` of the outbox the
-- order of changes within an aggregate. Type: preference.
CREATE FUNCTION lock_aggregate(p_aggregate_type text, p_aggregate_id uuid) RETURNS void
LANGUAGE sql
RETURN pg_advisory_xact_lock(hashtextextended(p_aggregate_type || ':' || p_aggregate_id::text, 0));
GRANT EXECUTE ON FUNCTION lock_aggregate(text, uuid) TO matching_definer, authenticated_users, recruiter_role, admin_role;

-- Columns that follow from others. A change of these alone neither touches updated_at nor emits an event (D-030, D-181).
CREATE FUNCTION derived_columns() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY['updated_at'];
GRANT EXECUTE ON FUNCTION derived_columns() TO matching_definer, authenticated_users, recruiter_role, admin_role, outbox_worker;

-- BEFORE UPDATE only, so an updated_at given on INSERT stays (D-030).
CREATE FUNCTION touch_updated_at() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
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
