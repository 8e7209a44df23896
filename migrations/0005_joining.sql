-- Names that look alike count as one: `accounts::model::look` says how. Of old names that do, the first one keeps the look.
ALTER TABLE users ADD COLUMN username_look TEXT NOT NULL DEFAULT '';
UPDATE users SET username_look = REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(username_key,
    '0', 'o'), '1', 'l'), 'i', 'l'), 'rn', 'm'), 'vv', 'w'), '.', '-'), '_', '-');
UPDATE users SET username_look = id WHERE EXISTS
    (SELECT 1 FROM users AS earlier WHERE earlier.username_look = users.username_look AND earlier.id < users.id);
CREATE UNIQUE INDEX users_by_look ON users (username_look);

-- An IANA name: the times of a person's mails and pages are told in it.
ALTER TABLE users ADD COLUMN time_zone TEXT NOT NULL DEFAULT 'UTC';

-- Who would like to join, until an administrator settles it.
CREATE TABLE access_requests (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    words TEXT NOT NULL,
    asked_at TIMESTAMPTZ NOT NULL
);

-- A new address that waits until both the old one and the new one have confirmed it.
CREATE TABLE email_changes (
    user_id TEXT PRIMARY KEY REFERENCES users (id),
    email TEXT NOT NULL,
    old_confirmed BOOLEAN NOT NULL,
    new_confirmed BOOLEAN NOT NULL
);

-- The account's own page shows what happened to it last.
CREATE INDEX audit_events_by_subject ON audit_events (subject_id, at);
