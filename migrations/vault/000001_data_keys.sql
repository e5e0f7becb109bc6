-- The key of each person's encrypted fields, itself encrypted with a key-encryption key that is in no database (D-047). Deleting a
-- person's rows makes the fields unreadable wherever they are, backups included (D-051).
--
-- One role reaches the table, key_keeper, as which the core service's encryption module acts. The owner has no policy and sees no row.

CREATE TABLE data_keys (
  key_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id UUID NOT NULL, -- of core
  -- A key of 32 bytes, wrapped, has 40 at least (RFC 3394), with AES-GCM 60: one of 32 is a key that nobody wrapped.
  wrapped_key BYTEA NOT NULL CHECK (octet_length(wrapped_key) BETWEEN 40 AND 1024),
  kek_id TEXT NOT NULL CHECK (kek_id <> ''), -- of the key-encryption key
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  retired_at TIMESTAMPTZ -- since when it only decrypts
);
-- One that encrypts for each person: of two that are made at once the second is refused.
CREATE UNIQUE INDEX data_keys_active ON data_keys (user_id) WHERE retired_at IS NULL;
CREATE INDEX idx_data_keys_user ON data_keys (user_id);
-- What is still to be wrapped anew before a key-encryption key can go.
CREATE INDEX idx_data_keys_kek ON data_keys (kek_id, key_id);

ALTER TABLE data_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE data_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY key_keeper_access ON data_keys FOR ALL TO key_keeper USING (true) WITH CHECK (true);
-- A key never turns into another person's.
GRANT SELECT, INSERT, UPDATE (wrapped_key, kek_id, retired_at), DELETE ON data_keys TO key_keeper;
