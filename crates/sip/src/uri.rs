use std::fmt;

use crate::{Host, UriError, lex, uri_equivalence};

/// The scheme of a SIP URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `sip:`.
    Sip,
    /// `sips:`.
    Sips,
}

/// A SIP URI that borrows its text (RFC 3261 19.1).
///
/// `sip:user:password@host:port;parameter=value?header=value`. Its [`Display`](fmt::Display) is the text it was parsed
/// from, byte for byte: a digest is computed over that, and some registrars compare it so.
#[derive(Clone, Copy)]
pub struct Uri<'a> {
    text: &'a str,
    /// The scheme.
    pub scheme: Scheme,
    /// The user as written, escapes in place.
    pub user: Option<&'a str>,
    /// The password as written. RFC 3261 19.1.1 recommends against it.
    pub password: Option<&'a str>,
    /// The host.
    pub host: Host<'a>,
    /// The port, if written.
    pub port: Option<u16>,
    /// The parameters as written, without the first semicolon; empty if there are none.
    pub params: &'a str,
    /// The headers as written, without the question mark; empty if there are none.
    pub headers: &'a str,
}

impl<'a> Uri<'a> {
    /// Parses a URI by the grammar of RFC 3261 25.1; `tel:` and other schemes are refused.
    pub fn parse(text: &'a str) -> Result<Uri<'a>, UriError> {
        let (scheme, rest) = text.split_once(':').ok_or(UriError::Scheme)?;
        let scheme = match scheme {
            s if s.eq_ignore_ascii_case("sip") => Scheme::Sip,
            s if s.eq_ignore_ascii_case("sips") => Scheme::Sips,
            s if s.eq_ignore_ascii_case("tel") => return Err(UriError::Tel),
            _ => return Err(UriError::Scheme),
        };
        let at = |part: &str, within: usize| offset(text, part) + within;
        // A raw @ occurs nowhere but behind the user: it ends at the last one, and none may be left in it.
        let (user, password, rest) = match rest.rsplit_once('@') {
            None => (None, None, rest),
            Some((userinfo, rest)) => {
                let (user, password) = match userinfo.split_once(':') {
                    None => (userinfo, None),
                    Some((user, password)) => (user, Some(password)),
                };
                check(user, |b| matches!(b, b'&' | b'=' | b'+' | b'$' | b',' | b';' | b'?' | b'/'))
                    .and(if user.is_empty() { Err(0) } else { Ok(()) })
                    .map_err(|within| UriError::User { at: at(user, within) })?;
                if let Some(password) = password {
                    check(password, |b| matches!(b, b'&' | b'=' | b'+' | b'$' | b','))
                        .map_err(|within| UriError::Password { at: at(password, within) })?;
                }
                (Some(user), password, rest)
            }
        };
        let (rest, headers) = match rest.split_once('?') {
            None => (rest, ""),
            Some((rest, headers)) => {
                check_headers(headers).map_err(|within| UriError::Header { at: at(headers, within) })?;
                (rest, headers)
            }
        };
        let (hostport, params) = match rest.split_once(';') {
            None => (rest, ""),
            Some((hostport, params)) => {
                check_params(params).map_err(|within| UriError::Parameter { at: at(params, within) })?;
                (hostport, params)
            }
        };
        let (host, port) = host_and_port(hostport)?;
        if let Some(second) = repeated(params) {
            return Err(UriError::RepeatedParameter { at: at(second, 0) });
        }
        Ok(Uri { text, scheme, user, password, host, port, params, headers })
    }

    /// The text that was parsed.
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// A URI parameter by name in any case, escaped or not (RFC 3261 19.1.4): absent, without a value, or with one, as written.
    pub fn param(&self, name: &str) -> Option<Option<&'a str>> {
        self.param_list().find(|(n, _)| uri_equivalence::same_name(n, name)).map(|(_, value)| value)
    }

