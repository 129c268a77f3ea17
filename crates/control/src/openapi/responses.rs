//! The refusals that operations share, each with an example.

use serde_json::{Map, Value, json};

use super::operation;

const REFUSALS: &[(u16, &str, &str, &str)] = &[
    (400, "invalid.value", "pageSize is 1 to 500.", "Malformed, or against a rule of form; no carrier was asked."),
    (401, "bad.credentials", "The access token is not valid. Get one at POST /oauth/token.", "No token, or none that is valid."),
    (403, "missing.permissions", "Missing permissions: telephony:trunk:edit.", "Not allowed; the answer names the missing permissions."),
    (404, "not.found", "There is no trunk \"trunk_jkt_04\".", "There is no such thing, or the caller may not know of it."),
    (
        409,
        "version.mismatch",
        "The version 1 does not match the current version 2.",
        "Another version than the caller has seen, held, or in use.",
    ),
    (413, "payload.too.large", "The body is longer than 1048576 bytes.", "Too long."),
    (415, "unsupported.media.type", "This call takes application/json.", "Another media type."),
    (
        422,
        "sip.realm.mismatch",
        "Invalid SIP credentials provided for trunk ID: trunk_jkt_04",
        "The carrier, the network to it, or the digest policy refused; with the evidence.",
    ),
    (
        429,
        "too.many.requests",
        "Rate limit exceeded the maximum. Wait for Retry-After.",
        "Too many requests, or the allowance of failed digests is spent.",
    ),
    (
        500,
        "internal.error",
        "Something went wrong inside Trunkline. The log has the cause under this contextId.",
        "A fault of this platform.",
    ),
    (
        503,
        "edge.offline",
        "No edge of site \"jakarta\" is online.",
        "No edge of the site is online, or the store is busy; Retry-After says when.",
    ),
    (504, "timeout", "The answer takes too long; read the state before you repeat it.", "It takes too long."),
];

/// Writes them, by their status.
pub fn all() -> Value {
    let each = REFUSALS.iter().map(|(status, code, message, about)| {
        let mut headers = operation::headers();
        if matches!(status, 429 | 503) {
            headers["Retry-After"] = json!({ "$ref": "#/components/headers/Retry-After" });
        }
        let mut example =
            json!({ "message": message, "code": code, "status": status, "contextId": "01936f2e-4d7a-7cc1-b3a5-2f7d1f0b9c11" });
        if *status == 422 {
            example["entityId"] = "trunk_jkt_04".into();
            example["diagnosis"] = json!({
                "code": code, "stage": "challenge", "initiator": "carrier", "retryable": false, "credentialSent": false,
                "summary": "The carrier challenges realm \"sip-1.pb\", the request names \"carrier.co.id\".",
                "remedy": "Set credentials.realm to \"sip-1.pb\", or leave it out to learn it.",
                "sip": { "code": 401, "reason": "Unauthorized" }, "docs": format!("/docs/diagnoses/{code}"),
            });
        }
        let content = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Error" }, "example": example } });
        (status.to_string(), json!({ "description": about, "headers": headers, "content": content }))
    });
    Value::Object(each.collect::<Map<_, _>>())
}

/// The headers that answers share.
pub fn headers() -> Value {
    let number = || json!({ "type": "integer", "minimum": 0 });
    json!({
        "ININ-Correlation-Id": { "description": "Echoed, or drawn; the log has it.", "schema": { "type": "string" } },
        "inin-ratelimit-count": { "description": "Requests of this window.", "schema": number() },
        "inin-ratelimit-allowed": { "description": "Requests that a window allows.", "schema": number() },
        "inin-ratelimit-reset": { "description": "Seconds until the next window.", "schema": number() },
        "Retry-After": { "description": "Whole seconds.", "schema": { "type": "integer", "minimum": 1 } },
    })
}
