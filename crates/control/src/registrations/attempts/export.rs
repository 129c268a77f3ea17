//! Exports of an attempt: a ladder, a report for the carrier's support, a capture.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use link::render::{self, Glyphs, Style};

use super::read::{TRACE, require};
use crate::access::Caller;
use crate::http::{App, Query};
use crate::problem::Problem;

/// A ladder may be asked for so wide.
const WIDTH_MAX: u32 = 400;
/// And so narrow.
const WIDTH_MIN: u32 = 48;

/// Whose attempt, and which.
pub type Named = Path<Vec<(String, String)>>;

/// GET .../attempts/{attemptId}/ladder, with `width` and `ascii`.
pub async fn ladder(State(app): State<App>, caller: Caller, Path(named): Named, mut query: Query) -> Result<Response, Problem> {
    require(&app, &caller, TRACE, split(&named).0, split(&named).1).await?;
    let width = query.take_number("width")?;
    if width.is_some_and(|width| !(WIDTH_MIN..=WIDTH_MAX).contains(&width)) {
        return Err(Problem::invalid("width", format!("width is {WIDTH_MIN} to {WIDTH_MAX} columns.")));
    }
    let glyphs = if query.take_bool("ascii")?.unwrap_or(false) { Glyphs::Ascii } else { Glyphs::Unicode };
    query.finish()?;
    let width = width.and_then(|width| usize::try_from(width).ok()).unwrap_or(Style::default().width);
    let (trunk, id) = split(&named);
    Ok(text(render::ladder(&app.registrations.attempt(trunk, id).await?, Style { width, glyphs })))
}

/// GET .../attempts/{attemptId}/report.
pub async fn report(State(app): State<App>, caller: Caller, Path(named): Named, query: Query) -> Result<Response, Problem> {
    require(&app, &caller, TRACE, split(&named).0, split(&named).1).await?;
    query.finish()?;
    let (trunk, id) = split(&named);
    Ok(text(render::report(&app.registrations.attempt(trunk, id).await?)))
}

/// GET .../attempts/{attemptId}/pcapng.
pub async fn pcapng(State(app): State<App>, caller: Caller, Path(named): Named, query: Query) -> Result<Response, Problem> {
    require(&app, &caller, TRACE, split(&named).0, split(&named).1).await?;
    query.finish()?;
    let (trunk, id) = split(&named);
    let mut response = render::pcapng(&app.registrations.attempt(trunk, id).await?).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-pcapng"));
    let plain: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).collect();
    if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"attempt-{plain}.pcapng\"")) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

/// The same calls stand below a trunk and below `verify`.
fn split(named: &[(String, String)]) -> (Option<&str>, &str) {
    let of = |name: &str| named.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    (of("trunk"), of("attempt").unwrap_or_default())
}

fn text(text: String) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))], text).into_response()
}
