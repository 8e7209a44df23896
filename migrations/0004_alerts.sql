-- Devices: what each is by its own words, and when it was last seen. Scripts have no cookie: they are known by those words.
ALTER TABLE known_devices ADD COLUMN label TEXT NOT NULL DEFAULT '';
ALTER TABLE known_devices ADD COLUMN last_seen_at TIMESTAMPTZ NOT NULL DEFAULT '1970-01-01T00:00:00+00:00';
UPDATE known_devices SET last_seen_at = first_seen_at;

-- Places that an account has signed in from; empty text stands for what is not known.
CREATE TABLE known_places (
    user_id TEXT NOT NULL REFERENCES users (id),
    country_code TEXT NOT NULL,
    city TEXT NOT NULL,
    last_seen_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, country_code, city)
);
