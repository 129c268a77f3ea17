//! `/api/v2/events`: a stream of server-sent events, or a listing for who asks for JSON.

use axum::Router;
use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::stream::{self, Begin, Reading};
use super::{EventId, Filter};
use crate::access::Caller;
use crate::http::{App, Query, answer, listing};
use crate::problem::Problem;
use crate::store::events;

/// The header that a reader resumes with (HTML standard section 9.2.4).
const LAST_EVENT_ID: &str = "last-event-id";

/// So long a reader is to wait where too many streams are open.
const AGAIN_SECONDS: u32 = 30;

pub fn routes() -> Router<App> {
    Router::new().route("/api/v2/events", get(read))
}

async fn read(
    State(app): State<App>,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    mut query: Query,
    parts: Parts,
) -> Result<Response, Problem> {
    let audience = Filter::take(&mut query)?.allowed(&caller)?;
    if wants_listing(&headers) {
        let paging = listing::newest_first(&mut query, events::SORTINGS)?;
        query.finish()?;
        let page = events::page(&mut *app.store.read().await?, &paging, &audience).await?;
        let show = |told: events::Told| serde_json::to_value(told.body()).unwrap_or_default();
        return Ok(answer(listing::listing(&uri, &paging, page, show)));
    }
    // A reader that cannot set headers says it in the query.
    let in_query = query.take("lastEventId");
    query.finish()?;
    let last = headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok()).map(str::to_owned).or(in_query);
    let begin = begin(&app, last.as_deref()).await?;
    let place = app.streams.enter(&caller.client.meta.id);
    let place = place.ok_or_else(|| Problem::too_many_requests(AGAIN_SECONDS, "Too many event streams are open. Close one, or wait."))?;
    let settings = app.event_settings.as_ref().clone();
    let stream = stream::open(Reading { app, parts, audience, begin, settings, place });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        // A proxy that gathers the answer would hold the events back.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((StatusCode::OK, headers, Body::from_stream(stream)).into_response())
}

fn wants_listing(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.contains("application/json") && !accept.contains("text/event-stream")
}

async fn begin(app: &App, last: Option<&str>) -> Result<Begin, Problem> {
    let mut state = app.store.snapshot().await?;
    let head = events::head(&mut state).await?;
    let Some(last) = last.filter(|last| !last.is_empty()) else { return Ok(Begin::After(head)) };
    match last.parse::<EventId>() {
        Ok(id) if events::can_resume(&mut state, id).await? => Ok(Begin::After(id)),
        Ok(_) | Err(()) => Ok(Begin::Reset { at: head }),
    }
}
