//! Measures pages of a large listing: `cargo run --release -p control --example pages -- 1000000`.
//!
//! The trunks are written behind the server's back, for speed; everything that is measured goes through the router.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, header};
use control::{Config, Control};
use http_body_util::BodyExt;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions};
use tower::ServiceExt;

const TRUNKS: &str = "/api/v2/trunks/voice";
const REGISTRATIONS: &str = "/api/v2/trunks/voice/registrations";
/// So often is each page read.
const TIMES: usize = 30;

struct Caller {
    router: Router,
    bearer: String,
}

impl Caller {
    async fn call(&self, method: &str, path: &str, body: &'static str) -> Result<serde_json::Value, Box<dyn Error>> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, &self.bearer)
            .header(header::CONTENT_TYPE, if path == "/oauth/token" { "application/x-www-form-urlencoded" } else { "application/json" });
        let answer = self.router.clone().oneshot(request.body(Body::from(Bytes::from(body)))?).await?;
        let status = answer.status();
        let bytes = answer.into_body().collect().await?.to_bytes();
        if !status.is_success() {
            return Err(format!("{path}: {status} {}", String::from_utf8_lossy(&bytes)).into());
        }
        Ok(serde_json::from_slice(&bytes)?)
    }

    async fn measure(&self, path: &str) -> Result<(), Box<dyn Error>> {
        let mut took: Vec<Duration> = Vec::new();
        let mut rows = 0;
        for _ in 0..TIMES {
            let began = Instant::now();
            rows = self.call("GET", path, "").await?["entities"].as_array().map_or(0, Vec::len);
            took.push(began.elapsed());
        }
        took.sort();
        println!("{:>8.1?} median {:>8.1?} worst  {rows:>4} rows  {path}", took[TIMES / 2], took[TIMES - 1]);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let trunks: u64 = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let mut config = Config::in_directory(folder.path());
    config.bootstrap = Some(("measure".to_owned(), "only-for-this-measurement".into()));
    let control = Control::open(config).await?;
    let mut caller = Caller { router: control.router(), bearer: "none".to_owned() };
    let form = "grant_type=client_credentials&client_id=measure&client_secret=only-for-this-measurement";
    let granted = caller.call("POST", "/oauth/token", form).await?;
    caller.bearer = format!("Bearer {}", granted["access_token"].as_str().ok_or("no token")?);
    for body in [r#"{"id": "s0"}"#, r#"{"id": "s1"}"#, r#"{"id": "s2"}"#, r#"{"id": "s3"}"#] {
        caller.call("POST", "/api/v2/sites", body).await?;
    }
    caller.call("POST", "/api/v2/carriers", r#"{"id": "c0", "registrars": ["sip:192.0.2.1"]}"#).await?;
    fill(&folder.path().join("trunkline.db"), trunks).await?;
    println!("{trunks} trunks, each with active credentials, in four sites");
    for path in [
        format!("{TRUNKS}?pageSize=25"),
        format!("{TRUNKS}?pageSize=25&pageNumber=400"),
        format!("{TRUNKS}?pageSize=500&pageNumber=20"),
        format!("{TRUNKS}?pageSize=25&pageNumber=400&sortBy=name&sortOrder=descending"),
        format!("{TRUNKS}?pageSize=25&pageNumber=400&sortBy=version"),
        format!("{TRUNKS}?pageSize=25&pageNumber=400&site.id=s1"),
        format!("{TRUNKS}?pageSize=25&pageNumber=400&site.id=s1&sortBy=name"),
        format!("{TRUNKS}?pageSize=25&pageNumber=400&carrier.id=c0&sortBy=dateModified"),
        format!("{TRUNKS}?pageSize=25&pageNumber=400&carrier.id=c0&sortBy=name&sortOrder=descending"),
        format!("{TRUNKS}?pageSize=25&pageNumber=400&site.id=s1&carrier.id=c0&sortBy=version"),
        format!("{TRUNKS}?pageSize=25&inService=true"),
        format!("{TRUNKS}?pageSize=25&pageNumber=400&inService=true&sortBy=dateModified"),
        format!("{REGISTRATIONS}?pageSize=25"),
        format!("{REGISTRATIONS}?pageSize=25&pageNumber=400"),
        format!("{REGISTRATIONS}?pageSize=25&pageNumber=400&sortBy=dateCreated&sortOrder=descending"),
        format!("{REGISTRATIONS}?pageSize=25&name=Trunk%20500000"),
    ] {
        caller.measure(&path).await?;
    }
    // Far into a walk: the cursor of a page that a number does not reach.
    for order in ["id", "name", "dateCreated", "dateModified", "version"] {
        let first = caller.call("GET", &format!("{REGISTRATIONS}?pageSize=500&pageNumber=20&sortBy={order}"), "").await?;
        let cursor = first["cursor"].as_str().ok_or("no cursor")?;
        caller.measure(&format!("{REGISTRATIONS}?pageSize=25&sortBy={order}&cursor={cursor}")).await?;
    }
    control.shutdown().await;
    Ok(())
}

async fn fill(file: &std::path::Path, trunks: u64) -> Result<(), Box<dyn Error>> {
    let mut other = SqliteConnectOptions::new().filename(file).busy_timeout(Duration::from_secs(60)).connect().await?;
    let numbers = format!("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {trunks} - 1)");
    for sql in [
        "BEGIN".to_owned(),
        format!(
            "{numbers} INSERT INTO trunks (id, name, version, created, modified, revision, target_revision, site, carrier, in_service, body) \
             SELECT printf('t%07d', i), 'Trunk ' || i, 1 + i % 7, i, i * 7919 % {trunks}, 1, 1, 's' || (i % 4), 'c0', 1, \
             printf('{{\"addressOfRecord\":\"sip:u%d@ims.example\"}}', i) FROM n"
        ),
        "INSERT INTO registrations (trunk, version, created, modified, revision, verified, last_version) SELECT id, 1, 1, 1, 1, 1, 1 FROM trunks"
            .to_owned(),
        "INSERT INTO credentials (trunk, version, state, username, realm, algorithm, ha1, key_id, nonce, secret, mac, negotiated, authenticated, \
         accept_unproven, diagnosis, digest_sent, basis, last_outcome, accepted, created, changed, promoted) \
         SELECT id, 1, 'ACTIVE', id, 'r', 'MD5', '[]', 1, '', '', '', NULL, 1, 0, NULL, 0, '', 'accepted', 1, 1, 1, 1 FROM trunks"
            .to_owned(),
        format!("UPDATE counts SET total = {trunks} WHERE kind = 'trunk'"),
        "INSERT INTO trunk_counts (site, carrier, in_service, total) SELECT site, carrier, in_service, COUNT(*) FROM trunks GROUP BY 1, 2, 3"
            .to_owned(),
        "COMMIT".to_owned(),
    ] {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut other).await?;
    }
    Ok(())
}
