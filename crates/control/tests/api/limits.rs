//! The guide's table of limits is the code's, and each of them is met: what is at the limit is taken, what is beyond is refused by name.

use std::collections::BTreeSet;
use std::path::Path;

use axum::body::Body;
use axum::http::{Method, Request, header};
use control::{Config, Limit, RateLimit};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::lab::{Answer, CLIENT, Lab, SECRET};

const HEAD: &str = "| what | limit | beyond |";

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[test]
fn the_guides_table_is_the_codes() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/limits.md");
    let kept = std::fs::read_to_string(&file).expect("docs/guide/limits.md");
    let rows: Vec<String> = control::limits()
        .iter()
        .map(|Limit { what, bound, unit, status, .. }| format!("| {what} | {} {unit} | {status} |", grouped(*bound)))
        .collect();
    let table = format!("{HEAD}\n|---|---|---|\n{}\n", rows.join("\n"));
    let (before, rest) = kept.split_once(HEAD).expect("the table's head");
    let after: String = rest.split_inclusive('\n').skip(1).filter(|line| !line.starts_with('|')).collect();
    let text = format!("{before}{table}{after}");
    if std::env::var_os("TRUNKLINE_UPDATE").is_some() {
        std::fs::write(&file, &text).expect("docs/guide/limits.md is written");
        return;
    }
    assert!(
        kept == text,
        "docs/guide/limits.md is not the code's; TRUNKLINE_UPDATE=1 cargo nextest run -p control -E 'test(limits)' writes it"
    );
}

/// The limits, each to be met once.
struct Met {
    limits: Vec<Limit>,
    open: BTreeSet<&'static str>,
}

impl Met {
    fn new() -> Self {
        let limits = control::limits();
        let open = limits.iter().map(|limit| limit.id).collect();
        Met { limits, open }
    }

    fn take(&mut self, id: &str) -> (usize, u16) {
        assert!(self.open.remove(id), "{id} is met already, or no limit");
        let limit = self.limits.iter().find(|limit| limit.id == id).expect("a limit");
        (usize::try_from(limit.bound).expect("a number"), limit.status)
    }
}

fn carrier(registrars: usize) -> String {
    json!({ "registrars": vec!["sip:192.0.2.1"; registrars] }).to_string()
}

fn named(length: usize) -> String {
    json!({ "name": "n".repeat(length) }).to_string()
}

async fn import(lab: &Lab, media: &str, query: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut all = vec![("content-type", media), ("accept", "application/x-ndjson")];
    all.extend(headers);
    lab.call(Method::POST, &format!("/api/v2/trunks/voice/registrations/bulk{query}"), &lab.token, &all, Some(body)).await
}

/// A line of an import that is this long, and does nothing.
fn line(length: usize) -> String {
    let start = r#"{"trunk": {"id": "trunk_jkt_04", "name": ""#;
    format!("{start}{}\"}}}}", "x".repeat(length - start.len() - 3))
}

