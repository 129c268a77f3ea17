-- Registrations: credential versions, verifications, answers kept for repeats, bulk jobs.
-- Secrets are sealed before they come here; `mac` is a keyed MAC, for comparing without opening.

-- One row for each trunk that has ever had credentials.
CREATE TABLE registrations (
    trunk TEXT PRIMARY KEY REFERENCES trunks (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    -- The revision at which the credentials to register with changed last.
    revision BIGINT NOT NULL,
    -- The revision at which the active credentials were promoted or proved last: where they are sent must not have changed since.
    verified BIGINT NOT NULL,
    -- Versions are counted here, so that no number is ever given twice.
    last_version BIGINT NOT NULL
);

CREATE TABLE credentials (
    trunk TEXT NOT NULL REFERENCES trunks (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    username TEXT NOT NULL,
    realm TEXT,
    algorithm TEXT,
    ha1 TEXT NOT NULL,
    key_id BIGINT NOT NULL,
    nonce TEXT NOT NULL,
    -- Emptied when the version is retired.
    secret TEXT,
    mac TEXT NOT NULL,
    negotiated TEXT,
    authenticated BIGINT NOT NULL,
    accept_unproven BIGINT NOT NULL,
    diagnosis TEXT,
    digest_sent BIGINT NOT NULL,
    basis TEXT NOT NULL,
    last_outcome TEXT,
    accepted BIGINT,
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    promoted BIGINT,
    PRIMARY KEY (trunk, version)
);
CREATE UNIQUE INDEX credentials_one_active ON credentials (trunk) WHERE state = 'ACTIVE';
CREATE UNIQUE INDEX credentials_one_verifying ON credentials (trunk) WHERE state = 'VERIFYING';

-- Written before anything is sent; deleted in the transaction that decides it.
CREATE TABLE verifications (
    id TEXT PRIMARY KEY,
    trunk TEXT NOT NULL REFERENCES trunks (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    edge TEXT NOT NULL,
    client TEXT NOT NULL,
    created BIGINT NOT NULL,
    deadline BIGINT NOT NULL
);
CREATE INDEX verifications_trunk ON verifications (trunk);

CREATE TABLE idempotency (
    client TEXT NOT NULL,
    key TEXT NOT NULL,
    request_mac TEXT NOT NULL,
    status BIGINT NOT NULL,
    location TEXT,
    body TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (client, key)
);
CREATE INDEX idempotency_created ON idempotency (created);

CREATE TABLE bulk_jobs (
    id TEXT PRIMARY KEY,
    client TEXT NOT NULL,
    state TEXT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    lines BIGINT NOT NULL,
    succeeded BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    message TEXT
);

CREATE TABLE bulk_results (
    job TEXT NOT NULL REFERENCES bulk_jobs (id) ON DELETE CASCADE,
    line BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (job, line)
);
