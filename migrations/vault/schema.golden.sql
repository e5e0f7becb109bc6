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

CREATE SCHEMA migrations;

ALTER SCHEMA migrations OWNER TO supersmartmatch_vault_owner;

SET default_tablespace = '';

SET default_table_access_method = heap;

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

ALTER TABLE migrations.schema_migrations OWNER TO supersmartmatch_vault_owner;

CREATE TABLE public.data_keys (
    key_id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    wrapped_key bytea NOT NULL,
    kek_id text NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    retired_at timestamp with time zone,
    CONSTRAINT data_keys_kek_id_check CHECK ((kek_id <> ''::text)),
    CONSTRAINT data_keys_wrapped_key_check CHECK (((octet_length(wrapped_key) >= 40) AND (octet_length(wrapped_key) <= 1024)))
);

ALTER TABLE ONLY public.data_keys FORCE ROW LEVEL SECURITY;

ALTER TABLE public.data_keys OWNER TO supersmartmatch_vault_owner;

ALTER TABLE ONLY migrations.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.data_keys
    ADD CONSTRAINT data_keys_pkey PRIMARY KEY (key_id);

CREATE UNIQUE INDEX data_keys_active ON public.data_keys USING btree (user_id) WHERE (retired_at IS NULL);

CREATE INDEX idx_data_keys_kek ON public.data_keys USING btree (kek_id, key_id);

CREATE INDEX idx_data_keys_user ON public.data_keys USING btree (user_id);

ALTER TABLE public.data_keys ENABLE ROW LEVEL SECURITY;

CREATE POLICY key_keeper_access ON public.data_keys TO key_keeper USING (true) WITH CHECK (true);

GRANT ALL ON SCHEMA public TO supersmartmatch_vault_owner;
GRANT USAGE ON SCHEMA public TO key_keeper;

GRANT SELECT,INSERT,DELETE ON TABLE public.data_keys TO key_keeper;

GRANT UPDATE(wrapped_key) ON TABLE public.data_keys TO key_keeper;

GRANT UPDATE(kek_id) ON TABLE public.data_keys TO key_keeper;

GRANT UPDATE(retired_at) ON TABLE public.data_keys TO key_keeper;

ALTER DEFAULT PRIVILEGES FOR ROLE supersmartmatch_vault_owner REVOKE ALL ON FUNCTIONS FROM PUBLIC;

