//! Entity listings and optimistic locking, in the conventions that operators already know.

use serde_json::json;

use crate::support::api::REGISTRATIONS;
use crate::support::kamailio::Kamailio;
use crate::support::scene::Scene;

#[test]
fn a_listing_is_paged_and_its_links_lead_on() {
    let scene = Scene::new();
    for number in 0..7 {
        scene.api.post("/api/v2/sites", &json!({"id": format!("s{number}"), "name": format!("Site {number}")})).expect(201);
    }
    let first = scene.api.get("/api/v2/sites?pageSize=3&sortBy=name").expect(200);
    assert_eq!(
        (first.at("/pageSize"), first.at("/pageNumber"), first.at("/total"), first.at("/pageCount")),
        (&json!(3), &json!(1), &json!(8), &json!(3))
    );
    assert!(first.json.get("previousUri").is_none(), "{}", first.text);
    let mut ids: Vec<String> = Vec::new();
    let mut page = first;
    loop {
        ids.extend(page.at("/entities").as_array().expect("entities").iter().map(|entry| entry["id"].as_str().expect("an id").to_owned()));
        let Some(next) = page.json["nextUri"].as_str() else { break };
        let path = next.find("/api/").map_or(next, |at| &next[at..]).to_owned();
        page = scene.api.get(&path).expect(200);
    }
    ids.sort();
    assert_eq!(ids, ["jakarta", "s0", "s1", "s2", "s3", "s4", "s5", "s6"]);
}

#[test]
fn a_page_size_over_500_and_an_offset_over_10_000_are_refused_with_the_way_out() {
    let scene = Scene::new();
    scene.api.get("/api/v2/sites?pageSize=501").refused(400, "invalid.value");
    scene.api.get("/api/v2/sites?pageNumber=0").refused(400, "invalid.value");
    let answer = scene.api.get("/api/v2/sites?pageSize=500&pageNumber=22").refused(400, "invalid.value");
    assert!(answer.text.contains("cursor"), "{}", answer.text);
}

#[test]
fn registrations_are_filtered_by_what_operators_look_for() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice", "bob"]);
    scene.trunk("carol", "kam", "carol", kamailio.realm(), &json!({}));
    let ids = |filter: &str| -> Vec<String> {
        let page = scene.api.get(&format!("{REGISTRATIONS}?{filter}")).expect(200);
        let mut ids: Vec<String> = page
            .at("/entities")
            .as_array()
            .expect("entities")
            .iter()
            .map(|entry| entry["id"].as_str().expect("an id").to_owned())
            .collect();
        ids.sort();
        ids
    };
    assert_eq!(ids("trunkId=bob"), ["bob"]);
    assert_eq!(ids("state=REGISTERED"), ["alice", "bob"]);
    assert_eq!(ids("bound=true"), ["alice", "bob"]);
    assert_eq!(ids("bound=false"), ["carol"]);
    assert_eq!(ids("carrier.id=kam&site.id=jakarta"), ["alice", "bob", "carol"]);
    assert_eq!(ids("carrier.id=nobody"), Vec::<String>::new());
    assert_eq!(ids("name=Trunk%20alice"), ["alice"]);
    scene.api.get(&format!("{REGISTRATIONS}?colour=red")).refused(400, "invalid.value");
}

#[test]
fn a_stale_version_is_a_conflict_that_says_so() {
    let scene = Scene::new();
    let site = scene.api.get("/api/v2/sites/jakarta").expect(200).json;
    assert_eq!(site["version"], 1);
    let mut renamed = json!({"id": "jakarta", "name": "Jakarta Selatan", "version": 1});
    scene.api.put("/api/v2/sites/jakarta", &renamed).expect(200);
    let answer = scene.api.put("/api/v2/sites/jakarta", &renamed).expect(409);
    assert!(answer.json["message"].as_str().is_some_and(|text| text.contains("does not match the current version")), "{}", answer.text);
    renamed.as_object_mut().expect("an object").remove("version");
    assert_eq!(scene.api.put("/api/v2/sites/jakarta", &renamed).status, 400);
    scene.api.patch("/api/v2/sites/jakarta", &json!({"name": "Jakarta"})).expect(200);
}

#[test]
fn an_id_is_taken_once_and_made_if_absent() {
    let scene = Scene::new();
    scene.api.post("/api/v2/sites", &json!({"id": "jakarta", "name": "Another"})).expect(409);
    let made = scene.api.post("/api/v2/sites", &json!({"name": "Nameless"})).expect(201);
    let id = made.at("/id").as_str().expect("an id").to_owned();
    assert!(!id.is_empty());
    assert!(made.at("/selfUri").as_str().is_some_and(|uri| uri.ends_with(&format!("/api/v2/sites/{id}"))));
    scene.api.delete(&format!("/api/v2/sites/{id}"));
    scene.api.get(&format!("/api/v2/sites/{id}")).expect(404);
}
