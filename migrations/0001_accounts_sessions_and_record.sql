-- Portable between SQLite and PostgreSQL: TEXT ids made by the program, times bound from its clock.

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    username TEXT NOT NULL,
    username_key TEXT NOT NULL UNIQUE, -- normalised: what a sign-in is looked up by
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    is_admin BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    disabled_at TIMESTAMPTZ
);

-- Live sessions, and those that ended in the last minutes: a worker moves these into ended_sessions.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    token_hash TEXT NOT NULL UNIQUE,
    sign_in_method TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    last_active_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    end_reason TEXT,
    user_agent TEXT NOT NULL,
    device_label TEXT NOT NULL,
    browser TEXT,
    os TEXT,
    kind TEXT NOT NULL,
    form TEXT NOT NULL,
    first_ip TEXT NOT NULL,
    ip TEXT NOT NULL,
    location_label TEXT NOT NULL,
    city TEXT,
    country TEXT,
    country_code TEXT,
    new_location BOOLEAN NOT NULL
);
CREATE INDEX sessions_live_of_user ON sessions (user_id) WHERE ended_at IS NULL;
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_by_last_use ON sessions (last_active_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_sign_in ON sessions (created_at) WHERE ended_at IS NULL;

CREATE TABLE ended_sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    token_hash TEXT NOT NULL UNIQUE,
    sign_in_method TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    last_active_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ NOT NULL,
    end_reason TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    device_label TEXT NOT NULL,
    browser TEXT,
    os TEXT,
    kind TEXT NOT NULL,
    form TEXT NOT NULL,
    first_ip TEXT NOT NULL,
    ip TEXT NOT NULL,
    location_label TEXT NOT NULL,
    city TEXT,
    country TEXT,
    country_code TEXT,
    new_location BOOLEAN NOT NULL
);
CREATE INDEX ended_sessions_of_user ON ended_sessions (user_id, ended_at);
CREATE INDEX ended_sessions_by_end ON ended_sessions (ended_at);

-- Countries that an account has signed in from, since sessions themselves are forgotten.
CREATE TABLE known_countries (
    user_id TEXT NOT NULL REFERENCES users (id),
    country_code TEXT NOT NULL,
    first_seen_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, country_code)
);

-- Browsers that an account has signed in from: a stranger's failures never slow these down.
CREATE TABLE known_devices (
    user_id TEXT NOT NULL REFERENCES users (id),
    token_hash TEXT NOT NULL,
    first_seen_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, token_hash)
);

-- Failed tries, by account, device or address. Here, not in memory: a restart must not help an attacker.
CREATE TABLE sign_in_tries (
    subject TEXT PRIMARY KEY,
    failures BIGINT NOT NULL,
    last_at TIMESTAMPTZ NOT NULL,
    blocked_until TIMESTAMPTZ NOT NULL
);
CREATE INDEX sign_in_tries_by_time ON sign_in_tries (last_at);

-- One-time links to the page that makes the first administrator.
CREATE TABLE setup_links (
    token_hash TEXT PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL
);

-- The record. The program only ever inserts.
CREATE TABLE audit_events (
    id TEXT PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL,
    actor_id TEXT,
    session_id TEXT,
    subject_id TEXT,
    ip TEXT,
    detail TEXT NOT NULL
);
CREATE INDEX audit_events_by_time ON audit_events (at);
CREATE INDEX audit_events_by_actor ON audit_events (actor_id, at);
