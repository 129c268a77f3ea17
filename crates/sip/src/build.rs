//! Writes messages. Whatever a value holds, it cannot end its line: CR, LF and NUL become spaces, so no caller can
//! smuggle a header in, and building cannot fail.

use std::fmt::{self, Display, Write as _};
use std::net::SocketAddr;

use crate::lex::{self, Elements};
use crate::{Message, Name, Via};

/// A message being written: the start line, then headers in the order of the calls, then the body.
///
/// [`finish`](Builder::finish) adds Content-Length; one that the caller gives is left out.
#[derive(Debug)]
pub struct Builder {
    out: Vec<u8>,
    body: Vec<u8>,
    /// Where a To tag would go, while To has none.
    to_end: Option<usize>,
}

impl Builder {
    /// Starts a request.
    pub fn request(method: &str, uri: impl Display) -> Builder {
        Builder::request_into(Vec::with_capacity(640), method, uri)
    }

    /// Starts a request in a buffer that the caller lends; it is cleared, its capacity is kept.
    pub fn request_into(mut buffer: Vec<u8>, method: &str, uri: impl Display) -> Builder {
        buffer.clear();
        // A space would shift the line's parts; a URI has none.
        write(&mut buffer, b'_', method);
        buffer.push(b' ');
        write(&mut buffer, b'_', uri);
        buffer.extend_from_slice(b" SIP/2.0\r\n");
        Builder { out: buffer, body: Vec::new(), to_end: None }
    }

    /// Starts a response with the Vias, From, To, Call-ID and CSeq of the request (RFC 3261 8.2.6.2).
    pub fn response(code: u16, reason: &str, request: &Message<'_>) -> Builder {
        Builder::respond(code, reason, request, None)
    }

    /// As [`response`](Builder::response), and notes in the topmost Via where the request came from (RFC 3261 18.2.1,
    /// RFC 3581 4).
    pub fn response_to(code: u16, reason: &str, request: &Message<'_>, source: SocketAddr) -> Builder {
        Builder::respond(code, reason, request, Some(source))
    }

    fn respond(code: u16, reason: &str, request: &Message<'_>, source: Option<SocketAddr>) -> Builder {
        let mut out = Vec::with_capacity(640);
        write(&mut out, b' ', format_args!("SIP/2.0 {code} {reason}"));
        out.extend_from_slice(b"\r\n");
        let mut builder = Builder { out, body: Vec::new(), to_end: None };
        builder.vias(request, source);
        for name in [Name::From, Name::To, Name::CallId, Name::CSeq] {
            let Some(value) = request.header(name) else { continue };
            builder = builder.header_bytes(name.as_str(), value);
            if name == Name::To && request.to().is_ok_and(|to| to.tag().is_none()) {
                builder.to_end = builder.out.len().checked_sub(2);
            }
        }
        builder
    }

    fn vias(&mut self, request: &Message<'_>, source: Option<SocketAddr>) {
        let mut source = source;
        for value in request.headers(Name::Via) {
            self.out.extend_from_slice(b"Via: ");
            let mut rest = value;
            if let (Some(source), Ok(top)) = (source.take(), Via::parse_first(value)) {
                write_via(&mut self.out, &top, source);
                let length = Elements::new(value).next().map_or(0, <[u8]>::len);
                rest = value.get(length..).unwrap_or_default();
            }
            write_bytes(&mut self.out, b' ', rest);
            self.out.extend_from_slice(b"\r\n");
        }
    }

    /// Adds a tag to the To of a response, if it has none (RFC 3261 8.2.6.2). No effect on a request.
    pub fn to_tag(mut self, tag: &str) -> Builder {
        if let Some(end) = self.to_end.take() {
            let tail = self.out.split_off(end.min(self.out.len()));
            self.out.extend_from_slice(b";tag=");
            write(&mut self.out, b'_', tag);
            self.out.extend_from_slice(&tail);
        }
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl Display) -> Builder {
        if self.name(name) {
            write(&mut self.out, b' ', value);
            self.out.extend_from_slice(b"\r\n");
        }
        self
    }

