use std::str;

use crate::lex::{self, Elements};
use crate::{FieldError, Name, Params};

/// One Via (RFC 3261 20.42).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Via<'a> {
    /// The transport as written: `UDP`, `TCP`, `TLS`, ...
    pub transport: &'a str,
    /// The host of sent-by as written, an IPv6 address in its brackets.
    pub host: &'a str,
    /// The port of sent-by.
    pub port: Option<u16>,
    /// The parameters.
    pub params: Params<'a>,
}

impl<'a> Via<'a> {
    /// Parses the first Via of a header value.
    pub fn parse_first(value: &'a [u8]) -> Result<Via<'a>, FieldError> {
        Elements::new(value).next().and_then(parse).ok_or(FieldError::Malformed(Name::Via))
    }

    /// The `branch`, which names the transaction (RFC 3261 8.1.1.7).
    pub fn branch(&self) -> Option<&'a str> {
        self.params.get("branch").flatten()
    }

    /// The `received` address as written (RFC 3261 18.2.1). RFC 5118 4.5: an IPv6 one may or may not have brackets.
    pub fn received(&self) -> Option<&'a str> {
        self.params.get("received").flatten()
    }

    /// The `rport` (RFC 3581): absent, asked for without a value, or filled in. A value that is no port counts as
    /// not filled in.
    pub fn rport(&self) -> Option<Option<u16>> {
        self.params.get("rport").map(|value| port(value?.as_bytes()))
    }
}

fn parse(element: &[u8]) -> Option<Via<'_>> {
    let (protocol, rest) = lex::token(lex::trim_start(element));
    let (version, rest) = lex::token(after_slash(rest)?);
    let (transport, rest) = lex::token(after_slash(rest)?);
    if !protocol.eq_ignore_ascii_case(b"SIP") || version != b"2.0" || transport.is_empty() {
        return None;
    }
    let sent_by = lex::trim_start(rest);
    if sent_by.len() == rest.len() {
        return None;
    }
    let (host, rest) = host(sent_by)?;
    let rest = lex::trim_start(rest);
    let (port, rest) = match lex::after(rest, b':') {
        None => (None, rest),
        Some(rest) => {
            let (digits, rest) = lex::span(lex::trim_start(rest), |b| b.is_ascii_digit());
            (Some(port(digits)?), rest)
        }
    };
    Some(Via { transport: str::from_utf8(transport).ok()?, host: str::from_utf8(host).ok()?, port, params: Params::parse(rest)? })
}

fn after_slash(rest: &[u8]) -> Option<&[u8]> {
    lex::after(lex::trim_start(rest), b'/').map(lex::trim_start)
}

fn host(sent_by: &[u8]) -> Option<(&[u8], &[u8])> {
    let (host, rest) = if sent_by.first() == Some(&b'[') {
        sent_by.split_at_checked(sent_by.iter().position(|&b| b == b']')? + 1)?
    } else {
        lex::span(sent_by, |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
    };
    (!host.is_empty()).then_some((host, rest))
}

fn port(digits: &[u8]) -> Option<u16> {
    lex::decimal(digits).ok().and_then(|port| u16::try_from(port).ok())
}
