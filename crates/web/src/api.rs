use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tower::ServiceExt;

use crate::fault::Fault;
use crate::session::{Remote, Session};

/// The public API, asked in process.
#[derive(Clone)]
pub struct Api {
    router: Router,
}

/// An answer of the API that is JSON, or nothing.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its body; null where it has none.
    pub body: Value,
}

impl Api {
    /// Asks this router.
    pub fn new(router: Router) -> Self {
        Api { router }
    }

    /// GET, expecting an answer that says yes.
    ///
    /// # Errors
    /// [`Fault`]: what the API answered instead, or the way to sign in.
    pub async fn get(&self, who: &Session, path: &str) -> Result<Value, Fault> {
        self.call(who, Method::GET, path, None).await?.yes()
    }

    /// GET of what a page has room for besides; null for whoever may not see such things.
    ///
    /// # Errors
    /// [`Fault`]: what the API answered instead, or the way to sign in.
    pub async fn get_where_allowed(&self, who: &Session, needed: &str, path: &str) -> Result<Value, Fault> {
        if who.may(needed) { self.get(who, path).await } else { Ok(Value::Null) }
    }

    /// POST of JSON, whatever the answer.
    ///
    /// # Errors
    /// [`Fault`] where the session has ended.
    pub async fn post(&self, who: &Session, path: &str, body: &Value) -> Result<Answer, Fault> {
        self.call(who, Method::POST, path, Some(body)).await
    }

    /// POST of JSON to what may wait for a carrier: it is not waited for (RFC 7240 4.3).
    ///
    /// # Errors
    /// [`Fault`] where the session has ended.
    pub async fn post_without_waiting(&self, who: &Session, path: &str, body: &Value) -> Result<Answer, Fault> {
        let mut request = authorized(who, Method::POST, path, Some("application/json"), Body::from(body.to_string()))?;
        request.headers_mut().insert("prefer", HeaderValue::from_static("wait=0"));
        read(self.signed_in(request).await?).await
    }

    /// Any call with a JSON body, or none.
    ///
    /// # Errors
    /// [`Fault`] where the session has ended.
    pub async fn call(&self, who: &Session, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, Fault> {
        let content = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let media = body.map(|_| "application/json");
        read(self.send(who, method, path, media, content).await?).await
    }

    /// Any call; the answer as it comes, which may be a stream.
    ///
    /// # Errors
    /// [`Fault`] where the session has ended.
    pub async fn send(&self, who: &Session, method: Method, path: &str, media: Option<&str>, body: Body) -> Result<Response, Fault> {
        let mut request = authorized(who, method, path, media, body)?;
        if path.starts_with("/api/v2/events") && !path.contains("pageSize") {
            request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
        }
        self.signed_in(request).await
    }

    async fn signed_in(&self, request: Request<Body>) -> Result<Response, Fault> {
        let response = self.ask(request).await;
        if response.status() == StatusCode::UNAUTHORIZED { Err(Fault::SignIn { next: None }) } else { Ok(response) }
    }

    /// Takes a token by the client-credentials grant.
    ///
    /// # Errors
    /// [`Fault::Refused`] with the API's own words.
    pub async fn sign_in(&self, remote: &Remote, id: &str, secret: &SecretString) -> Result<SecretString, Fault> {
        let form = format!("grant_type=client_credentials&client_id={}&client_secret={}", escape(id), escape(secret.expose_secret()));
        let media = Some("application/x-www-form-urlencoded");
        let answer = read(self.ask(request(remote, Method::POST, "/oauth/token", media, Body::from(form))?).await).await?;
        let body = answer.yes()?;
        Ok(body["access_token"].as_str().unwrap_or_default().into())
    }

    /// Asks who the holder of a token is.
    ///
    /// # Errors
    /// [`Fault::Refused`] with the API's own words.
    pub async fn whoami(&self, remote: &Remote, token: &SecretString) -> Result<Value, Fault> {
        let mut request = request(remote, Method::GET, "/api/v2/tokens/me", None, Body::empty())?;
        request.headers_mut().insert(header::AUTHORIZATION, bearer(token)?);
        read(self.ask(request).await).await?.yes()
    }

    async fn ask(&self, request: Request<Body>) -> Response {
        match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

impl Answer {
    /// Its body, where it says yes.
    ///
    /// # Errors
    /// [`Fault::Refused`].
    pub fn yes(self) -> Result<Value, Fault> {
        if self.status.is_success() { Ok(self.body) } else { Err(Fault::Refused { status: self.status, body: self.body }) }
    }
}

/// A request with the session's token.
fn authorized(who: &Session, method: Method, path: &str, media: Option<&str>, body: Body) -> Result<Request<Body>, Fault> {
    let mut request = request(&who.remote, method, path, media, body)?;
    request.headers_mut().insert(header::AUTHORIZATION, bearer(&who.token)?);
    Ok(request)
}

fn bearer(token: &SecretString) -> Result<HeaderValue, Fault> {
    let bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()));
    let mut bearer = bearer.map_err(|_| Fault::SignIn { next: None })?;
    bearer.set_sensitive(true);
    Ok(bearer)
}

fn request(remote: &Remote, method: Method, path: &str, media: Option<&str>, body: Body) -> Result<Request<Body>, Fault> {
    let mut builder = Request::builder().method(method).uri(path).header(header::ACCEPT, "application/json");
    if let Some(media) = media {
        builder = builder.header(header::CONTENT_TYPE, media);
    }
    // Audit records name who asked; behind a proxy that stands in its header.
    if let Some(forwarded) = &remote.forwarded {
        builder = builder.header("x-forwarded-for", forwarded);
    }
    let mut request = builder.body(body).map_err(|_| Fault::Missing)?;
    if let Some(address) = remote.address {
        request.extensions_mut().insert(ConnectInfo::<SocketAddr>(address));
    }
    Ok(request)
}

/// Reads an answer to its end.
///
/// # Errors
/// [`Fault::Refused`] where the body broke off.
pub async fn read(response: Response) -> Result<Answer, Fault> {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.map_err(|_| Fault::Refused { status: StatusCode::BAD_GATEWAY, body: Value::Null })?.to_bytes();
    Ok(Answer { status: parts.status, body: serde_json::from_slice(&bytes).unwrap_or_default() })
}

/// Escapes a part of a path or a value of a query (RFC 3986 2.1).
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}
