use std::borrow::Cow;
use std::str;

use thiserror::Error;

use crate::auth_params::{AuthParams, scheme};
use crate::lex;

/// Why an Authorization value cannot be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AuthorizationFault {
    /// A scheme other than Digest.
    #[error("the scheme is not Digest")]
    Scheme,
    /// A parameter that RFC 7616 3.4 requires is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A parameter is given twice.
    #[error("{0} is given twice")]
    Duplicate(&'static str),
    /// Not a list of `name=value`, or not UTF-8 where it must be.
    #[error("the value is not a list of name=value")]
    Syntax,
}

/// An Authorization or Proxy-Authorization value of the scheme Digest, parsed but not judged (RFC 7616 3.4).
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization<'a> {
    /// The user name, quoted pairs or `username*` resolved; its hash if `userhash`.
    pub username: Cow<'a, str>,
    /// The realm, quoted pairs resolved.
    pub realm: Cow<'a, str>,
    /// The nonce as sent between its quotes.
    pub nonce: &'a [u8],
    /// The digest URI.
    pub uri: &'a str,
    /// The response, hexadecimal.
    pub response: &'a str,
    /// The algorithm as written.
    pub algorithm: Option<&'a str>,
    /// The client's nonce.
    pub cnonce: Option<&'a str>,
    /// The nonce count as written, eight hexadecimal digits.
    pub nc: Option<&'a str>,
    /// The quality of protection as written.
    pub qop: Option<&'a str>,
    /// The opaque as sent between its quotes.
    pub opaque: Option<&'a [u8]>,
    /// Whether `username` is a hash: `userhash=true`.
    pub userhash: bool,
}

const KNOWN: [&str; 12] =
    ["username", "username*", "realm", "nonce", "uri", "response", "algorithm", "cnonce", "nc", "qop", "opaque", "userhash"];

impl<'a> Authorization<'a> {
    /// Parses a header value, scheme included.
    pub fn parse(value: &'a [u8]) -> Result<Authorization<'a>, AuthorizationFault> {
        let (scheme, list) = scheme(value);
        if !scheme.eq_ignore_ascii_case(b"Digest") {
            return Err(AuthorizationFault::Scheme);
        }
        let [username, extended, realm, nonce, uri, response, algorithm, cnonce, nc, qop, opaque, userhash] = table(list)?;
        let username = match (username, extended) {
            (Some(name), None) => lex::unescape(text(name)?),
            (None, Some(name)) => Cow::Owned(extended_value(name).ok_or(AuthorizationFault::Syntax)?),
            (None, None) => return Err(AuthorizationFault::Missing("username")),
            (Some(_), Some(_)) => return Err(AuthorizationFault::Duplicate("username")),
        };
        let required = |value: Option<&'a [u8]>, name| value.ok_or(AuthorizationFault::Missing(name));
        Ok(Authorization {
            username,
            realm: lex::unescape(text(required(realm, "realm")?)?),
            nonce: required(nonce, "nonce")?,
            uri: text(required(uri, "uri")?)?,
            response: text(required(response, "response")?)?,
            algorithm: algorithm.map(text).transpose()?,
            cnonce: cnonce.map(text).transpose()?,
            nc: nc.map(text).transpose()?,
            qop: qop.map(text).transpose()?,
            opaque,
            userhash: userhash.is_some_and(|value| value.eq_ignore_ascii_case(b"true")),
        })
    }
}

impl std::fmt::Debug for Authorization<'_> {
    /// Leaves the response and the nonces out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authorization")
            .field("username", &self.username)
            .field("realm", &self.realm)
            .field("uri", &self.uri)
            .field("algorithm", &self.algorithm)
            .field("qop", &self.qop)
            .field("nc", &self.nc)
            .finish_non_exhaustive()
    }
}

fn table(list: &[u8]) -> Result<[Option<&[u8]>; KNOWN.len()], AuthorizationFault> {
    let mut table = [None; KNOWN.len()];
    for param in AuthParams::new(list) {
        let param = param.map_err(|_| AuthorizationFault::Syntax)?;
        let slots = KNOWN.iter().zip(&mut table);
        for (name, slot) in slots.filter(|(name, _)| param.name.eq_ignore_ascii_case(name.as_bytes())) {
            if slot.replace(param.value).is_some() {
                return Err(AuthorizationFault::Duplicate(name));
            }
        }
    }
    Ok(table)
}

fn text(value: &[u8]) -> Result<&str, AuthorizationFault> {
    str::from_utf8(value).map_err(|_| AuthorizationFault::Syntax)
}

/// RFC 5987 3.2.1: `UTF-8'language'percent-encoded`.
fn extended_value(value: &[u8]) -> Option<String> {
    let mut parts = value.splitn(3, |&b| b == b'\'');
    let (charset, _language, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    if !charset.eq_ignore_ascii_case(b"UTF-8") {
        return None;
    }
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let (high, low) = (lex::hex(rest.next()?)?, lex::hex(rest.next()?)?);
                high << 4 | low
            }
            _ => byte,
        });
    }
    String::from_utf8(bytes).ok()
}
