-- When a password was chosen, and when the person of a session last proved who they are.
ALTER TABLE users ADD COLUMN password_changed_at TIMESTAMPTZ NOT NULL DEFAULT '1970-01-01T00:00:00+00:00';
UPDATE users SET password_changed_at = created_at;
ALTER TABLE sessions ADD COLUMN proven_at TIMESTAMPTZ NOT NULL DEFAULT '1970-01-01T00:00:00+00:00';
UPDATE sessions SET proven_at = created_at;

-- One-time links that are mailed or printed: only the hash of each secret. Spending one deletes it.
CREATE TABLE links (
    token_hash TEXT PRIMARY KEY,
    purpose TEXT NOT NULL,
    user_id TEXT REFERENCES users (id),
    detail TEXT NOT NULL, -- JSON, of its purpose
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX links_of_user ON links (user_id, purpose);
CREATE INDEX links_by_end ON links (expires_at);
DROP TABLE setup_links;

-- Mails to send, each written in the transaction of its cause. What one says is sealed, for it may hold a link, and
-- forgotten once it is sent.
CREATE TABLE outbox (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    user_id TEXT REFERENCES users (id),
    address_hash TEXT NOT NULL,
    sealed TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    tries BIGINT NOT NULL,
    next_try_at TIMESTAMPTZ, -- none: sent, or given up
    sent_at TIMESTAMPTZ
);
CREATE INDEX outbox_waiting ON outbox (next_try_at) WHERE next_try_at IS NOT NULL;
CREATE INDEX outbox_by_address ON outbox (address_hash, created_at);
CREATE INDEX outbox_by_time ON outbox (created_at);
