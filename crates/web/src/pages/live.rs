use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;

use crate::Console;
use crate::api::escape;
use crate::fault::Fault;
use crate::form::Fields;
use crate::session::Session;

/// GET /live: the API's stream of events as this session may hear it, `?trunk=` those of one trunk.
///
/// The kind of an event is left away, so that a browser needs no list of kinds to hear them all; what happened the page asks for itself.
pub async fn events(State(console): State<Console>, who: Session, fields: Fields) -> Result<Response, Fault> {
    let path = match fields.get("trunk") {
        Some(trunk) => format!("/api/v2/events?trunkId={}", escape(trunk)),
        None => "/api/v2/events".to_owned(),
    };
    let response = console.api.send(&who, Method::GET, &path, None, Body::empty()).await?;
    if !response.status().is_success() {
        return Ok(response);
    }
    // The API gives whole parts; one that is cut otherwise passes as it is and is not heard.
    let parts =
        response.into_body().into_data_stream().filter_map(async |part| part.ok().map(|part| Ok::<_, Infallible>(without_kind(part))));
    Ok(([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(parts)).into_response())
}

fn without_kind(part: Bytes) -> Bytes {
    let ends = part.starts_with(b"event: end\n");
    match part.iter().position(|byte| *byte == b'\n') {
        Some(end) if part.starts_with(b"event: ") && !ends => part.slice(end + 1..),
        _ => part,
    }
}
