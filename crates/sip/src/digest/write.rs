//! The answer as text (RFC 7616 3.4, RFC 3261 25.1 digest-response).

use super::{Answer, HexDigest, Qop, Request};
use crate::digest::hex::hex_pair;

impl Answer<'_> {
    /// Appends the value of an Authorization or Proxy-Authorization header to `out`.
    ///
    /// `algorithm`, `qop` and `nc` are unquoted (RFC 7616 3.4), all others quoted. CR, LF and NUL, which cannot stand
    /// in a header, are left out.
    pub fn write(&self, request: &Request<'_>, out: &mut Vec<u8>) {
        self.write_over(request, &self.ha2(request), out);
    }

    /// As [`write`](Answer::write), where [`ha2`](Answer::ha2) of the request is at hand.
    pub fn write_over(&self, request: &Request<'_>, ha2: &HexDigest, out: &mut Vec<u8>) {
        let response = self.response_over(ha2);
        out.extend_from_slice(b"Digest ");
        self.write_username(out);
        out.extend_from_slice(b", realm=\"");
        escaped(self.realm.as_bytes(), out);
        out.extend_from_slice(b"\", nonce=\"");
        literal(self.nonce, out);
        out.extend_from_slice(b"\", uri=\"");
        escaped(request.uri.as_bytes(), out);
        out.extend_from_slice(b"\", response=\"");
        out.extend_from_slice(response.as_bytes());
        out.push(b'"');
        if self.algorithm_echo {
            out.extend_from_slice(b", algorithm=");
            out.extend_from_slice(self.algorithm.as_str().as_bytes());
        }
        // RFC 7616 3.4.2: a session's A1 takes in the cnonce, so it goes even without qop.
        if self.qop != Qop::None || self.algorithm.session {
            out.extend_from_slice(b", cnonce=\"");
            escaped(self.cnonce.as_bytes(), out);
            out.push(b'"');
        }
        if let Some(opaque) = self.opaque {
            out.extend_from_slice(b", opaque=\"");
            literal(opaque, out);
            out.push(b'"');
        }
        let qop: &[u8] = match self.qop {
            Qop::None => b"",
            Qop::Auth => b", qop=auth, nc=",
            Qop::AuthInt => b", qop=auth-int, nc=",
        };
        if !qop.is_empty() {
            out.extend_from_slice(qop);
            out.extend_from_slice(&self.nc_digits());
        }
        if self.userhash {
            out.extend_from_slice(b", userhash=true");
        }
    }

    fn write_username(&self, out: &mut Vec<u8>) {
        if self.userhash {
            out.extend_from_slice(b"username=\"");
            out.extend_from_slice(self.userhash().as_bytes());
            out.push(b'"');
        } else if self.utf8 && !self.username.is_ascii() {
            out.extend_from_slice(b"username*=UTF-8''");
            percent_encoded(self.username.as_bytes(), out);
        } else {
            out.extend_from_slice(b"username=\"");
            escaped(self.username.as_bytes(), out);
            out.push(b'"');
        }
    }
}

/// Whether a text can stand between quotes as it is. Without a way out in between it is one instruction for many bytes.
fn is_plain(text: &[u8]) -> bool {
    !text.iter().fold(false, |any, &b| any | matches!(b, b'\r' | b'\n' | 0 | b'"' | b'\\'))
}

/// Writes a text into a quoted string.
fn escaped(text: &[u8], out: &mut Vec<u8>) {
    if is_plain(text) {
        return out.extend_from_slice(text);
    }
    for &byte in text {
        match byte {
            b'\r' | b'\n' | 0 => {}
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            _ => out.push(byte),
        }
    }
}

/// Writes what already was the inside of a quoted string, unchanged unless it would break out of one.
fn literal(inner: &[u8], out: &mut Vec<u8>) {
    if is_plain(inner) {
        return out.extend_from_slice(inner);
    }
    let mut bytes = inner.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n' | 0));
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => out.extend_from_slice(&[b'\\', bytes.next().unwrap_or(b'\\')]),
            b'"' => out.extend_from_slice(b"\\\""),
            _ => out.push(byte),
        }
    }
}

/// RFC 5987 3.2.1 value-chars.
fn percent_encoded(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        let attr_char = byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte);
        if attr_char {
            out.push(byte);
        } else {
            out.push(b'%');
            out.extend(hex_pair(byte).map(|digit| digit.to_ascii_uppercase()));
        }
    }
}
