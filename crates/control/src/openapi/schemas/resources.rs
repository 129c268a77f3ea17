//! The plain resources: what is sent, and what is answered.

use serde_json::{Value, json};

use super::{count, entity, flag, form, list, positive, reference, seconds, shown, text, texts, time, uri, warnings, with_common, words};

/// Adds them.
pub fn resources(put: &mut impl FnMut(&str, Value)) {
    let algorithms =
        json!({ "type": "array", "minItems": 1, "items": { "type": "string", "examples": ["SHA-512-256", "SHA-256", "MD5"] } });
    put("DigestPolicy", form(&[], json!({ "allowed": algorithms, "onDowngrade": words(&["refuse", "warn"]) })));
    put("Contact", contact());
    put("Scope", scope());
    let kinds: &[(&str, &[&str], Value, Value)] = &[
        ("Organization", &[], organization(), json!({})),
        ("Site", &[], site(), json!({})),
        ("Carrier", &["registrars"], carrier(), json!({ "load": load(), "warnings": warnings() })),
        ("Trunk", &["carrier", "addressOfRecord"], trunk(), json!({})),
        ("Client", &[], client(), json!({})),
        ("Role", &[], role(), json!({ "default": { "type": "boolean", "description": "Whether it is part of the product." } })),
        ("Webhook", &["url"], webhook(), json!({ "secretSet": flag(), "deliveries": deliveries() })),
    ];
    for (name, required, settings, servers) in kinds {
        let mut given = with_common(settings.clone());
        if *name == "Webhook" {
            let mut new = given.clone();
            new["secret"] = json!({ "type": "string", "description": "whsec_ and base64; drawn where absent." });
            put("WebhookForm", form(required, new));
        } else if *name != "Organization" {
            put(&format!("{name}Form"), form(required, given.clone()));
        }
        let mut entity_fields = settings.clone();
        for (field, schema) in servers.as_object().into_iter().flatten() {
            entity_fields[field] = schema.clone();
            given[field] = json!({ "description": "The server's own; what was read may be sent back." });
        }
        if servers.as_object().is_some_and(|servers| !servers.is_empty()) {
            put(&format!("{name}Put"), form(required, given.clone()));
        }
        put(&format!("{name}Patch"), form(&[], given));
        put(name, entity(entity_fields));
    }
    put("EdgePatch", form(&[], with_common(json!({ "drain": flag() }))));
    put("Edge", edge());
    let secret = json!({ "type": "string", "description": "In this answer, and in no other." });
    for (name, of) in [("NewClient", "Client"), ("NewWebhook", "Webhook")] {
        put(name, json!({ "allOf": [reference(of), shown(&["secret"], json!({ "secret": secret }))] }));
    }
    put("WebhookSecretForm", form(&[], json!({ "secret": text() })));
    put("Undone", json!({ "anyOf": [reference("Trunk"), reference("Carrier")] }));
}

fn load() -> Value {
    let rate = json!({ "type": "number", "minimum": 0, "description": "REGISTER/s." });
    let rates = shown(&["least", "most", "allowed"], json!({ "least": rate, "most": rate, "allowed": rate }));
    shown(&["trunks", "registersPerSecond"], json!({ "trunks": count(), "registersPerSecond": rates }))
}

fn contact() -> Value {
    let short = json!({ "type": "string", "maxLength": 255 });
    form(
        &[],
        json!({
            "host": { "type": "string", "maxLength": 253 }, "port": { "type": "integer", "minimum": 1, "maximum": 65_535 },
            "transport": transport(), "params": short, "user": short,
        }),
    )
}

fn scope() -> Value {
    let one = |name: &str, of: Value| form(&[name], json!({ name: of }));
    let trunks = json!({ "type": "array", "minItems": 1, "maxItems": 500, "items": reference("ReferenceForm") });
    let any = [
        json!({ "type": "string", "enum": ["organization"] }),
        one("site", reference("ReferenceForm")),
        one("carrier", reference("ReferenceForm")),
        one("trunks", trunks),
    ];
    json!({ "anyOf": any, "description": "Where a role holds; the whole organisation where absent." })
}

fn transport() -> Value {
    words(&["udp", "tcp", "tls", "ws", "wss"])
}

fn verify_by() -> Value {
    words(&["query", "renew", "none"])
}

fn line() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": 255 })
}

fn description() -> Value {
    json!({ "type": "string", "maxLength": 2048, "description": "For people." })
}

fn pacing() -> Value {
    form(&[], json!({ "registersPerSecond": positive(), "inFlight": positive() }))
}

fn options() -> Value {
    let interval = json!({ "type": "integer", "minimum": 0, "maximum": 86_400 });
    form(&[], json!({ "interval": interval, "failureThreshold": positive(), "successThreshold": positive() }))
}

