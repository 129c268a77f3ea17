-- The audit chain: its head under a MAC, so that nobody without the key continues or cuts it; heads that were signed; where it was trimmed.

ALTER TABLE revision ADD COLUMN audit_mac TEXT NOT NULL DEFAULT '';

CREATE TABLE audit_heads (
    -- `head`, or `checkpoint`: the last record that was trimmed.
    kind TEXT NOT NULL,
    number BIGINT NOT NULL,
    hash TEXT NOT NULL,
    at BIGINT NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (kind, number)
);
CREATE INDEX audits_client ON audits (client, number);
