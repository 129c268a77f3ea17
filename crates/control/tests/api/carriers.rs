use axum::http::Method;
use serde_json::json;

use crate::lab::{CARRIER, Lab};

/// A certificate that may stand among roots.
fn root() -> String {
    rcgen::generate_simple_self_signed(vec!["ca.example".into()]).expect("a certificate").cert.pem()
}

#[tokio::test]
async fn a_carrier_is_made_read_changed_and_deleted() {
    let lab = Lab::new().await;
    let made = lab.post("/api/v2/carriers", CARRIER).await.is(201);
    // Spellings become IANA names, strongest first.
    assert_eq!(made.body["digestPolicy"], json!({ "allowed": ["SHA-256", "MD5"] }));
    let path = "/api/v2/carriers/nusantara";
    assert_eq!(lab.get(path).await.is(200).body, made.body);
    let changed = lab.patch(path, r#"{"digestPolicy": {"onDowngrade": "warn"}, "expires": null}"#).await.is(200);
    assert_eq!(changed.body["digestPolicy"], json!({ "allowed": ["SHA-256", "MD5"], "onDowngrade": "warn" }));
    assert_eq!(changed.body.get("expires"), None);
    lab.delete(path).await.is(204);
    lab.get(path).await.refused(404, "not.found");
}

#[tokio::test]
async fn the_whole_profile_is_kept() {
    let lab = Lab::new().await;
    let profile = json!({
        "registrars": ["sip:a.example", "sips:[2001:db8::1]:5061"], "requestUri": "sip:b.example", "outboundProxy": "sip:c.example;lr", "route": true,
        "transports": ["udp", "tcp", "tls", "wss", "ws"],
        "tls": { "roots": root(), "clientCertificate": "customer-7", "wildcard": true },
        "expires": 600, "minRefresh": 30, "digestPolicy": { "allowed": ["MD5"], "onDowngrade": "refuse" }, "verifyBy": "renew", "acceptUnproven": true,
        "nonceReuse": "never", "algorithmAliases": { "SHA-256-8": "SHA-256" }, "truncatedSha512": true, "redirectHosts": ["d.example"],
        "responseSource": "exact", "contactReplacement": "same-request", "natRewrite": true, "sourcePorts": 4, "bindingLimit": 2, "outbound": true,
        "gin": true, "pacing": { "registersPerSecond": 5, "inFlight": 2 }, "options": { "interval": 0 },
        "failureBudget": { "failures": 3, "window": 600, "perVersion": 2 }, "forbiddenRetry": 3600, "phraseNotes": { "limit": "ask", "Warning: quota * of": "buy more" },
        "maintenance": [{ "from": "23:30", "to": "01:00", "timeZone": "Asia/Tokyo" }], "userAgent": "x/1",
        "extraHeaders": [{ "name": "X-Account", "value": "7" }]
    });
    let made = lab.post("/api/v2/carriers", &profile.to_string()).await.is(201);
    for (name, value) in profile.as_object().expect("an object") {
        assert_eq!(&made.body[name], value, "{name}");
    }
}

#[tokio::test]
async fn bad_profiles_are_refused_by_field() {
    let lab = Lab::new().await;
    for (body, code, field) in [
        ("{}", "invalid.value", "registrars"),
        (r#"{"registrars": []}"#, "invalid.value", "registrars"),
        (r#"{"registrars": ["sbc1.carrier"]}"#, "registration.registrar.malformed", "registrars[0]"),
        (r#"{"registrars": ["sip:a", "sip:b:99999"]}"#, "registration.registrar.malformed", "registrars[1]"),
        (r#"{"registrars": ["sip:a"], "outboundProxy": "tel:1"}"#, "registration.registrar.malformed", "outboundProxy"),
        (r#"{"registrars": ["sip:a"], "digestPolicy": {"allowed": ["SHA-1"]}}"#, "registration.algorithm.unknown", "digestPolicy.allowed"),
        (r#"{"registrars": ["sip:a"], "digestPolicy": {"allowed": []}}"#, "invalid.value", "digestPolicy.allowed"),
        (r#"{"registrars": ["sip:a"], "digestPolicy": {"onDowngrade": "shrug"}}"#, "invalid.value", "digestPolicy.onDowngrade"),
        (r#"{"registrars": ["sip:a"], "pacing": {"registersPerSecond": 0}}"#, "invalid.value", "pacing.registersPerSecond"),
        (r#"{"registrars": ["sip:a"], "expires": 86401}"#, "invalid.value", "expires"),
        (r#"{"registrars": ["sip:a"], "expires": -1}"#, "invalid.value", "expires"),
        (r#"{"registrars": ["sip:a"], "verifyBy": "hope"}"#, "invalid.value", "verifyBy"),
        (r#"{"registrars": ["sip:a"], "maintenance": [{"from": "24:00", "to": "01:00"}]}"#, "invalid.value", "maintenance[0].from"),
        (r#"{"registrars": ["sip:a"], "extraHeaders": [{"name": "Via", "value": "x"}]}"#, "invalid.value", "extraHeaders[0]"),
        (r#"{"registrars": ["sip:a"], "extraHeaders": [{"name": "X", "value": "a\r\nVia: b"}]}"#, "invalid.value", "extraHeaders[0]"),
        (r#"{"registrars": ["sip:a"], "userAgent": "a\r\nb"}"#, "invalid.value", "userAgent"),
        (r#"{"registrars": ["sip:a"], "transports": ["sctp"]}"#, "invalid.value", "transports[0]"),
        (r#"{"registrars": ["sip:a"], "tls": {"roots": "-----BEGIN PRIVATE KEY-----"}}"#, "invalid.value", "tls.roots"),
        (r#"{"registrars": ["sip:a"], "tls": {"roots": "what"}}"#, "invalid.value", "tls.roots"),
        (
            r#"{"registrars": ["sip:a"], "tls": {"roots": "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"}}"#,
            "invalid.value",
            "tls.roots",
        ),
        (
            r#"{"registrars": ["sip:a"], "tls": {"clientCertificate": "-----BEGIN CERTIFICATE-----"}}"#,
            "invalid.value",
            "tls.clientCertificate",
        ),
        (r#"{"registrars": ["sip:a"], "tls": {"clientCertificate": ""}}"#, "invalid.value", "tls.clientCertificate"),
        (r#"{"registrars": ["sip:a"], "tls": {"wildcard": "yes"}}"#, "invalid.value", "tls.wildcard"),
        (r#"{"registrars": ["sip:a"], "description": "a\u0001"}"#, "invalid.value", "description"),
        (r#"{"registrars": ["sip:a"], "phraseNotes": {"": "x"}}"#, "invalid.value", "phraseNotes"),
        (r#"{"registrars": ["sip:a"], "phraseNotes": {" ** ": "x"}}"#, "invalid.value", "phraseNotes"),
        (r#"{"registrars": ["sip:a"], "phraseNotes": {"warning:": "x"}}"#, "invalid.value", "phraseNotes"),
        (r#"{"registrars": ["sip:a"], "phraseNotes": {"a\\b": "x"}}"#, "invalid.value", "phraseNotes"),
        (r#"{"registrars": ["sip:a"], "phraseNotes": {"a": ""}}"#, "invalid.value", "phraseNotes"),
        (r#"{"registrars": ["sip:a"], "redirectHosts": ["a b"]}"#, "invalid.value", "redirectHosts"),
        (r#"{"registrars": ["sip:a"], "algorithmAliases": {"x": "y"}}"#, "invalid.value", "algorithmAliases"),
        (r#"{"registrars": ["sip:a"], "registars": 1}"#, "invalid.value", "registars"),
    ] {
        lab.post("/api/v2/carriers", body).await.refused(400, code).about(field);
    }
}

#[tokio::test]
async fn a_password_in_a_registrar_is_refused_and_not_repeated() {
    let lab = Lab::new().await;
    let answer = lab.post("/api/v2/carriers", r#"{"registrars": ["sip:alice:s3cret@a.example"]}"#).await;
    let answer = answer.refused(400, "registration.registrar.malformed").about("registrars[0]").says("password");
    assert!(!answer.text.contains("s3cret"), "{}", answer.text);
}

#[tokio::test]
async fn choosing_where_secrets_go_needs_the_right_to_set_them() {
    let lab = Lab::furnished().await;
    lab.post("/api/v2/authorization/roles", r#"{"id": "profiles", "permissions": ["telephony:carrier:*", "telephony:trunk:*"]}"#)
        .await
        .is(201);
    let token = lab.token_with_role("profiles").await;
    let patch = async |path: &str, body: &str| lab.call(Method::PATCH, path, &token, &[], Some(body)).await;
    patch("/api/v2/carriers/nusantara", r#"{"expires": 300}"#).await.is(200);
    for body in [
        json!({"registrars": ["sip:evil.example"]}),
        json!({"outboundProxy": "sip:evil.example"}),
        json!({"redirectHosts": ["evil.example"]}),
        json!({"tls": {"roots": root()}}),
        json!({"tls": {"wildcard": true}}),
    ] {
        let answer = patch("/api/v2/carriers/nusantara", &body.to_string()).await.refused(403, "missing.permissions");
        answer.about("telephony:trunkCredential:edit");
    }
    lab.call(Method::POST, "/api/v2/carriers", &token, &[], Some(r#"{"id": "evil", "registrars": ["sip:evil.example"]}"#)).await.is(201);
    patch("/api/v2/trunks/voice/trunk_jkt_04", r#"{"carrier": {"id": "evil"}}"#).await.refused(403, "missing.permissions");
    lab.patch("/api/v2/carriers/nusantara", r#"{"registrars": ["sip:other.example"]}"#).await.is(200);
}

#[tokio::test]
async fn a_carrier_in_use_stays() {
    let lab = Lab::furnished().await;
    let answer = lab.delete("/api/v2/carriers/nusantara").await.refused(409, "conflict").says("trunk_jkt_04");
    assert_eq!(answer.body["entityId"], "nusantara");
}
