use std::str;

use crate::lex::{self, NotANumber};
use crate::{FieldError, Name};

/// The CSeq header (RFC 3261 20.16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// The sequence number, less than 2^31 (RFC 3261 8.1.1.5).
    pub number: u32,
    /// The method as written; methods are case-sensitive.
    pub method: &'a str,
}

impl<'a> CSeq<'a> {
    /// Parses a header value.
    pub fn parse(value: &'a [u8]) -> Result<CSeq<'a>, FieldError> {
        let malformed = FieldError::Malformed(Name::CSeq);
        let (digits, rest) = lex::span(value, |b| b.is_ascii_digit());
        let method = lex::trim_start(rest);
        if method.len() == rest.len() || !lex::is_token(method) {
            return Err(malformed);
        }
        let number = match lex::decimal(digits) {
            Ok(number) if number <= i32::MAX.unsigned_abs() => number,
            Ok(_) | Err(NotANumber::TooBig) => return Err(FieldError::OutOfRange(Name::CSeq)),
            Err(NotANumber::Malformed) => return Err(malformed),
        };
        let method = str::from_utf8(method).map_err(|_| malformed)?;
        Ok(CSeq { number, method })
    }
}
