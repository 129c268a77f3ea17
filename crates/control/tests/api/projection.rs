//! The projection for existing clients, without an edge: shapes, base settings, refusals. What the SDKs make of it stands in the
//! end-to-end tests.

use serde_json::{Value, json};

use crate::lab::Lab;

const PATH: &str = "/api/v2/telephony/providers/edges";

fn base(id: &str, server: &str, password: &str) -> Value {
    let of = |value: &str| json!({ "value": { "instance": value } });
    json!({
        "id": id, "name": format!("Trunk {id}"), "trunkType": "EXTERNAL", "trunkMetabase": { "id": "external_sip_pcv_byoc_carrier.json" },
        "properties": {
            "trunk_transport_serverProxyList": { "type": "array", "value": { "default": null, "instance": [server] } },
            "trunk_sip_authentication_credentials_realm": of("lab"),
            "trunk_sip_authentication_credentials_username": of("u1"),
            "trunk_sip_authentication_credentials_password": of(password),
            "trunk_label": of("A label"),
        },
    })
}

#[tokio::test]
async fn base_settings_make_a_trunk_its_carrier_and_its_credentials() {
    let lab = Lab::furnished().await;
    let path = format!("{PATH}/trunkbasesettings");
    let made = lab.post(&path, &base("t1", "192.0.2.1:5060", "s3cret").to_string()).await.is(201);
    assert!(!made.text.contains("s3cret"), "{}", made.text);
    assert_eq!((&made.body["version"], &made.body["trunkType"]), (&json!(1), &json!("EXTERNAL")));
    let instance = |name: &str| made.body["properties"][name]["value"]["instance"].clone();
    assert_eq!(instance("trunk_transport_serverProxyList"), json!(["192.0.2.1:5060"]));
    assert_eq!(instance("trunk_sip_authentication_credentials_password"), "********");
    assert_eq!(instance("trunk_label"), "A label");

    let trunk = lab.get("/api/v2/trunks/voice/t1").await.is(200);
    assert_eq!((&trunk.body["addressOfRecord"], &trunk.body["carrier"]["id"]), (&json!("sip:u1@lab"), &json!("t1")));
    let registration = lab.get("/api/v2/trunks/voice/registrations/t1").await.is(200);
    assert_eq!(registration.body["credentials"]["activeVersion"], 1);
    // The next trunk at the same servers has the same carrier.
    let second = lab.post(&path, &base("t2", "192.0.2.1:5060", "s3cret").to_string()).await.is(201);
    assert_eq!(second.body["carrier"]["id"], "t1");

    // Read, change, write: the mask changes no password, other servers are another carrier with the same manners.
    let mut body = made.body.clone();
    body["properties"]["trunk_transport_serverProxyList"]["value"]["instance"] = json!(["192.0.2.9"]);
    let changed = lab.put(&format!("{path}/t1"), &body.to_string()).await.is(200);
    assert_eq!(changed.body["version"], 2);
    assert_ne!(changed.body["carrier"]["id"], "t1");
    assert_eq!(lab.get("/api/v2/trunks/voice/registrations/t1").await.body["credentials"]["activeVersion"], 1);
    lab.put(&format!("{path}/t1"), &body.to_string()).await.refused(409, "version.mismatch").says("does not match the current version");

    let listed = lab.get(&format!("{path}?name=Trunk%20t2&expand=a&expand=b&managed=false&ignoreHidden=true")).await.is(200);
    assert_eq!(listed.ids(), ["t2"]);
    lab.delete(&format!("{path}/t1")).await.is(204);
    lab.get(&format!("{path}/t1")).await.refused(404, "not.found");
    lab.get(&format!("{PATH}/trunks/t1")).await.refused(404, "not.found");
}

