use serde_json::{Value, json};

use super::dispatch::Outcome;
use crate::domain::Webhook;
use crate::http::resources::form;
use crate::store::webhooks::Delivery;
use crate::time::rfc3339;

/// Where webhooks are.
pub const PATH: &str = "/api/v2/webhooks";

/// Writes a webhook as audit records and listings show it: its secret is never among it.
pub fn webhook(webhook: &Webhook) -> Value {
    let mut body = form::show(&webhook.meta, &webhook.settings, format!("{PATH}/{}", webhook.meta.id));
    body.insert("secretSet".into(), true.into());
    body.into()
}

/// Writes a webhook with how its deliveries go.
pub fn with_health(hook: &Webhook, pending: i64, dead: i64) -> Value {
    let mut body = webhook(hook);
    let health = &hook.health;
    body["deliveries"] = json!({
        "pending": pending,
        "dead": dead,
        "lastSuccess": health.last_success.map(rfc3339),
        "lastFailure": health.last_failure.map(rfc3339),
        "lastError": health.last_error,
    });
    body
}

/// Writes a delivery.
pub fn delivery(delivery: &Delivery) -> Value {
    let event: Value = serde_json::from_str(&delivery.body).unwrap_or_default();
    json!({
        "id": event["id"],
        "kind": delivery.kind,
        "state": delivery.state,
        "tries": delivery.tries,
        "since": rfc3339(delivery.created),
        "nextTryAt": (delivery.state == "PENDING").then(|| rfc3339(delivery.due)),
        "lastTriedAt": delivery.last_tried.map(rfc3339),
        "lastStatus": delivery.last_status,
        "lastError": delivery.last_error,
        "event": event,
    })
}

/// Writes how a test call went.
pub fn outcome(outcome: &Outcome) -> Value {
    json!({
        "delivered": outcome.error.is_none(),
        "status": outcome.status,
        "error": outcome.error,
        "durationMs": u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX),
    })
}
