-- Accounts and sessions. No role of the services has a grant on these tables: my_user, admin_users and create_user serve them.

CREATE TABLE users (
  user_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  email VARCHAR(255) NOT NULL,
  password_hash VARCHAR(255) NOT NULL,
  user_type VARCHAR(20) NOT NULL CHECK (user_type IN ('candidate', 'recruiter', 'admin')),
  status VARCHAR(20) NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive', 'suspended', 'anonymized')),
  email_verified BOOLEAN NOT NULL DEFAULT FALSE,
  terms_accepted_at TIMESTAMPTZ,
  privacy_accepted_at TIMESTAMPTZ,
  last_login_at TIMESTAMPTZ,
  failed_login_attempts INTEGER NOT NULL DEFAULT 0 CHECK (failed_login_attempts >= 0),
  account_locked_until TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX users_email_idx ON users (lower(email));
CREATE INDEX idx_users_created ON users (created_at, user_id);
-- Erased accounts whose proofs are kept. By their ids: an index of updated_at would cost every log-in a write to each index of users.
CREATE INDEX idx_users_accepted_terms ON users (user_id)
  WHERE status = 'anonymized' AND (terms_accepted_at IS NOT NULL OR privacy_accepted_at IS NOT NULL);
CREATE TRIGGER users_touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE TABLE user_sessions (
  session_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id UUID NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
  -- All sessions that follow from one log-in by rotation: seeing a used token again revokes the family (D-015).
  family_id UUID NOT NULL DEFAULT gen_random_uuid(),
  refresh_token_hash VARCHAR(255) NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL,
  user_agent TEXT,
  ip_address INET,
  is_revoked BOOLEAN NOT NULL DEFAULT FALSE,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_user_sessions_user_id ON user_sessions (user_id);
CREATE INDEX idx_user_sessions_expires_at ON user_sessions (expires_at);
CREATE UNIQUE INDEX idx_user_sessions_token_hash ON user_sessions (refresh_token_hash);
CREATE INDEX idx_user_sessions_family ON user_sessions (family_id);
CREATE TRIGGER user_sessions_touch BEFORE UPDATE ON user_sessions FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON users FOR ALL TO matching_definer USING (true) WITH CHECK (true);
ALTER TABLE user_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON user_sessions FOR ALL TO matching_definer USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON users, user_sessions TO matching_definer;

SET LOCAL ROLE matching_definer;

-- The caller's own account; no row without an identity.
CREATE VIEW my_user WITH (security_barrier = true) AS
SELECT user_id, email, user_type, status, email_verified, terms_accepted_at, privacy_accepted_at, last_login_at,
       created_at, updated_at
  FROM users
 WHERE user_id = (SELECT current_app_user());
GRANT SELECT ON my_user TO authenticated_users, recruiter_role, admin_role;

-- All accounts, for administrators. password_hash is in no view: only the authentication service may read it.
CREATE VIEW admin_users WITH (security_barrier = true) AS
SELECT user_id, email, user_type, status, email_verified, terms_accepted_at, privacy_accepted_at, last_login_at,
       failed_login_attempts, account_locked_until, created_at, updated_at
  FROM users
 WHERE (SELECT current_app_user()) IS NOT NULL;
GRANT SELECT ON admin_users TO admin_role;

-- Creates an account as administrator and returns its id. The default hash is accepted by no verifier: the person sets a
-- password later. An address in use, in any case, is a unique_violation of users_email_idx.
CREATE FUNCTION create_user(p_email text, p_user_type text, p_password_hash text DEFAULT '!') RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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
GRANT EXECUTE ON FUNCTION create_user(text, text, text) TO admin_role;

-- A row that names a user fits only some types of user (D-014). Trigger arguments: user column, then the allowed types.
-- FOR SHARE keeps the type from changing until this transaction ends.
CREATE FUNCTION check_user_type() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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

-- The other side: a type stays while rows depend on it.
CREATE FUNCTION check_user_type_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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

SET LOCAL ROLE supersmartmatch_core_owner;

CREATE TRIGGER users_type_change BEFORE UPDATE OF user_type ON users
  FOR EACH ROW WHEN (OLD.user_type IS DISTINCT FROM NEW.user_type) EXECUTE FUNCTION check_user_type_change();
SELECT add_event_triggers('users', 'publish_aggregate_events', 'user', 'user', 'user_id');
