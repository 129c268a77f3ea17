//! Bearer tokens of an OpenID Connect provider. The provider is a small one of this test, with keys of its own, on loopback.

use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use control::{Config, Control, OidcGrant, OidcSettings, StartError};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use crate::lab::{Answer, CLIENT, Lab, SECRET};

struct Key {
    id: String,
    pair: EcdsaKeyPair,
}

impl Key {
    fn new(id: &str) -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).expect("a key");
        Key { id: id.into(), pair }
    }

    fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id, "x": encoded(&point[1..33]), "y": encoded(&point[33..]) })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let text = format!("{}.{}", encoded(header.to_string().as_bytes()), encoded(claims.to_string().as_bytes()));
        let signature = self.pair.sign(&SystemRandom::new(), text.as_bytes()).expect("signed");
        format!("{text}.{}", encoded(signature.as_ref()))
    }

    fn token(&self, claims: &Value) -> String {
        self.sign(&json!({ "alg": "ES256", "kid": self.id, "typ": "JWT" }), claims)
    }
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What the provider shows, and how often it was asked.
#[derive(Default)]
struct Shown {
    issuer: String,
    keys: Vec<Value>,
    asked: usize,
    mood: Mood,
}

/// How the provider answers who asks for its keys.
#[derive(Clone, Copy, Default)]
enum Mood {
    #[default]
    Well,
    Moved,
    Broken,
    /// With more than anybody would read.
    Endless,
}

type Provider = Arc<Mutex<Shown>>;

async fn discovery(State(provider): State<Provider>) -> Response {
    let shown = provider.lock().expect("nobody panicked");
    axum::Json(json!({ "issuer": shown.issuer, "jwks_uri": format!("{}/keys", shown.issuer) })).into_response()
}

async fn keys(State(provider): State<Provider>) -> Response {
    let mut shown = provider.lock().expect("nobody panicked");
    shown.asked += 1;
    match shown.mood {
        Mood::Well => axum::Json(json!({ "keys": shown.keys })).into_response(),
        Mood::Moved => Redirect::temporary("/moved").into_response(),
        Mood::Broken => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Mood::Endless => axum::Json(json!({ "keys": shown.keys, "padding": "x".repeat(65 * 1024) })).into_response(),
    }
}

async fn moved(State(provider): State<Provider>) -> Response {
    axum::Json(json!({ "keys": provider.lock().expect("nobody panicked").keys })).into_response()
}

struct Scene {
    lab: Lab,
    provider: Provider,
}

impl Scene {
    /// With a provider that may be called.
    async fn new() -> Self {
        Scene::at("127.0.0.1", true).await.expect("it starts")
    }

    async fn at(host: &str, allowed: bool) -> Result<Self, StartError> {
        let provider = Provider::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let issuer = format!("http://{host}:{}", listener.local_addr().expect("an address").port());
        provider.lock().expect("nobody panicked").issuer.clone_from(&issuer);
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/moved", get(moved))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let dir = tempfile::tempdir().expect("a directory");
        let mut config = Config::in_directory(dir.path());
        config.bootstrap = Some((CLIENT.into(), SECRET.into()));
        if allowed {
            config.webhook_targets = vec!["127.0.0.0/8".parse().expect("a range")];
        }
        let grant = |value: &str, role: &str, site: Option<&str>| OidcGrant {
            value: value.into(),
            role: role.into(),
            site: site.map(str::to_owned),
            carrier: None,
            trunks: Vec::new(),
        };
        config.oidc = Some(OidcSettings {
            issuer,
            audience: "trunkline".into(),
            jwks_uri: None,
            roles_claim: "roles".into(),
            grant: vec![grant("viewers", "trunk-viewer", None), grant("jakarta-desk", "trunk-administrator", Some("jakarta"))],
            console: None,
        });
        let control = Control::open(config).await?;
        let mut lab = Lab { router: control.router(), control, token: String::new(), dir };
        lab.token = lab.token_of(CLIENT, SECRET).await;
        Ok(Scene { lab, provider })
    }

    fn shows(&self, keys: &[&Key]) {
        self.provider.lock().expect("nobody panicked").keys = keys.iter().map(|key| key.jwk()).collect();
    }

    fn feels(&self, mood: Mood) {
        self.provider.lock().expect("nobody panicked").mood = mood;
    }

    fn asked(&self) -> usize {
        self.provider.lock().expect("nobody panicked").asked
    }

    fn claims(&self) -> Value {
        let issuer = self.provider.lock().expect("nobody panicked").issuer.clone();
        let now = now();
        json!({ "iss": issuer, "aud": "trunkline", "sub": "u-7", "name": "Ana", "iat": now, "exp": now + 300, "roles": ["viewers"] })
    }

