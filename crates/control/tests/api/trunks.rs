use serde_json::json;

use crate::lab::{Lab, TRUNK};

#[tokio::test]
async fn a_trunk_is_made_read_changed_and_deleted() {
    let lab = Lab::furnished().await;
    let path = "/api/v2/trunks/voice/trunk_jkt_04";
    let made = lab.get(path).await.is(200);
    assert_eq!(made.body["site"], json!({ "id": "jakarta" }));
    assert_eq!(made.body["carrier"], json!({ "id": "nusantara" }));
    assert_eq!(made.body["addressOfRecord"], "sip:6221500004@ims.carrier.co.id");
    assert_eq!(made.body["selfUri"], path);

    let changed = lab.patch(path, r#"{"inService": false, "digestPolicy": null}"#).await.is(200);
    assert_eq!(changed.body["inService"], false);
    assert_eq!(changed.body.get("digestPolicy"), None);
    assert_eq!(changed.body["name"], "Jakarta 04");
    let replaced = lab.put(path, &changed.text).await.is(200);
    assert_eq!(replaced.body["version"], 3);
    lab.delete(path).await.is(204);
    lab.delete(path).await.refused(404, "not.found").says("trunk");
    assert_eq!(lab.get("/api/v2/trunks/voice").await.body["total"], 0);
}

#[tokio::test]
async fn the_site_may_be_left_out_where_there_is_one() {
    let lab = Lab::furnished().await;
    let body = r#"{"carrier": {"id": "nusantara"}, "addressOfRecord": "sip:u1@lab"}"#;
    let made = lab.post("/api/v2/trunks/voice", body).await.is(201);
    assert_eq!(made.body["site"]["id"], "jakarta");
    assert_eq!(made.body["inService"], true);
    lab.post("/api/v2/sites", r#"{"id": "tokyo"}"#).await.is(201);
    lab.post("/api/v2/trunks/voice", body).await.refused(400, "invalid.value").about("site");
}

#[tokio::test]
async fn an_address_of_record_is_kept_byte_for_byte() {
    let lab = Lab::furnished().await;
    for aor in [
        "sip:+6221500004@ims.carrier.co.id;user=phone",
        "sip:1234;phone-context=+62@ims.carrier.co.id",
        "sip:a%20b@[2001:db8::1]:5070",
        "sips:x@Lab",
    ] {
        let body = json!({ "site": { "id": "jakarta" }, "carrier": { "id": "nusantara" }, "addressOfRecord": aor });
        assert_eq!(lab.post("/api/v2/trunks/voice", &body.to_string()).await.is(201).body["addressOfRecord"], aor);
    }
}

#[tokio::test]
async fn bad_trunks_are_refused_by_field() {
    let lab = Lab::furnished().await;
    let with = |field: &str, value: serde_json::Value| {
        let mut body: serde_json::Value = serde_json::from_str(TRUNK).expect("JSON");
        body["id"] = "other".into();
        body[field] = value;
        body.to_string()
    };
    for (field, value, code, about) in [
        ("addressOfRecord", json!("6221500004"), "registration.registrar.malformed", "addressOfRecord"),
        ("addressOfRecord", json!(null), "invalid.value", "addressOfRecord"),
        ("site", json!({ "id": "mars" }), "invalid.value", "site.id"),
        ("site", json!("jakarta"), "invalid.value", "site"),
        ("site", json!({ "id": "jakarta", "ID": 1 }), "invalid.value", "site.ID"),
        ("carrier", json!({ "id": "mars" }), "invalid.value", "carrier.id"),
        ("carrier", json!(null), "invalid.value", "carrier"),
        ("inService", json!("yes"), "invalid.value", "inService"),
        ("contactUser", json!("a b"), "invalid.value", "contactUser"),
        ("contact", json!({ "user": "x" }), "invalid.value", "contactUser"),
        ("fromUri", json!("x"), "registration.registrar.malformed", "fromUri"),
        ("expires", json!(0), "invalid.value", "expires"),
        ("adressOfRecord", json!("x"), "invalid.value", "adressOfRecord"),
        ("id", json!("verify"), "invalid.value", "id"),
    ] {
        lab.post("/api/v2/trunks/voice", &with(field, value)).await.refused(400, code).about(about);
    }
    lab.patch("/api/v2/trunks/voice/trunk_jkt_04", r#"{"id": "x"}"#).await.refused(400, "invalid.value").about("id");
    lab.patch("/api/v2/trunks/voice/trunk_jkt_04", r#"{"addressOfRecord": null}"#)
        .await
        .refused(400, "invalid.value")
        .about("addressOfRecord");
    assert_eq!(lab.get("/api/v2/trunks/voice").await.body["total"], 1);
}
