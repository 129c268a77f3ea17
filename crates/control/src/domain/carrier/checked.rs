//! Fields whose type alone does not say what is allowed.

use std::collections::BTreeMap;

use diagnosis::PhraseNote;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::domain::{SipUri, algorithm, uri};

/// Longest time that the product waits or asks for: a day (`carriers.md` F4).
const SECONDS_MAX: u32 = 86_400;
/// So many next hops may a carrier have.
pub const REGISTRARS_MAX: usize = 32;

/// At least one next hop.
pub(in crate::domain) fn registrars<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<SipUri>, D::Error> {
    let registrars = Vec::<SipUri>::deserialize(from)?;
    if registrars.is_empty() || registrars.len() > REGISTRARS_MAX {
        return Err(D::Error::custom(format!("1 to {REGISTRARS_MAX} SIP URIs are expected.")));
    }
    Ok(registrars)
}

/// Seconds, 1 to a day.
pub(in crate::domain) fn expires<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    within(from, 1, SECONDS_MAX, "seconds")
}

/// Seconds, 0 to a day.
pub(in crate::domain) fn interval<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    within(from, 0, SECONDS_MAX, "seconds")
}

/// Seconds, a minute to two days.
pub(in crate::domain) fn token_life<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    within(from, 60, 2 * SECONDS_MAX, "seconds")
}

/// 1 to a million.
pub(in crate::domain) fn positive<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    within(from, 1, 1_000_000, "")
}

/// One line of text for a header.
pub(in crate::domain) fn line<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    match Option::<String>::deserialize(from)? {
        Some(text) if text.is_empty() || text.len() > 255 || text.chars().any(char::is_control) => {
            Err(D::Error::custom("One line of 1 to 255 bytes without control characters is expected."))
        }
        text => Ok(text),
    }
}

/// Some lines of text for people.
pub(in crate::domain) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    const BYTES_MAX: usize = 2048;
    match Option::<String>::deserialize(from)? {
        Some(text) if text.len() > BYTES_MAX || text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') => {
            Err(D::Error::custom(format!("At most {BYTES_MAX} bytes of text without control characters are expected.")))
        }
        text => Ok(text),
    }
}

/// A list that a person could have written.
pub(in crate::domain) fn few<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<Vec<T>>, D::Error> {
    const ITEMS_MAX: usize = 32;
    match Option::<Vec<T>>::deserialize(from)? {
        Some(items) if items.len() > ITEMS_MAX => Err(D::Error::custom(format!("At most {ITEMS_MAX} are expected."))),
        items => Ok(items),
    }
}

/// Patterns over what a carrier says, to notes.
pub(in crate::domain) fn notes<'de, D: Deserializer<'de>>(from: D) -> Result<Option<BTreeMap<String, String>>, D::Error> {
    const NOTES_MAX: usize = 64;
    let Some(notes) = Option::<BTreeMap<String, String>>::deserialize(from)? else { return Ok(None) };
    if notes.len() > NOTES_MAX {
        return Err(D::Error::custom(format!("At most {NOTES_MAX} notes are expected.")));
    }
    for (pattern, note) in &notes {
        let shown: String = pattern.chars().filter(|c| !c.is_control()).take(40).collect();
        PhraseNote::new(pattern, note).map_err(|fault| D::Error::custom(format!("The note to {shown:?} cannot be used: {fault}.")))?;
    }
    Ok(Some(notes))
}

/// Host names or addresses.
pub(in crate::domain) fn hosts<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    let hosts: Option<Vec<String>> = few(from)?;
    match hosts.iter().flatten().find(|host| !uri::is_host(host)) {
        Some(bad) => Err(D::Error::custom(format!("{bad:?} is not a host name or an address, IPv6 in brackets."))),
        None => Ok(hosts),
    }
}

/// Final answers that are the server's own trouble, and no more of them than there are.
pub(in crate::domain) fn server_errors<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<u16>>, D::Error> {
    let codes: Option<Vec<u16>> = few(from)?;
    match codes.iter().flatten().find(|code| !(500..600).contains(*code)) {
        Some(bad) => Err(D::Error::custom(format!("{bad} is no server error; 500 to 599 are expected."))),
        None => Ok(codes),
    }
}

/// The carrier's spelling to an IANA name.
pub(in crate::domain) fn aliases<'de, D: Deserializer<'de>>(from: D) -> Result<Option<BTreeMap<String, String>>, D::Error> {
    let Some(aliases) = Option::<BTreeMap<String, String>>::deserialize(from)? else { return Ok(None) };
    let named = aliases.into_iter().map(|(spelling, name)| match algorithm::iana(&name) {
        Some(iana) => Ok((spelling, iana.to_owned())),
        None => Err(D::Error::custom(format!("{name:?} is no digest algorithm; {} are known.", algorithm::ALGORITHMS.join(", ")))),
    });
    named.collect::<Result<_, _>>().map(Some)
}

/// Certificates in PEM that can vouch for others, and no private key: those are secrets, and this field is shown.
pub(in crate::domain) fn certificates<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    const BYTES_MAX: usize = 64 * 1024;
    let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
    if text.contains("PRIVATE KEY") {
        let why = "It holds a private key. This field is shown to whoever may view the carrier; give the certificate only.";
        return Err(D::Error::custom(why));
    }
    if text.len() > BYTES_MAX {
        return Err(D::Error::custom("At most 64 KB of certificates are expected."));
    }
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
        count += 1;
        let certificate = certificate.map_err(|_| D::Error::custom(format!("Certificate {count} is broken PEM.")))?;
        let anchor = webpki::anchor_from_trusted_cert(&certificate);
        anchor.map_err(|error| D::Error::custom(format!("Certificate {count} is none, or none that can be used: {error}.")))?;
    }
    if count == 0 {
        return Err(D::Error::custom("Certificates in PEM are expected: -----BEGIN CERTIFICATE----- and so on."));
    }
    Ok(Some(text))
}

/// The name of a client certificate that an edge holds.
pub(in crate::domain) fn certificate_name<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    const BYTES_MAX: usize = 64;
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    match Option::<String>::deserialize(from)? {
        Some(text) if text.is_empty() || text.len() > BYTES_MAX || !plain(&text) => Err(D::Error::custom(
            "The name of a client certificate is expected, letters, digits and _ - . in it, at most 64: the edge holds the certificate and its key (--tls-identity NAME=CERT.pem,KEY.pem).",
        )),
        text => Ok(text),
    }
}

/// `HH:MM`.
pub(in crate::domain) fn time_of_day<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    let two =
        |part: &str, below: u8| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()) && part.parse::<u8>().is_ok_and(|n| n < below);
    match text.split_once(':') {
        Some((hours, minutes)) if two(hours, 24) && two(minutes, 60) => Ok(text),
        _ => Err(D::Error::custom("A time of day is HH:MM.")),
    }
}

fn within<'de, D: Deserializer<'de>>(from: D, least: u32, most: u32, unit: &str) -> Result<Option<u32>, D::Error> {
    match Option::<u32>::deserialize(from)? {
        Some(number) if number < least || number > most => {
            Err(D::Error::custom(format!("{least} to {most} {unit}").trim_end().to_owned() + " are expected."))
        }
        number => Ok(number),
    }
}
