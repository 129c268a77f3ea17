-- Events: what people and programs must hear of, in the order of all changes; bounded by number and age.

CREATE TABLE events (
    -- The event's own place in the order of all changes; its id is incarnation and revision.
    revision BIGINT PRIMARY KEY,
    incarnation BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    -- What it is about; no references, because an event outlives it.
    trunk TEXT,
    site TEXT,
    carrier TEXT,
    edge TEXT,
    body TEXT NOT NULL
);
CREATE INDEX events_trunk ON events (trunk, revision);
CREATE INDEX events_at ON events (at, revision);

INSERT INTO counts (kind, total) VALUES ('event', 0);
