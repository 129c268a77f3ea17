//! Finds the lines of a message and indexes its headers; the strictness of RFC 3261 7 and 18.3 lives here.

use crate::message::{Field, Fields, MESSAGE_BYTES_MAX};
use crate::{Name, ParseError, Start, lex};

/// What indexing finds; positions count from the start of the datagram.
pub(crate) struct Index<'a> {
    pub(crate) start: Start<'a>,
    pub(crate) fields: Fields,
    pub(crate) body: &'a [u8],
}

/// Indexes a datagram that holds one message.
pub(crate) fn index(datagram: &[u8]) -> Result<Index<'_>, ParseError> {
    if datagram.len() > MESSAGE_BYTES_MAX {
        return Err(ParseError::TooLong);
    }
    let first = skip_line_ends(datagram);
    if first == datagram.len() {
        return Err(ParseError::Empty);
    }
    let (line, mut at) = line(datagram, first)?;
    let mut fields = Fields::default();
    let start = Start::parse(line)?;
    loop {
        let (line, next) = self::line(datagram, at)?;
        match line.first() {
            None => {
                at = next;
                break;
            }
            // RFC 3261 7.3.1: a line that starts with white space continues the header before it.
            Some(b' ' | b'\t') => {
                fields.last_mut().ok_or(ParseError::Header { at })?.extend(line, at)?;
            }
            Some(_) => fields.push(header(line, at)?)?,
        }
        at = next;
    }
    let rest = datagram.get(at..).unwrap_or_default();
    let lengths = fields.iter().filter(|field| field.is(Name::ContentLength));
    let body = match content_length(lengths.map(|field| field.value(datagram)))? {
        // RFC 3261 18.3: without Content-Length the body of a datagram reaches to its end.
        None => rest,
        Some(declared) => rest.get(..declared).ok_or(ParseError::BodyTruncated { declared, present: rest.len() })?,
    };
    Ok(Index { start, fields, body })
}

/// RFC 3261 7.5: line ends before the start line are to be ignored.
pub(crate) fn skip_line_ends(bytes: &[u8]) -> usize {
    bytes.chunks_exact(2).take_while(|pair| *pair == b"\r\n").count() * 2
}

/// The line that starts at `at`, without its CRLF, and where the next one starts.
pub(crate) fn line(bytes: &[u8], at: usize) -> Result<(&[u8], usize), ParseError> {
    line_beyond(bytes, at, at)
}

/// As [`line`], where it is known that the line does not end before `searched`.
pub(crate) fn line_beyond(bytes: &[u8], at: usize, searched: usize) -> Result<(&[u8], usize), ParseError> {
    let unsearched = bytes.get(searched..).unwrap_or_default();
    let end = searched + memchr::memchr2(b'\r', b'\n', unsearched).ok_or(ParseError::Unterminated)?;
    match (bytes.get(end), bytes.get(end + 1)) {
        (Some(b'\r'), Some(b'\n')) => Ok((bytes.get(at..end).unwrap_or_default(), end + 2)),
        (Some(b'\r'), None) => Err(ParseError::Unterminated),
        (Some(b'\r'), Some(_)) => Err(ParseError::BareCarriageReturn { at: end }),
        _ => Err(ParseError::BareLineFeed { at: end }),
    }
}

/// The one length that all Content-Length values agree on.
pub(crate) fn content_length<'a>(values: impl Iterator<Item = &'a [u8]>) -> Result<Option<usize>, ParseError> {
    let mut agreed = None;
    for value in values {
        let length = lex::decimal(value).map_err(|_| ParseError::ContentLength)?;
        let length = usize::try_from(length).map_err(|_| ParseError::ContentLength)?;
        if agreed.is_some_and(|agreed| agreed != length) {
            return Err(ParseError::ContentLengthConflict);
        }
        agreed = Some(length);
    }
    Ok(agreed)
}

/// Splits a header line that starts at `at` into what it is called and where its parts are.
fn header(line: &[u8], at: usize) -> Result<Field, ParseError> {
    let fault = ParseError::Header { at };
    let (written, rest) = lex::token(line);
    if written.is_empty() {
        return Err(fault);
    }
    // RFC 3261 7.3.1 allows white space before the colon.
    let value = lex::after(lex::trim_start(rest), b':').ok_or(fault)?;
    let value_at = at + (line.len() - value.len());
    Field::new(Name::of(written), at, written.len(), value_at, value)
}
