-- The name as it is searched: in lower case, also beyond ASCII. SQL cannot fill it, because SQLite's LOWER is for ASCII alone: the program
-- does so after the migration.
ALTER TABLE users ADD COLUMN normalized_name TEXT NOT NULL DEFAULT '';
CREATE INDEX users_without_normalized_name_idx ON users (id) WHERE normalized_name = '';

-- Organizations, portfolios, plants and devices. Plants and devices carry the ids of their ancestors; the foreign keys keep them true.

CREATE TABLE organizations (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    normalized_name TEXT NOT NULL UNIQUE,
    created_at TIMESTAMPTZ NOT NULL
);

-- The domains under which the devices of an organization lie (AUT-8), in lower-case A-labels.
CREATE TABLE host_suffixes (
    suffix TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX host_suffixes_organization_id_idx ON host_suffixes (organization_id);

CREATE TABLE portfolios (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    normalized_name TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    UNIQUE (id, organization_id)
);
CREATE UNIQUE INDEX portfolios_organization_id_normalized_name_idx ON portfolios (organization_id, normalized_name);

CREATE TABLE plants (
    id TEXT PRIMARY KEY,
    portfolio_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    name TEXT NOT NULL,
    normalized_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    place TEXT,
    normalized_place TEXT,
    country_code TEXT,
    latitude DOUBLE PRECISION,
    longitude DOUBLE PRECISION,
    capacity_kw DOUBLE PRECISION,
    time_zone TEXT,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    -- While remote access is closed: since when, by whom (NULL: the command line) and why.
    closed_at TIMESTAMPTZ,
    closed_by TEXT REFERENCES users (id),
    closed_reason TEXT,
    UNIQUE (id, organization_id),
    UNIQUE (id, portfolio_id, organization_id),
    FOREIGN KEY (portfolio_id, organization_id) REFERENCES portfolios (id, organization_id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX plants_organization_id_normalized_name_idx ON plants (organization_id, normalized_name);
-- The order of lists.
CREATE INDEX plants_list_idx ON plants (organization_id, portfolio_id, normalized_name, id);
-- With the id, so that PostgreSQL never reads a whole portfolio for the foreign key of one device, before it has statistics.
CREATE UNIQUE INDEX plants_portfolio_id_id_idx ON plants (portfolio_id, id);
CREATE INDEX plants_closed_by_idx ON plants (closed_by) WHERE closed_by IS NOT NULL;

CREATE TABLE devices (
    id TEXT PRIMARY KEY,
    plant_id TEXT NOT NULL,
    portfolio_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    name TEXT NOT NULL,
    normalized_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    host TEXT NOT NULL UNIQUE, -- lower-case A-labels, without a port
    upgrades BOOLEAN NOT NULL, -- whether connections may be upgraded, for example to a WebSocket
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    -- A device moves with its plant.
    FOREIGN KEY (plant_id, portfolio_id, organization_id) REFERENCES plants (id, portfolio_id, organization_id)
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE UNIQUE INDEX devices_plant_id_normalized_name_idx ON devices (plant_id, normalized_name);
CREATE INDEX devices_list_idx ON devices (organization_id, portfolio_id, plant_id, normalized_name, id);
CREATE INDEX devices_portfolio_id_idx ON devices (portfolio_id);

-- Hosts that a plant of an organization had and gave up, with the plant that had them last. It may be deleted: its name is kept.
CREATE TABLE released_hosts (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    host TEXT NOT NULL,
    plant_id TEXT NOT NULL,
    plant_name TEXT NOT NULL,
    released_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, host)
);

-- Who administers an organization.
CREATE TABLE memberships (
    user_id TEXT NOT NULL REFERENCES users (id),
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, organization_id)
);
CREATE INDEX memberships_organization_id_idx ON memberships (organization_id);

CREATE TABLE vendors (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    name_skeleton TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    access_ended_at TIMESTAMPTZ, -- when all its access was ended at once, the last time
    UNIQUE (id, organization_id)
);
CREATE UNIQUE INDEX vendors_organization_id_name_skeleton_idx ON vendors (organization_id, name_skeleton);

-- Who works for a vendor: one at most for each person and organization.
CREATE TABLE vendor_people (
    user_id TEXT NOT NULL REFERENCES users (id),
    organization_id TEXT NOT NULL,
    vendor_id TEXT NOT NULL,
    PRIMARY KEY (user_id, organization_id),
    FOREIGN KEY (vendor_id, organization_id) REFERENCES vendors (id, organization_id) ON DELETE CASCADE
);
CREATE INDEX vendor_people_vendor_id_idx ON vendor_people (vendor_id);

-- Plant roles of people. A grant is on a plant, on a portfolio or, if it has neither, on the whole organization.
CREATE TABLE grants (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    portfolio_id TEXT,
    plant_id TEXT,
    granted_by TEXT REFERENCES users (id), -- NULL: the command line
    granted_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ,
    reminded_at TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ,
    reason TEXT NOT NULL,
    CHECK (portfolio_id IS NULL OR plant_id IS NULL),
    FOREIGN KEY (portfolio_id, organization_id) REFERENCES portfolios (id, organization_id) ON DELETE CASCADE,
    FOREIGN KEY (plant_id, organization_id) REFERENCES plants (id, organization_id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX grants_unique_idx ON grants (user_id, organization_id, COALESCE(portfolio_id, ''), COALESCE(plant_id, ''), role);
-- The grants of a person on portfolios and organizations, without reading past those on plants.
CREATE INDEX grants_user_id_organization_id_portfolio_id_idx ON grants (user_id, organization_id, portfolio_id) WHERE plant_id IS NULL;
CREATE INDEX grants_organization_id_user_id_idx ON grants (organization_id, user_id);
-- The order of lists.
CREATE INDEX grants_organization_id_id_idx ON grants (organization_id, id);
CREATE INDEX grants_portfolio_id_idx ON grants (portfolio_id) WHERE portfolio_id IS NOT NULL;
CREATE INDEX grants_plant_id_idx ON grants (plant_id) WHERE plant_id IS NOT NULL;
CREATE INDEX grants_whole_organization_idx ON grants (organization_id) WHERE portfolio_id IS NULL AND plant_id IS NULL;
CREATE INDEX grants_granted_by_idx ON grants (granted_by) WHERE granted_by IS NOT NULL;
CREATE INDEX grants_expires_at_idx ON grants (expires_at) WHERE expires_at IS NOT NULL;