    /// The `transport` parameter as written.
    pub fn transport(&self) -> Option<&'a str> {
        self.param("transport").flatten()
    }

    /// Whether both name the same thing by RFC 3261 19.1.4.
    ///
    /// The rules there ignore a `transport` that only one URI has, the examples there don't; this follows the
    /// examples. Everything beyond the rules is not a comparison of URIs and is left to the caller.
    pub fn equivalent(&self, other: &Uri<'_>) -> bool {
        uri_equivalence::equivalent(self, other)
    }

    /// The parameters in order.
    pub fn param_list(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        list(self.params)
    }

    /// The headers in order.
    pub fn header_list(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.headers.split('&').filter_map(|header| header.split_once('='))
    }
}

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl fmt::Debug for Uri<'_> {
    /// Leaves the password out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uri")
            .field("scheme", &self.scheme)
            .field("user", &self.user)
            .field("password", &self.password.map(|_| "***"))
            .field("host", &self.host)
            .field("port", &self.port)
            .field("params", &self.params)
            .field("headers", &self.headers)
            .finish()
    }
}

impl<'a> TryFrom<&'a str> for Uri<'a> {
    type Error = UriError;

    fn try_from(text: &'a str) -> Result<Uri<'a>, UriError> {
        Uri::parse(text)
    }
}

fn list(params: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    params.split(';').filter(|p| !p.is_empty()).map(|param| match param.split_once('=') {
        None => (param, None),
        Some((name, value)) => (name, Some(value)),
    })
}

/// The first parameter whose name was there before, as a comparison of URIs sees names: `%41` is `a`.
fn repeated(params: &str) -> Option<&str> {
    let names = || list(params).map(|(name, _)| name);
    let second = names().enumerate().find(|(index, name)| names().take(*index).any(|earlier| uri_equivalence::same_name(earlier, name)));
    second.map(|(_, name)| name)
}

/// How many bytes before `part`, which is a part of `text`.
fn offset(text: &str, part: &str) -> usize {
    part.as_ptr().addr().saturating_sub(text.as_ptr().addr())
}

fn host_and_port(text: &str) -> Result<(Host<'_>, Option<u16>), UriError> {
    // The last bracket ends an IPv6 address; colons before it are its own.
    let host_end = match (text.starts_with('['), text.rfind(']')) {
        (true, None) => return Err(UriError::Host),
        (_, bracket) => bracket.map_or(0, |bracket| bracket + 1),
    };
    let colon = text.get(host_end..).and_then(|rest| rest.find(':')).map(|colon| host_end + colon);
    let (host, port) = match colon.and_then(|colon| text.split_at_checked(colon)) {
        None => (text, None),
        Some((host, port)) => {
            let port = port.get(1..).and_then(|digits| lex::decimal(digits.as_bytes()).ok());
            let port = port.and_then(|port| u16::try_from(port).ok()).filter(|&port| port != 0);
            (host, Some(port.ok_or(UriError::Port)?))
        }
    };
    Ok((Host::parse(host).ok_or(UriError::Host)?, port))
}

/// Checks that a part has unreserved and escaped characters only, and those that `extra` allows; `Err` is where not.
fn check(part: &str, extra: impl Fn(u8) -> bool) -> Result<(), usize> {
    let bytes = part.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = byte == b'%' && bytes.get(at + 1..at + 3).is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit));
        match byte {
            _ if escaped => at += 3,
            _ if is_unreserved(byte) || extra(byte) => at += 1,
            _ => return Err(at),
        }
    }
    Ok(())
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')')
}

fn check_params(params: &str) -> Result<(), usize> {
    let allowed = |b| matches!(b, b'[' | b']' | b'/' | b':' | b'&' | b'+' | b'$');
    for param in params.split(';') {
        let start = offset(params, param);
        let (name, value) = param.split_once('=').map_or((param, None), |(name, value)| (name, Some(value)));
        if name.is_empty() || value == Some("") {
            return Err(start);
        }
        check(name, allowed).map_err(|at| start + at)?;
        let value = value.unwrap_or_default();
        check(value, allowed).map_err(|at| offset(params, value) + at)?;
    }
    Ok(())
}

fn check_headers(headers: &str) -> Result<(), usize> {
    let allowed = |b| matches!(b, b'[' | b']' | b'/' | b'?' | b':' | b'+' | b'$');
    for header in headers.split('&') {
        let start = offset(headers, header);
        let (name, value) = header.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or(start)?;
        check(name, allowed).map_err(|at| start + at)?;
        check(value, allowed).map_err(|at| offset(headers, value) + at)?;
    }
    Ok(())
}
