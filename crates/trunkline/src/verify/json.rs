//! The result for programs: one object, in the words of the API.

use jiff::Timestamp;
use link::render::exchanges;
use link::{Attempt, AttemptMessage, UnixMicros};
use serde_json::{Map, Value, json};

use super::finding::Finding;
use super::why::Why;

/// Writes the one object.
pub fn object(finding: &Finding) -> Value {
    let mut body = Map::new();
    body.insert("verdict".into(), finding.word.as_str().into());
    body.insert("exitCode".into(), finding.exit().number().into());
    if let Some(why) = finding.whys.first() {
        body.insert("code".into(), why.code.into());
        body.insert("stage".into(), why.stage.as_str().into());
        body.insert("diagnosis".into(), diagnosis(why));
        if let Some(hint) = finding.hint() {
            body.insert("hint".into(), hint.into());
        }
    }
    let details: Vec<Value> = finding
        .whys
        .iter()
        .filter_map(|why| Some(json!({"errorCode": why.code, "fieldName": why.flag?, "summary": why.summary})))
        .collect();
    if !details.is_empty() {
        body.insert("details".into(), details.into());
    }
    if let Some(Ok(negotiated)) = finding.negotiated.as_ref().map(serde_json::to_value) {
        body.insert("negotiated".into(), negotiated);
    }
    body.insert("challenges".into(), serde_json::to_value(&finding.evidence.challenges).unwrap_or_else(|_| json!([])));
    let mut evidence = serde_json::to_value(&finding.evidence).unwrap_or_else(|_| json!({}));
    if let Some(fields) = evidence.as_object_mut() {
        fields.remove("challenges");
    }
    body.insert("evidence".into(), evidence);
    if let Some(attempt) = &finding.attempt {
        body.insert("attempt".into(), self::attempt(attempt));
    }
    Value::Object(body)
}

fn diagnosis(why: &Why) -> Value {
    let mut body = json!({
        "stage": why.stage.as_str(),
        "initiator": why.initiator.as_str(),
        "retryable": why.retryable,
        "summary": why.summary,
        "docs": format!("/docs/diagnoses/{}", why.code),
    });
    if !why.remedy.is_empty() {
        body["remedy"] = why.remedy.as_str().into();
    }
    body
}

fn attempt(attempt: &Attempt) -> Value {
    let exchanges: Vec<Value> = exchanges(attempt)
        .iter()
        .map(|one| {
            let mut body = json!({"method": one.method, "remote": one.remote, "sentAt": rfc3339(one.sent_at)});
            if let Some(status) = one.status {
                body["status"] = status.into();
            }
            if let Some(micros) = one.round_trip() {
                body["roundTripMs"] = millis(micros).into();
            }
            body
        })
        .collect();
    let mut body = json!({
        "id": attempt.id,
        "startedAt": rfc3339(attempt.started_at),
        "endedAt": rfc3339(attempt.ended_at),
        "accepted": attempt.accepted,
        "registrar": attempt.registrar,
        "targets": attempt.targets,
        "transport": attempt.transport,
        "messages": attempt.messages.iter().map(message).collect::<Vec<_>>(),
        "timings": {"durationMs": millis(attempt.ended_at - attempt.started_at), "exchanges": exchanges},
    });
    let optional = [("secured", &attempt.secured), ("sourceAddress", &attempt.source_address), ("publicAddress", &attempt.public_address)];
    for (name, value) in optional {
        if let Some(value) = value {
            body[name] = value.as_str().into();
        }
    }
    body
}

fn message(message: &AttemptMessage) -> Value {
    json!({
        "at": rfc3339(message.at),
        "direction": if message.sent { "sent" } else { "received" },
        "local": message.local,
        "remote": message.remote,
        "retransmissions": message.retransmissions,
        "text": String::from_utf8_lossy(&message.bytes),
    })
}

fn rfc3339(micros: UnixMicros) -> String {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

fn millis(micros: i64) -> i64 {
    (micros.max(0) + 500) / 1_000
}
