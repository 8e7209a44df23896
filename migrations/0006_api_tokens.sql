-- API tokens: what scripts carry that no person has to sign in for. Secrets stand beside them, since a rotation keeps two for a while.
CREATE TABLE api_tokens (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    permission_group TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    reminded_at TIMESTAMPTZ, -- when its owner was told that it is about to expire; never twice
    last_used_at TIMESTAMPTZ,
    last_ip TEXT,
    last_location TEXT,
    last_country_code TEXT,
    last_client TEXT
);
CREATE INDEX api_tokens_of_user ON api_tokens (user_id);
CREATE INDEX api_tokens_by_end ON api_tokens (expires_at);

CREATE TABLE api_token_secrets (
    secret_hash TEXT PRIMARY KEY,
    token_id TEXT NOT NULL REFERENCES api_tokens (id) ON DELETE CASCADE,
    ends_at TIMESTAMPTZ -- of one that was rotated; the others end with their token
);
CREATE INDEX api_token_secrets_of_token ON api_token_secrets (token_id);

-- With which token something was done, where it was none of a session.
ALTER TABLE audit_events ADD COLUMN token_id TEXT;
