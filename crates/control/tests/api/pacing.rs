//! What a carrier's pacing must bear: `pacing.infeasible` and `pacing.tight`.

use serde_json::{Value, json};

use crate::lab::Lab;

/// 10 s at the most between two refreshes, two REGISTERs each: 0.95 of 1/s bear four such trunks.
const SMALL: &str =
    r#"{"id": "small", "registrars": ["sip:192.0.2.1"], "expires": 15, "nonceReuse": "never", "pacing": {"registersPerSecond": 1}}"#;
const PATH: &str = "/api/v2/carriers/small";

fn trunk(number: u32) -> Value {
    json!({ "id": format!("t{number}"), "carrier": { "id": "small" }, "addressOfRecord": format!("sip:u{number}@lab.example") })
}

/// With so many trunks at the small carrier.
async fn lab(trunks: u32) -> Lab {
    let lab = Lab::new().await;
    lab.post("/api/v2/sites", r#"{"id": "s1"}"#).await.is(201);
    lab.post("/api/v2/carriers", SMALL).await.is(201);
    for number in 1..=trunks {
        lab.post("/api/v2/trunks/voice", &trunk(number).to_string()).await.is(201);
    }
    lab
}

#[tokio::test]
async fn a_trunk_that_cannot_be_kept_alive_is_refused_with_the_arithmetic() {
    let lab = lab(4).await;
    let refused = lab.post("/api/v2/trunks/voice", &trunk(5).to_string()).await.refused(400, "pacing.infeasible").about("carrier");
    let diagnosis = &refused.body["diagnosis"];
    assert_eq!((&diagnosis["stage"], &diagnosis["initiator"]), (&json!("policy"), &json!("platform")));
    let summary = diagnosis["summary"].as_str().expect("a summary");
    assert!(summary.contains("5 trunks in service with carrier \"small\"") && summary.contains("1.0 REGISTER/s"), "{summary}");
    let check =
        json!({ "name": "pacing.registersPerSecond", "ok": false, "expected": "at most 0.9 REGISTER/s", "actual": "1.0 REGISTER/s" });
    assert_eq!(diagnosis["checks"][0], check);
    assert!(diagnosis["remedy"].as_str().is_some_and(|remedy| remedy.contains("registersPerSecond to at least 2")), "{diagnosis}");
    lab.get("/api/v2/trunks/voice/t5").await.is(404);
    // Out of service it asks nothing of anybody; into service it may not come.
    let mut idle = trunk(5);
    idle["inService"] = json!(false);
    lab.post("/api/v2/trunks/voice", &idle.to_string()).await.is(201);
    lab.patch("/api/v2/trunks/voice/t5", r#"{"name": "Five"}"#).await.is(200);
    lab.patch("/api/v2/trunks/voice/t5", r#"{"inService": true}"#).await.refused(400, "pacing.infeasible");
    // Every 11.25 s is too often still; every 22.5 s fits.
    lab.patch("/api/v2/trunks/voice/t5", r#"{"inService": true, "expires": 25}"#).await.refused(400, "pacing.infeasible");
    lab.patch("/api/v2/trunks/voice/t5", r#"{"inService": true, "expires": 50}"#).await.is(200);
    lab.patch("/api/v2/trunks/voice/t5", r#"{"expires": null}"#).await.refused(400, "pacing.infeasible");
    // Where one goes there is room.
    lab.delete("/api/v2/trunks/voice/t1").await.is(204);
    lab.patch("/api/v2/trunks/voice/t5", r#"{"expires": null}"#).await.is(200);
}

#[tokio::test]
async fn a_trunk_is_not_moved_to_a_carrier_that_cannot_bear_it() {
    let lab = lab(4).await;
    lab.post("/api/v2/carriers", r#"{"id": "large", "registrars": ["sip:192.0.2.2"]}"#).await.is(201);
    let mut other = trunk(5);
    other["carrier"]["id"] = json!("large");
    lab.post("/api/v2/trunks/voice", &other.to_string()).await.is(201);
    lab.patch("/api/v2/trunks/voice/t5", r#"{"carrier": {"id": "small"}}"#).await.refused(400, "pacing.infeasible");
    lab.patch("/api/v2/trunks/voice/t4", r#"{"carrier": {"id": "large"}}"#).await.is(200);
    lab.patch("/api/v2/trunks/voice/t5", r#"{"carrier": {"id": "small"}}"#).await.is(200);
}

#[tokio::test]
async fn a_carrier_is_not_changed_to_what_its_trunks_cannot_live_on() {
    let lab = lab(4).await;
    for bad in [r#"{"expires": 10, "pacing": {"registersPerSecond": null}, "nonceReuse": "always"}"#, r#"{"expires": 3600}"#] {
        lab.patch(PATH, bad).await.is(200);
        lab.patch(PATH, r#"{"expires": 15, "pacing": {"registersPerSecond": 1}, "nonceReuse": "never"}"#).await.is(200);
    }
    // The organisation's default takes the place of a rate that is left out, and is judged the same.
    lab.patch(PATH, r#"{"expires": 15, "pacing": null}"#).await.is(200);
    let defaults = r#"{"defaults": {"pacing": {"registersPerSecond": 1}}}"#;
    lab.patch("/api/v2/organization", defaults).await.is(200);
    lab.post("/api/v2/trunks/voice", &trunk(5).to_string()).await.refused(400, "pacing.infeasible");
    lab.patch("/api/v2/organization", r#"{"defaults": null}"#).await.is(200);
    lab.post("/api/v2/trunks/voice", &trunk(5).to_string()).await.is(201);
    lab.patch("/api/v2/organization", defaults).await.refused(400, "pacing.infeasible").about("defaults.pacing").says("\"small\"");
    lab.patch(PATH, r#"{"pacing": {"registersPerSecond": 1}}"#).await.refused(400, "pacing.infeasible").about("pacing").says("5 trunks");
    // What does not make it worse may be changed.
    lab.patch(PATH, r#"{"description": "ours"}"#).await.is(200);
    lab.patch(PATH, r#"{"pacing": {"registersPerSecond": 2}}"#).await.is(200);
    lab.patch(PATH, r#"{"minRefresh": 1}"#).await.is(200);
    let refused = lab.patch(PATH, r#"{"pacing": {"registersPerSecond": 1}}"#).await.refused(400, "pacing.infeasible");
    assert_eq!(refused.body["entityId"], "small");
}

#[tokio::test]
async fn a_carrier_shows_its_load_and_warns_before_it_is_too_much() {
    let lab = lab(3).await;
    let shown = lab.get(PATH).await.is(200).body;
    assert_eq!(shown["load"], json!({ "trunks": 3, "registersPerSecond": { "least": 0.6, "most": 0.6, "allowed": 0.95 } }));
    assert_eq!(shown["warnings"], json!([]));
    lab.post("/api/v2/trunks/voice", &trunk(4).to_string()).await.is(201);
    let shown = lab.get(PATH).await.is(200).body;
    assert_eq!(shown["warnings"][0]["code"], "pacing.tight");
    assert!(shown["warnings"][0]["text"].as_str().is_some_and(|text| text.contains("0.8 REGISTER/s")), "{}", shown["warnings"]);
    // What was read may be sent back.
    let put = lab.put(PATH, &shown.to_string()).await.is(200);
    assert_eq!((&put.body["load"], &put.body["warnings"]), (&shown["load"], &shown["warnings"]));
}
