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

/// The parameters of a Via that a response is known by; the first of a name counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ViaMarks<'a> {
    branch: Option<Option<&'a str>>,
    received: Option<Option<&'a str>>,
    rport: Option<Option<u16>>,
}

impl<'a> ViaMarks<'a> {
    /// As [`Via::branch`].
    pub fn branch(&self) -> Option<&'a str> {
        self.branch.flatten()
    }

    /// As [`Via::received`].
    pub fn received(&self) -> Option<&'a str> {
        self.received.flatten()
    }

    /// As [`Via::rport`].
    pub fn rport(&self) -> Option<Option<u16>> {
        self.rport
    }
}

impl<'a> Via<'a> {
    /// Parses the first Via of a header value.
    pub fn parse_first(value: &'a [u8]) -> Result<Via<'a>, FieldError> {
        Elements::new(value).next().and_then(parse).ok_or(FieldError::Malformed(Name::Via))
    }

    /// What names the transaction and tells where the request came from, each as its own function gives it, read in one pass.
    pub fn marks(&self) -> ViaMarks<'a> {
        let mut marks = ViaMarks::default();
        for (name, value) in self.params.iter() {
            if name.eq_ignore_ascii_case("branch") {
                marks.branch.get_or_insert(value);
            } else if name.eq_ignore_ascii_case("received") {
                marks.received.get_or_insert(value);
            } else if name.eq_ignore_ascii_case("rport") {
                marks.rport.get_or_insert(value.and_then(|value| port(value.as_bytes())));
            }
        }
        marks
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_what_their_own_functions_give() {
        for params in [
            "",
            ";rport",
            ";rport=5060;branch=z9hG4bKa;received=192.0.2.1",
            ";Branch=a;branch=b;RPORT=x;rport=7",
            ";received;received=192.0.2.1;rport=70000",
            ";branch;x=\"received=1\"",
        ] {
            let text = format!("SIP/2.0/UDP host:5070{params}");
            let via = Via::parse_first(text.as_bytes()).unwrap();
            let marks = via.marks();
            assert_eq!((marks.branch(), marks.received(), marks.rport()), (via.branch(), via.received(), via.rport()), "{params}");
        }
    }
}
