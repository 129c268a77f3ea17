use std::borrow::Cow;
use std::str;

use crate::auth_params::{AuthParam, AuthParams, scheme};
use crate::digest::Algorithm;
use crate::{ChallengeFault, lex};

/// The longest challenge that is answered: several times what carriers send, and its nonce must be sent back in a
/// datagram.
pub const CHALLENGE_BYTES_MAX: usize = 2048;

/// What a challenge says about the algorithm (RFC 8760 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlgorithmOffer<'a> {
    /// No `algorithm`: MD5, and the answer leaves it out as well.
    Absent,
    /// A name that IANA has, in any case.
    Known(Algorithm),
    /// Anything else, literally.
    Unknown(&'a str),
}

/// What a challenge says about the quality of protection (RFC 7616 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QopOffer {
    /// No `qop`, or an empty one: the answer is that of RFC 2069, without nc and, unless `-sess`, cnonce.
    Absent,
    /// At least one of the two.
    Offers {
        /// `auth`.
        auth: bool,
        /// `auth-int`.
        auth_int: bool,
    },
    /// Nothing that RFC 7616 knows.
    UnknownOnly,
}

/// A Digest challenge that can be answered (RFC 7616 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Challenge<'a> {
    raw: &'a [u8],
    realm: &'a str,
    nonce: &'a [u8],
    opaque: Option<&'a [u8]>,
    algorithm: AlgorithmOffer<'a>,
    qop: QopOffer,
    domain: Option<&'a [u8]>,
    stale: bool,
    userhash: bool,
    utf8: bool,
}

/// The parameters that must not stand twice, and whose place in the table this is.
const KNOWN: [&str; 9] = ["realm", "nonce", "opaque", "algorithm", "qop", "stale", "userhash", "charset", "domain"];

/// A parameter's place in [`KNOWN`]: length and first letter leave one candidate.
fn place(name: &[u8]) -> Option<usize> {
    let place = match (name.len(), name.first()?.to_ascii_lowercase()) {
        (5, b'r') => 0,
        (5, b'n') => 1,
        (6, b'o') => 2,
        (9, b'a') => 3,
        (3, b'q') => 4,
        (5, b's') => 5,
        (8, b'u') => 6,
        (7, b'c') => 7,
        (6, b'd') => 8,
        _ => return None,
    };
    KNOWN.get(place)?.as_bytes().eq_ignore_ascii_case(name).then_some(place)
}

impl<'a> Challenge<'a> {
    /// Parses one challenge, scheme included.
    pub fn parse(raw: &'a [u8]) -> Result<Challenge<'a>, ChallengeFault<'a>> {
        let raw = lex::trim(raw);
        let (scheme, list) = scheme(raw);
        if scheme.is_empty() {
            return Err(ChallengeFault::Syntax(raw));
        }
        if !scheme.eq_ignore_ascii_case(b"Digest") {
            return Err(ChallengeFault::Scheme(raw));
        }
        if raw.len() > CHALLENGE_BYTES_MAX {
            return Err(ChallengeFault::TooLong(raw));
        }
        let [realm, nonce, opaque, algorithm, qop, stale, userhash, charset, domain] = table(raw, list)?;
        let value = |param: Option<AuthParam<'a>>| param.map(|param| param.value);
        let is = |param: Option<AuthParam<'a>>, word: &[u8]| param.is_some_and(|p| p.value.eq_ignore_ascii_case(word));

        let realm = value(realm).ok_or(ChallengeFault::RealmMissing(raw))?;
        let realm = str::from_utf8(realm).map_err(|_| ChallengeFault::RealmNotUtf8(raw))?;
        let nonce = value(nonce).filter(|nonce| !nonce.is_empty()).ok_or(ChallengeFault::NonceMissing(raw))?;
        let opaque = value(opaque);
        // All are sent back; what would not survive that makes the digest one over something else. A realm may hold folds and tabs.
        let strange = |b: u8| b.is_ascii_control() && b != b'\t';
        if lex::ends_in_escape(realm.as_bytes())
            || !lex::survives_quotes(nonce)
            || !opaque.is_none_or(lex::survives_quotes)
            || lex::unescape(realm).bytes().any(strange)
        {
            return Err(ChallengeFault::Syntax(raw));
        }
        let algorithm = match value(algorithm).map(str::from_utf8) {
            None => AlgorithmOffer::Absent,
            Some(Err(_)) => return Err(ChallengeFault::Syntax(raw)),
            Some(Ok(name)) => Algorithm::from_token(name).map_or(AlgorithmOffer::Unknown(name), AlgorithmOffer::Known),
        };
        Ok(Challenge {
            raw,
            realm,
            nonce,
            opaque,
            algorithm,
            qop: value(qop).map_or(QopOffer::Absent, qop_offer),
            domain: value(domain),
            stale: is(stale, b"true"),
            userhash: is(userhash, b"true"),
            utf8: is(charset, b"UTF-8"),
        })
    }

    /// The challenge as sent, scheme included.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The realm, quoted pairs resolved.
    pub fn realm(&self) -> Cow<'a, str> {
        lex::unescape(self.realm)
    }

    /// The nonce as sent between its quotes: it is hashed and sent back so. Never empty.
    pub fn nonce(&self) -> &'a [u8] {
        self.nonce
    }

    /// The opaque as sent between its quotes, to be sent back so.
    pub fn opaque(&self) -> Option<&'a [u8]> {
        self.opaque
    }

    /// The algorithm.
    pub fn algorithm(&self) -> AlgorithmOffer<'a> {
        self.algorithm
    }

    /// The qualities of protection.
    pub fn qop(&self) -> QopOffer {
        self.qop
    }

    /// The `domain` as sent; RFC 3261 22.4 gives it no meaning for a client.
    pub fn domain(&self) -> Option<&'a [u8]> {
        self.domain
    }

    /// Whether only the nonce was wrong, not the secret: `stale=true` in any case.
    pub fn stale(&self) -> bool {
        self.stale
    }

    /// Whether the user name may be sent hashed (RFC 7616 3.4.4).
    pub fn userhash(&self) -> bool {
        self.userhash
    }

    /// Whether names and passwords are to be encoded in UTF-8: `charset=UTF-8` (RFC 7616 4).
    pub fn utf8(&self) -> bool {
        self.utf8
    }
}

/// Sorts the parameters into the order of [`KNOWN`]; others are let pass.
fn table<'a>(raw: &'a [u8], list: &'a [u8]) -> Result<[Option<AuthParam<'a>>; KNOWN.len()], ChallengeFault<'a>> {
    let mut table = [None; KNOWN.len()];
    for param in AuthParams::new(list) {
        let param = param.map_err(|_| ChallengeFault::Syntax(raw))?;
        let Some(place) = place(param.name) else { continue };
        if let (Some(slot), Some(name)) = (table.get_mut(place), KNOWN.get(place))
            && slot.replace(param).is_some()
        {
            return Err(ChallengeFault::Duplicate(name, raw));
        }
    }
    Ok(table)
}

fn qop_offer(list: &[u8]) -> QopOffer {
    if lex::trim(list).is_empty() {
        return QopOffer::Absent;
    }
    let offers = |word: &[u8]| list.split(|&b| b == b',').any(|offer| lex::trim(offer).eq_ignore_ascii_case(word));
    match (offers(b"auth"), offers(b"auth-int")) {
        (false, false) => QopOffer::UnknownOnly,
        (auth, auth_int) => QopOffer::Offers { auth, auth_int },
    }
}
