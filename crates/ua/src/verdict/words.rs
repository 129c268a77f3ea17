//! Words that several diagnoses share.

use std::net::SocketAddr;

use super::Observation;
use crate::PolicySource;

/// Writes a next hop as a SIP URI.
pub fn hop(target: SocketAddr) -> String {
    format!("sip:{target};transport=udp")
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

/// Says what an answered OPTIONS is worth, where one was answered.
pub(super) fn options_note(seen: &Observation) -> &'static str {
    match seen.options {
        Some(true) => " OPTIONS is answered, which proves reachability and nothing else: registrars do not challenge it.",
        Some(false) => " OPTIONS is not answered either.",
        None => "",
    }
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
