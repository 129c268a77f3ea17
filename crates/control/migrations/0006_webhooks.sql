-- Webhooks: who events are pushed to, and what is still to be delivered.

CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    body TEXT NOT NULL,
    -- The secret that signs, sealed to this webhook.
    key_id BIGINT NOT NULL,
    nonce TEXT NOT NULL,
    secret TEXT NOT NULL,
    -- Events up to this place have their deliveries, or are not for it.
    position BIGINT NOT NULL,
    -- How it went last.
    last_success BIGINT,
    last_failure BIGINT,
    last_error TEXT
);

CREATE TABLE webhook_deliveries (
    webhook TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    -- The event's place; its id is in the body.
    event BIGINT NOT NULL,
    -- PENDING or DEAD; what is delivered is gone.
    state TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- The event as it is sent.
    body TEXT NOT NULL,
    created BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    -- When it is to be tried next.
    due BIGINT NOT NULL,
    last_tried BIGINT,
    last_status BIGINT,
    last_error TEXT,
    PRIMARY KEY (webhook, event)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook, state, due);
