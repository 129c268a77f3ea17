//! The characters of RFC 3261 25.1: tokens, white space, quoted strings, numbers, lists.

use std::borrow::Cow;

const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0u8;
    loop {
        table[byte as usize] =
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~');
        if byte == u8::MAX {
            break;
        }
        byte += 1;
    }
    table
};

pub(crate) const fn is_token_byte(byte: u8) -> bool {
    TOKEN[byte as usize]
}

pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&b| is_token_byte(b))
}

/// White space inside a header value, folds included: framing has made sure that CR and LF occur in folds only.
pub(crate) fn is_lws(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

pub(crate) fn trim_start(bytes: &[u8]) -> &[u8] {
    let skip = bytes.iter().take_while(|&&b| is_lws(b)).count();
    bytes.get(skip..).unwrap_or_default()
}

pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    let bytes = trim_start(bytes);
    let drop = bytes.iter().rev().take_while(|&&b| is_lws(b)).count();
    bytes.get(..bytes.len().saturating_sub(drop)).unwrap_or_default()
}

/// Splits where `part` stops holding.
pub(crate) fn span(bytes: &[u8], part: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|&b| !part(b)).unwrap_or(bytes.len());
    bytes.split_at_checked(end).unwrap_or_default()
}

/// Splits a leading token from what follows; the token may be empty.
pub(crate) fn token(bytes: &[u8]) -> (&[u8], &[u8]) {
    span(bytes, is_token_byte)
}

/// `text` without its first byte, if that is `byte`.
pub(crate) fn after(bytes: &[u8], byte: u8) -> Option<&[u8]> {
    match bytes.split_first() {
        Some((&first, rest)) if first == byte => Some(rest),
        _ => None,
    }
}

/// Splits a leading quoted string into the text between its quotes, escapes in place, and what follows.
pub(crate) fn quoted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = after(bytes, b'"')?;
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', inner.get(at..)?)?;
        if *inner.get(at)? == b'"' {
            return Some((inner.get(..at)?, inner.get(at + 1..)?));
        }
        at += 2;
    }
}

/// Whether the last backslash escapes nothing: the inside of a quoted string cannot end so, a value without quotes may.
pub(crate) fn ends_in_escape(inner: &[u8]) -> bool {
    inner.iter().rev().take_while(|&&b| b == b'\\').count() % 2 == 1
}

/// Whether a value can be sent back between quotes and is then the same, byte for byte.
pub(crate) fn survives_quotes(inner: &[u8]) -> bool {
    !ends_in_escape(inner) && !inner.iter().any(u8::is_ascii_control)
}

/// Resolves quoted pairs and folds of a quoted string's inside.
pub(crate) fn unescape(inner: &str) -> Cow<'_, str> {
    if !inner.bytes().any(|b| matches!(b, b'\\' | b'\r' | b'\n')) {
        return Cow::Borrowed(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            '\r' | '\n' => {
                while chars.next_if(|c| matches!(c, ' ' | '\t' | '\r' | '\n')).is_some() {}
                out.push(' ');
            }
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// A plain decimal number; `Err` holds whether digits were there at all.
pub(crate) enum NotANumber {
    Malformed,
    TooBig,
}

pub(crate) fn decimal(digits: &[u8]) -> Result<u32, NotANumber> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(NotANumber::Malformed);
    }
    digits.iter().try_fold(0u32, |v, d| v.checked_mul(10)?.checked_add(u32::from(d.checked_sub(b'0')?))).ok_or(NotANumber::TooBig)
}

/// The value of a hexadecimal digit.
pub(crate) fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Splits a list at its top-level commas: not inside quotes, not inside angle brackets.
/// A quote or bracket that is never closed runs to the end.
#[derive(Clone)]
pub(crate) struct Elements<'a> {
    rest: Option<&'a [u8]>,
    /// What opens a bracket, if anything does.
    bracket: u8,
}

impl<'a> Elements<'a> {
    pub(crate) fn new(value: &'a [u8]) -> Elements<'a> {
        Elements { rest: Some(value), bracket: b'<' }
    }

    /// For lists of auth-params, where angle brackets mean nothing.
    pub(crate) fn of_auth_params(value: &'a [u8]) -> Elements<'a> {
        Elements { rest: Some(value), bracket: b',' }
    }

    /// Where the first element ends.
    fn end(&self, rest: &[u8]) -> Option<usize> {
        let mut at = 0;
        loop {
            let tail = rest.get(at..)?;
            let found = memchr::memchr3(b'"', b',', self.bracket, tail)?;
            let tail = tail.get(found..)?;
            at += found;
            match tail.first()? {
                b'"' => at += quoted(tail)?.0.len() + 2,
                b',' => return Some(at),
                _ => at += memchr::memchr(b'>', tail)? + 1,
            }
        }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.take()?;
        match self.end(rest) {
            None => Some(rest),
            Some(end) => {
                self.rest = rest.get(end + 1..);
                rest.get(..end)
            }
        }
    }
}
