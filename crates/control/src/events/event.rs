use diagnosis::Code;
use link::{Drift, RegistrationState, UnixMicros};
use serde::{Serialize, Serializer};

use crate::time::rfc3339;

/// Something that people and programs must hear of.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When it happened, where that is not when it is written.
    pub at: Option<UnixMicros>,
    /// What it is about.
    pub subject: Subject,
    /// What happened.
    pub what: What,
}

/// What an event is about. Site and carrier of a trunk are added when it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// A trunk's id.
    pub trunk: Option<String>,
    /// A site's id.
    pub site: Option<String>,
    /// A carrier's id.
    pub carrier: Option<String>,
    /// An edge's id.
    pub edge: Option<String>,
}

/// What happened. Serialises to the `data` of the event; no variant has a field that could hold a secret.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum What {
    /// A registration rests in another state.
    State {
        /// The state before, where one was seen.
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<RegistrationState>,
        /// The state now.
        to: RegistrationState,
        /// A granted binding runs.
        bound: bool,
        /// Until when, where one runs.
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "time")]
        expires_at: Option<UnixMicros>,
        /// Why it is not as it should be.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<Code>,
    },
    /// The failed digests are spent: a new secret or a release is needed.
    Held {
        /// The credential version.
        version: u32,
        /// Why it was refused last.
        code: Code,
        /// What to do about it.
        remedy: String,
    },
    /// A held registration is tried again.
    Released {},
    /// A registration is no longer kept, and its binding is gone from the carrier.
    Removed {},
    /// A credential version has another state.
    Credentials {
        /// Which way it went; names the kind of the event, not shown in its data.
        #[serde(skip)]
        change: CredentialsChange,
        /// The version; absent where all were retired.
        #[serde(skip_serializing_if = "Option::is_none")]
        version: Option<u32>,
        /// Why it was refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<Code>,
        /// Who asked for it: a client's id, or `system:` and a part of Trunkline. Filled in when it is written.
        #[serde(skip_serializing_if = "String::is_empty")]
        by: String,
    },
    /// A verification has ended.
    Verified {
        /// The carrier accepted what was tried.
        accepted: bool,
        /// Why not.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<Code>,
        /// The exchange, with its messages.
        attempt_id: String,
    },
    /// A carrier challenges or grants otherwise than before.
    Drifted {
        /// Which exchange saw it.
        attempt_id: String,
        /// What changed.
        changes: Vec<Drift>,
    },
    /// Another holds the place of a trunk's binding at the registrar.
    Contested {
        /// The Contacts that the registrar lists and that are not ours.
        listed: Vec<String>,
    },
    /// A binding will lapse soon and is not being refreshed.
    Lapsing {
        /// When it lapses.
        #[serde(serialize_with = "rfc3339_of")]
        expires_at: UnixMicros,
        /// Where the registration stands.
        state: RegistrationState,
        /// Why.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<Code>,
    },
    /// A call came that nobody here answers.
    Unrouted {
        /// Who sent it, `ADDR:PORT`.
        source: String,
        /// How many came from there since it was told last.
        count: u64,
    },
    /// Many registrations at a carrier fail.
    Failing {
        /// Registrations that fail.
        failing: u64,
        /// Registrations at the carrier.
        registrations: u64,
        /// The one over the other.
        share: f64,
    },
    /// No longer many registrations at a carrier fail.
    Recovered {
        /// Registrations that fail.
        failing: u64,
        /// Registrations at the carrier.
        registrations: u64,
    },
    /// An edge is there.
    EdgeOnline {
        /// Its version.
        software: String,
    },
    /// An edge is gone: nobody refreshes what it held until it is back.
    EdgeOffline {
        /// Bindings that it held.
        bindings: u64,
        /// When the first of them lapses.
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "time")]
        first_lapse_at: Option<UnixMicros>,
    },
    /// More happened at once than could be written; read the states anew.
    Lost {
        /// How many events are missing here.
        count: u64,
    },
}

