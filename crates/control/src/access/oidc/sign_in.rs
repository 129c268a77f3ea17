//! People who sign in at the provider with a browser: the authorization code flow with PKCE (OpenID Connect Core 1.0, 3.1; RFC 7636).

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::discovery::Document;
use super::identity::is_sane;
use super::{Oidc, OidcConsole};
use crate::outward::Target;

/// So long may the provider take to give tokens.
const PATIENCE: Duration = Duration::from_secs(10);
/// So many are asked for at once: anybody may come back with a made-up code.
const AT_ONCE: usize = 16;
/// So much of the provider's words is shown.
const WORDS_CHARS_MAX: usize = 300;

/// Signs people in for the console.
pub struct OidcSignIn {
    oidc: Arc<Oidc>,
    console: OidcConsole,
    secret: Option<SecretString>,
    turns: Semaphore,
}

/// Whom to send to the provider.
#[derive(Clone, Copy, Debug)]
pub struct OidcAsk<'a> {
    /// Where the browser comes back to.
    pub redirect_uri: &'a str,
    /// What it must bring back as it is.
    pub state: &'a str,
    /// What the ID token must hold.
    pub nonce: &'a str,
    /// What proves later who asked; its hash is sent now (RFC 7636 4.2).
    pub verifier: &'a str,
}

/// What a browser has brought back, and what it was sent away with.
#[derive(Clone, Copy, Debug)]
pub struct OidcReturn<'a> {
    /// What the provider gave it.
    pub code: &'a str,
    /// Which provider that was, where it says so (RFC 9207).
    pub issuer: Option<&'a str>,
    /// As in [`OidcAsk`].
    pub redirect_uri: &'a str,
    /// As in [`OidcAsk`].
    pub nonce: &'a str,
    /// As in [`OidcAsk`].
    pub verifier: &'a str,
}

/// What the provider gives for a code.
#[derive(Clone, Debug)]
pub struct OidcTokens {
    /// What the API takes: the access token where that is a JWT, else the ID token.
    pub bearer: SecretString,
    /// How long it is good, where the provider says so.
    pub life: Option<Duration>,
    /// What the next one is had for.
    pub refresh: Option<SecretString>,
    /// Who has signed in, as the ID token calls them; none of a renewal.
    pub name: Option<String>,
}

/// Why nobody is signed in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// It is down, or not what the settings say it is.
    #[error("The identity provider is not to be had. The log says why.")]
    Unavailable,
    /// It says no.
    #[error("The identity provider refuses: {0}")]
    Refused(String),
    /// What it gives is not for us, or not of it.
    #[error("{0}")]
    Token(String),
    /// Somebody else answered.
    #[error("The answer is of another identity provider.")]
    OtherIssuer,
}

#[derive(Deserialize)]
struct Given {
    access_token: Option<String>,
    id_token: Option<String>,
    refresh_token: Option<String>,
    expires_in: Option<u64>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    error_description: Option<String>,
}

impl OidcSignIn {
    pub(super) fn new(oidc: Arc<Oidc>, console: OidcConsole, secret: Option<SecretString>) -> Self {
        OidcSignIn { oidc, console, secret, turns: Semaphore::new(AT_ONCE) }
    }

    /// Returns where browsers reach the console, where the settings say so.
    pub fn url(&self) -> Option<&str> {
        self.console.url.as_deref()
    }

