-- Roles, extensions and grants of the vault database. Run as superuser in that database, any number of times, before the
-- numbered files. Passwords are not set here: whoever runs this sets them with ALTER ROLE afterwards.
--
-- Roles belong to the whole server, so the same text may run in another database at the same moment: the first block takes a
-- lock that all databases share. Advisory locks would not do, they are per database.
--
-- No pooler leads here: pgbouncer_auth only exists so that every PostgreSQL store has the same logins.

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
      ('supersmartmatch_vault_owner', 'LOGIN NOINHERIT'),
      ('supersmartmatch_vault_app_a', 'LOGIN NOINHERIT'),
      ('supersmartmatch_vault_app_b', 'NOLOGIN NOINHERIT'),
      ('key_keeper', 'NOLOGIN'),
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
  ALTER ROLE supersmartmatch_vault_owner NOINHERIT;
  ALTER ROLE supersmartmatch_vault_app_a NOINHERIT;
  ALTER ROLE supersmartmatch_vault_app_b NOINHERIT;

  -- PostgreSQL 16 keeps INHERIT and SET with each membership; before, NOINHERIT of the member decides and SET is implied,
  -- and the words below are a syntax error.
  IF current_setting('server_version_num')::integer >= 160000 THEN
    EXECUTE 'GRANT key_keeper TO supersmartmatch_vault_app_a, supersmartmatch_vault_app_b WITH INHERIT FALSE, SET TRUE';
  ELSE
    GRANT key_keeper TO supersmartmatch_vault_app_a, supersmartmatch_vault_app_b;
  END IF;

  -- These count at log-in only; SET ROLE changes neither.
  FOR v_role IN
    SELECT unnest(ARRAY['supersmartmatch_vault_owner', 'supersmartmatch_vault_app_a', 'supersmartmatch_vault_app_b']) AS name
  LOOP
    EXECUTE format('ALTER ROLE %I SET search_path = public', v_role.name);
    EXECUTE format('ALTER ROLE %I SET timezone = ''UTC''', v_role.name);
  END LOOP;
END
$$;

DO $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('vault cluster.sql', 0));

  REVOKE CREATE ON SCHEMA public FROM PUBLIC;
  GRANT USAGE, CREATE ON SCHEMA public TO supersmartmatch_vault_owner;
  GRANT USAGE ON SCHEMA public TO key_keeper;
  -- By default everybody who can log in to the server may connect and make temporary tables.
  EXECUTE format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO supersmartmatch_vault_owner, supersmartmatch_vault_app_a, supersmartmatch_vault_app_b', current_database());
  -- The migration ledger lives in a schema of its own, which the runner creates as owner.
  EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %I TO supersmartmatch_vault_owner', current_database());

  ALTER DEFAULT PRIVILEGES FOR ROLE supersmartmatch_vault_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

  -- pg_cron can be created in one database of a server only. Where it is missing, the operator runs what is due.
  IF current_setting('cron.database_name', true) = current_database()
     AND EXISTS (SELECT 1 FROM pg_catalog.pg_available_extensions WHERE name = 'pg_cron') THEN
    CREATE EXTENSION IF NOT EXISTS pg_cron;
    GRANT USAGE ON SCHEMA cron TO supersmartmatch_vault_owner;
  ELSE
    RAISE NOTICE 'pg_cron is not available in database %', current_database();
  END IF;
END
$$;
