-- The audit log as a Merkle tree (RFC 6962, C2SP tlog-tiles). Its tables only grow, but for the queue, the head and what an erasure names.

-- Events from before: the program carries them over at its next start, and empties this table.
ALTER TABLE audit_events RENAME TO audit_events_before_tree;
DROP INDEX audit_events_occurred_at_idx;
DROP INDEX audit_events_actor_id_occurred_at_idx;
DROP INDEX audit_events_subject_id_occurred_at_idx;

-- `entry` is what the tree holds: canonical JSON of ids, enums, numbers and times. The other columns repeat parts of it, to search by.
-- Ids are UUIDs of version 7 and times have milliseconds, so that the order of ids is the order by time and id.
CREATE TABLE audit_events (
    id TEXT PRIMARY KEY,
    occurred_at TIMESTAMPTZ NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL,
    actor_id TEXT,
    subject_id TEXT,
    session_id TEXT,
    token_id TEXT,
    organization_id TEXT,
    portfolio_id TEXT,
    plant_id TEXT,
    device_id TEXT,
    entry TEXT NOT NULL
);
CREATE INDEX audit_events_action_id_idx ON audit_events (action, id);
CREATE INDEX audit_events_actor_id_id_idx ON audit_events (actor_id, id);
CREATE INDEX audit_events_subject_id_id_idx ON audit_events (subject_id, id);
CREATE INDEX audit_events_credential_id_idx ON audit_events (COALESCE(session_id, token_id), id);
CREATE INDEX audit_events_organization_id_id_idx ON audit_events (organization_id, id);
CREATE INDEX audit_events_plant_id_id_idx ON audit_events (plant_id, id);

-- What an event says about a person beyond that: names, addresses, places, free text. `entry` holds SHA-256(salt || content) of each.
CREATE TABLE audit_personal (
    event_id TEXT NOT NULL REFERENCES audit_events (id),
    part INTEGER NOT NULL, -- position of its hash in `entry`
    person_id TEXT,
    ip TEXT,
    country TEXT,
    salt TEXT NOT NULL, -- 32 bytes in hexadecimal
    content TEXT NOT NULL, -- canonical JSON
    PRIMARY KEY (event_id, part)
);
CREATE INDEX audit_personal_person_id_idx ON audit_personal (person_id, event_id);
CREATE INDEX audit_personal_ip_idx ON audit_personal (ip, event_id);
CREATE INDEX audit_personal_country_idx ON audit_personal (country, event_id);

-- Committed events that are not in the tree yet. `mac` is an HMAC of `entry` with a key outside the database.
CREATE TABLE audit_queue (
    event_id TEXT PRIMARY KEY REFERENCES audit_events (id),
    mac TEXT NOT NULL
);

-- The leaves of the tree, by their index. `mac` is an HMAC of index and entry: it tells a forged event from its neighbours.
CREATE TABLE audit_leaves (
    seq BIGINT PRIMARY KEY,
    event_id TEXT NOT NULL UNIQUE,
    hash BYTEA NOT NULL,
    mac TEXT NOT NULL
);

-- Full tiles: 256 hashes each, and their Merkle root, which the next level holds.
CREATE TABLE audit_tiles (
    level INTEGER NOT NULL,
    number BIGINT NOT NULL,
    hashes BYTEA NOT NULL,
    root BYTEA NOT NULL,
    PRIMARY KEY (level, number)
);

-- The latest signed tree: one row, from the first seal on.
CREATE TABLE audit_head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    origin TEXT NOT NULL,
    verifier_key TEXT NOT NULL,
    size BIGINT NOT NULL,
    root BYTEA NOT NULL,
    note TEXT NOT NULL,
    sealed_at TIMESTAMPTZ NOT NULL
);

-- One checkpoint an hour.
CREATE TABLE audit_checkpoints (
    origin TEXT NOT NULL,
    size BIGINT NOT NULL,
    note TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (origin, size)
);

-- How many events a scope had in an hour: the organization, portfolio and plant of each event that names a plant. For the chart.
CREATE TABLE audit_hours (
    scope_id TEXT NOT NULL,
    hour TIMESTAMPTZ NOT NULL,
    outcome TEXT NOT NULL,
    events BIGINT NOT NULL,
    PRIMARY KEY (scope_id, hour, outcome)
);

-- The result of the last whole verification: one row.
CREATE TABLE audit_verification (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    verified_at TIMESTAMPTZ NOT NULL,
    size BIGINT NOT NULL,
    bad_seq BIGINT,
    why TEXT
);
