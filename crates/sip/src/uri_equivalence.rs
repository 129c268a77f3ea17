//! When two URIs are the same: RFC 3261 19.1.4.

use crate::{Uri, lex};

/// Parameters that never match if only one URI has them.
const NEVER_IGNORED: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

pub(crate) fn equivalent(a: &Uri<'_>, b: &Uri<'_>) -> bool {
    a.scheme == b.scheme
        && same_option(a.user, b.user, Case::Matters)
        && same_option(a.password, b.password, Case::Matters)
        && a.host.equivalent(&b.host)
        // A port left out is not the default port written out.
        && a.port == b.port
        && params_allow(a, b)
        && params_allow(b, a)
        && headers_within(a, b)
        && headers_within(b, a)
}

/// Whether two names of parameters are one, in any case and escaped or not.
pub(crate) fn same_name(a: &str, b: &str) -> bool {
    same(a, b, Case::Ignored)
}

#[derive(Clone, Copy)]
enum Case {
    Matters,
    Ignored,
}

/// Every parameter of `a` is the same in `b`, or may be ignored there.
fn params_allow(a: &Uri<'_>, b: &Uri<'_>) -> bool {
    a.param_list().all(|(name, value)| {
        let there = b.param_list().find(|(n, _)| same_name(name, n));
        match there {
            Some((_, other)) => same_option(value, other, Case::Ignored),
            None => !NEVER_IGNORED.iter().any(|never| same_name(name, never)),
        }
    })
}

/// Headers are never ignored.
fn headers_within(a: &Uri<'_>, b: &Uri<'_>) -> bool {
    a.header_list().all(|(name, value)| b.header_list().any(|(n, v)| same_name(name, n) && same(value, v, Case::Ignored)))
}

fn same_option(a: Option<&str>, b: Option<&str>, case: Case) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b, case),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn same(a: &str, b: &str, case: Case) -> bool {
    Units::new(a, case).eq(Units::new(b, case))
}

/// The characters of a part: an escape is the same as its character, unless that is reserved (RFC 2396 2.2).
struct Units<'a> {
    rest: &'a [u8],
    case: Case,
}

impl<'a> Units<'a> {
    fn new(text: &'a str, case: Case) -> Units<'a> {
        Units { rest: text.as_bytes(), case }
    }
}

impl Iterator for Units<'_> {
    /// The character, and whether it is a reserved one that was escaped.
    type Item = (u8, bool);

    fn next(&mut self) -> Option<(u8, bool)> {
        let (&first, rest) = self.rest.split_first()?;
        let escaped = match (first, rest) {
            (b'%', [high, low, rest @ ..]) => lex::hex(*high).zip(lex::hex(*low)).map(|(high, low)| (high << 4 | low, rest)),
            _ => None,
        };
        let (byte, was_escaped) = match escaped {
            Some((byte, rest)) => {
                self.rest = rest;
                (byte, true)
            }
            None => {
                self.rest = rest;
                (first, false)
            }
        };
        let reserved = matches!(byte, b';' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'+' | b'$' | b',');
        let byte = match self.case {
            Case::Matters => byte,
            Case::Ignored => byte.to_ascii_lowercase(),
        };
        Some((byte, was_escaped && reserved))
    }
}
