//! The token endpoint: client credentials for an opaque bearer token (RFC 6749 4.4).

use std::collections::BTreeMap;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::secret;
use crate::audit::Origin;
use crate::encoding::unbase64;
use crate::http::query::unescape;
use crate::http::{App, json as body, peer};
use crate::problem::Problem;
use crate::store::tokens::{self, Token};
use crate::store::{self, now};

/// How long a token is good where the client does not say, in seconds.
const LIFE: u32 = 86_400;
/// Longest body of a token request.
pub const FORM_BYTES_MAX: usize = 8 * 1024;

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/oauth/token", post(grant))
}

/// A refusal in the words of RFC 6749 5.2 beside those of the platform.
struct Refusal {
    error: &'static str,
    problem: Problem,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = self.problem.body();
        body["error"] = self.error.into();
        body["error_description"] = body["message"].clone();
        let mut response = self.problem.into_response();
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let mut response = (status, Json(body)).into_response();
        let length = response.headers().get(header::CONTENT_LENGTH).cloned();
        response
            .headers_mut()
            .extend(headers.into_iter().filter(|(name, _)| name.as_ref().is_some_and(|name| name != header::CONTENT_LENGTH)));
        if let Some(length) = length {
            response.headers_mut().insert(header::CONTENT_LENGTH, length);
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Basic realm=\"trunkline\""));
        }
        response
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Refusal { error: "invalid_request", problem }
    }
}

async fn grant(State(app): State<App>, request: Request) -> Result<Response, Refusal> {
    let (parts, content) = request.into_parts();
    let address = peer::address(&parts);
    let slow_down = |seconds, message: &str| Refusal { error: "slow_down", problem: Problem::too_many_requests(seconds, message) };
    let asked = Instant::now();
    if let Some(seconds) = app.throttle.request(address, asked) {
        return Err(slow_down(seconds, "Too many failed token requests, or too many at all, from this address. Wait for Retry-After."));
    }
    let form = form(&parts.headers, content).await?;
    match form.get("grant_type").map(|value| value.expose_secret()) {
        Some("client_credentials") => {}
        Some(_) => {
            let problem = Problem::invalid("grant_type", "The grant_type is not known; client_credentials is.");
            return Err(Refusal { error: "unsupported_grant_type", problem });
        }
        None => return Err(Problem::invalid("grant_type", "grant_type=client_credentials is missing in the form body.").into()),
    }
    let Some((id, given)) = credentials(&parts.headers, &form)? else {
        let message = "Give the client's id and secret by HTTP Basic, or as client_id and client_secret in the form body.";
        return Err(Refusal { error: "invalid_client", problem: Problem::unauthorized("authentication.required", message) });
    };
    if let Some(seconds) = app.throttle.locked(&id, address, asked) {
        return Err(slow_down(seconds, "This client is locked out after too many wrong secrets. Wait for Retry-After."));
    }
    let mut reader = app.store.read().await.map_err(Problem::from)?;
    let client = store::clients::find(&mut reader, &id).await.map_err(Problem::from)?.filter(|client| !client.settings.disabled);
    let kept = store::clients::secret_hash(&mut reader, &id).await.map_err(Problem::from)?;
    drop(reader);
    let matches = secret::matches(&given, kept.as_deref());
    let client = match client {
        Some(client) if matches => client,
        _ => {
            if app.throttle.failed(&id, address, asked) {
                tracing::warn!(client = ?id.chars().take(64).collect::<String>(), "a client is locked out after too many wrong secrets");
            }
            let message = "The client id is not known, the client is disabled, or its secret is wrong.";
            return Err(Refusal { error: "invalid_client", problem: Problem::unauthorized("bad.credentials", message) });
        }
    };
    app.throttle.succeeded(&id, address, asked);
    let life = client.settings.access_token_validity_seconds.unwrap_or(LIFE);
    let token = secret::draw()?;
    let created = now();
    let expires = created + i64::from(life) * 1_000_000;
    let row = Token { hash: secret::hash(&token), client: client.meta.id.clone(), created, expires };
    let mut tx = app.store.begin(&Origin::system("oauth")).await.map_err(Problem::from)?;
    tokens::insert(&mut tx, &row).await.map_err(Problem::from)?;
    tx.commit().await.map_err(Problem::from)?;
    let answer = json!({ "access_token": token.expose_secret(), "token_type": "bearer", "expires_in": life });
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// Reads the form body. Every value may be a secret.
async fn form(headers: &HeaderMap, content: axum::body::Body) -> Result<BTreeMap<String, SecretString>, Problem> {
    let bytes = body::read(content, FORM_BYTES_MAX).await?;
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !media.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        let message = "The token endpoint takes application/x-www-form-urlencoded.";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported.media.type", message));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| Problem::bad_request("The form body is not UTF-8."))?;
    let mut form = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = unescape(name)?;
        if form.insert(name.clone(), unescape(value)?.into()).is_some() {
            return Err(Problem::invalid(name.clone(), format!("The parameter {name:?} stands twice.")));
        }
    }
    Ok(form)
}

/// Finds id and secret: HTTP Basic first, the form elsewhere.
fn credentials(headers: &HeaderMap, form: &BTreeMap<String, SecretString>) -> Result<Option<(String, SecretString)>, Problem> {
    if let Some(given) = headers.get(header::AUTHORIZATION) {
        let malformed = || Problem::bad_request("The Authorization header is not HTTP Basic with client id and secret.");
        let (scheme, encoded) = given.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(malformed)?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(malformed());
        }
        let plain = unbase64(encoded.trim()).and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(malformed)?;
        let (id, secret) = plain.split_once(':').ok_or_else(malformed)?;
        return Ok(Some((id.to_owned(), secret.into())));
    }
    match (form.get("client_id"), form.get("client_secret")) {
        (Some(id), Some(secret)) => Ok(Some((id.expose_secret().to_owned(), secret.clone()))),
        _ => Ok(None),
    }
}
