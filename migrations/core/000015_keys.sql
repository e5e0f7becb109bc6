-- Keys that are used in SQL: for encrypt_pii and decrypt_pii, and for the keyed hashes of addresses in the audit log. What is stored
-- encrypted in tables is encrypted by the service with keys that never come here (D-047); no table takes what encrypt_pii gives.

CREATE SCHEMA app_private;
GRANT USAGE ON SCHEMA app_private TO matching_definer;

-- A key of any other length is refused, so none is padded or cut (D-046, D-050).
CREATE TABLE app_private.keys (
  key_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  purpose TEXT NOT NULL CHECK (purpose IN ('pii', 'audit')),
  encryption_key BYTEA NOT NULL CHECK (octet_length(encryption_key) = 32),
  mac_key BYTEA NOT NULL CHECK (octet_length(mac_key) = 32),
  retired_at TIMESTAMPTZ, -- since then it only decrypts and verifies
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX keys_one_active ON app_private.keys (purpose) WHERE retired_at IS NULL;
CREATE TRIGGER keys_touch BEFORE UPDATE ON app_private.keys FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

ALTER TABLE app_private.keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE app_private.keys FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON app_private.keys FOR ALL TO matching_definer USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON app_private.keys TO matching_definer;

SET LOCAL ROLE matching_definer;

INSERT INTO app_private.keys (purpose, encryption_key, mac_key)
SELECT purpose, gen_random_bytes(32), gen_random_bytes(32) FROM unnest(ARRAY['pii', 'audit']) AS purpose;

-- For imports and support in SQL, by the owner (D-045): v1:<key id>:base64(iv, AES-256-CBC, HMAC-SHA-256 of all before it).
CREATE FUNCTION encrypt_pii(data TEXT) RETURNS TEXT
LANGUAGE plpgsql STRICT SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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

-- Authentic or refused. The tags are compared by their hashes, so that the time taken says nothing about them (D-049).
CREATE FUNCTION decrypt_pii(encrypted_data TEXT) RETURNS TEXT
LANGUAGE plpgsql STRICT SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
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
$$;
