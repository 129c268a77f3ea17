//! What is answered besides: listings, refusals, tokens, jobs, events, audits, keys.

use serde_json::{Value, json};

use super::{count, flag, form, list, object, reference, shown, text, texts, time, version, words};

/// Adds them.
pub fn answers(put: &mut impl FnMut(&str, Value)) {
    put("Listing", listing());
    put("Error", error(&["message", "code", "status", "contextId"]));
    // Of a line: the correlation id is that of the call.
    put("LineError", error(&["message", "code", "status"]));
    put("Status", shown(&["status"], json!({ "status": text() })));
    // OpenAPI's own schema says what it looks like.
    put("Document", object());
    access(put);
    bulk(put);
    events(put);
    knowledge(put);
    metrics(put);
    plan(put);
    let master = shown(&["source"], json!({ "source": words(&["file", "environment", "command"]) }));
    let key = shown(
        &["id", "dateCreated", "secrets", "sealsNew"],
        json!({ "id": count(), "dateCreated": time(), "secrets": count(), "sealsNew": flag() }),
    );
    let rotation = shown(&["state", "remaining"], json!({ "state": words(&["RUNNING", "COMPLETED"]), "remaining": count() }));
    put(
        "Sealing",
        shown(
            &["masterKey", "dataKeys", "rotation", "selfUri"],
            json!({ "masterKey": master, "dataKeys": list(key), "rotation": rotation, "selfUri": text() }),
        ),
    );
}

fn listing() -> Value {
    let mut properties = json!({ "entities": { "type": "array" }, "pageSize": version(), "pageNumber": version(), "total": count(), "pageCount": version() });
    for name in ["firstUri", "lastUri", "nextUri", "previousUri", "selfUri", "cursor"] {
        properties[name] = text();
    }
    shown(&["entities", "pageSize", "total", "pageCount", "firstUri", "selfUri"], properties)
}

fn error(required: &[&str]) -> Value {
    let detail = shown(&["errorCode"], json!({ "errorCode": text(), "fieldName": text() }));
    let oauth = json!({ "type": "string", "description": "Of the token endpoint: RFC 6749 5.2." });
    shown(
        required,
        json!({
            "message": text(), "code": text(), "status": { "type": "integer", "minimum": 400, "maximum": 599 }, "contextId": text(), "entityId": text(),
            "entityName": text(), "details": list(detail), "diagnosis": reference("Diagnosis"), "error": oauth, "error_description": oauth,
        }),
    )
}

fn access(put: &mut impl FnMut(&str, Value)) {
    let fields = json!({ "grant_type": words(&["client_credentials"]), "client_id": text(), "client_secret": text() });
    put("TokenForm", json!({ "type": "object", "properties": fields, "required": ["grant_type"] }));
    let token = json!({ "access_token": text(), "token_type": words(&["bearer"]), "expires_in": count() });
    put("Token", shown(&["access_token", "token_type", "expires_in"], token));
    let named = || shown(&["id", "name"], json!({ "id": text(), "name": text() }));
    let client = shown(&["id", "name"], json!({ "id": text(), "name": text(), "organization": named() }));
    let grant = shown(&["roleId", "scope"], json!({ "roleId": text(), "scope": reference("Scope") }));
    put(
        "TokenOwner",
        shown(
            &["OAuthClient", "organization", "permissions"],
            json!({
                "OAuthClient": client, "organization": named(), "homeOrganization": named(), "roleGrants": list(grant), "permissions": texts(),
                "dateIssued": time(), "dateExpires": time(),
            }),
        ),
    );
}

