//! Registrations by what operators look for.

use serde_json::json;

use crate::scene::{PATH, Scene, trunk};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stored_and_what_is_seen_both_filter() {
    let scene = Scene::registered().await;
    for id in ["t2", "t3"] {
        scene.lab.post("/api/v2/trunks/voice", &trunk(id).to_string()).await.is(201);
    }
    let bad = json!({"trunkId": "t2", "credentials": {"username": "u2", "password": "x"}, "verify": "static"});
    scene.lab.post(PATH, &bad.to_string()).await.is(201);
    scene.lab.patch("/api/v2/trunks/voice/t3", r#"{"inService": false}"#).await.is(200);
    let ids = async |filter: &str| {
        let answer = scene.lab.get(&format!("{PATH}?{filter}")).await.is(200);
        let ids: Vec<String> = answer.ids().into_iter().map(str::to_owned).collect();
        assert_eq!(answer.body["total"], ids.len(), "{}", answer.text);
        ids
    };
    let give_up = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while ids("state=RETRY_WAIT").await != ["t2"] {
        assert!(std::time::Instant::now() < give_up);
    }
    for (filter, wanted) in [
        ("", &["t1", "t2", "t3"][..]),
        ("sortOrder=descending", &["t3", "t2", "t1"][..]),
        ("trunkId=t2", &["t2"][..]),
        ("trunkId=t2&state=REGISTERED", &[][..]),
        ("site.id=s1&carrier.id=c1", &["t1", "t2", "t3"][..]),
        ("carrier.id=c9", &[][..]),
        ("name=Trunk%20t3", &["t3"][..]),
        ("state=REGISTERED", &["t1"][..]),
        ("state=DISABLED", &["t3"][..]),
        ("bound=true", &["t1"][..]),
        ("bound=false", &["t2", "t3"][..]),
        ("edge.id=e1", &["t1", "t2"][..]),
        ("edge.id=e1&name=Trunk%20t1", &["t1"][..]),
        ("diagnosis.code=sip.credentials.rejected", &["t2"][..]),
    ] {
        assert_eq!(ids(filter).await, wanted, "{filter}");
    }
    for filter in ["colour=red", "state=registered", "diagnosis.code=nonsense", "bound=perhaps"] {
        scene.lab.get(&format!("{PATH}?{filter}")).await.refused(400, "invalid.value");
    }
    let first = scene.lab.get(&format!("{PATH}?bound=false&pageSize=1")).await.is(200);
    assert_eq!((first.ids(), &first.body["total"]), (vec!["t2"], &json!(2)));
    let second = scene.lab.get(first.body["nextUri"].as_str().expect("a next page")).await.is(200);
    assert_eq!(second.ids(), ["t3"]);
    assert!(second.body.get("nextUri").is_none());
    let walk = scene.lab.get(&format!("{PATH}?bound=false&pageSize=1&cursor=")).await.is(200);
    let next = scene.lab.get(walk.body["nextUri"].as_str().expect("a next page")).await.is(200);
    assert_eq!((walk.ids(), next.ids()), (vec!["t2"], vec!["t3"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn states_are_summed_up_for_whoever_asks() {
    let scene = Scene::registered().await;
    for id in ["t2", "t3", "t4"] {
        scene.lab.post("/api/v2/trunks/voice", &trunk(id).to_string()).await.is(201);
    }
    let bad = json!({"trunkId": "t2", "credentials": {"username": "u2", "password": "x"}, "verify": "static"});
    scene.lab.post(PATH, &bad.to_string()).await.is(201);
    scene.lab.patch("/api/v2/trunks/voice/t3", r#"{"inService": false}"#).await.is(200);
    let summary = format!("{PATH}/summary");
    let states = json!({ "REGISTERED": 1, "RETRY_WAIT": 1, "DISABLED": 1, "PENDING": 1 });
    scene.lab.until(&summary, |answer| answer.body["states"] == states).await;
    let body = scene.lab.get(&summary).await.is(200).body;
    assert_eq!(body["total"], 4);
    assert_eq!(body["carriers"], json!([{ "carrier": { "id": "c1", "selfUri": "/api/v2/carriers/c1" }, "trunks": 4, "failing": 1 }]));
    // The listings agree with it, and a page of a troubled state goes both ways.
    for (state, ids) in [("RETRY_WAIT", ["t2"]), ("REGISTERED", ["t1"]), ("DISABLED", ["t3"]), ("PENDING", ["t4"])] {
        assert_eq!(scene.lab.get(&format!("{PATH}?state={state}")).await.is(200).ids(), ids, "{state}");
    }
    let backwards = scene.lab.get(&format!("{PATH}?state=RETRY_WAIT&sortOrder=descending&cursor=")).await.is(200);
    assert_eq!((backwards.ids(), backwards.body.get("nextUri")), (vec!["t2"], None));
    // Who sees single trunks has them counted, and no others.
    let grant = json!([{ "roleId": "trunk-viewer", "scope": { "trunks": [{ "id": "t2" }, { "id": "t3" }] } }]);
    let made = scene.lab.post("/api/v2/oauth/clients", &json!({ "id": "two", "roleGrants": grant }).to_string()).await.is(201);
    let token = scene.lab.token_of("two", made.body["secret"].as_str().expect("a secret")).await;
    let seen = scene.lab.call(axum::http::Method::GET, &summary, &token, &[], None).await.is(200).body;
    assert_eq!((&seen["total"], &seen["states"]), (&json!(2), &json!({ "RETRY_WAIT": 1, "DISABLED": 1 })));
}
