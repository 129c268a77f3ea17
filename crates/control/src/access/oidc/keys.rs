use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde_json::Value;

use super::discovery::Discovery;
use super::questions::Questions;
use super::{OidcSettings, asked_lately, refused, unavailable};
use crate::problem::Problem;

/// Keys are asked for anew after so long: one that was withdrawn is not taken longer.
const FRESH: Duration = Duration::from_secs(600);
/// And kept so long where the provider does not answer.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// So many keys are looked at; providers have two or three.
const KEYS_MAX: usize = 64;

/// The provider's public keys.
pub struct Keys {
    jwks_uri: Option<String>,
    discovery: Arc<Discovery>,
    known: Mutex<Known>,
    /// One asks, the others wait for what comes of it.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    keys: Vec<Jwk>,
    /// When they came.
    since: Option<Instant>,
    questions: Questions,
}

impl Known {
    fn shows(&self, kid: Option<&str>) -> bool {
        self.keys.iter().any(|key| key.common.key_id.as_deref() == kid)
    }
}

impl Keys {
    pub fn new(settings: &OidcSettings, discovery: Arc<Discovery>) -> Self {
        Keys { jwks_uri: settings.jwks_uri.clone(), discovery, known: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }

    /// Finds the key of a token; asks the provider where it is not known, or what is known is old.
    pub async fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<DecodingKey, Problem> {
        if let Some(key) = self.known_key(kid, algorithm, FRESH) {
            return Ok(key);
        }
        if self.is_not_shown(kid) {
            return Err(not_shown());
        }
        let turn = self.turn.lock().await;
        // Somebody else may have asked meanwhile.
        if let Some(key) = self.known_key(kid, algorithm, FRESH) {
            return Ok(key);
        }
        if self.is_not_shown(kid) {
            return Err(not_shown());
        }
        let turned_down = self.known().questions.take(Instant::now()).err();
        let fault = if turned_down.is_none() { self.ask().await.err() } else { None };
        drop(turn);
        if let Some(key) = self.known_key(kid, algorithm, KEPT) {
            return Ok(key);
        }
        match (turned_down, fault) {
            // It may be a new one: whether it is good cannot be said yet.
            (Some(wait), _) => Err(asked_lately(wait)),
            (None, Some(fault)) => Err(unavailable(&fault)),
            (None, None) => {
                self.known().questions.in_vain(kid, Instant::now());
                Err(not_shown())
            }
        }
    }

    fn is_not_shown(&self, kid: Option<&str>) -> bool {
        let known = self.known();
        known.since.is_some_and(|since| since.elapsed() < FRESH) && known.questions.was_in_vain(kid, Instant::now())
    }

    fn known_key(&self, kid: Option<&str>, algorithm: Algorithm, age: Duration) -> Option<DecodingKey> {
        let known = self.known();
        known.since.filter(|since| since.elapsed() < age)?;
        let mut fitting = known.keys.iter().filter(|key| is_for(key, algorithm));
        let key = match kid {
            Some(kid) => fitting.find(|key| key.common.key_id.as_deref() == Some(kid))?,
            // Without a name it must be clear which one is meant.
            None => fitting.next().filter(|_| fitting.next().is_none())?,
        };
        DecodingKey::from_jwk(key).ok()
    }

    async fn ask(&self) -> Result<(), String> {
        let uri = match &self.jwks_uri {
            Some(uri) => uri.clone(),
            None => self.discovery.fetch().await?.jwks_uri.ok_or("the provider's document names no jwks_uri")?,
        };
        let found: Value = self.discovery.get(&uri).await?;
        let keys = found.get("keys").and_then(Value::as_array).ok_or_else(|| format!("{uri} holds no keys"))?;
        // One of a kind that we do not know is no reason to have none.
        let keys: Vec<Jwk> = keys.iter().take(KEYS_MAX).filter_map(|key| serde_json::from_value(key.clone()).ok()).collect();
        let (mut known, now) = (self.known(), Instant::now());
        let before = std::mem::replace(&mut known.keys, keys);
        known.since = Some(now);
        for withdrawn in before.iter().filter(|key| !known.shows(key.common.key_id.as_deref())).collect::<Vec<_>>() {
            known.questions.in_vain(withdrawn.common.key_id.as_deref(), now);
        }
        Ok(())
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_shown() -> Problem {
    refused("is signed by a key that the provider does not show")
}

/// Tells whether a key is one for this algorithm: by its kind, its curve, its use and its own word.
fn is_for(key: &Jwk, algorithm: Algorithm) -> bool {
    let signs = matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let says = key.common.key_algorithm.is_none_or(|named| named.to_string().parse() == Ok(algorithm));
    let fits = match (&key.algorithm, algorithm.family()) {
        (AlgorithmParameters::RSA(_), AlgorithmFamily::Rsa) => true,
        (AlgorithmParameters::EllipticCurve(point), AlgorithmFamily::Ec) => match algorithm {
            Algorithm::ES256 => point.curve == EllipticCurve::P256,
            _ => point.curve == EllipticCurve::P384,
        },
        (AlgorithmParameters::OctetKeyPair(point), AlgorithmFamily::Ed) => point.curve == EllipticCurve::Ed25519,
        _ => false,
    };
    signs && says && fits
}
