use std::str;

use thiserror::Error;

use crate::{CHALLENGE_BYTES_MAX, Name};

/// Who challenges, and so in which header the answer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChallengeSource {
    /// WWW-Authenticate, answered in Authorization (RFC 3261 22.2).
    Registrar,
    /// Proxy-Authenticate, answered in Proxy-Authorization (RFC 3261 22.3).
    Proxy,
}

impl ChallengeSource {
    pub(crate) fn of(name: Name) -> Option<ChallengeSource> {
        match name {
            Name::WwwAuthenticate => Some(ChallengeSource::Registrar),
            Name::ProxyAuthenticate => Some(ChallengeSource::Proxy),
            _ => None,
        }
    }

    /// The header that carries the answer.
    pub fn answered_in(self) -> Name {
        match self {
            ChallengeSource::Registrar => Name::Authorization,
            ChallengeSource::Proxy => Name::ProxyAuthorization,
        }
    }
}

/// Why a challenge must not be answered. Every variant holds the challenge as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ChallengeFault<'a> {
    /// A scheme other than Digest.
    #[error("the challenge is not of the scheme Digest")]
    Scheme(&'a [u8]),
    /// No realm.
    #[error("the challenge has no realm")]
    RealmMissing(&'a [u8]),
    /// A realm that is not UTF-8, so that nobody can tell what to hash.
    #[error("the realm of the challenge is not UTF-8")]
    RealmNotUtf8(&'a [u8]),
    /// No nonce, or an empty one.
    #[error("the challenge has no nonce")]
    NonceMissing(&'a [u8]),
    /// A parameter given twice: which one the sender means is a guess.
    #[error("the challenge gives {0} twice")]
    Duplicate(&'static str, &'a [u8]),
    /// A bare comma, an unbalanced quote, a control character, or something that is no parameter.
    #[error("the challenge is not a list of name=value")]
    Syntax(&'a [u8]),
    /// Longer than [`CHALLENGE_BYTES_MAX`].
    #[error("the challenge is longer than {CHALLENGE_BYTES_MAX} bytes")]
    TooLong(&'a [u8]),
}

impl<'a> ChallengeFault<'a> {
    /// The challenge as sent.
    pub fn raw(&self) -> &'a [u8] {
        match *self {
            ChallengeFault::Scheme(raw)
            | ChallengeFault::RealmMissing(raw)
            | ChallengeFault::RealmNotUtf8(raw)
            | ChallengeFault::NonceMissing(raw)
            | ChallengeFault::Duplicate(_, raw)
            | ChallengeFault::Syntax(raw)
            | ChallengeFault::TooLong(raw) => raw,
        }
    }

    /// The scheme as written, if the challenge starts with one.
    pub fn scheme(&self) -> Option<&'a str> {
        let (scheme, _) = crate::auth_params::scheme(self.raw());
        str::from_utf8(scheme).ok().filter(|scheme| !scheme.is_empty())
    }
}
