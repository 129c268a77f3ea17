//! Bearer tokens of a real OpenID provider: what its words open, new keys, what is not for Trunkline, and a provider that is away.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::api::base64;
use crate::support::provider::Provider;
use crate::support::scene::Scene;
use crate::support::script::{self, Script};
use crate::support::server::Launch;

/// Nobody comes back to a console here.
const NO_CONSOLE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9);

/// A server that trusts this provider, with a trunk in each of two sites.
fn scene(provider: &Provider) -> (Scene, TempDir) {
    scene_on(Launch::default(), provider, "")
}

fn scene_on(launch: Launch, provider: &Provider, more: &str) -> (Scene, TempDir) {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("trunkline.toml");
    let settings = format!(
        "[oidc]\nissuer = \"{}\"\naudience = \"trunkline\"\n
         [[oidc.grant]]\nvalue = \"jakarta-desk\"\nrole = \"trunk-administrator\"\nsite = \"jakarta\"\n
         [[oidc.grant]]\nvalue = \"one-trunk\"\nrole = \"trunk-viewer\"\ntrunks = [\"t2\"]\n{more}",
        provider.issuer()
    );
    std::fs::write(&file, settings).expect("written");
    let launch = launch.word("--config").word(file.to_str().expect("a path"));
    let scene = Scene::on(launch.word("--allow-webhook-target").word("127.0.0.0/8"));
    scene.trunk_at("sip:127.0.0.1:9", "lab", &json!({"options": {"interval": 0}}));
    scene.api.post("/api/v2/sites", &json!({"id": "tokyo", "name": "Tokyo"})).expect(201);
    scene.trunk("t2", "lab", "bob", "lab", &json!({"site": {"id": "tokyo"}}));
    (scene, folder)
}

fn trunks(answer: &Value) -> Vec<&str> {
    answer["entities"].as_array().expect("entities").iter().filter_map(|trunk| trunk["id"].as_str()).collect()
}

#[test]
fn a_providers_words_open_what_the_settings_say_and_no_more() {
    let provider = Provider::start(NO_CONSOLE);
    let (scene, _folder) = scene(&provider);
    let desk = scene.api.with_token(&provider.token("desk"));
    let me = desk.get("/api/v2/tokens/me").expect(200);
    assert_eq!(me.at("/OAuthClient/id"), "oidc:desk");
    assert_eq!(trunks(&desk.get("/api/v2/trunks/voice").expect(200).json), ["t1"]);
    desk.patch("/api/v2/trunks/voice/t1", &json!({"name": "by the desk"})).expect(200);
    let foreign = desk.patch("/api/v2/trunks/voice/t2", &json!({"name": "by the desk"}));
    assert!(matches!(foreign.status, 403 | 404), "{}", foreign.text);
    desk.post("/api/v2/carriers", &json!({"id": "c9", "registrars": ["sip:127.0.0.1:9"]})).refused(403, "missing.permissions");
    let audited = scene.api.get("/api/v2/audits?clientId=oidc:desk").expect(200);
    assert_eq!(audited.at("/total"), 1, "{}", audited.text);

    let lobby = scene.api.with_token(&provider.token("lobby"));
    assert_eq!(trunks(&lobby.get("/api/v2/trunks/voice").expect(200).json), ["t2"]);
    lobby.patch("/api/v2/trunks/voice/t2", &json!({"name": "x"})).refused(403, "missing.permissions");
    scene.api.with_token(&provider.token("nobody")).get("/api/v2/trunks/voice").refused(403, "missing.permissions");
}

#[test]
fn what_is_not_for_trunkline_is_refused_and_says_why() {
    let mut provider = Provider::start(NO_CONSOLE);
    let (scene, _folder) = scene(&provider);
    let good = provider.token("desk");
    let refused = |token: &str, code: &str, says: &str| {
        let answer = scene.api.with_token(token).get("/api/v2/tokens/me").refused(401, code);
        assert!(answer.at("/message").as_str().is_some_and(|message| message.contains(says)), "{}", answer.text);
    };
    refused(&provider.token("elsewhere"), "bad.credentials", "audience");
    refused(&provider.token_of_other_issuer("desk"), "bad.credentials", "another issuer");
    let (_, claims, signature) = parts(&good);
    for header in [json!({"alg": "none"}), json!({"alg": "NONE", "kid": "key-1"})] {
        refused(&format!("{}.{claims}.", url_safe(header.to_string().as_bytes())), "bad.credentials", "algorithm");
        refused(&format!("{}.{claims}.{signature}", url_safe(header.to_string().as_bytes())), "bad.credentials", "algorithm");
    }
    // The same words under a signature that belongs to others.
    let nobody = provider.token("nobody");
    let (header, others, _) = parts(&nobody);
    refused(&format!("{header}.{others}.{signature}"), "bad.credentials", "signature");
    provider.order("clock -7200");
    refused(&provider.token("desk"), "credentials.expired", "expired");
    scene.api.with_token(&good).get("/api/v2/tokens/me").expect(200);
}

