use std::fmt;

use diagnosis::Code;
use serde::{Deserialize, Deserializer, Serialize};
use sip::form_rules::Field;

use crate::http::decode::coded;

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
    // Named so and not by its text, which may hold a password.
    Field::Uri.judge("The value", text).map_err(|breach| match breach.remedy {
        Some(remedy) => format!("{} {remedy}", breach.summary),
        None => breach.summary,
    })
}

#[cfg(test)]
mod tests {
    use sip::form_rules::TABLE;

    use super::*;

    #[test]
    fn uris_are_judged_by_the_table_of_rules_and_kept_byte_for_byte() {
        let rules = TABLE.iter().filter(|of| of.field == Field::Uri).flat_map(|of| of.rules);
        let (mut good, mut bad) = (0, 0);
        for rule in rules {
            for text in rule.valid {
                assert_eq!(SipUri::parse(text).map(|uri| uri.as_str().to_owned()), Ok((*text).to_owned()));
                good += 1;
            }
            for (text, _) in rule.invalid {
                assert!(SipUri::parse(text).is_err(), "{text:?}");
                bad += 1;
            }
        }
        assert!(good >= 5 && bad >= 10, "{good} {bad}");
    }

    #[test]
    fn a_password_in_a_uri_is_refused_and_not_repeated() {
        let refusal = SipUri::parse("sip:alice:s3cret@lab").expect_err("a password");
        assert!(!refusal.contains("s3cret"));
        let refusal = SipUri::parse("sip:alice:s3cret@a b").expect_err("a password, and no host");
        assert!(!refusal.contains("s3cret"), "{refusal}");
    }

    #[test]
    fn hosts_are_names_or_addresses() {
        assert!(["lab", "sbc1.carrier.co.id", "10.0.0.1", "[::1]", "a_b.example."].into_iter().all(is_host));
        assert!(!["", "a b", "::1", "[::1", "a..b", "sip:x", "x:5060"].into_iter().any(is_host));
    }
}
