//! Headers that count seconds: Expires, Min-Expires, Retry-After, Flow-Timer.

use crate::lex::{self, NotANumber};
use crate::{FieldError, Name};

/// delta-seconds (RFC 3261 25.1), clamped to `u32::MAX`: RFC 4475 3.1.2.4 lets a reader take an overlarge one so.
pub(crate) fn plain(name: Name, value: &[u8]) -> Result<u32, FieldError> {
    clamped(value).ok_or(FieldError::Malformed(name))
}

/// `None` if there is anything but digits.
pub(crate) fn clamped(digits: &[u8]) -> Option<u32> {
    match lex::decimal(digits) {
        Ok(seconds) => Some(seconds),
        Err(NotANumber::TooBig) => Some(u32::MAX),
        Err(NotANumber::Malformed) => None,
    }
}

/// RFC 3261 20.33: `18000;duration=3600`, `120 (I'm in a meeting)`.
pub(crate) fn retry_after(value: &[u8]) -> Result<u32, FieldError> {
    let (digits, rest) = lex::span(value, |b| b.is_ascii_digit());
    match lex::trim_start(rest).first() {
        None | Some(b'(' | b';') => plain(Name::RetryAfter, digits),
        Some(_) => Err(FieldError::Malformed(Name::RetryAfter)),
    }
}
