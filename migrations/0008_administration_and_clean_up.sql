-- Invitations are listed and canceled by an id, and end with the account that sent them. Rows from before get an id from their
-- hash, in the form of a UUID; they live for seven days at most.
ALTER TABLE links ADD COLUMN id TEXT NOT NULL DEFAULT '';
ALTER TABLE links ADD COLUMN created_by TEXT REFERENCES users (id);
UPDATE links SET id = SUBSTR(token_hash, 1, 8) || '-' || SUBSTR(token_hash, 9, 4) || '-' || SUBSTR(token_hash, 13, 4) || '-'
    || SUBSTR(token_hash, 17, 4) || '-' || SUBSTR(token_hash, 21, 12);
CREATE UNIQUE INDEX links_by_id ON links (id);
CREATE INDEX links_of_creator ON links (created_by) WHERE created_by IS NOT NULL;

-- One table for the places that an account has signed in from, so that the badge and the alert follow one rule.
INSERT INTO known_places (user_id, country_code, city, last_seen_at)
    SELECT user_id, country_code, '', first_seen_at FROM known_countries WHERE TRUE
    ON CONFLICT (user_id, country_code, city) DO NOTHING;
INSERT INTO known_places (user_id, country_code, city, last_seen_at)
    SELECT user_id, '', '', MAX(last_seen_at) FROM known_devices
    WHERE user_id NOT IN (SELECT user_id FROM known_places) GROUP BY user_id;
DROP TABLE known_countries;
CREATE INDEX known_devices_by_use ON known_devices (last_seen_at);

-- Signing everybody out raises the epoch: a session with a lower one has ended. Always one row.
CREATE TABLE session_epochs (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    epoch BIGINT NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    started_by TEXT REFERENCES users (id),
    total BIGINT, -- sessions to end; NULL until they are counted
    ended BIGINT NOT NULL,
    completed_at TIMESTAMPTZ
);
INSERT INTO session_epochs (id, epoch, started_at, total, ended, completed_at)
    VALUES (1, 0, '1970-01-01T00:00:00+00:00', 0, 0, '1970-01-01T00:00:00+00:00');
ALTER TABLE sessions ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0;
CREATE INDEX sessions_by_epoch ON sessions (epoch) WHERE ended_at IS NULL;

-- When a mail is worthless, since its link has expired; and how many more mails a digest stands for (NULL: not a digest).
ALTER TABLE outbox ADD COLUMN expires_at TIMESTAMPTZ;
ALTER TABLE outbox ADD COLUMN folded BIGINT;
CREATE INDEX outbox_of_user ON outbox (user_id, kind, created_at);