/// What happened to a credential version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialsChange {
    /// It was stored.
    Staged,
    /// The carrier is being asked.
    Verifying,
    /// It is kept beside the active one.
    Standby,
    /// It is the one to register with.
    Promoted,
    /// It is the one to register with again, because the one after it was refused or somebody said so.
    RolledBack,
    /// It was refused.
    Rejected,
    /// It is used no more.
    Retired,
    /// The active one was proved anew where it is sent now.
    Proved,
}

/// The kinds of events; their words are for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// [`What::State`].
    State,
    /// [`What::Held`].
    Held,
    /// [`What::Released`].
    Released,
    /// [`What::Removed`].
    Removed,
    /// [`CredentialsChange::Staged`].
    Staged,
    /// [`CredentialsChange::Verifying`].
    Verifying,
    /// [`CredentialsChange::Standby`].
    Standby,
    /// [`CredentialsChange::Promoted`].
    Promoted,
    /// [`CredentialsChange::RolledBack`].
    RolledBack,
    /// [`CredentialsChange::Rejected`].
    Rejected,
    /// [`CredentialsChange::Retired`].
    Retired,
    /// [`CredentialsChange::Proved`].
    Proved,
    /// [`What::Verified`].
    Verified,
    /// [`What::Drifted`].
    Drifted,
    /// [`What::Contested`].
    Contested,
    /// [`What::Lapsing`].
    Lapsing,
    /// [`What::Unrouted`].
    Unrouted,
    /// [`What::Failing`].
    Failing,
    /// [`What::Recovered`].
    Recovered,
    /// [`What::EdgeOnline`].
    EdgeOnline,
    /// [`What::EdgeOffline`].
    EdgeOffline,
    /// [`What::Lost`].
    Lost,
}

impl Kind {
    /// All kinds, each with its word and what one must be allowed to hear of it.
    pub const ALL: [(Kind, &'static str, &'static str); 22] = [
        (Kind::State, "registration.state", TRUNK),
        (Kind::Held, "registration.held", TRUNK),
        (Kind::Released, "registration.released", TRUNK),
        (Kind::Removed, "registration.removed", TRUNK),
        (Kind::Staged, "credentials.staged", TRUNK),
        (Kind::Verifying, "credentials.verifying", TRUNK),
        (Kind::Standby, "credentials.standby", TRUNK),
        (Kind::Promoted, "credentials.promoted", TRUNK),
        (Kind::RolledBack, "credentials.rolledBack", TRUNK),
        (Kind::Rejected, "credentials.rejected", TRUNK),
        (Kind::Retired, "credentials.retired", TRUNK),
        (Kind::Proved, "credentials.proved", TRUNK),
        (Kind::Verified, "verification.ended", TRUNK),
        (Kind::Drifted, "carrier.drift", TRUNK),
        (Kind::Contested, "binding.contested", TRUNK),
        (Kind::Lapsing, "binding.lapsing", TRUNK),
        (Kind::Unrouted, "call.unrouted", EDGE),
        (Kind::Failing, "carrier.failing", CARRIER),
        (Kind::Recovered, "carrier.recovered", CARRIER),
        (Kind::EdgeOnline, "edge.online", EDGE),
        (Kind::EdgeOffline, "edge.offline", EDGE),
        (Kind::Lost, "events.lost", TRUNK),
    ];

    /// Returns its word in the API.
    pub fn word(self) -> &'static str {
        Kind::ALL.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, word, _)| word)
    }
}

const TRUNK: &str = "telephony:trunk:view";
const CARRIER: &str = "telephony:carrier:view";
const EDGE: &str = "telephony:edge:view";

impl Event {
    /// An event about a trunk.
    pub fn of_trunk(trunk: &str, what: What) -> Self {
        Event { at: None, subject: Subject { trunk: Some(trunk.to_owned()), ..Subject::default() }, what }
    }