    /// Adds a header whose value is bytes.
    pub fn header_bytes(mut self, name: &str, value: &[u8]) -> Builder {
        if self.name(name) {
            write_bytes(&mut self.out, b' ', value);
            self.out.extend_from_slice(b"\r\n");
        }
        self
    }

    /// Adds whole header lines, each with its end, in which nothing else ends a line.
    pub fn lines(mut self, lines: &[u8]) -> Builder {
        self.out.extend_from_slice(lines);
        self
    }

    /// Adds a header of a name that is known to be one, its value in parts.
    pub fn parts(mut self, name: &'static str, parts: &[&str]) -> Builder {
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b": ");
        for part in parts {
            write_bytes(&mut self.out, b' ', part.as_bytes());
        }
        self.out.extend_from_slice(b"\r\n");
        self
    }

    /// Writes the name and its colon, unless [`finish`](Builder::finish) will.
    fn name(&mut self, name: &str) -> bool {
        if Name::of(name.as_bytes()) == Name::ContentLength {
            return false;
        }
        self.out.extend(name.bytes().map(|b| if lex::is_token_byte(b) { b } else { b'_' }));
        self.out.extend_from_slice(b": ");
        true
    }

    /// Sets the body and adds its Content-Type.
    pub fn body(mut self, content_type: &str, body: &[u8]) -> Builder {
        self.body.clear();
        self.body.extend_from_slice(body);
        self.header("Content-Type", content_type)
    }

    /// Closes the headers and returns the message.
    pub fn finish(mut self) -> Vec<u8> {
        write(&mut self.out, b' ', format_args!("Content-Length: {}", self.body.len()));
        self.out.extend_from_slice(b"\r\n\r\n");
        self.out.append(&mut self.body);
        self.out
    }
}

/// Writes the topmost Via with `received`, and `rport` if it was asked for.
fn write_via(out: &mut Vec<u8>, via: &Via<'_>, source: SocketAddr) {
    write(out, b' ', format_args!("SIP/2.0/{} {}", via.transport, via.host));
    if let Some(port) = via.port {
        write(out, b' ', format_args!(":{port}"));
    }
    for (name, value) in via.params.iter() {
        match value {
            _ if name.eq_ignore_ascii_case("received") => {}
            _ if name.eq_ignore_ascii_case("rport") => write(out, b' ', format_args!(";{name}={}", source.port())),
            None => write(out, b' ', format_args!(";{name}")),
            Some(value) if value.bytes().all(|b| lex::is_token_byte(b) || matches!(b, b':' | b'[' | b']')) => {
                write(out, b' ', format_args!(";{name}={value}"));
            }
            Some(value) => write(out, b' ', format_args!(";{name}=\"{value}\"")),
        }
    }
    // RFC 3581 4: with rport, received goes even if it repeats sent-by.
    let written = crate::Host::parse(via.host);
    let same = match source.ip().to_canonical() {
        std::net::IpAddr::V4(ip) => written == Some(crate::Host::V4(ip)),
        std::net::IpAddr::V6(ip) => written == Some(crate::Host::V6(ip)),
    };
    if !same || via.rport().is_some() {
        write(out, b' ', format_args!(";received={}", source.ip().to_canonical()));
    }
}

fn write(out: &mut Vec<u8>, instead: u8, value: impl Display) {
    // Clean never fails; a Display that does ends its own text there.
    let _ = write!(Clean { out, instead }, "{value}");
}

fn write_bytes(out: &mut Vec<u8>, instead: u8, bytes: &[u8]) {
    let spaces_too = instead != b' ';
    let broken = |b: u8| matches!(b, b'\r' | b'\n' | 0) || (spaces_too && lex::is_lws(b));
    // Without a way out in between it is one instruction for many bytes.
    if !bytes.iter().fold(false, |any, &b| any | broken(b)) {
        out.extend_from_slice(bytes);
        return;
    }
    out.extend(bytes.iter().map(|&b| if broken(b) { instead } else { b }));
}

/// Writes text with `instead` in place of what would break the line.
struct Clean<'o> {
    out: &'o mut Vec<u8>,
    instead: u8,
}

impl fmt::Write for Clean<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_bytes(self.out, self.instead, text.as_bytes());
        Ok(())
    }
}
