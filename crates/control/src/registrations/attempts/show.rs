use link::render::{Exchange, exchanges};
use link::{Attempt, AttemptMessage, Drift, NO_CARRIER};
use serde_json::{Map, Value, json};

use crate::registrations::object::{PATH, diagnosis, negotiated};
use crate::store::attempts::{Kept, word};
use crate::time::rfc3339;

/// Where the attempts of a trunk are; those of no trunk where it is absent.
pub fn path(trunk: Option<&str>) -> String {
    // No trunk may have the id `verify`.
    format!("{PATH}/{}/attempts", trunk.unwrap_or("verify"))
}

/// Writes an attempt as a listing shows it: without its messages.
pub fn summary(kept: &Kept) -> Value {
    let mut body = common(&kept.attempt);
    body.insert("messageCount".into(), kept.messages.into());
    Value::Object(body)
}

/// Writes an attempt as a whole; its messages only for who may see them.
pub fn whole(attempt: &Attempt, with_messages: bool) -> Value {
    let mut body = common(attempt);
    body.insert("messageCount".into(), attempt.messages.len().into());
    if with_messages {
        body.insert("messages".into(), attempt.messages.iter().map(message).collect());
    }
    let exchanges: Vec<Value> = exchanges(attempt).iter().map(exchange).collect();
    body.insert("timings".into(), json!({ "durationMs": millis(attempt.ended_at - attempt.started_at), "exchanges": exchanges }));
    let uri = format!("{}/{}", path(attempt.trunk.as_deref()), attempt.id);
    for (name, export) in [("ladderUri", "ladder"), ("reportUri", "report"), ("pcapngUri", "pcapng")] {
        body.insert(name.into(), format!("{uri}/{export}").into());
    }
    Value::Object(body)
}

fn common(attempt: &Attempt) -> Map<String, Value> {
    let mut body = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.into(), value);
        }
    };
    let reference = |kind: &str, id: &str| json!({ "id": id, "selfUri": format!("/api/v2/{kind}/{id}") });
    put("id", Some(attempt.id.clone().into()));
    put("kind", Some(word(attempt.kind).into()));
    put("trunk", attempt.trunk.as_ref().map(|trunk| reference("trunks/voice", trunk)));
    put("carrier", (attempt.carrier != NO_CARRIER).then(|| reference("carriers", &attempt.carrier)));
    put("edge", Some(reference("edges", &attempt.edge)));
    put("startedAt", Some(rfc3339(attempt.started_at).into()));
    put("endedAt", Some(rfc3339(attempt.ended_at).into()));
    put("durationMs", Some(millis(attempt.ended_at - attempt.started_at).into()));
    put("accepted", Some(attempt.accepted.into()));
    put("registrar", Some(attempt.registrar.clone().into()));
    put("targets", Some(attempt.targets.clone().into()));
    put("transport", Some(attempt.transport.clone().into()));
    put("secured", attempt.secured.clone().map(Into::into));
    put("sourceAddress", attempt.source_address.clone().map(Value::from));
    put("publicAddress", attempt.public_address.clone().map(Value::from));
    put("negotiated", attempt.negotiated.as_ref().map(negotiated));
    put("diagnosis", attempt.diagnosis.as_deref().map(diagnosis));
    put("changes", (!attempt.changes.is_empty()).then(|| attempt.changes.iter().map(change).collect()));
    put("selfUri", Some(format!("{}/{}", path(attempt.trunk.as_deref()), attempt.id).into()));
    body
}

/// Writes what a carrier does otherwise than before.
pub fn change(drift: &Drift) -> Value {
    json!({ "what": drift.what, "before": drift.before, "after": drift.after })
}

fn message(message: &AttemptMessage) -> Value {
    let text = String::from_utf8_lossy(&message.bytes);
    let start_line = text.trim_start_matches(['\r', '\n']).split(['\r', '\n']).next().unwrap_or_default();
    json!({
        "at": rfc3339(message.at),
        "direction": if message.sent { "sent" } else { "received" },
        "local": message.local,
        "remote": message.remote,
        "retransmissions": message.retransmissions,
        "startLine": start_line,
        "text": text,
    })
}

fn exchange(exchange: &Exchange) -> Value {
    let mut body = json!({ "method": exchange.method, "remote": exchange.remote, "sentAt": rfc3339(exchange.sent_at) });
    if let Some(cseq) = exchange.cseq {
        body["cSeq"] = cseq.into();
    }
    if let Some(status) = exchange.status {
        body["status"] = status.into();
    }
    if let Some(round_trip) = exchange.round_trip() {
        body["roundTripMs"] = millis(round_trip).into();
    }
    body
}

fn millis(micros: i64) -> i64 {
    (micros.max(0) + 500) / 1_000
}
