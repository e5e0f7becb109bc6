-- What all later files use: the caller's identity, timestamps, salaries, text search.
--
-- Two owners. Tables, plain functions and scheduled work belong to supersmartmatch_core_owner, which runs these files.
-- SECURITY DEFINER functions and definer views belong to matching_definer; a file creates them between
--   SET LOCAL ROLE matching_definer;
--   SET LOCAL ROLE supersmartmatch_core_owner;
-- and every definer function pins its search_path (D-045). EXECUTE is revoked from PUBLIC by default (cluster.sql).

-- Who asks. NULL without an identity, also after a transaction that had one: then the setting is the empty string (D-075).
CREATE FUNCTION current_app_user() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN NULLIF(current_setting('app.current_user_id', true), '')::uuid;
GRANT EXECUTE ON FUNCTION current_app_user() TO matching_definer, authenticated_users, recruiter_role, admin_role;

-- Taken before the first write of a transaction for each aggregate it will change, sorted: makes `sequence` of the outbox the
-- order of changes within an aggregate. Types: user, candidate, company, skill, job, application.
CREATE FUNCTION lock_aggregate(p_aggregate_type text, p_aggregate_id uuid) RETURNS void
LANGUAGE sql
RETURN pg_advisory_xact_lock(hashtextextended(p_aggregate_type || ':' || p_aggregate_id::text, 0));
GRANT EXECUTE ON FUNCTION lock_aggregate(text, uuid) TO matching_definer, authenticated_users, recruiter_role, admin_role;

-- Columns that follow from others. A change of these alone neither touches updated_at nor emits an event (D-030, D-181).
CREATE FUNCTION derived_columns() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY['updated_at', 'search_vector', 'view_count', 'application_count', 'profile_completeness'];
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

-- Yearly amount of a salary, to compare and search (D-026). 35 hours a week where they are not known.
CREATE FUNCTION yearly_salary(p_amount numeric, p_period text, p_weekly_hours numeric DEFAULT NULL) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE p_period
  WHEN 'yearly' THEN p_amount
  WHEN 'monthly' THEN p_amount * 12
  WHEN 'hourly' THEN p_amount * COALESCE(p_weekly_hours, 35) * 52
END;
GRANT EXECUTE ON FUNCTION yearly_salary(numeric, text, numeric)
  TO matching_definer, authenticated_users, recruiter_role, admin_role;

-- A JSON array that holds nothing but strings.
CREATE FUNCTION is_string_array(p_value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN jsonb_typeof(p_value) = 'array' AND NOT jsonb_path_exists(p_value, '$[*] ? (@.type() != "string")');
GRANT EXECUTE ON FUNCTION is_string_array(jsonb) TO matching_definer, authenticated_users, recruiter_role, admin_role;

-- Text search (D-033). The dictionaries have no stop words: 'IT', 'Will' and 'An Do' must be found. Skill names like C++ are
-- matched through skills_taxonomy, not through these.
CREATE TEXT SEARCH DICTIONARY english_plain (TEMPLATE = snowball, Language = english);
CREATE TEXT SEARCH DICTIONARY french_plain (TEMPLATE = snowball, Language = french);

CREATE TEXT SEARCH CONFIGURATION ssm_name (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION ssm_name
  ALTER MAPPING FOR asciiword, asciihword, hword_asciipart, word, hword, hword_part WITH unaccent, simple;
CREATE TEXT SEARCH CONFIGURATION ssm_eng (COPY = english);
ALTER TEXT SEARCH CONFIGURATION ssm_eng
  ALTER MAPPING FOR asciiword, asciihword, hword_asciipart, word, hword, hword_part WITH unaccent, english_plain;
CREATE TEXT SEARCH CONFIGURATION ssm_fra (COPY = french);
ALTER TEXT SEARCH CONFIGURATION ssm_fra
  ALTER MAPPING FOR asciiword, asciihword, hword_asciipart, word, hword, hword_part WITH unaccent, french_plain;