fn budget() -> Value {
    form(&[], json!({ "failures": positive(), "window": positive(), "perVersion": positive() }))
}

fn headers() -> Value {
    let value = json!({ "type": "string", "maxLength": 512 });
    let header = form(&["name", "value"], json!({ "name": { "type": "string", "minLength": 1, "maxLength": 64 }, "value": value }));
    json!({ "type": "array", "maxItems": 32, "items": header })
}

fn organization() -> Value {
    let defaults =
        json!({ "expires": seconds(), "userAgent": line(), "pacing": pacing(), "options": options(), "failureBudget": budget() });
    json!({ "digestPolicy": reference("DigestPolicy"), "defaults": form(&[], defaults) })
}

fn zone() -> Value {
    json!({ "type": "string", "examples": ["Asia/Jakarta"], "description": "A name of the IANA time zone database." })
}

fn site() -> Value {
    json!({ "description": description(), "region": description(), "timeZone": zone(), "contact": reference("Contact") })
}

fn trunk() -> Value {
    json!({
        "description": description(), "site": reference("ReferenceForm"), "carrier": reference("ReferenceForm"), "inService": flag(),
        "addressOfRecord": uri(), "contactUser": { "type": "string", "maxLength": 255 }, "contact": reference("Contact"), "expires": seconds(),
        "digestPolicy": reference("DigestPolicy"), "requestUri": uri(), "fromUri": uri(), "userAgent": line(), "extraHeaders": headers(),
        "verifyBy": verify_by(), "acceptUnproven": flag(),
    })
}

fn carrier() -> Value {
    let few = |items: Value| json!({ "type": "array", "maxItems": 32, "items": items });
    let notes = json!({ "type": "object", "additionalProperties": text() });
    let server_error = json!({ "type": "integer", "minimum": 500, "maximum": 599 });
    let at = json!({ "type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$" });
    let tls = json!({
        "roots": { "type": "string", "maxLength": 65_536, "description": "Certificates in PEM." },
        "clientCertificate": { "type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$" }, "wildcard": flag(),
    });
    json!({
        "description": description(), "registrars": { "type": "array", "minItems": 1, "maxItems": 32, "items": uri() }, "requestUri": uri(),
        "outboundProxy": uri(), "route": flag(), "transports": few(transport()), "tls": form(&[], tls), "expires": seconds(),
        "minRefresh": seconds(), "digestPolicy": reference("DigestPolicy"), "verifyBy": verify_by(), "acceptUnproven": flag(),
        "nonceReuse": words(&["auto", "never", "always"]), "algorithmAliases": notes, "truncatedSha512": flag(), "redirectHosts": few(text()),
        "responseSource": words(&["any", "exact"]), "contactReplacement": words(&["after", "same-request", "before", "instance"]),
        "natRewrite": flag(), "sourcePorts": positive(), "bindingLimit": positive(), "outbound": flag(), "gin": flag(),
        "nextTargetOn": few(server_error), "pacing": pacing(), "options": options(), "failureBudget": budget(), "forbiddenRetry": seconds(),
        "phraseNotes": notes, "maintenance": few(form(&["from", "to"], json!({ "from": at, "to": at, "timeZone": zone() }))),
        "userAgent": line(), "extraHeaders": headers(),
    })
}

fn client() -> Value {
    let grant = form(&["roleId"], json!({ "roleId": text(), "scope": reference("Scope") }));
    let life = json!({ "type": "integer", "minimum": 60, "maximum": 172_800, "description": "86,400 where absent." });
    json!({ "description": description(), "roleGrants": list(grant), "accessTokenValiditySeconds": life, "disabled": flag() })
}

fn role() -> Value {
    json!({ "description": description(), "permissions": list(json!({ "type": "string", "examples": ["telephony:trunk:view"] })) })
}

fn edge() -> Value {
    entity(json!({
        "site": reference("Reference"), "onlineStatus": words(&["ONLINE", "OFFLINE"]), "onlineSince": time(), "publicAddresses": texts(),
        "softwareVersion": text(), "localAddresses": texts(), "advertisedAddresses": texts(), "drain": flag(), "lastSeen": time(),
    }))
}

fn webhook() -> Value {
    json!({
        "description": description(), "url": { "type": "string", "maxLength": 2048 }, "kinds": texts(), "trunkId": text(), "carrierId": text(),
        "siteId": text(), "enabled": flag(),
    })
}

fn deliveries() -> Value {
    shown(
        &["pending", "dead"],
        json!({ "pending": count(), "dead": count(), "lastSuccess": time(), "lastFailure": time(), "lastError": text() }),
    )
}