fn bulk(put: &mut impl FnMut(&str, Value)) {
    put(
        "Lines",
        json!({ "type": "string", "description": "A JSON object a line, at most 64 KB each: {\"trunk\": {...}, \"credentials\": {...}}." }),
    );
    put("Sheet", json!({ "type": "string", "description": "RFC 4180, with a line of column names." }));
    let result =
        shown(&["line", "status"], json!({ "line": count(), "trunkId": text(), "status": count(), "error": reference("LineError") }));
    let mut progress = json!({ "lines": count(), "succeeded": count(), "failed": count() });
    for state in ["waiting", "promoted", "unchanged", "refused", "rejected", "excused", "unknown", "superseded"] {
        progress[state] = count();
    }
    put(
        "Job",
        shown(
            &["id", "state", "dateCreated", "dateModified", "progress", "results", "selfUri"],
            json!({
                "id": text(), "kind": words(&["rotation"]),
                "state": words(&["RUNNING", "COMPLETED", "FAILED", "LOADING", "PAUSED", "STOPPED", "CANCELLED"]), "dateCreated": time(), "dateModified": time(),
                "dryRun": flag(), "perSecond": count(), "maxFailureShare": { "type": "number" }, "stage": words(&["canary", "hundredth", "rest"]),
                "progress": shown(&["lines"], progress), "message": text(), "results": list(result), "nextUri": text(), "selfUri": text(),
            }),
        ),
    );
}

fn events(put: &mut impl FnMut(&str, Value)) {
    let about = json!({
        "id": text(), "kind": text(), "at": time(), "trunk": reference("Reference"), "site": reference("Reference"),
        "carrier": reference("Reference"), "edge": reference("Reference"), "data": object(),
    });
    put("Event", shown(&["id", "kind", "at", "data"], about));
    put(
        "Delivery",
        shown(
            &["id", "kind", "state", "tries", "since", "event"],
            json!({
                "id": text(), "kind": text(), "state": words(&["PENDING", "DEAD"]), "tries": count(), "since": time(), "nextTryAt": time(), "lastTriedAt": time(),
                "lastStatus": count(), "lastError": text(), "event": reference("Event"),
            }),
        ),
    );
    let call = json!({ "delivered": flag(), "status": count(), "error": text(), "durationMs": count() });
    put("TestCall", shown(&["delivered", "durationMs"], call));
}

fn metrics(put: &mut impl FnMut(&str, Value)) {
    let minute = json!({ "at": time(), "accepted": count(), "failed": count(), "roundTripMs": count(), "longestRoundTripMs": count() });
    let minutes = list(shown(&["at", "accepted", "failed"], minute));
    let metrics = json!({ "from": time(), "to": time(), "accepted": count(), "failed": count(), "minutes": minutes, "selfUri": text() });
    put("RegistrationMetrics", shown(&["from", "to", "accepted", "failed", "minutes", "selfUri"], metrics));
    let states = json!({ "type": "object", "additionalProperties": count(), "description": "By state; states without any are left out." });
    let carriers =
        list(shown(&["carrier", "trunks", "failing"], json!({ "carrier": reference("Reference"), "trunks": count(), "failing": count() })));
    let summary = json!({ "total": count(), "states": states, "carriers": carriers, "selfUri": text() });
    put("RegistrationSummary", shown(&["total", "states", "carriers", "selfUri"], summary));
}

