//! What comes out of an endpoint.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use diagnosis::{Code, Diagnosis, Evidence, SipStatus};

use crate::{Attempt, Dial, Flow, Generation, Instant, Local, Place, Query, Question, Renewal, Routes};

/// What comes out of `poll`.
pub enum Output<'a> {
    /// A datagram to send.
    Send {
        /// From this socket.
        local: Local,
        /// To there.
        to: SocketAddr,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// A connection to open; answered by `Input::Opened` or `Input::Closed`.
    Open(Dial),
    /// A whole message to send on a connection, perhaps before it is open.
    SendOn {
        /// On which.
        flow: Flow,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// A keep-alive to send on a connection: CRLF CRLF on a stream (RFC 5626 3.5.1), a ping on a WebSocket; answered by `Input::Pong`.
    Ping {
        /// On which.
        flow: Flow,
    },
    /// A connection to close, once what waits on it is sent; nothing is told of it any more.
    Close {
        /// Which.
        flow: Flow,
    },
    /// Records to look up; answered by `Input::Resolved`. The gate judges every address.
    Resolve {
        /// To be given back.
        query: Query,
        /// Of which name, of which kind.
        question: Question,
    },
    /// Something to tell.
    Event(Event),
    /// Nothing more to do before then, unless something comes in.
    Wake(Option<Instant>),
}

/// A datagram holds nonces and responses: its length is all that is printed.
impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Output::Send { local, to, bytes } => {
                f.debug_struct("Send").field("local", local).field("to", to).field("length", &bytes.len()).finish()
            }
            Output::Open(dial) => f.debug_tuple("Open").field(dial).finish(),
            Output::SendOn { flow, bytes } => f.debug_struct("SendOn").field("flow", flow).field("length", &bytes.len()).finish(),
            Output::Ping { flow } => f.debug_struct("Ping").field("flow", flow).finish(),
            Output::Close { flow } => f.debug_struct("Close").field("flow", flow).finish(),
            Output::Resolve { query, question } => f.debug_struct("Resolve").field("query", query).field("question", question).finish(),
            Output::Event(event) => f.debug_tuple("Event").field(event).finish(),
            Output::Wake(at) => f.debug_tuple("Wake").field(at).finish(),
        }
    }
}

/// Something to tell.
#[derive(Debug)]
pub enum Event {
    /// A trunk's observed state changed.
    Status(Box<Status>),
    /// A binding was renewed and nothing else is new: in place of a `Status` and a `Save`.
    Renewed(Renewal),
    /// The carrier accepted a credential version for the first time since it was assigned, or negotiated something else.
    Accepted {
        /// The trunk's id.
        trunk: Arc<str>,
        /// What was desired.
        generation: Generation,
        /// The version.
        version: u32,
        /// A digest was asked for.
        authenticated: bool,
        /// To be pinned.
        negotiated: Option<Negotiated>,
    },
    /// The carrier refused the registration itself.
    Refused {
        /// The trunk's id.
        trunk: Arc<str>,
        /// What was desired.
        generation: Generation,
        /// The version.
        version: u32,
        /// A digest was sent: it counts.
        digest_sent: bool,
        /// It is not tried again by itself.
        held: bool,
        /// Why.
        diagnosis: Box<Diagnosis>,
    },
    /// An exchange that is kept as evidence.
    Attempt(Box<Attempt>),
    /// A verification that is on has come so far; each step is told once, and none after the verdict.
    Progress {
        /// The order's id.
        verification: Arc<str>,
        /// What is behind it.
        step: VerifyStep,
    },
    /// A verification has ended.
    Verdict(Box<Verdict>),
    /// What to keep for a restart; replaces what was kept for that trunk.
    Save(Box<Resume>),
    /// The trunk is gone and nothing of it is to be kept.
    Forget {
        /// The trunk's id.
        trunk: Arc<str>,
        /// Its binding was removed at the carrier, or has lapsed.
        unregistered: bool,
    },
    /// Another holds the place of a trunk's binding at the registrar (carriers.md B5); told when it begins.
    BindingContested {
        /// The trunk's id.
        trunk: Arc<str>,
        /// The Contacts that the registrar lists and that are not ours.
        listed: Vec<String>,
    },
    /// A call or another request came that nobody here answers.
    CallUnrouted {
        /// The request's method.
        method: Box<str>,
        /// Who sent it.
        source: SocketAddr,
    },
}

/// What a verification has behind it, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VerifyStep {
    /// An address of the registrar is known.
    Resolved,
    /// It has answered.
    Reached,
    /// Its challenge agrees with what was asked for and allowed; the digest follows.
    Challenged,
}

/// The observed state of one trunk.
#[derive(Clone, Debug)]
pub struct Status {
    /// The trunk's id.
    pub trunk: Arc<str>,
    /// Which desired state it runs.
    pub generation: Generation,
    /// Where the registration stands.
    pub state: RegistrationState,
    /// A granted binding runs.
    pub bound: bool,
    /// Granted against a digest.
    pub authenticated: bool,
    /// Since when it is in that state.
    pub since: Instant,
    /// Who granted the binding.
    pub registrar: Option<Place>,
    /// Our address as the carrier saw it.
    pub public_address: Option<SocketAddr>,
    /// When the binding began.
    pub registered_at: Option<Instant>,
    /// When it lapses.
    pub expires_at: Option<Instant>,
    /// When the endpoint acts next.
    pub next_action_at: Option<Instant>,
    /// The latest transaction's round trip.
    pub round_trip: Option<Duration>,
    /// Failures running.
    pub consecutive_failures: u32,
    /// The latest final answer.
    pub last_response: Option<SipStatus>,
    /// What was negotiated.
    pub negotiated: Option<Negotiated>,
    /// What the latest 2xx said for requests on the trunk.
    pub routes: Option<Box<Routes>>,
    /// OPTIONS keep-alive of its target.
    pub options: OptionsStatus,
    /// Why it is not as it should be.
    pub diagnosis: Option<Box<Diagnosis>>,
    /// The version that was used last.
    pub credential_version: Option<u32>,
    /// What wants attention.
    pub warnings: Vec<Code>,
    /// Successful refreshes.
    pub refreshes: u64,
}