    /// An event about an edge.
    pub fn of_edge(edge: &str, what: What) -> Self {
        Event { at: None, subject: Subject { edge: Some(edge.to_owned()), ..Subject::default() }, what }
    }

    /// An event about a carrier.
    pub fn of_carrier(carrier: &str, what: What) -> Self {
        Event { at: None, subject: Subject { carrier: Some(carrier.to_owned()), ..Subject::default() }, what }
    }

    /// Says which edge saw it, and when.
    #[must_use]
    pub fn seen(mut self, edge: &str, at: UnixMicros) -> Self {
        self.subject.edge = Some(edge.to_owned());
        self.at = Some(at);
        self
    }

    /// Returns its kind.
    pub fn kind(&self) -> Kind {
        match &self.what {
            What::State { .. } => Kind::State,
            What::Held { .. } => Kind::Held,
            What::Released {} => Kind::Released,
            What::Removed {} => Kind::Removed,
            What::Credentials { change, .. } => match change {
                CredentialsChange::Staged => Kind::Staged,
                CredentialsChange::Verifying => Kind::Verifying,
                CredentialsChange::Standby => Kind::Standby,
                CredentialsChange::Promoted => Kind::Promoted,
                CredentialsChange::RolledBack => Kind::RolledBack,
                CredentialsChange::Rejected => Kind::Rejected,
                CredentialsChange::Retired => Kind::Retired,
                CredentialsChange::Proved => Kind::Proved,
            },
            What::Verified { .. } => Kind::Verified,
            What::Drifted { .. } => Kind::Drifted,
            What::Contested { .. } => Kind::Contested,
            What::Lapsing { .. } => Kind::Lapsing,
            What::Unrouted { .. } => Kind::Unrouted,
            What::Failing { .. } => Kind::Failing,
            What::Recovered { .. } => Kind::Recovered,
            What::EdgeOnline { .. } => Kind::EdgeOnline,
            What::EdgeOffline { .. } => Kind::EdgeOffline,
            What::Lost { .. } => Kind::Lost,
        }
    }
}

fn time<S: Serializer>(at: &Option<UnixMicros>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(rfc3339).serialize(serializer)
}

fn rfc3339_of<S: Serializer>(at: &UnixMicros, serializer: S) -> Result<S::Ok, S::Error> {
    rfc3339(*at).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_has_a_word_of_its_own_and_the_guide_lists_it() {
        let guide = include_str!("../../../../docs/guide/events.md");
        for (index, (kind, word, _)) in Kind::ALL.iter().enumerate() {
            assert_eq!(kind.word(), *word);
            assert!(Kind::ALL[..index].iter().all(|(other, other_word, _)| other != kind && other_word != word), "{word}");
            assert!(guide.contains(&format!("| `{word}` |")), "{word} is not in docs/guide/events.md");
        }
    }

    #[test]
    fn data_are_plain_fields_without_nulls() {
        let event =
            Event::of_trunk("t1", What::Lapsing { expires_at: 1_000_000, state: RegistrationState::RetryWait, code: Some(Code::Timeout) });
        assert_eq!(event.kind().word(), "binding.lapsing");
        assert_eq!(
            serde_json::to_value(&event.what).unwrap(),
            json!({ "expiresAt": "1970-01-01T00:00:01.000Z", "state": "RETRY_WAIT", "code": "network.timeout" })
        );
        let change = CredentialsChange::Promoted;
        let event = Event::of_trunk("t1", What::Credentials { change, version: Some(2), code: None, by: "admin".into() });
        assert_eq!(serde_json::to_value(&event.what).unwrap(), json!({ "version": 2, "by": "admin" }));
        assert_eq!(event.kind().word(), "credentials.promoted");
        assert_eq!(serde_json::to_value(What::Released {}).unwrap(), json!({}));
    }
}
