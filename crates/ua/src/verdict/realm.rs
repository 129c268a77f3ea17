//! Realms that differ, and where the eye slips.

use diagnosis::{Check, Code, Diagnosis};

use super::Observation;
use super::words::{list, quoted};

pub(super) fn mismatch(seen: &Observation, expected: &str, offered: &[String]) -> Diagnosis {
    let near = offered.iter().find_map(|realm| Some((realm, near_miss(expected, realm)?)));
    let meant = near.map(|(realm, _)| realm).or(offered.first()).map_or("", String::as_str);
    let slip = near.map(|(_, slip)| slip).or_else(|| domain(seen, expected)).unwrap_or("");
    Diagnosis::new(Code::RealmMismatch)
        .summary(format!("The carrier challenges realm {}, the request names {expected:?}.{slip}", quoted(offered)))
        .remedy(format!("Set credentials.realm to {meant:?}, or leave it out to learn it."))
        .check(Check::compared("realm.equal", false, expected, list(offered)))
}

/// Points out how two realms differ where the eye slips.
fn near_miss(expected: &str, offered: &str) -> Option<&'static str> {
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    let unquoted = |text: &str| text.trim().trim_matches(['"', '\'', '\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}']).to_owned();
    let dotless = |text: &str| text.trim_end_matches('.').to_owned();
    let portless = |text: &str| match text.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => host.to_owned(),
        Some(_) | None => text.to_owned(),
    };
    let lower = |text: &str| text.to_lowercase();
    if expected.trim() == offered.trim() {
        Some(" They differ in outer white space only.")
    } else if lower(expected) == lower(offered) {
        Some(" They differ in upper and lower case only, and a realm is case-sensitive.")
    } else if bare(expected) == bare(offered) {
        Some(" They differ in white space only.")
    } else if unquoted(expected) == unquoted(offered) {
        Some(" They differ in quotation marks only: those of the header are no part of a realm, those within it are.")
    } else if dotless(expected) == dotless(offered) {
        Some(" They differ in the final dot only.")
    } else if portless(expected) == portless(offered) {
        Some(" They differ in the port only, and a realm is compared as a text, port included.")
    } else if lower(&dotless(&portless(&bare(&unquoted(expected))))) == lower(&dotless(&portless(&bare(&unquoted(offered))))) {
        Some(" They differ in case, white space, quotation marks, a final dot or a port only, and a realm is compared byte for byte.")
    } else {
        None
    }
}

/// Points out a realm that is a domain or a host of the trunk, as sheets print it where the registrar's own realm is meant.
fn domain(seen: &Observation, expected: &str) -> Option<&'static str> {
    let is = |uri: &str| host(uri).is_some_and(|host| host.eq_ignore_ascii_case(expected.trim()));
    let known_domain = host(&seen.address_of_record);
    let beside = known_domain.as_deref().is_some_and(|domain| within(expected.trim(), domain) || within(domain, expected.trim()));
    if is(&seen.address_of_record) {
        Some(" The request names the domain of the address-of-record in place of the realm; a realm is a name of the carrier's own choice.")
    } else if is(&seen.registrar) {
        Some(" The request names the registrar's host in place of the realm; a realm is a name of the carrier's own choice.")
    } else if beside {
        Some(
            " The request names a domain like that of the address-of-record in place of the realm; a realm is a name of the carrier's own choice.",
        )
    } else {
        None
    }
}

/// Tells whether a domain lies below another of at least two labels.
fn within(domain: &str, above: &str) -> bool {
    let (domain, above) = (domain.to_ascii_lowercase(), above.to_ascii_lowercase());
    above.contains('.') && domain.strip_suffix(&above).is_some_and(|left| left.ends_with('.'))
}

fn host(uri: &str) -> Option<String> {
    sip::Uri::parse(uri).ok().map(|uri| uri.host.to_string())
}
