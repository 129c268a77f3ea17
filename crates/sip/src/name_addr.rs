use std::str;

use crate::{FieldError, Name, Params, Uri, UriError, lex};

/// An address with an optional display name and parameters: From, To, and what Contact holds (RFC 3261 20.10, 25.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// The display name: without its quotes, escapes in place; in whatever encoding it was sent.
    pub display: Option<&'a [u8]>,
    /// The URI as written, of any scheme.
    pub uri: &'a str,
    /// The parameters of the header, not of the URI.
    pub params: Params<'a>,
}

impl<'a> NameAddr<'a> {
    /// Parses one address; `name` is the header that an error names.
    ///
    /// Without angle brackets everything from the first semicolon on belongs to the header, and a comma or question
    /// mark in the URI is an error (RFC 3261 20).
    pub fn parse(name: Name, value: &'a [u8]) -> Result<NameAddr<'a>, FieldError> {
        parse(lex::trim(value)).ok_or(FieldError::Malformed(name))
    }

    /// The `tag` parameter (RFC 3261 19.3).
    pub fn tag(&self) -> Option<&'a str> {
        self.param("tag").flatten()
    }

    /// A header parameter: absent, without a value, or with one.
    pub fn param(&self, name: &str) -> Option<Option<&'a str>> {
        self.params.get(name)
    }

    /// The URI, parsed.
    pub fn parsed(&self) -> Result<Uri<'a>, UriError> {
        Uri::parse(self.uri)
    }
}

fn parse(value: &[u8]) -> Option<NameAddr<'_>> {
    let (display, rest) = match value.first()? {
        b'"' => {
            let (display, rest) = lex::quoted(value)?;
            (Some(display), lex::after(lex::trim_start(rest), b'<')?)
        }
        _ => match value.iter().position(|b| matches!(b, b'<' | b';' | b'"')) {
            Some(at) if value.get(at) == Some(&b'<') => {
                let (display, rest) = value.split_at_checked(at)?;
                (tokens(display)?, lex::after(rest, b'<')?)
            }
            _ => return bare(value),
        },
    };
    let (uri, rest) = lex::span(rest, |b| b != b'>');
    let params = Params::parse(lex::after(rest, b'>')?)?;
    Some(NameAddr { display, uri: uri_text(uri)?, params })
}

/// An address without angle brackets.
fn bare(value: &[u8]) -> Option<NameAddr<'_>> {
    let (uri, rest) = lex::span(value, |b| !lex::is_lws(b) && b != b';');
    if uri.iter().any(|b| matches!(b, b'?' | b',' | b'>')) {
        return None;
    }
    Some(NameAddr { display: None, uri: uri_text(uri)?, params: Params::parse(rest)? })
}

/// `scheme:something` without white space; the scheme is judged by whoever parses the URI.
fn uri_text(uri: &[u8]) -> Option<&str> {
    let scheme = uri.iter().position(|&b| b == b':')?;
    let starts_with_letter = uri.first()?.is_ascii_alphabetic();
    let scheme_is_sound = lex::is_token(uri.get(..scheme)?);
    let no_gaps = !uri.iter().any(|b| b.is_ascii_control() || matches!(b, b' ' | b'<' | b'"'));
    if !(starts_with_letter && scheme_is_sound && no_gaps) {
        return None;
    }
    str::from_utf8(uri).ok()
}

/// An unquoted display name: tokens with white space between them. Bytes beyond ASCII are let pass, many send them.
fn tokens(display: &[u8]) -> Option<Option<&[u8]>> {
    let display = lex::trim(display);
    let sound = display.iter().all(|&b| lex::is_token_byte(b) || lex::is_lws(b) || !b.is_ascii());
    sound.then_some((!display.is_empty()).then_some(display))
}
