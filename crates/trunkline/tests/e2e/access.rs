//! Who may do what, and what a refusal says.

use serde_json::{Value, json};

use crate::support::api::{Api, REGISTRATIONS};
use crate::support::kamailio::Kamailio;
use crate::support::scene::{Scene, credentials};
use crate::support::server::{ADMIN_ID, ADMIN_SECRET, Server};

/// The API as a new client that has one built-in role.
fn with_role(server: &Server, role: &str) -> Api {
    let admin = server.api();
    let roles = admin.get("/api/v2/authorization/roles?pageSize=100").expect(200);
    let entities = roles.at("/entities").as_array().expect("entities").clone();
    let role = entities.iter().find(|entry| entry["name"] == role).unwrap_or_else(|| panic!("no role {role}: {}", roles.text));
    let body = json!({"name": "test client", "roleGrants": [{"roleId": role["id"], "scope": "organization"}]});
    let client = admin.post("/api/v2/oauth/clients", &body).expect(201);
    let text = |pointer: &str| client.at(pointer).as_str().expect("text").to_owned();
    Api::authorized(server.launch().http(), &text("/id"), &text("/secret"))
}

#[test]
fn without_a_token_nothing_is_told_but_health() {
    let server = Server::start();
    let anonymous = server.anonymous();
    for path in ["/health/live", "/health/ready"] {
        anonymous.get(path).expect(200);
    }
    for path in [REGISTRATIONS, "/api/v2/sites", "/api/v2/organization", "/api/v2/audits", "/api/v2/tokens/me"] {
        anonymous.get(path).refused(401, "authentication.required");
    }
    anonymous.set_credentials(&credentials("t1", "alice", "secret")).refused(401, "authentication.required");
}

#[test]
fn a_wrong_token_is_told_apart_from_a_missing_one() {
    let server = Server::start();
    server.anonymous().with_token("nonsense").get(REGISTRATIONS).refused(401, "bad.credentials");
}

#[test]
fn a_wrong_client_secret_is_granted_nothing() {
    let server = Server::start();
    let answer = server.anonymous().grant(ADMIN_ID, "wrong");
    assert!(matches!(answer.status, 400 | 401), "{}", answer.text);
    assert!(!answer.text.contains("access_token"));
}

#[test]
fn a_grant_is_a_bearer_token_for_a_day_and_can_be_given_back() {
    let server = Server::start();
    let grant = server.anonymous().grant(ADMIN_ID, ADMIN_SECRET).expect(200);
    assert_eq!(grant.at("/expires_in"), 86_400);
    assert!(grant.at("/token_type").as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")));
    let api = server.anonymous().with_token(grant.at("/access_token").as_str().expect("a token"));
    api.get("/api/v2/tokens/me").expect(200);
    assert_eq!(api.call("HEAD", "/api/v2/tokens/me", None, &[]).status, 200);
    let gone = api.delete("/api/v2/tokens/me");
    assert!((200..300).contains(&gone.status), "{}", gone.text);
    assert_eq!(api.get("/api/v2/tokens/me").status, 401);
}

#[test]
fn a_viewer_may_look_and_is_told_what_is_missing() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    let viewer = with_role(&scene.server, "Trunk Viewer");
    assert_eq!(viewer.registration("alice").at("/registrationState"), "REGISTERED");
    let sent = kamailio.registers("alice");
    let answer = viewer.set_credentials(&credentials("alice", "alice", "other")).refused(403, "missing.permissions");
    assert!(answer.text.contains("telephony:trunkCredential:edit"), "{}", answer.text);
    let trunk = json!({"id": "t2", "name": "t2", "carrier": {"id": "kam"}, "addressOfRecord": "sip:t2@kamailio.test"});
    let answer = viewer.post("/api/v2/trunks/voice", &trunk).refused(403, "missing.permissions");
    assert!(answer.text.contains("telephony:trunk:edit"), "{}", answer.text);
    assert_eq!(kamailio.registers("alice"), sent, "nothing was sent");
}

#[test]
fn an_operator_may_refresh_and_not_set_credentials() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    let operator = with_role(&scene.server, "Trunk Operator");
    let refreshed = operator.post(&format!("{REGISTRATIONS}/alice/actions/refresh"), &json!({}));
    assert!((200..300).contains(&refreshed.status), "{}", refreshed.text);
    operator.set_credentials(&credentials("alice", "alice", "other")).refused(403, "missing.permissions");
    operator.delete(&format!("{REGISTRATIONS}/alice")).refused(403, "missing.permissions");
}

#[test]
fn a_trunk_administrator_may_set_credentials_and_not_make_clients() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    let administrator = with_role(&scene.server, "Trunk Administrator");
    kamailio.set_password("alice", "second-Secret-8");
    administrator.set_credentials(&credentials("alice", "alice", "second-Secret-8")).expect(200);
    administrator.post("/api/v2/oauth/clients", &json!({"name": "another", "roleGrants": []})).refused(403, "missing.permissions");
}

#[test]
fn every_answer_has_a_correlation_id_and_rate_limit_headers() {
    let server = Server::start();
    let api = server.api();
    let answer = api.call("GET", "/api/v2/sites", None, &[("ININ-Correlation-Id", "my-own-7")]).expect(200);
    assert_eq!(answer.header("ININ-Correlation-Id"), Some("my-own-7"));
    let answer = api.get("/api/v2/trunks/voice/nowhere").expect(404);
    assert_eq!(answer.header("ININ-Correlation-Id"), answer.json["contextId"].as_str());
    for name in ["inin-ratelimit-count", "inin-ratelimit-allowed", "inin-ratelimit-reset"] {
        let value = answer.header(name).unwrap_or_else(|| panic!("{name}: {:?}", answer.headers));
        assert!(value.parse::<u64>().is_ok(), "{name}: {value}");
    }
}

#[test]
fn the_bootstrap_client_is_shown_without_its_secret() {
    let server = Server::start();
    let clients = server.api().get("/api/v2/oauth/clients").expect(200);
    let ids: Vec<&Value> = clients.at("/entities").as_array().expect("entities").iter().map(|client| &client["id"]).collect();
    assert!(ids.contains(&&json!(ADMIN_ID)), "{}", clients.text);
    assert!(!clients.text.contains(ADMIN_SECRET));
}
