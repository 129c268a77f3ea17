//! Registrations: credentials that are sent, and what edges and carriers said of them.

use serde_json::{Value, json};

use super::{count, entity, flag, form, list, reference, shown, text, texts, time, uri, version, warnings, words};

const STATES: [&str; 12] = [
    "DISABLED",
    "PENDING",
    "REGISTERING",
    "REGISTERED",
    "REFRESHING",
    "RETRY_WAIT",
    "UNREACHABLE",
    "AUTH_HELD",
    "REJECTED",
    "EXPIRED",
    "UNREGISTERING",
    "DEGRADED",
];

/// Adds them.
pub fn registrations(put: &mut impl FnMut(&str, Value)) {
    put("Diagnosis", diagnosis());
    put(
        "Negotiated",
        shown(&["realm", "algorithm", "offered"], json!({ "realm": text(), "algorithm": text(), "qop": text(), "offered": texts() })),
    );
    let challenge = json!({ "realm": text(), "algorithm": text(), "qop": texts(), "stale": flag(), "proxy": flag() });
    put("Challenge", shown(&["realm", "algorithm", "qop", "stale"], challenge));
    put("Change", shown(&["what", "before", "after"], json!({ "what": text(), "before": text(), "after": text(), "at": time() })));
    put("Credentials", credentials(&["username"], json!({})));
    put("ProxyCredentials", credentials(&["username", "realm"], json!({})));
    put("CredentialsForm", credentials_form());
    put("VerifyForm", verify_form());
    put("VerifyAdHocForm", verify_ad_hoc_form());
    put(
        "TraceForm",
        form(
            &[],
            json!({ "minutes": { "type": "integer", "minimum": 0, "maximum": 1440, "description": "Of action trace alone; 0 ends it." } }),
        ),
    );
    put("Verdict", verdict());
    put("VerificationUnderWay", shown(&["attemptId"], json!({ "attemptId": text() })));
    put("Registration", registration());
    put("CredentialVersion", credential_version());
    put("Attempt", attempt(json!({}), &[]));
    put("AttemptInWhole", attempt_in_whole());
}

/// What was seen of an attempt; of a diagnosis, and of a verdict.
fn evidence() -> Value {
    let said = shown(&["in", "text"], json!({ "in": text(), "text": text() }));
    let note = shown(&["pattern", "in", "note"], json!({ "pattern": text(), "in": text(), "note": text() }));
    let check = shown(&["name", "ok"], json!({ "name": text(), "ok": flag(), "expected": text(), "actual": text() }));
    json!({
        "edge": reference("Reference"), "registrar": text(), "resolution": texts(), "sourceAddress": text(), "publicAddress": text(), "sip": sip(),
        "headers": list(said), "notes": list(note), "challenges": list(reference("Challenge")), "checks": list(check),
        "optionsReachable": flag(), "credentialSent": flag(), "retryAfter": count(), "attemptId": text(),
    })
}

fn sip() -> Value {
    shown(&["code", "reason"], json!({ "code": { "type": "integer", "minimum": 100, "maximum": 699 }, "reason": text() }))
}

fn diagnosis() -> Value {
    let mut fields = evidence();
    fields["code"] = text();
    fields["stage"] = text();
    fields["initiator"] = words(&["platform", "network", "carrier"]);
    for (name, schema) in [("retryable", flag()), ("summary", text()), ("remedy", text()), ("docs", text())] {
        fields[name] = schema;
    }
    shown(&["code", "stage", "initiator", "retryable", "summary", "remedy", "docs"], fields)
}

fn verdict() -> Value {
    let mut fields = evidence();
    fields["verdict"] = words(&["PROVED", "LEARNED"]);
    fields["negotiated"] = reference("Negotiated");
    shown(&["verdict", "challenges"], fields)
}

fn algorithm() -> Value {
    json!({ "type": "string", "description": "MD5, SHA-256, SHA-512-256 or one of them with -sess; other spellings are read too, and echoed in this form." })
}

/// What is said of one account.
fn account() -> Value {
    let hashes = json!({
        "type": "object", "minProperties": 1, "additionalProperties": { "type": "string", "pattern": "^([0-9a-fA-F]{32}|[0-9a-fA-F]{64})$", "writeOnly": true },
        "description": "In place of a password, by algorithm; needs a realm.",
    });
    json!({
        "username": { "type": "string", "minLength": 1, "maxLength": 255 }, "password": { "type": "string", "minLength": 1, "maxLength": 1024, "writeOnly": true },
        "realm": { "type": "string", "minLength": 1, "description": "Absent, or *: it is learnt from the carrier." }, "algorithm": algorithm(), "ha1": hashes,
    })
}

fn credentials(required: &[&str], more: Value) -> Value {
    let mut fields = account();
    for (name, schema) in more.as_object().into_iter().flatten() {
        fields[name] = schema.clone();
    }
    form(required, fields)
}

/// Credentials, in `credentials` or at the top level, beside other fields.
fn with_credentials(mut fields: Value) -> Value {
    fields["credentials"] = reference("Credentials");
    fields["proxyCredentials"] = reference("ProxyCredentials");
    fields["accept"] = list(words(&["registration.whitespace"]));
    for (name, schema) in account().as_object().into_iter().flatten() {
        fields[name] = schema.clone();
    }
    fields
}

fn credentials_form() -> Value {
    let fields = json!({
        "trunkId": reference("Id"), "verify": words(&["live", "static"]), "standby": flag(), "acceptUnproven": flag(), "activateAt": time(),
    });
    form(&["trunkId"], with_credentials(fields))
}

