//! No listing and no import costs a statement for each of its rows. Counted where they are logged, on their way to SQLite: so in a program of its own.

#[allow(dead_code)]
#[path = "api/lab.rs"]
mod lab;

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::Method;
use lab::Lab;
use serde_json::json;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

static STATEMENTS: AtomicUsize = AtomicUsize::new(0);

/// Counts the events of sqlx's query log.
struct Counter;

impl Subscriber for Counter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        STATEMENTS.fetch_add(1, Ordering::SeqCst);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

async fn statements(lab: &Lab, path: &str, rows: usize) -> usize {
    let before = STATEMENTS.load(Ordering::SeqCst);
    let answer = lab.get(path).await.is(200);
    assert_eq!(answer.body["entities"].as_array().map(Vec::len), Some(rows), "{path}");
    STATEMENTS.load(Ordering::SeqCst) - before
}

/// What the server does of its own accord meanwhile only adds to a count.
async fn fewest(lab: &Lab, path: &str, rows: usize) -> usize {
    let mut fewest = usize::MAX;
    for _ in 0..5 {
        fewest = fewest.min(statements(lab, path, rows).await);
    }
    fewest
}

#[tokio::test]
async fn a_page_or_an_import_of_a_hundred_costs_no_more_statements_than_one_of_one() {
    tracing::subscriber::set_global_default(Counter).expect("the only one");
    let lab = Lab::new().await;
    for number in 0..100 {
        lab.post("/api/v2/sites", &json!({"id": format!("s{number:03}")}).to_string()).await.is(201);
        let carrier = json!({"id": format!("c{number:03}"), "registrars": ["sip:192.0.2.1"]});
        lab.post("/api/v2/carriers", &carrier.to_string()).await.is(201);
    }
    // Each trunk with a carrier and a site of its own: what is looked up once a page would otherwise hide one a row.
    let line = |number: usize| {
        json!({"trunk": {"id": format!("t{number:03}"), "name": "T", "site": {"id": format!("s{number:03}")}, "carrier": {"id": format!("c{number:03}")},
            "addressOfRecord": format!("sip:u{number}@lab")}, "credentials": {"username": "u", "password": "p"}})
        .to_string()
    };
    let lines: Vec<String> = (0..100).map(line).collect();
    let headers = [("content-type", "application/x-ndjson"), ("accept", "application/x-ndjson")];
    let bulk = "/api/v2/trunks/voice/registrations/bulk";
    let done = lab.call(Method::POST, bulk, &lab.token, &headers, Some(&lines.join("\n"))).await.is(200);
    assert_eq!(done.text.matches("\"status\":201").count(), 100, "{}", done.text);

    for listing in [
        "/api/v2/trunks/voice/registrations",
        "/api/v2/trunks/voice/registrations?name=T",
        "/api/v2/trunks/voice/registrations?cursor=",
        "/api/v2/trunks/voice/registrations?state=PENDING&sortBy=name&sortOrder=descending",
        "/api/v2/trunks/voice",
        "/api/v2/carriers",
        "/api/v2/sites",
        "/api/v2/audits",
        "/api/v2/telephony/providers/edges/trunks",
        "/api/v2/telephony/providers/edges/trunkbasesettings",
    ] {
        let with = |size: usize| format!("{listing}{}pageSize={size}", if listing.contains('?') { '&' } else { '?' });
        let one = fewest(&lab, &with(1), 1).await;
        let hundred = fewest(&lab, &with(100), 100).await;
        assert!(one > 0, "statements are counted");
        assert_eq!(hundred, one, "{listing}");
    }

    let mut next = 0;
    let mut import = async |count: usize| {
        let mut fewest = usize::MAX;
        // What comes in two pieces is two changes: the fewest is one.
        for _ in 0..5 {
            let lines: Vec<String> = (next..next + count)
                .map(|number| {
                    json!({"trunk": {"id": format!("n{number}"), "site": {"id": "s000"}, "carrier": {"id": "c000"}, "addressOfRecord": "sip:u@lab"},
                        "credentials": {"username": "u", "password": "p"}})
                    .to_string()
                })
                .collect();
            next += count;
            let before = STATEMENTS.load(Ordering::SeqCst);
            let done = lab.call(Method::POST, bulk, &lab.token, &headers, Some(&lines.join("\n"))).await.is(200);
            fewest = fewest.min(STATEMENTS.load(Ordering::SeqCst) - before);
            assert_eq!(done.text.matches("\"status\":201").count(), count, "{}", done.text);
        }
        fewest
    };
    let (one, many) = (import(1).await, import(64).await);
    assert!(many <= one + 8, "{many} statements for 64 lines, {one} for one");
}
