//! `name=value` lists of Authorization, WWW-Authenticate and their like (RFC 3261 25.1 auth-param).

use crate::lex;

/// One parameter.
#[derive(Clone, Copy)]
pub(crate) struct AuthParam<'a> {
    pub(crate) name: &'a [u8],
    /// Without its quotes, escapes in place.
    pub(crate) value: &'a [u8],
}

/// A comma too many, a quote that is not closed, or something that is no parameter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BadList;

/// The parameters in order. Strict: empty elements end it with an error, and so does anything behind a value.
pub(crate) struct AuthParams<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> AuthParams<'a> {
    pub(crate) fn new(list: &'a [u8]) -> AuthParams<'a> {
        AuthParams { rest: Some(list) }
    }

    fn read(&mut self, rest: &'a [u8]) -> Option<AuthParam<'a>> {
        let (name, rest) = lex::token(lex::trim_start(rest));
        let rest = lex::trim_start(lex::after(lex::trim_start(rest), b'=')?);
        if name.is_empty() {
            return None;
        }
        let quoted = rest.first() == Some(&b'"');
        let (value, rest) = if quoted { lex::quoted(rest)? } else { lex::span(rest, is_bare) };
        let rest = lex::trim_start(rest);
        self.rest = match rest.split_first() {
            None => None,
            Some((b',', rest)) => Some(rest),
            Some(_) => return None,
        };
        Some(AuthParam { name, value })
    }
}

/// What an unquoted value may consist of: more than a token, for base64 and URIs that their senders did not quote.
fn is_bare(byte: u8) -> bool {
    !lex::is_lws(byte) && !matches!(byte, b',' | b'"')
}

impl<'a> Iterator for AuthParams<'a> {
    type Item = Result<AuthParam<'a>, BadList>;

    fn next(&mut self) -> Option<Result<AuthParam<'a>, BadList>> {
        let rest = self.rest.take()?;
        Some(self.read(rest).ok_or(BadList))
    }
}

/// Splits a value into its scheme and its parameters.
pub(crate) fn scheme(value: &[u8]) -> (&[u8], &[u8]) {
    let (scheme, rest) = lex::token(lex::trim_start(value));
    match lex::trim_start(rest) {
        list if list.len() < rest.len() || rest.is_empty() => (scheme, list),
        _ => (&[], value),
    }
}
