use std::str;

use crate::{ParseError, lex};

/// The first line of a message (RFC 3261 7.1, 7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start<'a> {
    /// A request line.
    Request {
        /// The method as written; methods are case-sensitive.
        method: &'a str,
        /// The Request-URI as written, of any scheme.
        uri: &'a str,
    },
    /// A status line.
    Status {
        /// The status code, 100 to 699.
        code: u16,
        /// The reason phrase as sent, in whatever encoding; may be empty.
        reason: &'a [u8],
    },
}

const VERSION: &[u8] = b"SIP/2.0";

impl<'a> Start<'a> {
    /// Parses the line without its CRLF.
    pub(crate) fn parse(line: &'a [u8]) -> Result<Start<'a>, ParseError> {
        match line.get(..4) {
            Some(start) if start.eq_ignore_ascii_case(b"SIP/") => status(line).map(|(code, reason)| Start::Status { code, reason }),
            _ => request(line),
        }
    }

    /// The method, if this is a request.
    pub fn method(&self) -> Option<&'a str> {
        match *self {
            Start::Request { method, .. } => Some(method),
            Start::Status { .. } => None,
        }
    }

    /// The status code, if this is a response.
    pub fn code(&self) -> Option<u16> {
        match *self {
            Start::Request { .. } => None,
            Start::Status { code, .. } => Some(code),
        }
    }
}

/// Reads a status line into its code and reason phrase.
pub(crate) fn status(line: &[u8]) -> Result<(u16, &[u8]), ParseError> {
    let (version, rest) = line.split_at_checked(VERSION.len()).ok_or(ParseError::StartLine)?;
    // RFC 3261 7.1: SIP-Version is case-insensitive.
    if !version.eq_ignore_ascii_case(VERSION) {
        return Err(ParseError::Version);
    }
    let rest = lex::after(rest, b' ').ok_or(ParseError::StartLine)?;
    let (digits, rest) = lex::span(rest, |b| b.is_ascii_digit());
    let code = match digits.len() {
        3 => lex::decimal(digits).ok().and_then(|code| u16::try_from(code).ok()),
        _ => None,
    };
    let code = code.filter(|code| (100..700).contains(code)).ok_or(ParseError::StatusCode)?;
    // The grammar wants a space before even an empty phrase; some senders leave it out.
    let reason = match rest.split_first() {
        None => rest,
        Some((b' ', reason)) => reason,
        Some(_) => return Err(ParseError::StatusCode),
    };
    Ok((code, reason))
}

fn request(line: &[u8]) -> Result<Start<'_>, ParseError> {
    let (method, rest) = lex::token(line);
    let rest = lex::after(rest, b' ').filter(|_| !method.is_empty()).ok_or(ParseError::StartLine)?;
    let (uri, rest) = lex::span(rest, |b| b.is_ascii_graphic());
    // RFC 4475 3.1.2.6: a Request-URI in angle brackets is an error.
    if !uri.contains(&b':') || uri.iter().any(|b| matches!(b, b'<' | b'>' | b'"')) {
        return Err(ParseError::StartLine);
    }
    let version = lex::after(rest, b' ').ok_or(ParseError::StartLine)?;
    if !version.eq_ignore_ascii_case(VERSION) {
        let of_sip = version.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/"));
        let one_word = !version.contains(&b' ');
        return Err(if of_sip && one_word { ParseError::Version } else { ParseError::StartLine });
    }
    let method = str::from_utf8(method).map_err(|_| ParseError::StartLine)?;
    let uri = str::from_utf8(uri).map_err(|_| ParseError::StartLine)?;
    Ok(Start::Request { method, uri })
}