#[test]
fn a_new_key_is_taken_at_once_and_a_withdrawn_one_no_longer() {
    let mut provider = Provider::start(NO_CONSOLE);
    let (scene, _folder) = scene(&provider);
    let before = scene.api.with_token(&provider.token("desk"));
    before.get("/api/v2/trunks/voice/t1").expect(200);
    provider.order("add");
    let after = scene.api.with_token(&provider.token("desk"));
    after.get("/api/v2/trunks/voice/t1").expect(200);
    before.get("/api/v2/trunks/voice/t1").expect(200);
    // What is withdrawn is noticed with the next key that is not known.
    provider.order("withdraw");
    provider.order("add");
    scene.api.with_token(&provider.token("desk")).get("/api/v2/trunks/voice/t1").expect(200);
    before.get("/api/v2/trunks/voice/t1").refused(401, "bad.credentials");
    after.get("/api/v2/trunks/voice/t1").expect(200);
}

#[test]
fn while_the_provider_is_away_known_keys_go_on_and_an_unknown_one_is_a_clear_503() {
    let provider = Provider::start(NO_CONSOLE);
    let (mut scene, _folder) = scene(&provider);
    let token = provider.token("desk");
    scene.api.with_token(&token).get("/api/v2/tokens/me").expect(200);
    let issuer = provider.issuer();
    let gone = provider.away();
    scene.api.with_token(&token).get("/api/v2/trunks/voice/t1").expect(200);

    // A server that has never heard the keys starts, serves its own clients, and says what is the matter.
    scene.server.stop();
    scene.server.restart();
    scene.api = scene.server.api();
    let refused = scene.api.with_token(&token).get("/api/v2/tokens/me").refused(503, "identity.provider.unavailable");
    assert!(refused.header("Retry-After").is_some_and(|seconds| seconds.parse::<u64>().is_ok()), "{:?}", refused.headers);
    let log = scene.server.log();
    assert!(log.contains(&issuer) && log.contains("No connection"), "the log says which address and why: {log}");

    let provider = gone.back();
    let told = scene.api.with_token(&token).get("/api/v2/tokens/me").refused(401, "bad.credentials");
    assert!(told.text.contains("does not show"), "its keys are new: {}", told.text);
    scene.api.with_token(&provider.token("desk")).get("/api/v2/tokens/me").expect(200);
}

#[test]
fn people_sign_in_at_the_console_by_the_provider() {
    let launch = Launch::default();
    let console = launch.http();
    let mut provider = Some(Provider::start(console));
    let issuer = provider.as_ref().expect("there").issuer();
    let more = "[oidc.console]\nclient-id = \"console\"\n";
    let (scene, _folder) = scene_on(launch, provider.as_ref().expect("there"), more);
    let pictures = script::pictures();
    let place = json!({"url": format!("http://{console}"), "issuer": issuer, "pictures": pictures});
    let mut suite = script::node("console/oidc.mjs", "browser");
    suite.env("TRUNKLINE_CONSOLE_PLACE", place.to_string());
    let granted = |wish: &[&str]| match wish {
        ["life", seconds] => {
            provider.as_mut().expect("there").order(&format!("life {seconds}"));
            "done".to_owned()
        }
        ["renewals"] => provider.as_mut().expect("there").renewals().to_string(),
        ["away"] => {
            provider = None;
            "done".to_owned()
        }
        _ => panic!("the suite asks for {wish:?}"),
    };
    Script::start(&suite).run(granted, || scene.server.log());
}

#[test]
fn without_a_client_at_the_provider_the_console_offers_no_other_way_in() {
    let provider = Provider::start(NO_CONSOLE);
    let (scene, _folder) = scene(&provider);
    for server in [&scene.server, &Launch::default().start()] {
        let page = server.anonymous().get("/sign-in").expect(200);
        assert!(page.text.contains("Client secret") && !page.text.contains("/sign-in/oidc"), "{}", page.text);
        server.anonymous().get("/sign-in/oidc").expect(404);
        server.anonymous().get("/sign-in/oidc/callback?state=x&code=y").expect(404);
    }
}

fn parts(token: &str) -> (&str, &str, &str) {
    let mut parts = token.split('.');
    let mut next = || parts.next().expect("three parts");
    (next(), next(), next())
}

fn url_safe(bytes: &[u8]) -> String {
    base64(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}