    async fn me(&self, token: &str) -> Answer {
        self.lab.call(Method::GET, "/api/v2/tokens/me", token, &[], None).await
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    if value.is_null() {
        claims.as_object_mut().expect("claims").remove(name);
    } else {
        claims[name] = value;
    }
    claims
}

#[tokio::test]
async fn a_providers_token_lets_in_with_the_roles_of_its_words_and_is_named_in_the_audit() {
    let scene = Scene::new().await;
    let key = Key::new("k1");
    scene.shows(&[&key]);
    let lab = &scene.lab;
    lab.post("/api/v2/sites", r#"{"id": "jakarta"}"#).await.is(201);
    lab.post("/api/v2/carriers", r#"{"id": "c", "registrars": ["sip:192.0.2.1"]}"#).await.is(201);
    let trunk = json!({ "id": "t1", "site": { "id": "jakarta" }, "carrier": { "id": "c" }, "addressOfRecord": "sip:t1@lab" }).to_string();
    lab.post("/api/v2/trunks/voice", &trunk).await.is(201);
    let viewer = key.token(&scene.claims());
    let me = scene.me(&viewer).await.is(200);
    assert_eq!((&me.body["OAuthClient"]["id"], &me.body["OAuthClient"]["name"]), (&json!("oidc:u-7"), &json!("Ana")));
    lab.call(Method::GET, "/api/v2/trunks/voice", &viewer, &[], None).await.is(200);
    let change = Some(r#"{"name": "changed"}"#);
    lab.call(Method::PATCH, "/api/v2/trunks/voice/t1", &viewer, &[], change).await.refused(403, "missing.permissions");
    let desk = key.token(&with(scene.claims(), "roles", json!(["jakarta-desk"])));
    lab.call(Method::PATCH, "/api/v2/trunks/voice/t1", &desk, &[], change).await.is(200);
    assert_eq!(lab.get("/api/v2/audits?clientId=oidc:u-7").await.is(200).body["total"], 1);
    let nobody = key.token(&with(scene.claims(), "roles", json!([])));
    lab.call(Method::GET, "/api/v2/trunks/voice", &nobody, &[], None).await.refused(403, "missing.permissions");
    // One question for all of them.
    assert_eq!(scene.asked(), 1);
    lab.call(Method::DELETE, "/api/v2/tokens/me", &viewer, &[], None).await.refused(409, "conflict");
}

// limit: provider-token
#[tokio::test]
async fn what_a_token_must_not_be_is_refused() {
    let scene = Scene::new().await;
    let (key, foreign) = (Key::new("k1"), Key::new("k1"));
    scene.shows(&[&key]);
    let claims = scene.claims();
    scene.me(&key.token(&claims)).await.is(200);
    for (name, value, code) in [
        ("exp", json!(now() - 3600), "credentials.expired"),
        ("exp", Value::Null, "bad.credentials"),
        ("exp", json!("soon"), "bad.credentials"),
        ("nbf", json!(now() + 3600), "bad.credentials"),
        ("iss", json!("https://elsewhere.example"), "bad.credentials"),
        ("iss", json!([claims["iss"], "https://elsewhere.example"]), "bad.credentials"),
        ("iss", Value::Null, "bad.credentials"),
        ("aud", json!("another"), "bad.credentials"),
        ("aud", Value::Null, "bad.credentials"),
        ("sub", Value::Null, "bad.credentials"),
        ("sub", json!("a\u{7}b"), "bad.credentials"),
    ] {
        let token = key.token(&with(claims.clone(), name, value.clone()));
        let refused = scene.me(&token).await.refused(401, code);
        assert!(!refused.text.contains(&token), "{name} {value}");
    }
    scene.me(&key.token(&with(claims.clone(), "aud", json!(["another", "trunkline"])))).await.is(200);
    // The provider's clock may be off by half a minute.
    scene.me(&key.token(&with(claims.clone(), "exp", json!(now() - 30)))).await.is(200);
    scene.me(&key.token(&with(claims.clone(), "nbf", json!(now() + 30)))).await.is(200);
    scene.me(&foreign.token(&claims)).await.refused(401, "bad.credentials");
    let good = key.token(&claims);
    let (text, signature) = good.rsplit_once('.').expect("three parts");
    scene.me(&format!("{text}.")).await.refused(401, "bad.credentials");
    scene.me(&format!("{text}.{}x", &signature[..signature.len() - 1])).await.refused(401, "bad.credentials");
    for algorithm in ["none", "HS256", "RS256", "ES384", "nonsense"] {
        let token = key.sign(&json!({ "alg": algorithm, "kid": "k1" }), &claims);
        scene.me(&token).await.refused(401, "bad.credentials");
    }
    // A shared secret made of the public key, the oldest trick.
    let text = format!("{}.{}", encoded(br#"{"alg":"HS256","kid":"k1"}"#), encoded(claims.to_string().as_bytes()));
    let point = key.pair.public_key().as_ref();
    for secret in [point, &point[1..], key.jwk().to_string().as_bytes()] {
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text.as_bytes());
        scene.me(&format!("{text}.{}", encoded(signature.as_ref()))).await.refused(401, "bad.credentials");
    }
    for none in ["none", "None", "NONE"] {
        let header = encoded(json!({ "alg": none }).to_string().as_bytes());
        scene.me(&format!("{header}.{}.", encoded(claims.to_string().as_bytes()))).await.refused(401, "bad.credentials");
    }
    scene.me("a.b.c").await.refused(401, "bad.credentials");
    scene.me(&format!("{}.b.c", "x".repeat(9_000))).await.refused(401, "bad.credentials");
}

#[tokio::test]
async fn a_new_key_of_the_provider_is_found_and_made_up_ones_do_not_make_trunkline_ask_for_each() {
    let scene = Scene::new().await;
    let (old, new) = (Key::new("k1"), Key::new("k2"));
    scene.shows(&[&old]);
    scene.me(&old.token(&scene.claims())).await.is(200);
    scene.shows(&[&old, &new]);
    scene.me(&new.token(&scene.claims())).await.is(200);
    assert_eq!(scene.asked(), 2);
    scene.shows(&[&new]);
    // One id over and over is asked for once.
    let made_up = Key::new("made-up");
    for _ in 0..20 {
        scene.me(&made_up.token(&scene.claims())).await.refused(401, "bad.credentials");
    }
    assert_eq!(scene.asked(), 3);
    // Withdrawn meanwhile, and known to be.
    scene.me(&old.token(&scene.claims())).await.refused(401, "bad.credentials");
    assert_eq!(scene.asked(), 3);
    let newest = Key::new("k3");
    let mut turned_down = 0;
    for n in 0..20 {
        let answer = scene.me(&Key::new(&format!("made-up-{n}")).token(&scene.claims())).await;
        if answer.status.as_u16() == 401 {
            answer.refused(401, "bad.credentials");
            continue;
        }
        // Nobody can tell yet, so nobody is told that it is wrong: a client asks again by itself.
        let wait: u64 = answer.refused(503, "identity.provider.unavailable").header("retry-after").parse().expect("seconds");
        assert!((1..=6).contains(&wait), "{wait}");
        turned_down += 1;
        scene.shows(&[&new, &newest]);
    }
    let asked = scene.asked();
    assert!(turned_down > 0 && asked < 20, "{turned_down} {asked}");
    // The made-up ones go on; a key that is new meanwhile is found all the same, seconds later.
    let mut n = 0;
    loop {
        scene.me(&Key::new(&format!("more-{n}")).token(&scene.claims())).await;
        let answer = scene.me(&newest.token(&scene.claims())).await;
        if answer.status.is_success() {
            break;
        }
        let wait = answer.refused(503, "identity.provider.unavailable").header("retry-after").parse().expect("seconds");
        n += 1;
        assert!(n < 10, "it is never found");
        tokio::time::sleep(std::time::Duration::from_secs(wait)).await;
    }
    scene.me(&new.token(&scene.claims())).await.is(200);
}

#[tokio::test]
async fn the_providers_keys_come_through_the_gate_and_no_redirect_is_followed() {
    assert!(matches!(Scene::at("127.0.0.1", false).await, Err(StartError::Oidc { .. })));
    // A name is judged by what it leads to.
    let scene = Scene::at("localhost", false).await.expect("it starts");
    let key = Key::new("k1");
    scene.shows(&[&key]);
    scene.me(&key.token(&scene.claims())).await.refused(503, "identity.provider.unavailable");
    assert_eq!(scene.asked(), 0);
    for mood in [Mood::Moved, Mood::Broken, Mood::Endless] {
        let scene = Scene::new().await;
        scene.shows(&[&key]);
        scene.feels(mood);
        let answer = scene.me(&key.token(&scene.claims())).await.refused(503, "identity.provider.unavailable");
        assert_eq!(answer.header(header::RETRY_AFTER.as_str()), "5");
        // Trunkline's own tokens do not need the provider.
        scene.lab.get("/api/v2/tokens/me").await.is(200);
        // And it is asked again.
        scene.feels(Mood::Well);
        scene.me(&key.token(&scene.claims())).await.is(200);
        // Keys that are known stay good when it is down; what is not known cannot be judged.
        scene.feels(mood);
        scene.me(&key.token(&scene.claims())).await.is(200);
        scene.me(&Key::new("k2").token(&scene.claims())).await.refused(503, "identity.provider.unavailable");
    }
}

#[tokio::test]
async fn without_a_provider_a_foreign_token_is_just_a_wrong_one() {
    let lab = Lab::new().await;
    lab.call(Method::GET, "/api/v2/tokens/me", "a.b.c", &[], None).await.refused(401, "bad.credentials");
}