    /// Returns where to send a browser (Core 1.0, 3.1.2.1).
    ///
    /// # Errors
    /// [`SignInError::Unavailable`].
    pub async fn authorize(&self, ask: OidcAsk<'_>) -> Result<String, SignInError> {
        let document = self.document().await?;
        let endpoint = endpoint(&document.authorization_endpoint, "authorization_endpoint")?;
        let challenge = URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, ask.verifier.as_bytes()));
        let scopes = self.console.scopes.join(" ");
        let query = form(&[
            ("response_type", "code"),
            ("client_id", &self.console.client_id),
            ("redirect_uri", ask.redirect_uri),
            ("scope", &scopes),
            ("state", ask.state),
            ("nonce", ask.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let joint = if endpoint.contains('?') { '&' } else { '?' };
        Ok(format!("{endpoint}{joint}{}", *query))
    }

    /// Takes tokens for what a browser has brought back, and checks who they speak of (Core 1.0, 3.1.3).
    ///
    /// # Errors
    /// [`SignInError`]
    pub async fn redeem(&self, returned: OidcReturn<'_>) -> Result<OidcTokens, SignInError> {
        let document = self.document().await?;
        match returned.issuer {
            Some(issuer) if issuer != self.oidc.settings.issuer => return Err(SignInError::OtherIssuer),
            None if document.authorization_response_iss_parameter_supported => return Err(SignInError::OtherIssuer),
            Some(_) | None => {}
        }
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", returned.code),
            ("redirect_uri", returned.redirect_uri),
            ("code_verifier", returned.verifier),
        ];
        let given = self.take(&document, &fields).await?;
        let id_token = given.id_token.as_deref().ok_or_else(|| SignInError::Token("The identity provider gives no ID token.".into()))?;
        let claims = self.oidc.check(id_token, &self.console.client_id).await;
        let claims = claims.map_err(|problem| SignInError::Token(problem.words().to_owned()))?;
        let text = |name: &str| claims.get(name).and_then(serde_json::Value::as_str);
        if text("nonce") != Some(returned.nonce) {
            return Err(SignInError::Token("The identity provider's token belongs to another sign-in.".into()));
        }
        // Core 1.0, 3.1.3.7: where it names whom it was made for, that is this client.
        if text("azp").is_some_and(|party| party != self.console.client_id) {
            return Err(SignInError::Token("The identity provider's token was made for another client.".into()));
        }
        // Access tokens often name the client alone.
        let names = ["name", "preferred_username", "email", "sub"];
        let name = names.into_iter().filter_map(text).find(|name| is_sane(name)).map(str::to_owned);
        Ok(OidcTokens { name, ..tokens(given)? })
    }

    /// Takes the next tokens (RFC 6749 6).
    ///
    /// # Errors
    /// [`SignInError`]
    pub async fn renew(&self, refresh: &SecretString) -> Result<OidcTokens, SignInError> {
        let document = self.document().await?;
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose_secret())];
        tokens(self.take(&document, &fields).await?)
    }

    async fn document(&self) -> Result<Arc<Document>, SignInError> {
        self.oidc.discovery.document().await.map_err(|cause| unavailable(&cause))
    }

    async fn take(&self, document: &Document, fields: &[(&str, &str)]) -> Result<Given, SignInError> {
        let endpoint = endpoint(&document.token_endpoint, "token_endpoint")?;
        let target = Target::parse(endpoint).map_err(|fault| unavailable(&format!("{endpoint}: {fault}")))?;
        let (mut fields, mut headers) = (fields.to_vec(), vec![(header::ACCEPT, HeaderValue::from_static("application/json"))]);
        headers.push((header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")));
        match &self.secret {
            None => fields.push(("client_id", &self.console.client_id)),
            Some(secret) if posts_its_secret(document) => {
                fields.push(("client_id", &self.console.client_id));
                fields.push(("client_secret", secret.expose_secret()));
            }
            Some(secret) => headers.push(basic(&self.console.client_id, secret)?),
        }
        let _turn = self.turns.acquire().await.map_err(|_| SignInError::Unavailable)?;
        let body = form(&fields).as_bytes().to_vec().into();
        let answer = self.oidc.outward.submit(&target, headers, body, PATIENCE).await;
        let answer = answer.map_err(|fault| unavailable(&format!("{endpoint}: {fault}")))?;
        if answer.status.is_success() {
            return serde_json::from_slice(&answer.body).map_err(|_| unavailable(&format!("{endpoint} answers other JSON than expected")));
        }
        match serde_json::from_slice::<Refusal>(&answer.body) {
            Ok(refusal) if answer.status.is_client_error() => Err(SignInError::Refused(words(&refusal))),
            Ok(_) | Err(_) => Err(unavailable(&format!("{endpoint} answers {}", answer.status.as_u16()))),
        }
    }
}

fn tokens(given: Given) -> Result<OidcTokens, SignInError> {
    let jwt = |token: &String| Oidc::may_be(&token.as_str().into());
    let bearer = given.access_token.filter(jwt).or(given.id_token).ok_or_else(|| {
        SignInError::Token("The identity provider's access token is no JWT, so it cannot tell what its holder may do here.".into())
    })?;
    Ok(OidcTokens {
        bearer: bearer.into(),
        life: given.expires_in.map(Duration::from_secs),
        refresh: given.refresh_token.map(SecretString::from),
        name: None,
    })
}

/// `client_secret_basic` is every provider's default (Core 1.0, 9).
fn posts_its_secret(document: &Document) -> bool {
    let named = document.token_endpoint_auth_methods_supported.as_deref().unwrap_or_default();
    let has = |method: &str| named.iter().any(|name| name == method);
    has("client_secret_post") && !has("client_secret_basic")
}

/// RFC 6749 2.3.1: both are encoded as a form's before they are joined.
fn basic(id: &str, secret: &SecretString) -> Result<(HeaderName, HeaderValue), SignInError> {
    let joined = Zeroizing::new(format!("{}:{}", *escaped(id), *escaped(secret.expose_secret())));
    let encoded = Zeroizing::new(format!("Basic {}", STANDARD.encode(joined.as_bytes())));
    let mut value = HeaderValue::from_str(&encoded).map_err(|_| SignInError::Unavailable)?;
    value.set_sensitive(true);
    Ok((header::AUTHORIZATION, value))
}

fn endpoint<'a>(found: &'a Option<String>, name: &str) -> Result<&'a str, SignInError> {
    let url = found.as_deref().ok_or_else(|| unavailable(&format!("its document names no {name}")))?;
    // Browsers are sent there: nothing but the web.
    Target::parse(url).map_err(|fault| unavailable(&format!("{name} {url:?}: {fault}")))?;
    Ok(url)
}