fn plan(put: &mut impl FnMut(&str, Value)) {
    let whole = |least: u64, most: u64| json!({ "type": "integer", "minimum": least, "maximum": most });
    let carrier = json!({
        "name": text(), "trunks": json!({ "type": "integer", "minimum": 1, "description": "At most 2,000,000 over all carriers." }), "edges": whole(1, 40), "expires": whole(1, 86_400), "minRefresh": whole(0, 86_400),
        "nonceReuse": words(&["auto", "never", "always"]), "nonceLife": whole(1, 86_400), "registersPerSecond": whole(1, 1_000_000),
        "inFlight": whole(1, 1_000_000), "limit": whole(1, 1_000_000), "roundTripMs": whole(1, 10_000),
    });
    let carriers = json!({ "type": "array", "minItems": 1, "maxItems": 50, "items": form(&["name", "trunks"], carrier) });
    let event = json!({
        "kind": words(&["nothing", "restart", "outage", "loss", "expiry"]), "carrier": text(), "seconds": whole(1, 86_400),
        "loss": { "type": "number", "minimum": 0, "maximum": 0.95 }, "expires": whole(1, 86_400), "memory": words(&["clean", "unclean", "none"]),
    });
    let asked = json!({
        "edges": whole(1, 40), "shards": whole(1, 64), "carriers": carriers, "event": form(&["kind"], event), "afterSeconds": whole(1, 86_400),
        "seed": whole(0, u64::MAX >> 1),
    });
    put("PlanForm", form(&["carriers"], asked));
    let number = || json!({ "type": "number", "minimum": 0 });
    let series = || json!({ "type": "array", "items": count(), "description": "The highest value of each stretch." });
    let worst = shown(&["at", "registers"], json!({ "at": count(), "registers": count() }));
    let outlook = json!({
        "name": text(), "trunks": count(), "steadyPerSecond": number(), "worstSecond": worst, "retransmissions": count(), "refreshes": count(),
        "challengedCycles": count(), "lapses": count(), "mostUnbound": count(), "recovered": flag(), "recoverySeconds": count(),
        "limitExceeded": flag(), "registersPerSecond": series(), "unbound": series(),
    });
    let told = ["name", "trunks", "steadyPerSecond", "worstSecond", "lapses", "mostUnbound", "recovered", "registersPerSecond", "unbound"];
    put("PlanOutlook", shown(&told, outlook));
    let edge = json!({ "worstRegistersPerSecond": count(), "worstCores": number(), "meanCores": number(), "memoryBytes": count() });
    let plan = json!({
        "event": text(), "eventFrom": count(), "eventTo": count(), "stretchSeconds": count(), "edges": count(), "trunks": count(), "edge": shown(&[], edge),
        "all": reference("PlanOutlook"), "carriers": list(reference("PlanOutlook")),
    });
    put("Plan", shown(&["event", "eventFrom", "eventTo", "stretchSeconds", "edges", "trunks", "edge", "all", "carriers"], plan));
}

fn knowledge(put: &mut impl FnMut(&str, Value)) {
    put(
        "Cause",
        shown(
            &["id", "code", "stage", "initiator", "status", "retryable", "meaning", "remedy", "docs", "selfUri"],
            json!({
                "id": text(), "code": text(), "stage": text(), "initiator": words(&["platform", "network", "carrier"]), "status": count(), "retryable": flag(),
                "meaning": text(), "remedy": text(), "docs": text(), "selfUri": text(),
            }),
        ),
    );
    let invalid = shown(&["example", "code"], json!({ "example": text(), "code": text() }));
    let rule = shown(&["aspect", "rule"], json!({ "aspect": text(), "rule": text(), "valid": texts(), "invalid": list(invalid) }));
    put(
        "FormRules",
        shown(
            &["id", "name", "rules", "selfUri"],
            json!({ "id": text(), "name": text(), "fields": texts(), "description": text(), "rules": list(rule), "docs": text(), "selfUri": text() }),
        ),
    );
    put(
        "Audit",
        shown(
            &["number", "revision", "date", "client", "action", "entityType", "entityId", "previousHash", "hash"],
            json!({
                "number": count(), "revision": count(), "date": time(), "client": shown(&["id"], json!({ "id": text() })), "action": text(),
                "entityType": text(), "entityId": text(), "before": { "description": "What it was, without secrets." },
                "after": { "description": "What it is, without secrets." }, "remoteAddress": text(), "correlationId": text(), "previousHash": text(),
                "hash": text(),
            }),
        ),
    );
    let found = shown(&["number", "reason"], json!({ "number": count(), "reason": text() }));
    let head = shown(&["number", "compared"], json!({ "number": count(), "compared": flag() }));
    let verdict = json!({ "intact": flag(), "records": count(), "trimmedTo": count(), "head": head, "firstBreak": found });
    put("AuditVerdict", shown(&["intact", "records"], verdict));
    let head = json!({ "kind": words(&["head", "checkpoint"]), "number": count(), "hash": text(), "date": time(), "publicKey": text(), "signature": text() });
    put("AuditHead", shown(&["kind", "number", "hash", "date", "publicKey", "signature"], head));
}