fn verify_form() -> Value {
    form(&[], with_credentials(json!({ "challengeOnly": flag() })))
}

fn verify_ad_hoc_form() -> Value {
    let fields = json!({
        "registrars": { "type": "array", "minItems": 1, "maxItems": 16, "items": uri() }, "carrier": reference("ReferenceForm"), "addressOfRecord": uri(),
        "site": reference("ReferenceForm"), "requestUri": uri(), "outboundProxy": uri(), "challengeOnly": flag(),
    });
    form(&["addressOfRecord"], with_credentials(fields))
}

fn proxys() -> Value {
    shown(&["username", "realm", "passwordSet"], json!({ "username": text(), "realm": text(), "algorithm": text(), "passwordSet": flag() }))
}

fn registration() -> Value {
    let options = shown(&["state"], json!({ "state": words(&["UP", "DOWN", "UNKNOWN"]), "roundTripMs": count(), "since": time() }));
    let edge = shown(
        &["edge", "registrationState", "bound", "authenticated", "since"],
        json!({
            "edge": reference("Reference"), "registrationState": words(&STATES[..11]), "bound": flag(), "authenticated": flag(), "since": time(),
            "registrar": text(), "transport": text(), "publicAddress": text(), "registeredAt": time(), "expiresAt": time(), "nextActionAt": time(),
            "roundTripMs": count(), "consecutiveFailures": count(), "lastResponse": sip(), "negotiated": reference("Negotiated"),
            "serviceRoute": texts(), "associatedUris": texts(), "options": options, "credentialVersion": version(), "refreshes": count(),
            "diagnosis": reference("Diagnosis"),
        }),
    );
    let rejected = json!({ "version": version(), "code": text(), "at": time(), "diagnosis": reference("Diagnosis") });
    let credentials = shown(
        &["passwordSet"],
        json!({
            "passwordSet": flag(), "username": text(), "realm": text(), "algorithm": text(), "proxyCredentials": proxys(), "activeVersion": version(),
            "stagedVersion": version(), "standbyVersion": version(), "previousVersion": version(), "activateAt": time(),
            "lastRejected": shown(&["version", "code", "at"], rejected),
        }),
    );
    entity(json!({
        "trunk": reference("Reference"), "site": reference("Reference"), "carrier": reference("Reference"), "addressOfRecord": text(), "registrars": texts(),
        "credentials": credentials, "registrationState": words(&STATES), "bound": flag(), "since": time(), "edges": list(edge),
        "drift": list(reference("Change")), "traceUntil": time(), "maintenanceUntil": time(),
        "warnings": warnings(),
    }))
}

fn credential_version() -> Value {
    shown(
        &["id", "version", "state", "username", "passwordSet", "dateCreated", "selfUri"],
        json!({
            "id": text(), "version": version(),
            "state": words(&["STAGED", "VERIFYING", "ACTIVE", "STANDBY", "PREVIOUS", "REJECTED", "RETIRED"]), "username": text(), "passwordSet": flag(),
            "authenticated": flag(), "dateCreated": time(), "dateModified": time(), "selfUri": text(), "realm": text(), "algorithm": text(), "ha1": texts(),
            "proxyCredentials": proxys(), "negotiated": reference("Negotiated"), "promotedAt": time(), "acceptedAt": time(),
            "stepsPassed": list(words(&["resolve", "reach", "challenge"])), "diagnosis": reference("Diagnosis"),
            "details": list(shown(&["errorCode"], json!({ "errorCode": text(), "fieldName": text() }))),
        }),
    )
}

fn attempt(more: Value, required: &[&str]) -> Value {
    let mut fields = json!({
        "id": text(), "kind": words(&["firstRegistration", "refresh", "removal", "verification"]), "trunk": reference("Reference"),
        "carrier": reference("Reference"), "edge": reference("Reference"), "startedAt": time(), "endedAt": time(), "durationMs": count(),
        "accepted": flag(), "registrar": text(), "targets": texts(), "transport": text(), "secured": text(), "sourceAddress": text(),
        "publicAddress": text(), "negotiated": reference("Negotiated"), "diagnosis": reference("Diagnosis"), "changes": list(reference("Change")),
        "messageCount": count(), "selfUri": text(),
    });
    for (name, schema) in more.as_object().into_iter().flatten() {
        fields[name] = schema.clone();
    }
    let mut needed = vec!["id", "kind", "startedAt", "accepted", "messageCount", "selfUri"];
    needed.extend(required);
    shown(&needed, fields)
}

fn attempt_in_whole() -> Value {
    let message = shown(
        &["at", "direction", "startLine", "text"],
        json!({
            "at": time(), "direction": words(&["sent", "received"]), "local": text(), "remote": text(), "retransmissions": count(),
            "startLine": text(), "text": text(),
        }),
    );
    let exchange = shown(
        &["method", "sentAt"],
        json!({ "method": text(), "remote": text(), "sentAt": time(), "cSeq": count(), "status": count(), "roundTripMs": count() }),
    );
    let timings = shown(&["durationMs", "exchanges"], json!({ "durationMs": count(), "exchanges": list(exchange) }));
    let more = json!({ "messages": list(message), "timings": timings, "ladderUri": text(), "reportUri": text(), "pcapngUri": text() });
    attempt(more, &["timings", "ladderUri", "reportUri", "pcapngUri"])
}
