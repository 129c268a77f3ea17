//! What goes into an endpoint.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::{Account, Credential, DigestPolicy, Flow, FlowFault, Opening, Profile, Records, Resume, VerifyBy};

/// One of the endpoint's own sockets, by its place in `Endpoint::new`'s list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Local(pub u16);

/// A local UDP socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Where it is bound.
    pub address: SocketAddr,
    /// What goes into Via and Contact.
    pub advertised: SocketAddr,
}

/// Names one look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Query(pub u32);

/// What goes in. `handle` takes each at its time.
pub enum Input<'a> {
    /// A datagram arrived.
    Datagram {
        /// At this socket.
        local: Local,
        /// From there.
        source: SocketAddr,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// A datagram could not be sent, or ICMP came back for that destination.
    SendFailed {
        /// From this socket.
        local: Local,
        /// The destination.
        to: SocketAddr,
        /// Why.
        fault: SendFault,
    },
    /// A connection that `Output::Open` asked for is open.
    Opened {
        /// Which.
        flow: Flow,
        /// What is known of it.
        opening: Opening,
    },
    /// A whole message came on a connection.
    Message {
        /// On which.
        flow: Flow,
        /// Its bytes, as `sip::stream::frame` or a WebSocket message bounds them.
        bytes: &'a [u8],
    },
    /// A keep-alive was answered: CRLF on a stream (RFC 5626 3.5.1), a pong on a WebSocket.
    Pong {
        /// On which connection.
        flow: Flow,
    },
    /// A connection could not be opened, or has ended; not told of one that `Output::Close` closed.
    Closed {
        /// Which.
        flow: Flow,
        /// Why.
        fault: FlowFault,
    },
    /// A name was looked up.
    Resolved {
        /// As in `Output::Resolve`.
        query: Query,
        /// What was found.
        outcome: Result<Resolution, ResolveFault>,
    },
    /// The control plane's order.
    Command(Command),
}

/// A datagram holds nonces and responses: its length is all that is printed.
impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Datagram { local, source, bytes } => {
                f.debug_struct("Datagram").field("local", local).field("source", source).field("length", &bytes.len()).finish()
            }
            Input::SendFailed { local, to, fault } => {
                f.debug_struct("SendFailed").field("local", local).field("to", to).field("fault", fault).finish()
            }
            Input::Opened { flow, opening } => f.debug_struct("Opened").field("flow", flow).field("opening", opening).finish(),
            Input::Message { flow, bytes } => f.debug_struct("Message").field("flow", flow).field("length", &bytes.len()).finish(),
            Input::Pong { flow } => f.debug_struct("Pong").field("flow", flow).finish(),
            Input::Closed { flow, fault } => f.debug_struct("Closed").field("flow", flow).field("fault", fault).finish(),
            Input::Resolved { query, outcome } => f.debug_struct("Resolved").field("query", query).field("outcome", outcome).finish(),
            Input::Command(command) => f.debug_tuple("Command").field(command).finish(),
        }
    }
}

/// What a look-up found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// At least one record, of the kind that was asked for.
    pub records: Records,
    /// Their TTL; the shortest where there are several.
    pub ttl: Duration,
}

/// Why a name led nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolveFault {
    /// Whether there are such records is not known: the name servers failed, refused, or did not answer; in words.
    Failed(String),
    /// There are no such records, or the name does not exist; in words.
    Absent(String),
    /// It led to an address that the gate forbids.
    Forbidden(IpAddr),
    /// The gate forbids the port.
    ForbiddenPort(u16),
    /// Its addresses are of a family that no local socket has.
    NoSocket(IpAddr),
    /// A URI's transport is none that may be used.
    NoTransport {
        /// What the URI asks for.
        asked: String,
        /// What profile and edge leave.
        usable: String,
    },
}

/// Why a datagram did not leave or arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendFault {
    /// ICMP port unreachable: nothing listens there.
    Refused,
    /// No route, or ICMP host or network unreachable.
    Unreachable,
    /// Larger than the path takes.
    TooLarge,
    /// The gate forbids it.
    Forbidden,
}

/// The control plane's order.
#[derive(Debug)]
pub enum Command {
    /// A carrier's profile, new or changed.
    Carrier(Box<Profile>),
    /// A trunk's desired state; `Resume` is what was saved of its registration before a restart.
    Assign(Box<Assignment>, Option<Box<Resume>>),
    /// A trunk is no longer this endpoint's.
    Withdraw {
        /// The trunk's id.
        trunk: Arc<str>,
        /// What becomes of its binding.
        how: Withdrawal,
    },
    /// Credentials are to be tried.
    Verify(Box<VerifyOrder>),
    /// Every exchange of a trunk is told as an attempt for so long; zero ends it.
    Trace {
        /// The trunk's id.
        trunk: Arc<str>,
        /// From now.
        span: Duration,
    },
    /// Something to do now, once.
    Act {
        /// The trunk's id.
        trunk: Arc<str>,
        /// What to do.
        action: Action,
    },
}

/// Orders the desired states of a trunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation {
    /// Which life of the store.
    pub incarnation: u64,
    /// Which change of it.
    pub number: u64,
}

/// A trunk's desired state.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// The trunk's id.
    pub trunk: Arc<str>,
    /// Which desired state this is.
    pub generation: Generation,
    /// The carrier's id.
    pub carrier: Arc<str>,
    /// Who registers.
    pub account: Account,
    /// What may be answered.
    pub policy: DigestPolicy,
    /// The credentials to register with.
    pub active: Option<Credential>,
    /// The version before.
    pub previous: Option<Credential>,
    /// Tried once when the active version is refused.
    pub standby: Option<Credential>,
}

/// What becomes of a withdrawn trunk's binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawal {
    /// It is removed.
    Unregister,
    /// It is left alone.
    Forget,
}

/// Something to do for a trunk now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Renew the binding.
    Refresh,
    /// Remove it and stay away.
    Unregister,
    /// Forget the failed digests and try again.
    ReleaseHold,
}

/// Credentials to be tried.
#[derive(Clone, Debug)]
pub struct VerifyOrder {
    /// Names it.
    pub id: Arc<str>,
    /// The trunk whose credentials are tried.
    pub trunk: Option<Arc<str>>,
    /// Where to ask.
    pub profile: Profile,
    /// Who asks.
    pub account: Account,
    /// What may be answered.
    pub policy: DigestPolicy,
    /// What is tried.
    pub credential: Option<Credential>,
    /// How far to go.
    pub mode: VerifyMode,
    /// By which request.
    pub by: VerifyBy,
    /// It may put a Contact at the carrier to find out; else it only asks, and leaves open what takes a binding (carriers.md B5, B11).
    pub may_bind: bool,
    /// A person waits: may use the reserved failed digest.
    pub by_person: bool,
    /// The verdict comes no later.
    pub patience: Duration,
}

/// How far a verification goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyMode {
    /// Sends no digest.
    ChallengeOnly,
    /// Sends one digest.
    Digest,
}
