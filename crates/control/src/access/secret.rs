//! Client secrets and tokens: 256 random bits, kept as their SHA-256 only. Nothing to guess, so nothing to slow down.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::encoding::{base64url, hex};
use crate::problem::Problem;

/// Draws a secret.
///
/// # Errors
/// 500 where the system has no entropy.
pub fn draw() -> Result<SecretString, Problem> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut bytes[..]).map_err(Problem::internal)?;
    Ok(base64url(&bytes[..]).into())
}

/// Returns what is kept of a secret.
pub fn hash(secret: &SecretString) -> String {
    hex(&Sha256::digest(secret.expose_secret().as_bytes()))
}

/// Compares a secret with what was kept, in constant time; what was kept of none matches nothing, and takes as long.
pub fn matches(secret: &SecretString, kept: Option<&str>) -> bool {
    const NONE: &str = "----------------------------------------------------------------";
    hash(secret).as_bytes().ct_eq(kept.unwrap_or(NONE).as_bytes()).into()
}
