use std::fmt;

use diagnosis::Code;
use serde::{Deserialize, Deserializer, Serialize};
use sip::Uri;

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
    if text.len() > URI_BYTES_MAX {
        return Err(format!("The URI is longer than {URI_BYTES_MAX} bytes."));
    }
    let uri =
        Uri::parse(text).map_err(|error| format!("{text:?} is not a SIP URI ({error}); write it as sip:host[:port][;transport=udp]."))?;
    if uri.password.is_some() {
        // The text is not repeated: it holds a secret.
        return Err(
            "The URI has a password in it, which everyone who may view it would read. Leave it out; credentials are set by their own call."
                .into(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_kept_byte_for_byte() {
        for good in [
            "sip:sbc1.carrier.co.id;transport=udp",
            "sip:203.0.113.9:5060",
            "sips:[2001:db8::1]:5061",
            "sip:+6221500004@ims.carrier.co.id",
            "sip:6221%20@lab;phone-context=+62",
            "SIP:u1@lab",
        ] {
            assert_eq!(SipUri::parse(good).map(|uri| uri.as_str().to_owned()), Ok(good.to_owned()));
        }
        for bad in [
            "",
            "sip:",
            "sbc1.carrier",
            "http://x",
            "sip:a b",
            "sip:x:99999",
            "sip:[::1",
            "tel:+62",
            "sip:u@",
            &format!("sip:{}", "x".repeat(256)),
        ] {
            assert!(SipUri::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_password_in_a_uri_is_refused_and_not_repeated() {
        let refusal = SipUri::parse("sip:alice:s3cret@lab").expect_err("a password");
        assert!(!refusal.contains("s3cret"));
    }

    #[test]
    fn hosts_are_names_or_addresses() {
        assert!(["lab", "sbc1.carrier.co.id", "10.0.0.1", "[::1]", "a_b.example."].into_iter().all(is_host));
        assert!(!["", "a b", "::1", "[::1", "a..b", "sip:x", "x:5060"].into_iter().any(is_host));
    }
}
