//! People and programs that an OpenID Connect provider vouches for: its JWTs as bearer tokens, its words mapped to roles.

mod crypto;
mod discovery;
mod identity;
mod keys;
mod questions;
mod settings;
mod sign_in;

pub use settings::{OidcConsole, OidcGrant, OidcSettings};
pub use sign_in::{OidcAsk, OidcReturn, OidcSignIn, OidcTokens, SignInError};

use std::sync::Arc;

use std::time::Duration;

use axum::http::StatusCode;
use jsonwebtoken::{Validation, decode, decode_header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

pub use identity::Identity;

use self::discovery::Discovery;
use self::keys::Keys;
use crate::StartError;
use crate::outward::Outward;
use crate::problem::Problem;

/// Longest token; a header line has a bound of its own above it.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// So far the provider's clock may be off.
const LEEWAY_SECONDS: u64 = 60;

/// A provider that is trusted.
pub struct Oidc {
    settings: OidcSettings,
    secret: Option<SecretString>,
    discovery: Arc<Discovery>,
    keys: Keys,
    outward: Outward,
}

impl Oidc {
    /// Trusts a provider. Nothing is asked of it yet: it may be down when Trunkline starts.
    ///
    /// # Errors
    /// [`StartError::Oidc`] where the settings contradict themselves.
    pub fn new(settings: OidcSettings, outward: Outward) -> Result<Self, StartError> {
        settings.check(outward.gate()).map_err(|what| StartError::Oidc { what })?;
        let secret = settings.console.as_ref().and_then(|console| console.client_secret_file.as_deref()).map(settings::secret);
        let secret = secret.transpose().map_err(|what| StartError::Oidc { what })?;
        crypto::install();
        let discovery = Arc::new(Discovery::new(&settings.issuer, outward.clone()));
        Ok(Oidc { keys: Keys::new(&settings, Arc::clone(&discovery)), secret, discovery, outward, settings })
    }

    /// Signs people in for the console, where the settings have a client for that.
    pub fn sign_in(self: &Arc<Self>) -> Option<OidcSignIn> {
        let console = self.settings.console.clone()?;
        Some(OidcSignIn::new(Arc::clone(self), console, self.secret.clone()))
    }

    /// Tells whether a bearer token may be one of the provider's: Trunkline's own have no dots.
    pub fn may_be(token: &SecretString) -> bool {
        token.expose_secret().bytes().filter(|byte| *byte == b'.').count() == 2
    }

    /// Checks a token: signature, algorithm, issuer, audience, times.
    ///
    /// # Errors
    /// 401 `bad.credentials` or `credentials.expired`; 503 where the provider's keys are not to be had.
    pub async fn identify(&self, token: &SecretString) -> Result<Identity, Problem> {
        let claims = self.check(token.expose_secret(), &self.settings.audience).await?;
        Identity::of(&claims, &self.settings).ok_or_else(|| refused("names nobody: its sub is absent, too long or not printable"))
    }

    /// Checks a token that must be for this audience, and returns what it says.
    ///
    /// # Errors
    /// As [`Oidc::identify`].
    async fn check(&self, token: &str, audience: &str) -> Result<Map<String, Value>, Problem> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(refused("is too long"));
        }
        let header = decode_header(token).map_err(|_| refused("is malformed, or of an algorithm that is not taken"))?;
        // The key says what it is for; the token has no say in it (RFC 8725 3.1).
        if !crypto::ALLOWED.contains(&header.alg) {
            return Err(refused("is signed by an algorithm that is not taken"));
        }
        let key = self.keys.find(header.kid.as_deref(), header.alg).await?;
        let mut validation = Validation::new(header.alg);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_audience(&[audience]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_SECONDS;
        let claims = decode::<Map<String, Value>>(token, &key, &validation).map_err(|error| fault(&error))?.claims;
        // The crate takes a list too, of which one is enough; the issuer is one.
        if claims.get("iss").and_then(Value::as_str) != Some(&self.settings.issuer) {
            return Err(refused("is of another issuer"));
        }
        Ok(claims)
    }
}

fn fault(error: &jsonwebtoken::errors::Error) -> Problem {
    use jsonwebtoken::errors::ErrorKind;
    match error.kind() {
        ErrorKind::ExpiredSignature => {
            Problem::unauthorized("credentials.expired", "The identity provider's token has expired. Get another one there.")
        }
        ErrorKind::ImmatureSignature => refused("is not valid yet"),
        ErrorKind::InvalidIssuer => refused("is of another issuer"),
        ErrorKind::InvalidAudience => refused("is not for Trunkline: its audience is another"),
        ErrorKind::MissingRequiredClaim(_) => refused("lacks one of exp, iss, aud and sub"),
        _ => refused("is malformed, or its signature is wrong"),
    }
}

fn refused(what: &str) -> Problem {
    Problem::unauthorized("bad.credentials", format!("The identity provider's token {what}."))
}

/// Nobody can be let in until the provider has been asked.
fn unavailable(cause: &str) -> Problem {
    tracing::warn!(cause, "the identity provider's keys are not to be had");
    let message = "The identity provider's keys are not to be had, so its tokens cannot be checked. The log says why.";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "identity.provider.unavailable", message).retry_after(5)
}

/// Whether a key is good cannot be said before the provider may be asked again.
fn asked_lately(wait: Duration) -> Problem {
    let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
    let message = "The key of the identity provider's token is not known, and the provider was asked for its keys a moment ago. Try again.";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "identity.provider.unavailable", message).retry_after(seconds)
}