#[tokio::test]
async fn what_a_request_holds_is_taken_up_to_its_limit_and_refused_beyond() {
    let lab = Lab::furnished().await;
    let mut met = Met::new();
    let registrations = "/api/v2/trunks/voice/registrations";

    let (bound, status) = met.take("body");
    let body = |length: usize| format!("{{}}{}", " ".repeat(length - 2));
    lab.post("/api/v2/sites", &body(bound)).await.is(201);
    lab.post("/api/v2/sites", &body(bound + 1)).await.refused(status, "payload.too.large").says(&bound.to_string());

    let (bound, status) = met.take("token-form");
    let form = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}&");
    for (length, expected) in [(bound, 200), (bound + 1, status)] {
        let body = format!("{form}{}", "&".repeat(length - form.len()));
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        lab.call(Method::POST, "/oauth/token", "", &headers, Some(&body)).await.is(expected);
    }

    let (bound, status) = met.take("line");
    let lines = format!("{}\n{}\n", line(bound), line(bound + 1));
    let results = import(&lab, "application/x-ndjson", "", &[], &lines).await.is(200);
    let statuses: Vec<u64> =
        results.text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["status"].as_u64().expect("a status")).collect();
    assert!(statuses.len() == 2 && statuses[0] != u64::from(status) && statuses[1] == u64::from(status), "{}", results.text);

    let (bound, status) = met.take("columns");
    let sheet = |columns: usize| {
        let names: Vec<String> = (0..columns).map(|column| if column == 0 { "id".into() } else { format!("c{column}") }).collect();
        format!("{}\n", names.join(","))
    };
    let answer = import(&lab, "text/csv", "", &[], &sheet(bound)).await;
    assert!(!answer.text.contains(&bound.to_string()), "{}", answer.text);
    let answer = import(&lab, "text/csv", "", &[], &sheet(bound + 1)).await;
    assert!(answer.text.contains(&bound.to_string()) && answer.text.contains(&format!("\"status\":{status}")), "{}", answer.text);

    let (bound, status) = met.take("key");
    import(&lab, "application/x-ndjson", "", &[("idempotency-key", &"k".repeat(bound))], "{}\n").await.is(200);
    import(&lab, "application/x-ndjson", "", &[("idempotency-key", &"k".repeat(bound + 1))], "{}\n")
        .await
        .refused(status, "invalid.value")
        .says(&bound.to_string());

    let (bound, status) = met.take("pace");
    let answer = import(&lab, "application/x-ndjson", &format!("?rotate=true&perSecond={}", bound + 1), &[], "{}\n").await;
    answer.refused(status, "invalid.value").about("perSecond");

    let (bound, status) = met.take("page");
    lab.get(&format!("/api/v2/sites?pageSize={bound}")).await.is(200);
    lab.get(&format!("/api/v2/sites?pageSize={}", bound + 1)).await.refused(status, "invalid.value").about("pageSize");

    let (bound, status) = met.take("offset");
    lab.get(&format!("/api/v2/sites?pageSize=100&pageNumber={}", bound / 100)).await.is(200);
    lab.get(&format!("/api/v2/sites?pageSize=100&pageNumber={}", bound / 100 + 2)).await.refused(status, "invalid.value").says("cursor");

    let (_, status) = met.take("filter");
    lab.get("/api/v2/sites?name=a&name=b").await.refused(status, "invalid.value").about("name");

    let (bound, status) = met.take("ids");
    let ids = |count: usize| format!("/api/v2/telephony/providers/edges/trunks/metrics?trunkIds={}", vec!["trunk_jkt_04"; count].join(","));
    lab.get(&ids(bound)).await.is(200);
    lab.get(&ids(bound + 1)).await.refused(status, "invalid.value").about("trunkIds");

    let (bound, status) = met.take("id");
    lab.post("/api/v2/sites", &json!({ "id": "i".repeat(bound) }).to_string()).await.is(201);
    lab.post("/api/v2/sites", &json!({ "id": "i".repeat(bound + 1) }).to_string()).await.refused(status, "invalid.value").about("id");

    let (bound, status) = met.take("name");
    lab.post("/api/v2/sites", &named(bound)).await.is(201);
    lab.post("/api/v2/sites", &named(bound + 1)).await.refused(status, "invalid.value").about("name");

    let (bound, status) = met.take("registrars");
    lab.post("/api/v2/carriers", &carrier(bound)).await.is(201);
    lab.post("/api/v2/carriers", &carrier(bound + 1)).await.refused(status, "invalid.value").says(&bound.to_string());

    let (bound, status) = met.take("ad-hoc-registrars");
    let ask = |count: usize| {
        let registrars = vec!["sip:192.0.2.1"; count];
        json!({ "registrars": registrars, "addressOfRecord": "sip:a@lab", "site": { "id": "jakarta" }, "challengeOnly": true }).to_string()
    };
    // There is no edge that could ask.
    lab.post(&format!("{registrations}/verify"), &ask(bound)).await.refused(503, "edge.offline");
    lab.post(&format!("{registrations}/verify"), &ask(bound + 1)).await.is(status).says(&bound.to_string());

    let (bound, status) = met.take("scope");
    let scope = |count: usize| {
        let trunks = vec![json!({ "id": "trunk_jkt_04" }); count];
        json!({ "roleGrants": [{ "roleId": "trunk-viewer", "scope": { "trunks": trunks } }] }).to_string()
    };
    lab.post("/api/v2/oauth/clients", &scope(bound)).await.is(201);
    lab.post("/api/v2/oauth/clients", &scope(bound + 1)).await.refused(status, "invalid.value").says(&bound.to_string());

    let (bound, status) = met.take("grants");
    let grants = |count: usize| json!({ "roleGrants": vec![json!({ "roleId": "trunk-viewer" }); count] }).to_string();
    lab.post("/api/v2/oauth/clients", &grants(bound)).await.is(201);
    lab.post("/api/v2/oauth/clients", &grants(bound + 1)).await.refused(status, "invalid.value").about("roleGrants");

    let (bound, status) = met.take("trace");
    let trace = format!("{registrations}/trunk_jkt_04/actions/trace");
    lab.post(&trace, &json!({ "minutes": bound }).to_string()).await.is(202);
    lab.post(&trace, &json!({ "minutes": bound + 1 }).to_string()).await.refused(status, "invalid.value").about("minutes");

    let (bound, status) = met.take("plan");
    let plan = |trunks: usize| json!({ "carriers": [{ "name": "a", "trunks": trunks - 1 }, { "name": "b", "trunks": 1 }] }).to_string();
    lab.post("/api/v2/plan", &plan(bound)).await.is(200);
    lab.post("/api/v2/plan", &plan(bound + 1)).await.refused(status, "invalid.value").about("carriers");

    let (bound, status) = met.take("webhooks");
    let webhook = r#"{"url": "https://hooks.example.com/trunkline", "enabled": false}"#;
    for _ in 0..bound {
        lab.post("/api/v2/webhooks", webhook).await.is(201);
    }
    lab.post("/api/v2/webhooks", webhook).await.refused(status, "conflict").says(&bound.to_string());

    // Those that count over time, or need a carrier, stand below and where it says `limit:`.
    let elsewhere = [
        ("requests", "crates/control/tests/api/limits.rs"),
        ("streams", "crates/control/tests/api/limits.rs"),
        ("all-streams", "crates/control/tests/api/limits.rs"),
        ("token-requests", "crates/control/src/access/throttle.rs"),
        ("token-failures", "crates/control/src/access/throttle.rs"),
        ("client-failures", "crates/control/src/access/throttle.rs"),
        ("provider-token", "crates/control/tests/api/oidc.rs"),
        ("verifications", "crates/control/tests/registrations/joined.rs"),
        ("verification", "crates/control/tests/registrations/joined.rs"),
    ];
    for (id, file) in elsewhere {
        met.take(id);
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file)).expect(file);
        assert!(text.contains(&format!("// limit: {id}\n")), "{file} does not say that it meets the limit {id}");
    }
    assert!(met.open.is_empty(), "met nowhere: {:?}", met.open);
}

