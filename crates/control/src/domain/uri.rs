use std::fmt;

use diagnosis::Code;
use serde::{Deserialize, Deserializer, Serialize};

use crate::http::decode::coded;

/// Longest URI that is taken: it stands in several headers of one datagram.
pub const URI_BYTES_MAX: usize = 255;

/// A SIP or SIPS URI, kept byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct SipUri(String);

/// A trunk's address-of-record: a SIP or SIPS URI, usually with a user part, kept byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct AddressOfRecord(SipUri);

impl SipUri {
    /// Reads a URI.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        check(text)?;
        Ok(SipUri(text.to_owned()))
    }

    /// Lends the text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AddressOfRecord {
    /// Reads an address-of-record.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        SipUri::parse(text).map(AddressOfRecord)
    }

    /// Lends the text as it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for AddressOfRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for SipUri {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        SipUri::parse(&text).map_err(|message| serde::de::Error::custom(coded(Code::RegistrarMalformed, &message)))
    }
}

impl<'de> Deserialize<'de> for AddressOfRecord {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        SipUri::deserialize(from).map(AddressOfRecord)
    }
}

/// Tells whether the text is a host name, an IPv4 address, or an IPv6 address in brackets.
pub fn is_host(text: &str) -> bool {
    if let Some(v6) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return v6.parse::<std::net::Ipv6Addr>().is_ok();
    }
    !text.is_empty()
        && text.len() <= 253
        && text
            .trim_end_matches('.')
            .split('.')
            .all(|label| !label.is_empty() && label.len() <= 63 && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)))
}

fn check(text: &str) -> Result<(), String> {
    let malformed = || format!("{text:?} is not a SIP URI; write it as sip:host[:port][;transport=udp].");
    if text.len() > URI_BYTES_MAX {
        return Err(format!("The URI is longer than {URI_BYTES_MAX} bytes."));
    }
    let (scheme, rest) = text.split_once(':').ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("sip") && !scheme.eq_ignore_ascii_case("sips") || !rest.is_ascii() {
        return Err(malformed());
    }
    if rest.bytes().any(|b| b.is_ascii_control() || b" <>\"".contains(&b)) {
        return Err(malformed());
    }
    let hostport = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let hostport = hostport.split([';', '?']).next().unwrap_or_default();
    let host = match hostport.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            port.parse::<u16>().ok().filter(|port| *port != 0).ok_or_else(malformed)?;
            host
        }
        _ => hostport,
    };
    if is_host(host) { Ok(()) } else { Err(malformed()) }
}
