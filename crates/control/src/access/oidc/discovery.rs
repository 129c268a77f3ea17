use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::outward::{Outward, Target};

/// A document is good for so long.
const FRESH: Duration = Duration::from_secs(600);
/// And that there is none: whoever asks next must not make Trunkline ask each time.
const FAILED: Duration = Duration::from_secs(5);
/// So long may the provider take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the provider says of itself (OpenID Connect Discovery 1.0, 3); only what is used here.
#[derive(Clone, Debug, Deserialize)]
pub struct Document {
    issuer: String,
    /// Where its keys are.
    pub jwks_uri: Option<String>,
    /// Where people sign in.
    pub authorization_endpoint: Option<String>,
    /// Where what they bring from there becomes tokens.
    pub token_endpoint: Option<String>,
    /// How a client with a secret may show it; `client_secret_basic` where absent.
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// Whether answers name the issuer (RFC 9207).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

/// When the document was asked for, and what came.
type Kept = (Instant, Result<Arc<Document>, String>);

/// The provider's document, asked for when it is needed.
pub struct Discovery {
    issuer: String,
    outward: Outward,
    kept: Mutex<Option<Kept>>,
}

impl Discovery {
    pub fn new(issuer: &str, outward: Outward) -> Self {
        Discovery { issuer: issuer.to_owned(), outward, kept: Mutex::default() }
    }

    /// Returns the document, which may be some minutes old.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn document(&self) -> Result<Arc<Document>, String> {
        if let Some((since, kept)) = &*self.kept.lock().unwrap_or_else(PoisonError::into_inner)
            && since.elapsed() < if kept.is_ok() { FRESH } else { FAILED }
        {
            return kept.clone();
        }
        let found = self.fetch().await.map(Arc::new);
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), found.clone()));
        found
    }

    /// Asks for the document. It must be of the very issuer (Discovery 1.0, 4.3).
    ///
    /// # Errors
    /// Why there is none.
    pub async fn fetch(&self) -> Result<Document, String> {
        let place = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let found: Document = self.get(&place).await?;
        if found.issuer == self.issuer { Ok(found) } else { Err(format!("{place} is of another issuer")) }
    }

    /// Asks for any JSON of the provider.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T, String> {
        let target = Target::parse(url).map_err(|fault| format!("{url}: {fault}"))?;
        let answer = self.outward.get(&target, PATIENCE).await.map_err(|fault| format!("{url}: {fault}"))?;
        if !answer.status.is_success() {
            return Err(format!("{url} answers {}", answer.status.as_u16()));
        }
        serde_json::from_slice(&answer.body).map_err(|error| format!("{url} answers other JSON than expected: {error}"))
    }
}