#[tokio::test]
async fn a_trunk_of_the_api_has_base_settings_too() {
    let lab = Lab::furnished().await;
    let shown = lab.get(&format!("{PATH}/trunks/trunk_jkt_04")).await.is(200);
    assert_eq!(shown.body["connectedStatus"]["connected"], false);
    assert_eq!(shown.body["registersStatus"][0]["registerState"], false);
    assert_eq!(shown.body["registersStatus"][0]["proxyAddress"], "sip:sbc1.carrier.co.id;transport=udp");
    assert_eq!((&shown.body["registersEnabledStatus"], &shown.body["optionsEnabledStatus"]), (&json!("DISABLED"), &json!("ENABLED")));
    let base = lab.get(&format!("{PATH}/trunkbasesettings/trunk_jkt_04")).await.is(200);
    assert!(base.body["properties"].get("trunk_sip_authentication_credentials_password").is_none());
    let back = lab.put(&format!("{PATH}/trunkbasesettings/trunk_jkt_04"), &base.text).await.is(200);
    assert_eq!(back.body["carrier"]["id"], "nusantara");
    let trunk = lab.get("/api/v2/trunks/voice/trunk_jkt_04").await.is(200);
    assert_eq!((&trunk.body["contactUser"], &trunk.body["expires"]), (&json!("6221500004"), &json!(600)));
    assert_eq!(lab.get(&format!("{PATH}/trunks?trunkBase.id=trunk_jkt_04")).await.is(200).ids(), ["trunk_jkt_04"]);
    assert!(lab.get(&format!("{PATH}/trunks?trunkType=PHONE")).await.is(200).ids().is_empty());
    let metrics = lab.get(&format!("{PATH}/trunks/metrics?trunkIds=trunk_jkt_04")).await.is(200);
    assert_eq!(metrics.body[0]["trunk"]["id"], "trunk_jkt_04");
    lab.get(&format!("{PATH}/trunks/metrics")).await.refused(400, "invalid.value").about("trunkIds");
    lab.get(&format!("{PATH}/metrics?edgeIds=nowhere")).await.refused(404, "not.found");
    assert_eq!(lab.get(&format!("{PATH}/sites")).await.is(200).ids(), ["jakarta"]);
    assert!(lab.get(&format!("{PATH}/sites?managed=true")).await.is(200).ids().is_empty());
    assert_eq!(lab.get(&format!("{PATH}/sites/jakarta")).await.is(200).body["state"], "active");
}

#[tokio::test]
async fn what_is_refused_makes_nothing() {
    let lab = Lab::furnished().await;
    let path = format!("{PATH}/trunkbasesettings");
    let mut faults = Vec::new();
    for (pointer, value) in [
        ("/trunkType", json!("PHONE")),
        ("/site", json!({ "id": "nowhere" })),
        ("/nonsense", json!(1)),
        ("/properties/trunk_sip_authentication_credentials_password/value/instance", json!("")),
        ("/properties/trunk_sip_authentication_credentials_realm/value/instance", json!("sip:lab")),
        ("/properties/trunk_transport_serverProxyList/value/instance", json!(["a b"])),
        ("/properties/trunk_other_secret", json!({ "value": { "instance": "s3cret" } })),
    ] {
        let mut body = base("t1", "192.0.2.1:5060", "s3cret");
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        body.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object").insert(name.into(), value);
        let answer = lab.post(&path, &body.to_string()).await.is(400);
        assert!(!answer.text.contains("s3cret"), "{}", answer.text);
        faults.push(answer.body["code"].as_str().unwrap_or_default().to_owned());
    }
    assert!(faults.contains(&"registration.realm.malformed".to_owned()), "{faults:?}");
    lab.get("/api/v2/trunks/voice/t1").await.is(404);
    lab.get("/api/v2/carriers/t1").await.is(404);

    let viewer = lab.token_with_role("trunk-viewer").await;
    let body = base("t1", "192.0.2.1:5060", "s3cret").to_string();
    let refusal = lab.call(axum::http::Method::POST, &path, &viewer, &[], Some(&body)).await.refused(403, "missing.permissions");
    assert_eq!(refusal.body["details"][0]["fieldName"], "telephony:trunk:edit");
    assert_eq!(lab.call(axum::http::Method::GET, &path, &viewer, &[], None).await.is(200).ids(), ["trunk_jkt_04"]);
}
