//! Measures a bulk import: `cargo run --release -p control --example import -- 100000`.
//!
//! The whole path is taken but the socket: router, access check, forms, sealing, store with its fsyncs, audit chain, result lines.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::http::{Request, header};
use control::{Config, Control};
use http_body_util::BodyExt;
use tower::ServiceExt;

const BULK: &str = "/api/v2/trunks/voice/registrations/bulk";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let lines: usize = std::env::args().nth(1).map_or(Ok(100_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let mut config = Config::in_directory(folder.path());
    config.bootstrap = Some(("measure".to_owned(), "only-for-this-measurement".into()));
    let control = Control::open(config).await?;
    let router = control.router();
    let form = "grant_type=client_credentials&client_id=measure&client_secret=only-for-this-measurement";
    let request = Request::post("/oauth/token").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(Body::from(form))?;
    let granted = router.clone().oneshot(request).await?.into_body().collect().await?.to_bytes();
    let granted: serde_json::Value = serde_json::from_slice(&granted)?;
    let bearer = format!("Bearer {}", granted["access_token"].as_str().ok_or("no token")?);
    for (path, body) in [
        ("/api/v2/sites", r#"{"id": "s1", "name": "One"}"#),
        ("/api/v2/carriers", r#"{"id": "c1", "name": "C", "registrars": ["sip:192.0.2.1"]}"#),
    ] {
        let request = Request::post(path).header(header::AUTHORIZATION, &bearer).header(header::CONTENT_TYPE, "application/json");
        let answer = router.clone().oneshot(request.body(Body::from(body))?).await?;
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }

    let text = (0..lines).map(|number| {
        format!(
            "{{\"trunk\":{{\"id\":\"t{number:07}\",\"name\":\"Trunk {number}\",\"site\":{{\"id\":\"s1\"}},\"carrier\":{{\"id\":\"c1\"}},\
             \"addressOfRecord\":\"sip:+62215{number:07}@ims.example\"}},\"credentials\":{{\"username\":\"+62215{number:07}\",\"password\":\"p-{number}-x\"}}}}\n"
        )
    });
    let chunks: Vec<Result<Bytes, std::convert::Infallible>> = text.map(|line| Ok(Bytes::from(line))).collect();
    let body = Body::from_stream(futures_util::stream::iter(chunks));
    let request = Request::post(BULK)
        .header(header::AUTHORIZATION, &bearer)
        .header(header::CONTENT_TYPE, "application/x-ndjson")
        .header(header::ACCEPT, "application/x-ndjson")
        .body(body)?;
    let began = Instant::now();
    let answer = router.clone().oneshot(request).await?.into_body().collect().await?.to_bytes();
    let took = began.elapsed();
    let created = answer.split(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\"status\":201}")).count();
    println!("{created} of {lines} lines in {took:.1?}: {:.0} lines/s", lines as f64 / took.as_secs_f64());
    assert_eq!(created, lines);
    control.shutdown().await;
    Ok(())
}
