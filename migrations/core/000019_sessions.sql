-- Log-in and sessions: the truth about passwords, lockouts, revocations and refresh tokens is here, the cache only looks it up faster
-- (D-015, D-162). authentication_role is what the service acts as for these few calls; no role of a request may execute them, so that
-- no other statement of a request reaches a password hash.

-- What the account is, to verify a password: the hash, and what forbids the log-in before it is verified.
SET LOCAL ROLE matching_definer;

CREATE FUNCTION find_account(p_email text)
RETURNS TABLE (user_id uuid, password_hash varchar, user_type varchar, status varchar, account_locked_until timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
  SELECT u.user_id, u.password_hash, u.user_type, u.status, u.account_locked_until
    FROM public.users u WHERE lower(u.email) = lower(btrim(p_email))
$$;

-- Counts a verified password or a failure; returns until when the account is locked, NULL if it is not. The fifth failure in a row
-- locks it for 15 minutes, each further one for twice as long, a day at most. While it is locked nothing counts, or anybody could keep
-- it locked.
CREATE FUNCTION record_login(p_user_id uuid, p_succeeded boolean) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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

-- Whoever ends all sessions of a person would not see one that another transaction has made and not committed, and it would live on. So
-- the account's row is locked first: shared by who begins or goes on with a session, alone by who ends them. No advisory lock: a
-- change of many passwords in one statement would fill the server's lock table with them.

-- The first session of a family, after a password was verified.
CREATE FUNCTION start_session(p_user_id uuid, p_refresh_token_hash text, p_expires_at timestamptz, p_user_agent text)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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

-- Changes a refresh token for the next one. The outcome is 'rotated', with the new session; 'reused' when the token was used or
-- revoked before: somebody has a copy, so the whole family is revoked; 'refused' when it is unknown or expired or the account may
-- not log in. Commit in any case: what was revoked has to stay so.
CREATE FUNCTION rotate_session(p_refresh_token_hash text, p_next_token_hash text, p_expires_at timestamptz, p_user_agent text)
RETURNS TABLE (outcome text, session_id uuid, user_id uuid, user_type varchar)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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

-- The session of an access token, for a look-up that the cache misses; no row when it is over.
CREATE FUNCTION read_session(p_session_id uuid) RETURNS TABLE (user_id uuid, user_type varchar, expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
  SELECT s.user_id, u.user_type, s.expires_at
    FROM public.user_sessions s JOIN public.users u USING (user_id)
   WHERE s.session_id = p_session_id AND NOT s.is_revoked AND s.expires_at > now() AND u.status = 'active'
$$;

GRANT EXECUTE ON FUNCTION find_account(text), record_login(uuid, boolean), start_session(uuid, text, timestamptz, text),
  rotate_session(text, text, timestamptz, text), read_session(uuid) TO authentication_role;

-- The caller's devices.
CREATE VIEW my_sessions WITH (security_barrier = true) AS
SELECT session_id, user_agent, ip_address, created_at, expires_at
  FROM user_sessions
 WHERE user_id = (SELECT current_app_user()) AND NOT is_revoked AND expires_at > now();
GRANT SELECT ON my_sessions TO authenticated_users, recruiter_role, admin_role;

-- Logs out: one session, with the whole family it stems from, or all of a person. The own ones, or anybody's as administrator.
-- Returns the sessions to forget in the cache.
CREATE FUNCTION revoke_sessions(p_user_id uuid, p_session_id uuid DEFAULT NULL) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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
GRANT EXECUTE ON FUNCTION revoke_sessions(uuid, uuid) TO authenticated_users, recruiter_role, admin_role;

-- An account that is not active any more, or whose password changed, is logged out everywhere. The statement has its row locked.
CREATE FUNCTION end_sessions() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  UPDATE public.user_sessions SET is_revoked = TRUE WHERE user_id = NEW.user_id AND NOT is_revoked;
  RETURN NULL;
END
$$;

SET LOCAL ROLE supersmartmatch_core_owner;

CREATE TRIGGER users_end_sessions AFTER UPDATE OF status, password_hash ON users
  FOR EACH ROW
  WHEN (OLD.password_hash IS DISTINCT FROM NEW.password_hash OR OLD.status = 'active' AND NEW.status <> 'active')
  EXECUTE FUNCTION end_sessions();
