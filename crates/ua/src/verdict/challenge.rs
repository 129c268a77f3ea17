//! Challenges that cannot be answered.

use diagnosis::{Check, Code, Diagnosis};

use super::Observation;
use super::words::{list, setting};
use crate::challenge::Refusal;

pub(super) fn refused(seen: &Observation, refusal: &Refusal) -> Diagnosis {
    match refusal {
        Refusal::Missing => Diagnosis::new(Code::ChallengeMissing).summary(format!(
            "The carrier answered {} without a challenge header, so there is nothing to answer.",
            seen.sip.as_ref().map_or_else(|| "401".to_owned(), |sip| sip.code.to_string())
        )),
        Refusal::Malformed { fault, header } => Diagnosis::new(Code::ChallengeMalformed)
            .summary(format!("The carrier's challenge cannot be read: {fault}. It reads: {header}"))
            .check(Check::new("challenge.readable", false)),
        Refusal::Realm { expected, offered } => realm(expected, offered),
        Refusal::ProxyRealm { expected, offered } => Diagnosis::new(Code::ProxyCredentialsRequired)
            .summary(format!("A proxy on the way challenges realm {offered:?}, for which no credentials are set."))
            .remedy(format!("Set proxyCredentials for realm {offered:?}."))
            .check(Check::compared("realm.equal", false, expected.clone().unwrap_or_default(), offered.clone())),
        Refusal::AlgorithmUnsupported { offered } => Diagnosis::new(Code::AlgorithmUnsupported)
            .summary(format!("The carrier offers {} only, which is no registered SIP digest algorithm.", quoted(offered)))
            .check(Check::compared("algorithm.known", false, "MD5, SHA-256, SHA-512-256", list(offered))),
        Refusal::AlgorithmNotOffered { wanted, offered } => Diagnosis::new(Code::AlgorithmNotOffered)
            .summary(format!("The credentials ask for {}, the carrier offers {}.", list(wanted), list(offered)))
            .remedy(format!("Set credentials.algorithm to {}, or leave it out.", list(offered)))
            .check(Check::compared("algorithm.offered", false, list(wanted), list(offered))),
        Refusal::AlgorithmNotAllowed { offered } => not_allowed(seen, offered),
        Refusal::Downgrade { pinned, offered } => Diagnosis::new(Code::DowngradeRefused)
            .summary(format!("The carrier offers {}, which is weaker than the pinned {pinned}; no digest was sent.", list(offered)))
            .check(Check::compared("algorithm.not_weaker", false, pinned.clone(), list(offered))),
        Refusal::Qop { realm } => Diagnosis::new(Code::QopUnsupported)
            .summary(format!("The challenge of realm {realm:?} demands a quality of protection other than auth and auth-int."))
            .check(Check::new("qop.known", false)),
    }
}

fn realm(expected: &str, offered: &[String]) -> Diagnosis {
    let (shown, first) = (quoted(offered), offered.first().map_or("", String::as_str));
    let near = near_miss(expected, first);
    Diagnosis::new(Code::RealmMismatch)
        .summary(format!("The carrier challenges realm {shown}, the request names {expected:?}.{near}"))
        .remedy(format!("Set credentials.realm to {first:?}, or leave it out to learn it."))
        .check(Check::compared("realm.equal", false, expected, list(offered)))
}

/// Points out how two realms differ where the eye slips.
fn near_miss(expected: &str, offered: &str) -> &'static str {
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    if expected.trim() == offered.trim() {
        " They differ in outer white space only."
    } else if expected.eq_ignore_ascii_case(offered) {
        " They differ in upper and lower case only, and a realm is case-sensitive."
    } else if bare(expected) == bare(offered) {
        " They differ in white space only."
    } else {
        ""
    }
}

fn not_allowed(seen: &Observation, offered: &[String]) -> Diagnosis {
    let setting = setting(&seen.policy.source);
    let allowed: Vec<String> =
        seen.policy.allowed.iter().map(|&hash| sip::digest::Algorithm { hash, session: false }.as_str().to_owned()).collect();
    let first = offered.first().map_or("MD5", String::as_str).trim_end_matches("-sess");
    let remedy = match &seen.trunk {
        Some(trunk) => format!(
            "Allow it where it is needed: PATCH /api/v2/trunks/voice/{trunk} {{\"digestPolicy\": {{\"allowed\": [\"{first}\"]}}}}; or have the carrier offer {}.",
            list(&allowed)
        ),
        None => format!("Allow {first} on the carrier or the trunk, or have the carrier offer {}.", list(&allowed)),
    };
    Diagnosis::new(Code::AlgorithmNotAllowed)
        .summary(format!("The carrier offers {}; {setting} allows {} only. No digest was sent.", list(offered), list(&allowed)))
        .remedy(remedy)
        .check(Check::compared("algorithm.allowed", false, list(&allowed), list(offered)))
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(" and ")
}
