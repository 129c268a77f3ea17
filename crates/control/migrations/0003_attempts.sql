-- Attempts: exchanges with carriers, kept as evidence; what carriers do otherwise than before; traces that are switched on.

CREATE TABLE attempts (
    -- Counts in the order of arrival; the oldest goes first.
    number BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    -- Absent where credentials of no trunk were tried.
    trunk TEXT REFERENCES trunks (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    started BIGINT NOT NULL,
    accepted BIGINT NOT NULL,
    code TEXT,
    messages BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    -- The attempt without its messages.
    body TEXT NOT NULL
);
CREATE INDEX attempts_trunk ON attempts (trunk, number);
-- What the limits are reckoned from, without reading the rows.
CREATE INDEX attempts_bytes ON attempts (number, bytes);

-- Apart, so that a listing does not read them.
CREATE TABLE attempt_messages (
    attempt BIGINT PRIMARY KEY REFERENCES attempts (number) ON DELETE CASCADE,
    body TEXT NOT NULL
);

-- The latest of each kind.
CREATE TABLE drifts (
    trunk TEXT NOT NULL REFERENCES trunks (id) ON DELETE CASCADE,
    what TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (trunk, what)
);

CREATE TABLE traces (
    trunk TEXT PRIMARY KEY REFERENCES trunks (id) ON DELETE CASCADE,
    until BIGINT NOT NULL
);
