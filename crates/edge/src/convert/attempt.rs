use link::{Attempt, AttemptKind, AttemptMessage, Drift};

use super::status::{negotiated, with_edge};
use crate::clock::Clock;

/// Tells an exchange in the link's terms.
pub(crate) fn attempt(from: ua::Attempt, edge: &str, clock: &Clock) -> Attempt {
    Attempt {
        id: (*from.id).to_owned(),
        trunk: from.trunk.as_deref().map(str::to_owned),
        carrier: (*from.carrier).to_owned(),
        edge: edge.to_owned(),
        kind: match from.kind {
            ua::AttemptKind::FirstRegistration => AttemptKind::FirstRegistration,
            ua::AttemptKind::Refresh => AttemptKind::Refresh,
            ua::AttemptKind::Removal => AttemptKind::Removal,
            ua::AttemptKind::Verification => AttemptKind::Verification,
        },
        started_at: clock.unix(from.started_at),
        ended_at: clock.unix(from.ended_at),
        registrar: from.registrar.into(),
        targets: from.targets.iter().map(ToString::to_string).collect(),
        transport: from.transport.as_str().to_owned(),
        secured: from.secured.map(Into::into),
        source_address: from.source.map(|address| address.to_string()),
        public_address: from.public.map(|address| address.to_string()),
        messages: from.messages.into_iter().map(|message| self::message(message, clock)).collect(),
        accepted: from.accepted,
        negotiated: from.negotiated.map(negotiated),
        diagnosis: from.diagnosis.map(|diagnosis| with_edge(diagnosis, edge)),
        changes: from
            .changes
            .into_iter()
            .map(|drift| Drift { what: drift.what.to_owned(), before: drift.before, after: drift.after })
            .collect(),
    }
}

fn message(from: ua::AttemptMessage, clock: &Clock) -> AttemptMessage {
    AttemptMessage {
        at: clock.unix(from.at),
        sent: from.sent,
        local: from.local.to_string(),
        remote: from.remote.to_string(),
        retransmissions: from.retransmissions,
        bytes: from.bytes,
    }
}