fn unavailable(cause: &str) -> SignInError {
    tracing::warn!(cause, "the identity provider cannot sign anybody in");
    SignInError::Unavailable
}

fn words(refusal: &Refusal) -> String {
    let mut words = refusal.error.clone();
    if let Some(more) = &refusal.error_description {
        let _ = write!(words, " ({more})");
    }
    words.chars().filter(|char| !char.is_control()).take(WORDS_CHARS_MAX).collect()
}

fn form(fields: &[(&str, &str)]) -> Zeroizing<String> {
    let mut body = Zeroizing::new(String::new());
    for (name, value) in fields {
        if !body.is_empty() {
            body.push('&');
        }
        body.push_str(name);
        body.push('=');
        body.push_str(&escaped(value));
    }
    body
}

fn escaped(text: &str) -> Zeroizing<String> {
    let mut escaped = Zeroizing::new(String::with_capacity(text.len()));
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(methods: &[&str]) -> Document {
        serde_json::from_value(serde_json::json!({ "issuer": "https://a", "token_endpoint_auth_methods_supported": methods }))
            .expect("a document")
    }

    #[test]
    fn a_secret_goes_where_the_provider_takes_it() {
        assert!(!posts_its_secret(&document(&[])) && !posts_its_secret(&document(&["client_secret_post", "client_secret_basic"])));
        assert!(posts_its_secret(&document(&["client_secret_post"])));
        // The pair of RFC 6749 2.3.1 has no character of its own to escape; these have.
        let (_, value) = basic("a:b", &"s s".into()).expect("a header");
        assert_eq!(value.to_str().unwrap(), format!("Basic {}", STANDARD.encode("a%3Ab:s%20s")));
        assert!(!format!("{value:?}").contains("Basic"));
    }

    #[test]
    fn the_api_is_given_a_jwt_or_nobody_is_signed_in() {
        let of = |access: &str, id: Option<&str>| {
            tokens(Given { access_token: Some(access.into()), id_token: id.map(str::to_owned), refresh_token: None, expires_in: Some(60) })
        };
        assert_eq!(of("a.b.c", Some("d.e.f")).unwrap().bearer.expose_secret(), "a.b.c");
        assert_eq!(of("opaque", Some("d.e.f")).unwrap().bearer.expose_secret(), "d.e.f");
        assert!(matches!(of("opaque", None), Err(SignInError::Token(_))));
    }

    #[test]
    fn what_a_provider_says_is_cut_and_has_no_control_characters() {
        let said = words(&Refusal { error: "access_denied\n".into(), error_description: Some("x".repeat(1_000)) });
        assert!(said.starts_with("access_denied (xxx") && said.chars().count() == WORDS_CHARS_MAX);
    }

    #[test]
    fn browsers_are_sent_to_the_web_only() {
        for bad in [None, Some("javascript:alert(1)".to_owned()), Some("/relative".to_owned())] {
            assert_eq!(endpoint(&bad, "authorization_endpoint"), Err(SignInError::Unavailable));
        }
        assert!(endpoint(&Some("https://login.example/authorize?tenant=1".into()), "x").is_ok());
    }
}
