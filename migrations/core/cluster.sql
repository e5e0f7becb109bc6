-- Roles, extensions and grants of the core database. Run as superuser in that database, any number of times, before the
-- numbered files. Passwords are not set here: whoever runs this sets them with ALTER ROLE afterwards.
--
-- Roles belong to the whole server, so the same text may run in another database at the same moment: the first block takes a
-- lock that all databases share. Advisory locks would not do, they are per database.

DO $$
DECLARE
  -- A group owns nothing and cannot log in; a login inherits nothing and picks one group per transaction with SET LOCAL ROLE.
  v_role record;
BEGIN
  BEGIN
    LOCK TABLE pg_catalog.pg_authid IN SHARE ROW EXCLUSIVE MODE;
  EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'not a superuser: roles are created without the lock that all databases share';
  END;

  FOR v_role IN
    SELECT * FROM (VALUES
      ('supersmartmatch_core_owner', 'LOGIN NOINHERIT'),
      ('supersmartmatch_core_app_a', 'LOGIN NOINHERIT'),
      ('supersmartmatch_core_app_b', 'NOLOGIN NOINHERIT'),
      ('matching_definer', 'NOLOGIN'),
      ('authenticated_users', 'NOLOGIN'),
      ('recruiter_role', 'NOLOGIN'),
      ('admin_role', 'NOLOGIN'),
      ('authentication_role', 'NOLOGIN'),
      ('outbox_worker', 'NOLOGIN NOINHERIT'),
      ('analytics', 'NOLOGIN NOINHERIT'),
      ('pgbouncer_auth', 'LOGIN NOINHERIT')
    ) AS wanted (name, attributes)
    WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = wanted.name)
  LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I %s', v_role.name, v_role.attributes);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      RAISE NOTICE 'role % appeared meanwhile', v_role.name;
    END;
  END LOOP;

  -- LOGIN is left as found: rotation switches it between app_a and app_b.
  ALTER ROLE supersmartmatch_core_owner NOINHERIT;
  ALTER ROLE supersmartmatch_core_app_a NOINHERIT;
  ALTER ROLE supersmartmatch_core_app_b NOINHERIT;

  -- PostgreSQL 16 keeps INHERIT and SET with each membership; before, NOINHERIT of the member decides and SET is implied,
  -- and the words below are a syntax error.
  IF current_setting('server_version_num')::integer >= 160000 THEN
    EXECUTE 'GRANT matching_definer TO supersmartmatch_core_owner WITH INHERIT FALSE, SET TRUE';
    EXECUTE 'GRANT authenticated_users, recruiter_role, admin_role, authentication_role
               TO supersmartmatch_core_app_a, supersmartmatch_core_app_b WITH INHERIT FALSE, SET TRUE';
  ELSE
    GRANT matching_definer TO supersmartmatch_core_owner;
    GRANT authenticated_users, recruiter_role, admin_role, authentication_role
      TO supersmartmatch_core_app_a, supersmartmatch_core_app_b;
  END IF;

  -- These count at log-in only; SET ROLE changes neither.
  FOR v_role IN
    SELECT unnest(ARRAY['supersmartmatch_core_owner', 'supersmartmatch_core_app_a', 'supersmartmatch_core_app_b',
                        'outbox_worker', 'analytics']) AS name
  LOOP
    EXECUTE format('ALTER ROLE %I SET search_path = public', v_role.name);
    EXECUTE format('ALTER ROLE %I SET timezone = ''UTC''', v_role.name);
  END LOOP;
END
$$;

DO $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('core cluster.sql', 0));

  CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA public;
  CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA public;
  CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

  REVOKE CREATE ON SCHEMA public FROM PUBLIC;
  GRANT USAGE, CREATE ON SCHEMA public TO supersmartmatch_core_owner, matching_definer;
  GRANT USAGE ON SCHEMA public TO authenticated_users, recruiter_role, admin_role, authentication_role, outbox_worker, analytics;
  -- By default everybody who can log in to the server may connect and make temporary tables.
  EXECUTE format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO supersmartmatch_core_owner, supersmartmatch_core_app_a,
                    supersmartmatch_core_app_b, outbox_worker, analytics, pgbouncer_auth', current_database());
  -- For data migrations, which may not COPY into a table with row level security, and for the refresh of materialized views.
  EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO supersmartmatch_core_owner, matching_definer', current_database());
  -- The migration ledger lives in a schema of its own, which the runner creates as owner.
  EXECUTE format('GRANT CREATE ON DATABASE %I TO supersmartmatch_core_owner', current_database());

  ALTER DEFAULT PRIVILEGES FOR ROLE supersmartmatch_core_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
  ALTER DEFAULT PRIVILEGES FOR ROLE matching_definer REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
  -- The owner attaches definer functions to its tables as triggers and calls them in maintenance. It may become
  -- matching_definer anyway, so this gives it nothing new.
  ALTER DEFAULT PRIVILEGES FOR ROLE matching_definer GRANT EXECUTE ON FUNCTIONS TO supersmartmatch_core_owner;

  -- pg_cron can be created in one database of a server only. Where it is missing, the operator runs what is due.
  IF current_setting('cron.database_name', true) = current_database()
     AND EXISTS (SELECT 1 FROM pg_catalog.pg_available_extensions WHERE name = 'pg_cron') THEN
    CREATE EXTENSION IF NOT EXISTS pg_cron;
    GRANT USAGE ON SCHEMA cron TO supersmartmatch_core_owner;
  ELSE
    RAISE NOTICE 'pg_cron is not available in database %', current_database();
  END IF;

  -- The pooler looks up the password of whoever logs in. Superusers, replication and whoever may migrate never get through it.
  CREATE SCHEMA IF NOT EXISTS pgbouncer;
  CREATE OR REPLACE FUNCTION pgbouncer.get_auth(p_usename text)
  RETURNS TABLE (usename name, passwd text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $body$
    SELECT a.rolname, a.rolpassword
      FROM pg_catalog.pg_authid a
     WHERE a.rolname = p_usename
       AND a.rolcanlogin AND NOT a.rolsuper AND NOT a.rolreplication AND NOT a.rolbypassrls
       AND (a.rolvaliduntil IS NULL OR a.rolvaliduntil > now())
       AND NOT pg_catalog.pg_has_role(a.oid, 'matching_definer', 'MEMBER')
  $body$;
  REVOKE ALL ON FUNCTION pgbouncer.get_auth(text) FROM PUBLIC;
  GRANT USAGE ON SCHEMA pgbouncer TO pgbouncer_auth;
  GRANT EXECUTE ON FUNCTION pgbouncer.get_auth(text) TO pgbouncer_auth;
END
$$;
