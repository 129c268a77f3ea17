//! Finds messages in a byte stream (RFC 3261 18.3): over TCP and TLS they come split and merged.

use crate::framing::{content_length, line_beyond, skip_line_ends};
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
///
/// For a buffer that grows, [`Framer`] does the same without looking at anything twice.
pub fn frame(buffer: &[u8]) -> Result<Framed, ParseError> {
    Framer::default().frame(buffer)
}

/// Says what a buffer starts with while it grows, and remembers how far it has looked: a message that comes byte by byte costs no more than one
/// that comes at once.
#[derive(Debug, Default)]
pub struct Framer {
    /// Where the line starts that is looked at.
    line: usize,
    /// Before this it does not end.
    searched: usize,
    /// What Content-Length says.
    length: Option<usize>,
    /// How long the message is, once its headers are there.
    total: Option<usize>,
}

impl Framer {
    /// Says what `buffer` starts with. After [`Framed::Incomplete`] the next one must start with the same bytes; after anything else the
    /// framer begins anew, with what follows the bytes that were found.
    ///
    /// # Errors
    /// As [`frame`].
    pub fn frame(&mut self, buffer: &[u8]) -> Result<Framed, ParseError> {
        let framed = self.find(buffer)?;
        if framed != Framed::Incomplete {
            *self = Framer::default();
        }
        Ok(framed)
    }

    fn find(&mut self, buffer: &[u8]) -> Result<Framed, ParseError> {
        if self.line == 0 {
            match skip_line_ends(buffer) {
                0 => {}
                ends => return Ok(Framed::LineEnds(ends)),
            }
            if matches!(buffer, [] | [b'\r']) {
                return Ok(Framed::Incomplete);
            }
        }
        let total = match self.total {
            Some(total) => total,
            None => match self.headers(buffer)? {
                None => return Ok(Framed::Incomplete),
                Some(end) => {
                    // RFC 3261 20.14: without it nobody knows where a message in a stream ends.
                    let length = self.length.ok_or(ParseError::ContentLength)?;
                    end.checked_add(length).filter(|&total| total <= MESSAGE_BYTES_MAX).ok_or(ParseError::TooLong)?
                }
            },
        };
        self.total = Some(total);
        Ok(if buffer.len() < total { Framed::Incomplete } else { Framed::Message(total) })
    }

    /// Goes over the lines that are there; returns where the headers end, if they do.
    fn headers(&mut self, buffer: &[u8]) -> Result<Option<usize>, ParseError> {
        loop {
            let (line, next) = match line_beyond(buffer, self.line, self.searched) {
                Ok(found) => found,
                Err(ParseError::Unterminated) if buffer.len() < MESSAGE_BYTES_MAX => {
                    // A CR at the end may be half of the line's.
                    self.searched = buffer.len() - usize::from(buffer.ends_with(b"\r"));
                    return Ok(None);
                }
                Err(ParseError::Unterminated) => return Err(ParseError::TooLong),
                Err(error) => return Err(error),
            };
            (self.line, self.searched) = (next, next);
            if line.is_empty() {
                return Ok(Some(next));
            }
            let (name, rest) = lex::token(line);
            if Name::of(name) == Name::ContentLength
                && let Some(value) = lex::after(lex::trim_start(rest), b':')
            {
                let length = content_length([lex::trim(value)].into_iter())?;
                if self.length.is_some() && self.length != length {
                    return Err(ParseError::ContentLengthConflict);
                }
                self.length = length;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_byte_by_byte_is_looked_at_once() {
        let padding = format!("X-Padding: {}\r\n", "x".repeat(90)).repeat(100);
        let text = format!("SIP/2.0 200 OK\r\n{padding}X-Long: {}\r\nContent-Length: 4000\r\n\r\n{}", "y".repeat(1500), "z".repeat(4000));
        let bytes = text.as_bytes();
        assert!(bytes.len() > 15_000 && bytes.len() < MESSAGE_BYTES_MAX);
        let (mut framer, mut looked_at) = (Framer::default(), 0);
        for end in 1..bytes.len() {
            looked_at += framer.total.map_or(end - framer.searched, |_| 0);
            assert_eq!(framer.frame(&bytes[..end]), Ok(Framed::Incomplete));
        }
        assert_eq!(framer.frame(bytes), Ok(Framed::Message(bytes.len())));
        // A CR is looked at again with what follows it.
        assert!(looked_at <= bytes.len() + text.matches('\r').count(), "{looked_at} of {}", bytes.len());
    }
}
