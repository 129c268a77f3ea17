//! Finds messages in a byte stream (RFC 3261 18.3): over TCP and TLS they come split and merged.

use crate::framing::{content_length, line};
use crate::{MESSAGE_BYTES_MAX, Name, ParseError, lex};

/// What a stream's buffer starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framed {
    /// Less than a message: read on.
    Incomplete,
    /// This many bytes of CRLFs: two are a ping, one a pong (RFC 5626 3.5.1), or they are mere padding.
    LineEnds(usize),
    /// A message of this many bytes, ready for [`Message::parse`](crate::Message::parse).
    Message(usize),
}

/// Says what `buffer` starts with. An error is final: the stream has lost its framing and must be closed.
pub fn frame(buffer: &[u8]) -> Result<Framed, ParseError> {
    match crate::framing::skip_line_ends(buffer) {
        0 => {}
        ends => return Ok(Framed::LineEnds(ends)),
    }
    if matches!(buffer, [] | [b'\r']) {
        return Ok(Framed::Incomplete);
    }
    let mut at = 0;
    let mut lengths = [None; 2];
    loop {
        let (line, next) = match line(buffer, at) {
            Ok(found) => found,
            Err(ParseError::Unterminated) if buffer.len() < MESSAGE_BYTES_MAX => return Ok(Framed::Incomplete),
            Err(ParseError::Unterminated) => return Err(ParseError::TooLong),
            Err(error) => return Err(error),
        };
        at = next;
        if line.is_empty() {
            break;
        }
        let (name, rest) = lex::token(line);
        if Name::of(name) == Name::ContentLength
            && let Some(value) = lex::after(lex::trim_start(rest), b':')
        {
            let length = content_length([lex::trim(value)].into_iter())?;
            match lengths {
                [None, _] => lengths = [length, None],
                [first, _] if first == length => {}
                _ => return Err(ParseError::ContentLengthConflict),
            }
        }
    }
    // RFC 3261 20.14: without it nobody knows where a message in a stream ends.
    let length = lengths[0].ok_or(ParseError::ContentLength)?;
    let total = at.checked_add(length).filter(|&total| total <= MESSAGE_BYTES_MAX).ok_or(ParseError::TooLong)?;
    Ok(if buffer.len() < total { Framed::Incomplete } else { Framed::Message(total) })
}
