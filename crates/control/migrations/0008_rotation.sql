-- Bulk rotation: new credentials for many trunks, verified and promoted at a pace, and how far that is.

CREATE TABLE rotations (
    id TEXT PRIMARY KEY,
    client TEXT NOT NULL,
    -- The caller's Idempotency-Key.
    key TEXT,
    state TEXT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    per_second BIGINT NOT NULL,
    -- In millionths.
    failure_share BIGINT NOT NULL,
    -- Results up to this one were before the last start by hand, and stop nothing any more.
    counted BIGINT NOT NULL,
    message TEXT
);
CREATE UNIQUE INDEX rotations_key ON rotations (client, key) WHERE key IS NOT NULL;

CREATE TABLE rotation_items (
    rotation TEXT NOT NULL REFERENCES rotations (id) ON DELETE CASCADE,
    line BIGINT NOT NULL,
    trunk TEXT NOT NULL,
    -- The staged version; absent where nothing is to be tried.
    version BIGINT,
    state TEXT NOT NULL,
    -- Counts the results in the order in which they came.
    sequence BIGINT,
    -- The result line, JSON.
    body TEXT,
    PRIMARY KEY (rotation, line)
);
CREATE INDEX rotation_items_state ON rotation_items (rotation, state, line);