// limit: requests
#[tokio::test]
async fn a_client_that_asks_too_often_waits_and_no_other_does() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut config = Config::in_directory(dir.path());
    config.bootstrap = Some((CLIENT.into(), SECRET.into()));
    config.rate_limit = RateLimit { requests: 20, seconds: 3_600 };
    let lab = Lab::on(config, dir).await;
    let (one, same) = (lab.token.clone(), lab.token_of(CLIENT, SECRET).await);
    let other = lab.token_with_role("organization-administrator").await;
    let call = async |token: &str| lab.call(Method::GET, "/api/v2/sites", token, &[], None).await;
    // The first call with each token is counted where it comes from.
    for token in [&one, &same, &other] {
        call(token).await.is(200);
    }
    let mut statuses = Vec::new();
    for turn in 0..40 {
        statuses.push(call(if turn % 2 == 0 { &one } else { &same }).await.status.as_u16());
    }
    let taken = statuses.iter().filter(|status| **status == 200).count();
    // The administrator has made the other client with it.
    assert!((17..=20).contains(&taken) && statuses[taken..].iter().all(|status| *status == 429), "{statuses:?}");
    let refused = call(&one).await.refused(429, "too.many.requests");
    let wait: u32 = refused.header("retry-after").parse().expect("whole seconds");
    assert!((1..=3_600).contains(&wait) && refused.header("inin-ratelimit-reset") == wait.to_string(), "{wait}");
    assert_eq!(refused.header("inin-ratelimit-allowed"), "20");
    assert_eq!(call(&other).await.is(200).header("inin-ratelimit-count"), "1");
    // Made-up tokens spend what is left to those who have none, and nothing of a client's.
    let mut last = 0;
    for n in 0..20 {
        last = call(&format!("made-up-{n}")).await.status.as_u16();
    }
    assert_eq!(last, 429);
    call(&other).await.is(200);
    // A token that is revoked is made up from then on.
    let revoked = lab.call(Method::DELETE, "/api/v2/tokens/me", &other, &[], None).await;
    revoked.is(204);
    assert_eq!(call(&other).await.status.as_u16(), 401);
    assert_eq!(call(&other).await.status.as_u16(), 429);
}

// limit: streams
// limit: all-streams
#[tokio::test]
async fn streams_have_places_by_client_and_in_all() {
    let lab = Lab::new().await;
    let bound =
        |id: &str| usize::try_from(control::limits().iter().find(|limit| limit.id == id).expect("a limit").bound).expect("a number");
    let (own, all) = (bound("streams"), bound("all-streams"));
    let open = async |token: &str| {
        let request = Request::get("/api/v2/events").header(header::AUTHORIZATION, format!("Bearer {token}"));
        lab.router.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("infallible")
    };
    let mut held = Vec::new();
    for _ in 0..all / own {
        let token = lab.token_with_role("organization-administrator").await;
        for _ in 0..own {
            let stream = open(&token).await;
            assert_eq!(stream.status().as_u16(), 200);
            held.push(stream);
        }
        lab.call(Method::GET, "/api/v2/events", &token, &[], None).await.refused(429, "too.many.requests");
    }
    assert_eq!(held.len(), all);
    let refused = lab.get("/api/v2/events").await.refused(429, "too.many.requests");
    assert!(!refused.header("retry-after").is_empty());
    held.pop();
    assert_eq!(open(&lab.token).await.status().as_u16(), 200);
}
