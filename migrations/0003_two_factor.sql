-- One row a person. The seed is sealed with a key outside the database; it counts once `enabled_at` is set.
CREATE TABLE second_factors (
    user_id TEXT PRIMARY KEY REFERENCES users (id),
    sealed_seed TEXT NOT NULL,
    sealed_codes TEXT NOT NULL, -- the recovery codes, sealed, until the factor is on: then only their hashes are left
    last_step BIGINT NOT NULL, -- the latest time step that was used: none at or before it is taken again
    created_at TIMESTAMPTZ NOT NULL,
    enabled_at TIMESTAMPTZ
);

CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES users (id),
    code_hash TEXT NOT NULL,
    PRIMARY KEY (user_id, code_hash)
);
