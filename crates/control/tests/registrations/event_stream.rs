//! A reader of the stream of events, asked through the router.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::http::{Request, StatusCode, header};
use futures_util::StreamExt;
use serde_json::Value;
use tower::ServiceExt;

/// One event of a stream; a comment has no kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    pub kind: String,
    pub id: String,
    pub data: Value,
    pub raw: String,
}

pub struct Stream {
    body: BodyDataStream,
    waiting: String,
}

impl Stream {
    /// Opens `/api/v2/events` with this query and, perhaps, a Last-Event-ID.
    pub async fn open(router: &Router, token: &str, query: &str, last: Option<&str>) -> Stream {
        Stream::try_open(router, token, query, last).await.expect("a stream")
    }

    /// The same where it may be refused.
    pub async fn try_open(router: &Router, token: &str, query: &str, last: Option<&str>) -> Result<Stream, StatusCode> {
        let mut request = Request::get(format!("/api/v2/events{query}")).header(header::AUTHORIZATION, format!("Bearer {token}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = router.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("infallible");
        if response.status() != StatusCode::OK {
            return Err(response.status());
        }
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Ok(Stream { body: response.into_body().into_data_stream(), waiting: String::new() })
    }

    /// The next part, comments included; none at the end of the stream.
    pub async fn part(&mut self) -> Option<Part> {
        loop {
            if let Some((part, rest)) = self.waiting.split_once("\n\n") {
                let raw = part.to_owned();
                self.waiting = rest.to_owned();
                let field = |name: &str| {
                    raw.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim_start().to_owned()).unwrap_or_default()
                };
                let (kind, id, data) = (field("event:"), field("id:"), serde_json::from_str(&field("data:")).unwrap_or_default());
                return Some(Part { kind, id, data, raw });
            }
            let chunk =
                tokio::time::timeout(Duration::from_secs(10), self.body.next()).await.expect("the stream says something in time")?;
            self.waiting.push_str(std::str::from_utf8(&chunk.expect("a chunk")).expect("UTF-8"));
        }
    }

    /// The next event of a kind; what comes before it is passed over.
    pub async fn event(&mut self, kind: &str) -> Part {
        self.event_where(kind, |_| true).await
    }

    /// The next event of a kind that is as wanted.
    pub async fn event_where(&mut self, kind: &str, wanted: impl Fn(&Value) -> bool) -> Part {
        let mut passed = Vec::new();
        loop {
            let Some(part) = self.part().await else { panic!("no {kind} before the end: {passed:#?}") };
            if part.kind == kind && wanted(&part.data) {
                return part;
            }
            passed.push(part);
        }
    }

    /// The kinds of the next events.
    pub async fn kinds(&mut self, count: usize) -> Vec<String> {
        let mut kinds = Vec::new();
        while kinds.len() < count {
            let part = self.part().await.expect("an event");
            if !part.kind.is_empty() {
                kinds.push(part.kind);
            }
        }
        kinds
    }
}
