use std::any::Any;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Router, body};
use tokio::task::JoinHandle;

use super::peer::{self, Peer};
use super::{App, context, diagnoses, fallback, form_rules, health, metrics, plan, projection, resources};
use crate::problem::Problem;
use crate::{access, audit, events, openapi, registrations, sealing, webhooks};

/// So long may an answer take; a live verification waits at most 40 s of it.
const PATIENCE: Duration = Duration::from_secs(75);
/// Calls whose body or answer is a stream, and lasts as long as it lasts.
const STREAMS: [&str; 3] = ["/api/v2/trunks/voice/registrations/bulk", "/api/v2/events", "/api/v2/audits/export"];

const CORRELATION: HeaderName = HeaderName::from_static("inin-correlation-id");

/// Builds the whole API.
pub fn router(app: App) -> Router {
    Router::new()
        .merge(health::routes())
        .merge(metrics::routes())
        .merge(diagnoses::routes())
        .merge(form_rules::routes())
        .merge(plan::routes())
        .merge(access::oauth::routes())
        .merge(access::tokens::routes())
        .merge(access::clients::routes())
        .merge(access::roles::routes())
        .merge(audit::routes::routes())
        .merge(sealing::routes::routes())
        .merge(resources::routes())
        .merge(projection::routes())
        .merge(openapi::routes())
        .merge(registrations::routes())
        .merge(events::routes())
        .merge(webhooks::routes())
        .fallback(fallback::not_found)
        .method_not_allowed_fallback(fallback::method_not_allowed)
        .layer(middleware::from_fn_with_state(app.clone(), outermost))
        .with_state(app)
}

/// Gives every request its correlation id, a time limit and a task of its own, and every response its headers.
async fn outermost(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let (began, asked) = (Instant::now(), metrics::Asked::new(&request));
    let given = request.headers().get(&CORRELATION).and_then(|value| value.to_str().ok());
    let correlation = context::accept(given);
    let address = peer::find(request.headers(), request.extensions(), app.behind_proxy);
    if let Some(address) = address {
        request.extensions_mut().insert(Peer(address));
    }
    let allowance = app.rates.count(request.headers(), address, Instant::now());
    let token = app.rates.token(request.headers());
    let mut response = if allowance.spent() {
        let problem = Problem::too_many_requests(allowance.reset, "Rate limit exceeded the maximum. Wait for Retry-After.");
        context::with_correlation(correlation.clone(), async { problem.into_response() }).await
    } else {
        context::with_correlation(correlation.clone(), run(request, next)).await
    };
    if let Some(token) = token.filter(|_| response.status() == StatusCode::UNAUTHORIZED) {
        app.rates.is_bad(token);
    }
    app.requests.count(&asked, response.status(), began.elapsed());
    let headers = response.headers_mut();
    allowance.write(headers);
    // Both an accepted and a drawn id are plain ASCII.
    headers.insert(CORRELATION, HeaderValue::from_str(&correlation).unwrap_or(HeaderValue::from_static("none")));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Runs the request in a task of its own: a change runs to its end, its announcement included, though the caller may have gone away;
/// and a panic becomes an answer.
async fn run(request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let streams = STREAMS.contains(&request.uri().path());
    let correlation = context::correlation_id().unwrap_or_default();
    let work = context::with_correlation(correlation, async move {
        if streams {
            return tidy(next.run(request).await).await;
        }
        match tokio::time::timeout(PATIENCE, next.run(request)).await {
            Ok(response) => tidy(response).await,
            Err(_) => {
                Problem::new(StatusCode::GATEWAY_TIMEOUT, "timeout", "The answer takes too long; read the state before you repeat it.")
                    .into_response()
            }
        }
    });
    let mut task = Task { handle: tokio::spawn(work), abort: safe };
    match (&mut task.handle).await {
        Ok(response) => response,
        Err(error) => {
            let cause = error.try_into_panic().map_or_else(|_| "the request's task was cancelled".to_owned(), |panic| words(&*panic));
            Problem::internal(cause).into_response()
        }
    }
}

/// A running request; aborted when nobody waits for it any more, where it only reads.
struct Task {
    handle: JoinHandle<Response>,
    abort: bool,
}

impl Drop for Task {
    fn drop(&mut self) {
        if self.abort {
            self.handle.abort();
        }
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    format!("panic: {}", text.unwrap_or_else(|| "without words".into()))
}

/// Turns the framework's own refusals, which are plain text, into the one error body.
async fn tidy(response: Response) -> Response {
    let status = response.status();
    let is_text = |value: &HeaderValue| value.to_str().is_ok_and(|value| value.starts_with("text/plain"));
    let foreign = response.headers().get(header::CONTENT_TYPE).is_none_or(is_text);
    if !(status.is_client_error() || status.is_server_error()) || !foreign {
        return response;
    }
    let text = body::to_bytes(response.into_body(), 4096).await.unwrap_or_default();
    if status.is_server_error() {
        return Problem::internal(String::from_utf8_lossy(&text)).into_response();
    }
    Problem::new(status, "bad.request", String::from_utf8_lossy(&text)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;
    use crate::{Config, Control};

    async fn ask(path: &str, headers: &[(&str, &str)]) -> (StatusCode, Value) {
        let dir = tempfile::tempdir().expect("a directory");
        let control = Control::open(Config::in_directory(dir.path())).await.expect("it starts");
        let app = control.app().clone();
        let router = Router::new()
            .route("/panic", get(async || -> &'static str { panic!("s3cret in a panic") }))
            .route("/plain", get(async || (StatusCode::BAD_REQUEST, "plain words")))
            .route("/broken", get(async || (StatusCode::INTERNAL_SERVER_ERROR, "s3cret inside")))
            .layer(middleware::from_fn_with_state(app.clone(), outermost))
            .with_state(app);
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = router.oneshot(request.body(Body::empty()).expect("a request")).await.expect("infallible");
        assert!(response.headers().contains_key(&CORRELATION));
        let status = response.status();
        let bytes = body::to_bytes(response.into_body(), 4096).await.expect("a body");
        (status, serde_json::from_slice(&bytes).expect("JSON"))
    }

    #[tokio::test]
    async fn a_panic_becomes_an_answer_that_tells_nothing() {
        let (status, body) = ask("/panic", &[("inin-correlation-id", "c-1")]).await;
        assert_eq!(
            (status, &body["code"], &body["contextId"]),
            (StatusCode::INTERNAL_SERVER_ERROR, &"internal.error".into(), &"c-1".into())
        );
        assert!(!body.to_string().contains("s3cret"));
    }

    #[tokio::test]
    async fn the_frameworks_own_refusals_become_the_error_body() {
        let (status, body) = ask("/plain", &[]).await;
        assert_eq!((status, &body["message"]), (StatusCode::BAD_REQUEST, &"plain words".into()));
        let (status, body) = ask("/broken", &[]).await;
        assert_eq!((status, &body["code"]), (StatusCode::INTERNAL_SERVER_ERROR, &"internal.error".into()));
        assert!(!body.to_string().contains("s3cret"));
    }
}
