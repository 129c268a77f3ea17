//! Words that several diagnoses share.

use diagnosis::{Code, Stage};

use super::Observation;
use crate::{Place, PolicySource};

/// Writes a next hop as a SIP URI.
pub fn hop(target: Place) -> String {
    format!("sip:{};transport={}", target.address, target.transport.as_str())
}

/// Names who was asked, as precisely as is known.
pub(super) fn who(seen: &Observation) -> String {
    match seen.target {
        Some(target) => format!("{} ({target})", seen.registrar),
        None => seen.registrar.clone(),
    }
}

/// Names the address that a carrier's allow-list needs.
pub(super) fn from_where(seen: &Observation) -> String {
    match (seen.public, seen.source) {
        (Some(public), _) => format!("the public address {public}"),
        (None, Some(source)) => format!("the address {source} (as sent; the carrier may see another)"),
        (None, None) => "the edge's address".to_owned(),
    }
}

/// Says what an answered OPTIONS is worth, wherever one was answered and REGISTER was not: operators take it for proof of credentials.
pub(super) fn options_note(seen: &Observation, code: Code) -> &'static str {
    match (seen.options, code.stage()) {
        // Nothing was asked of the carrier, or it is not what was refused.
        (_, Stage::Form | Stage::Warning) | (None, _) => "",
        (Some(true), _) => {
            " OPTIONS is answered, which proves reachability and nothing else: registrars do not challenge it, so it is never proof of credentials."
        }
        (Some(false), Stage::Network | Stage::Carrier) => " OPTIONS is not answered either.",
        (Some(false), Stage::Policy | Stage::Challenge | Stage::Digest | Stage::Binding) => "",
    }
}

/// Tells what the operator has noted to the carrier's words.
pub(super) fn notes(seen: &Observation) -> String {
    if seen.notes.is_empty() {
        return String::new();
    }
    let notes: Vec<String> = seen.notes.iter().map(|note| note.note.clone()).collect();
    format!(" The carrier's profile notes: {}.", list(&notes).trim_end_matches('.'))
}

/// Joins names for a sentence.
pub(super) fn list(names: &[String]) -> String {
    names.join(", ")
}

/// Names the setting that a policy comes from.
pub(super) fn setting(source: &PolicySource) -> String {
    match source {
        PolicySource::Default => "the default digestPolicy".to_owned(),
        PolicySource::Organization => "the organisation's digestPolicy".to_owned(),
        PolicySource::Carrier(id) => format!("the digestPolicy of carrier {id}"),
        PolicySource::Trunk(id) => format!("the digestPolicy of trunk {id}"),
    }
}

/// Joins names for a sentence, each as a text in quotes.
pub(super) fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(" and ")
}

/// Says how to set something in the carrier's profile: by the very call where the carrier is one of this platform, in words elsewhere.
pub(super) fn in_profile(seen: &Observation, setting: &str) -> String {
    match seen.trunk {
        Some(_) => format!("PATCH /api/v2/carriers/{} {{{setting}}}", seen.carrier),
        None => format!("set {setting} in the carrier's profile"),
    }
}

/// Names the account as the carrier knows it.
pub(super) fn user(seen: &Observation) -> String {
    match &seen.username {
        Some(username) => format!("user name {username:?}"),
        None => "the user name".to_owned(),
    }
}
