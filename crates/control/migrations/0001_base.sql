-- The base: one counter that orders all changes, the audit chain, keys, access, and the plain resources.
-- Portable between SQLite and PostgreSQL: times are BIGINT microseconds, JSON is opaque text, booleans are 0 and 1.

CREATE TABLE revision (
    id BIGINT PRIMARY KEY,
    number BIGINT NOT NULL,
    incarnation BIGINT NOT NULL,
    audit_number BIGINT NOT NULL,
    audit_hash TEXT NOT NULL
);

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Kept totals: counting a million rows for every page would cost more than the page.
CREATE TABLE counts (
    kind TEXT PRIMARY KEY,
    total BIGINT NOT NULL
);

CREATE TABLE data_keys (
    id BIGINT PRIMARY KEY,
    nonce TEXT NOT NULL,
    wrapped TEXT NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE audits (
    number BIGINT PRIMARY KEY,
    revision BIGINT NOT NULL,
    at BIGINT NOT NULL,
    client TEXT NOT NULL,
    action TEXT NOT NULL,
    entity_kind TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    before TEXT,
    after TEXT,
    remote TEXT,
    correlation TEXT,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX audits_entity ON audits (entity_id, number);
CREATE INDEX audits_at ON audits (at);

CREATE TABLE organization (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE sites (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE carriers (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    -- The revision at which it last changed where secrets are sent.
    target_revision BIGINT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE trunks (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    target_revision BIGINT NOT NULL,
    site TEXT NOT NULL REFERENCES sites (id),
    carrier TEXT NOT NULL REFERENCES carriers (id),
    in_service BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX trunks_site ON trunks (site, id);
CREATE INDEX trunks_carrier ON trunks (carrier, id);
CREATE INDEX trunks_name ON trunks (name, id);
CREATE INDEX trunks_created ON trunks (created, id);
CREATE INDEX trunks_modified ON trunks (modified, id);

CREATE TABLE edges (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    -- Absent where it serves every site without an edge of its own.
    site TEXT,
    software TEXT NOT NULL,
    local_addresses TEXT NOT NULL,
    advertised_addresses TEXT NOT NULL,
    drain BIGINT NOT NULL,
    last_seen BIGINT NOT NULL
);

CREATE TABLE roles (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE clients (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    secret_hash TEXT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE tokens (
    hash TEXT PRIMARY KEY,
    client TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX tokens_client ON tokens (client);
CREATE INDEX tokens_expires ON tokens (expires);

INSERT INTO revision (id, number, incarnation, audit_number, audit_hash) VALUES (1, 0, 1, 0, '');
INSERT INTO counts (kind, total) VALUES ('trunk', 0);