/// What carrier and endpoint agreed upon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Negotiated {
    /// The realm of the answered challenge.
    pub realm: String,
    /// IANA name.
    pub algorithm: String,
    /// `auth`, `auth-int` or absent.
    pub qop: Option<String>,
    /// Every algorithm that was offered.
    pub offered: Vec<String>,
}

/// Where a registration stands; the words of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RegistrationState {
    /// Nothing was sent yet, or there are no credentials.
    Pending,
    /// The first REGISTER is out.
    Registering,
    /// Bound.
    Registered,
    /// Bound, a refresh is out.
    Refreshing,
    /// Waiting after the network, a 5xx or a first failed digest.
    RetryWait,
    /// Never answered since the last change.
    Unreachable,
    /// Failed digests are spent.
    AuthHeld,
    /// Any other refusal.
    Rejected,
    /// Was bound, is not.
    Expired,
    /// The binding is being removed.
    Unregistering,
}

/// OPTIONS keep-alive of a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptionsStatus {
    /// Whether it answers.
    pub state: OptionsState,
    /// The latest round trip.
    pub round_trip: Option<Duration>,
    /// Since when.
    pub since: Option<Instant>,
}

/// Whether a target answers OPTIONS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OptionsState {
    /// Not known.
    #[default]
    Unknown,
    /// Answers.
    Up,
    /// Does not.
    Down,
}

/// How a verification ended.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The order's id.
    pub id: Arc<str>,
    /// How it ended.
    pub outcome: Outcome,
    /// What was, or would have been, answered.
    pub negotiated: Option<Negotiated>,
    /// What was seen.
    pub evidence: Evidence,
}

/// How a verification ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A challenge, one digest, a 2xx.
    Proved,
    /// The challenge can be answered.
    Learned,
    /// A 2xx without a challenge, which the profile accepts.
    AcceptedUnproven,
    /// Refused, or not to be decided.
    Refused(Box<Diagnosis>),
}

/// What of a registration outlives a restart. Holds a nonce: to be sealed at rest.
#[derive(Clone, PartialEq, Eq)]
pub struct Resume {
    /// The trunk's id.
    pub trunk: Arc<str>,
    /// RFC 3261 10.2.4: the same for the life of the registration.
    pub call_id: Box<str>,
    /// The From tag.
    pub from_tag: Box<str>,
    /// The highest CSeq known to have been sent.
    pub cseq: u32,
    /// Whether `cseq` and the nonce are exact, because the endpoint was stopped in order. Otherwise CSeq jumps by 1,000.
    pub clean: bool,
    /// The binding, if one runs.
    pub binding: Option<ResumeBinding>,
    /// The remembered nonce.
    pub nonce: Option<ResumeNonce>,
    /// Digests that failed, if any did since the last one that was accepted: a held version is held still.
    pub failed: Option<ResumeFailed>,
    /// Our address as the carrier saw it.
    pub public: Option<SocketAddr>,
}

/// Failed digests that outlive a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResumeFailed {
    /// The credential version that they were made with.
    pub version: u32,
    /// How many, running.
    pub digests: u32,
    /// When the last one was refused.
    pub at: Instant,
}

/// The binding that outlives a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumeBinding {
    /// The address-of-record that it belongs to.
    pub address_of_record: Box<str>,
    /// The Contact URI as registered.
    pub contact: Box<str>,
    /// Who granted it.
    pub registrar: Place,
    /// For how long it was granted.
    pub granted: Duration,
    /// When it lapses.
    pub lapses_at: Instant,
    /// When the binding began.
    pub registered_at: Instant,
    /// The credential version that it was granted to.
    pub credential_version: u32,
    /// Granted against a digest.
    pub authenticated: bool,
    /// What was negotiated.
    pub negotiated: Option<Negotiated>,
}

/// A nonce that may be answered unasked.
#[derive(Clone, PartialEq, Eq)]
pub struct ResumeNonce {
    /// As the carrier sent it.
    pub nonce: Box<[u8]>,
    /// As the carrier sent it.
    pub opaque: Option<Box<[u8]>>,
    /// The highest count used.
    pub nc: u32,
    /// Ours, kept as long as its nonce.
    pub cnonce: Box<str>,
    /// When it was issued.
    pub issued_at: Instant,
    /// The local socket's address that it belongs to.
    pub local: SocketAddr,
    /// The challenge named its algorithm, so answers do.
    pub algorithm_named: bool,
    /// It came in Proxy-Authenticate.
    pub proxy: bool,
    /// The challenge asked for a hashed user name.
    pub userhash: bool,
    /// The challenge had `charset=UTF-8`.
    pub utf8: bool,
}

impl fmt::Debug for Resume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resume").field("trunk", &self.trunk).field("cseq", &self.cseq).field("clean", &self.clean).finish_non_exhaustive()
    }
}

impl fmt::Debug for ResumeNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResumeNonce").field("nc", &self.nc).finish_non_exhaustive()
    }
}
