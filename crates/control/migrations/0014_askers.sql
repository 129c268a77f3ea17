-- Who asked carriers about credentials of no trunk, and of which carrier's profile: those attempts are theirs to read.

CREATE TABLE attempt_askers (
    attempt TEXT PRIMARY KEY,
    client TEXT NOT NULL,
    carrier TEXT,
    asked BIGINT NOT NULL
);
CREATE INDEX attempt_askers_asked ON attempt_askers (asked);
