use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The host of a URI (RFC 3261 25.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host<'a> {
    /// A name to be looked up, as written.
    Name(&'a str),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address, without the brackets that a URI has around it.
    V6(Ipv6Addr),
}

impl<'a> Host<'a> {
    /// Parses a host as a URI writes it: a name, an IPv4 address, or an IPv6 address in brackets.
    pub fn parse(text: &'a str) -> Option<Host<'a>> {
        if let Some(inner) = text.strip_prefix('[') {
            return inner.strip_suffix(']')?.parse().ok().map(Host::V6);
        }
        if let Ok(address) = text.parse() {
            return Some(Host::V4(address));
        }
        is_name(text).then_some(Host::Name(text))
    }

    /// Whether both are the same name in any case, or the same address.
    pub fn equivalent(&self, other: &Host<'_>) -> bool {
        match (self, other) {
            (Host::Name(a), Host::Name(b)) => a.eq_ignore_ascii_case(b),
            (Host::V4(a), Host::V4(b)) => a == b,
            (Host::V6(a), Host::V6(b)) => a == b,
            (Host::Name(_) | Host::V4(_) | Host::V6(_), _) => false,
        }
    }
}

/// RFC 3261 25.1 hostname, with the underscores that private zones use. The last label starts with a letter, which
/// keeps misspelt IPv4 addresses out.
fn is_name(text: &str) -> bool {
    let labels = text.strip_suffix('.').unwrap_or(text);
    let sound = |label: &str| {
        let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.bytes().all(inner)
    };
    let top = labels.rsplit('.').next().unwrap_or_default();
    text.len() <= 255 && labels.split('.').all(sound) && top.starts_with(|c: char| c.is_ascii_alphabetic())
}

impl fmt::Display for Host<'_> {
    /// Writes the host as a URI has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::V4(address) => address.fmt(f),
            Host::V6(address) => write!(f, "[{address}]"),
        }
    }
}
