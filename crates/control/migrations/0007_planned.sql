-- Credential versions that are verified and promoted when their time has come; one plan a trunk.

CREATE TABLE planned (
    trunk TEXT PRIMARY KEY REFERENCES trunks (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    -- What the caller asked for.
    at BIGINT NOT NULL,
    -- When it is tried, or tried again.
    due BIGINT NOT NULL,
    live BIGINT NOT NULL,
    client TEXT NOT NULL
);
CREATE INDEX planned_due ON planned (due);
