//! The web console: pages that are rendered here, from what the public API answers.
//!
//! The console knows the API only as a `Router`. Each page asks it in process, with the bearer token of the session, so a session can do
//! what its client may do through the API and nothing else. Tokens stay in the memory of the server; the browser holds a random session id.
//! Every page reads, and every form works, without script; the script swaps in what changed and shows times in the viewer's zone.

mod api;
mod assets;
mod fault;
mod form;
mod inputs;
mod jobs;
mod ladder;
mod oidc;
mod page;
mod pages;
mod parts;
mod plot;
mod provider;
mod rates;
mod session;
mod timeline;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;

use api::Api;
use jobs::Jobs;
pub use provider::{Ask, Promise, Provider, Returned, Tokens};
use session::Sessions;

/// Longest form; a sheet of some ten thousand trunks fits in.
const FORM_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Scripts, styles and calls from this origin alone, nothing inline, and no page of ours in a frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'";

/// What the pages share; cheap to clone.
#[derive(Clone)]
struct Console {
    api: Api,
    sessions: Arc<Sessions>,
    provider: Option<Arc<dyn Provider>>,
    jobs: Arc<Jobs>,
}

/// Builds the console's pages over this API. `secure` where browsers come over TLS: the cookie is then `Secure` and bound to the host.
/// `provider` where people sign in at one besides client credentials.
pub fn router(api: Router, secure: bool, provider: Option<Arc<dyn Provider>>) -> Router {
    let console = Console { api: Api::new(api), sessions: Arc::new(Sessions::new(secure)), provider, jobs: Arc::default() };
    pages::routes()
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(middleware::from_fn(guarded))
        .with_state(console)
        .merge(assets::routes())
}

/// Gives every page the headers that keep it to itself.
async fn guarded(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
