use diagnosis::{Code, Diagnosis, SipStatus};
use serde::{Deserialize, Serialize};

use crate::{Generation, UnixMicros};

/// The observed state of one trunk at one edge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrunkStatus {
    /// The trunk's id.
    pub trunk: String,
    /// Which desired state the edge runs.
    pub generation: Generation,
    /// Where the registration stands.
    pub state: RegistrationState,
    /// A granted binding runs.
    pub bound: bool,
    /// The binding was granted against a digest.
    pub authenticated: bool,
    /// Since when it is in that state.
    pub since: UnixMicros,
    /// The address that granted the binding, `ADDR:PORT`.
    pub registrar: Option<String>,
    /// How it was reached: `udp`, `tcp`, `tls`, `ws` or `wss`.
    #[serde(default)]
    pub transport: Option<String>,
    /// The edge's address as the carrier saw it (RFC 3581).
    pub public_address: Option<String>,
    /// When the binding was first granted since it was last absent.
    pub registered_at: Option<UnixMicros>,
    /// When the binding lapses.
    pub expires_at: Option<UnixMicros>,
    /// When the edge acts next by itself.
    pub next_action_at: Option<UnixMicros>,
    /// The latest transaction's round trip.
    pub round_trip_ms: Option<u32>,
    /// Failures running.
    pub consecutive_failures: u32,
    /// The latest final answer.
    pub last_response: Option<SipStatus>,
    /// What was negotiated.
    pub negotiated: Option<Negotiated>,
    /// Service-Route of the latest 2xx, as it came (RFC 3608).
    #[serde(default)]
    pub service_route: Vec<String>,
    /// P-Associated-URI of the latest 2xx, as it came (RFC 7315 4.1).
    #[serde(default)]
    pub associated_uris: Vec<String>,
    /// OPTIONS keep-alive of the target.
    pub options: OptionsStatus,
    /// Why it is not as it should be.
    pub diagnosis: Option<Box<Diagnosis>>,
    /// The credential version that was used last.
    pub credential_version: Option<u32>,
    /// What wants attention though all is well.
    pub warnings: Vec<Code>,
    /// Successful refreshes since the edge started.
    pub refreshes: u64,
}

/// What carrier and edge agreed upon.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Negotiated {
    /// The realm of the answered challenge.
    pub realm: String,
    /// IANA name.
    pub algorithm: String,
    /// `auth`, `auth-int`, or absent (RFC 2069 style).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qop: Option<String>,
    /// Every algorithm that was offered, in order.
    pub offered: Vec<String>,
}

/// Where a registration stands; the words of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RegistrationState {
    /// Out of service.
    Disabled,
    /// Nothing was sent yet, or there are no credentials.
    Pending,
    /// The first REGISTER is out.
    Registering,
    /// Bound.
    Registered,
    /// Bound, a refresh is out.
    Refreshing,
    /// Waiting after the network, a 5xx or a first failed digest, bound or not.
    RetryWait,
    /// Never answered since the last change.
    Unreachable,
    /// Failed digests are spent.
    AuthHeld,
    /// Any other refusal; tried again slowly.
    Rejected,
    /// Was bound, is not.
    Expired,
    /// The binding is being removed.
    Unregistering,
}

/// OPTIONS keep-alive of a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionsStatus {
    /// Whether it answers.
    pub state: OptionsState,
    /// The latest round trip.
    pub round_trip_ms: Option<u32>,
    /// Since when it is in that state.
    pub since: Option<UnixMicros>,
}

/// Whether a target answers OPTIONS. Any final answer but 408 and 503 is UP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OptionsState {
    /// Not asked, or not answered often enough to tell.
    #[default]
    Unknown,
    /// Answers.
    Up,
    /// Does not answer.
    Down,
}

/// A binding that was renewed: what of its [`TrunkStatus`] is new then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Renewal {
    /// The trunk's id.
    pub trunk: String,
    /// When the binding lapses.
    pub expires_at: UnixMicros,
    /// When the edge acts next.
    pub next_action_at: Option<UnixMicros>,
    /// The latest round trip.
    pub round_trip_ms: Option<u32>,
    /// OPTIONS keep-alive of the target.
    pub options: OptionsStatus,
    /// Successful refreshes.
    pub refreshes: u64,
}

impl Renewal {
    /// Brings a status of the trunk up to date.
    pub fn renew(self, status: &mut TrunkStatus) {
        status.expires_at = Some(self.expires_at);
        status.next_action_at = self.next_action_at;
        status.round_trip_ms = self.round_trip_ms;
        status.options = self.options;
        status.refreshes = self.refreshes;
    }
}
