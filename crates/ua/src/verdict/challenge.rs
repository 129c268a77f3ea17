//! Challenges that cannot be answered.

use diagnosis::{Check, Code, Diagnosis};

use super::words::{in_profile, list, quoted, setting};
use super::{Observation, realm};
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
        Refusal::Realm { expected, offered } => realm::mismatch(seen, expected, offered),
        Refusal::ProxyRealm { expected, offered } => Diagnosis::new(Code::ProxyCredentialsRequired)
            .summary(format!("A proxy on the way challenges realm {offered:?}, for which no credentials are set."))
            .remedy(format!("Set proxyCredentials for realm {offered:?}."))
            .check(Check::compared("realm.equal", false, expected.clone().unwrap_or_default(), offered.clone())),
        Refusal::AlgorithmUnsupported { offered } => Diagnosis::new(Code::AlgorithmUnsupported)
            .summary(format!("The carrier offers {} only, which is no registered SIP digest algorithm.", quoted(offered)))
            .remedy(unsupported(seen, offered))
            .check(Check::compared("algorithm.known", false, "MD5, SHA-256, SHA-512-256", list(offered))),
        Refusal::AlgorithmNotOffered { wanted, offered } => Diagnosis::new(Code::AlgorithmNotOffered)
            .summary(format!("The credentials ask for {}, the carrier offers {}.", list(wanted), list(offered)))
            .remedy(format!("Set credentials.algorithm to {}, or leave it out.", list(offered)))
            .check(Check::compared("algorithm.offered", false, list(wanted), list(offered))),
        Refusal::NoHa1 { held, offered } => Diagnosis::new(Code::AlgorithmNoHa1)
            .summary(format!(
                "The carrier offers {}; an HA1 is at hand for {} only, and is good for no other algorithm. No digest was sent.",
                list(offered),
                list(held)
            ))
            .remedy(format!(
                "Add the HA1 for {} to credentials.ha1, or give the password.",
                offered.first().map_or("an offered algorithm", String::as_str)
            ))
            .check(Check::compared("ha1.at_hand", false, list(held), list(offered))),
        Refusal::AlgorithmNotAllowed { offered } => not_allowed(seen, offered),
        Refusal::Downgrade { pinned, offered } => Diagnosis::new(Code::DowngradeRefused)
            .summary(format!("The carrier offers {}, which is weaker than the pinned {pinned}; no digest was sent.", list(offered)))
            .remedy(downgrade(seen, &list(offered)))
            .check(Check::compared("algorithm.not_weaker", false, pinned.clone(), list(offered))),
        Refusal::QopGone { algorithm } => Diagnosis::new(Code::DowngradeRefused)
            .summary(format!(
                "The challenge ({algorithm}) has no qop any more, with which digests were accepted before: a digest without one is easier to \
                 forge and to replay. None was sent."
            ))
            .remedy(downgrade(seen, "a challenge without qop"))
            .check(Check::compared("qop.kept", false, "auth", "(none)")),
        Refusal::Qop { realm } => Diagnosis::new(Code::QopUnsupported)
            .summary(format!("The challenge of realm {realm:?} demands a quality of protection other than auth and auth-int."))
            .check(Check::new("qop.known", false)),
    }
}

/// A spelling of a known algorithm is an alias; anything else is the carrier's to change.
fn unsupported(seen: &Observation, offered: &[String]) -> String {
    let spelled = offered.iter().find_map(|literal| Some((literal, sip::digest::Algorithm::from_spelling(literal)?)));
    match spelled {
        Some((literal, known)) => format!(
            "If the carrier means {known} by {literal:?}: {}, beside the aliases that are there.",
            in_profile(seen, &format!("\"algorithmAliases\": {{{literal:?}: \"{known}\"}}"))
        ),
        None => "Ask the carrier to offer MD5, SHA-256 or SHA-512-256.".to_owned(),
    }
}

fn downgrade(seen: &Observation, offered: &str) -> String {
    let on = match &seen.trunk {
        Some(trunk) => format!("PATCH /api/v2/trunks/voice/{trunk} {{\"digestPolicy\": {{\"onDowngrade\": \"warn\"}}}}"),
        None => "set onDowngrade to warn".to_owned(),
    };
    format!("Ask the carrier why it offers {offered} now. If it is meant, set the credentials again; to let it pass: {on}.")
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
