//! Connections to registrars: streams and WebSockets, opened by whoever drives the endpoint.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::{Local, Transport};

/// Names one connection; never used twice in an endpoint's life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Flow(pub u64);

/// A connection to open.
///
/// What is to be sent on it may be told before it is open: it is kept until then, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    /// Names it from now on.
    pub flow: Flow,
    /// From the address of this socket, port chosen by the system; a socket bound to all addresses leaves that to the system too.
    pub local: Local,
    /// To there; passes the gate at that moment.
    pub to: SocketAddr,
    /// One of the connected transports, never UDP.
    pub transport: Transport,
    /// The host of the registrar's URI: SNI, the name that the certificate must have (RFC 5922 4), and `Host` of a WebSocket. It may be
    /// an address, IPv6 without brackets.
    pub name: Arc<str>,
    /// How the certificate is judged.
    pub tls: Arc<TlsSettings>,
}

/// How a carrier's certificates are judged, and what we show of ourselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TlsSettings {
    /// The carrier's own roots, PEM; the public ones where there are none.
    pub roots: Option<Box<str>>,
    /// The name of a client certificate that the edge holds.
    pub client_certificate: Option<Box<str>>,
    /// Whether `*.carrier.example` is good for `sbc.carrier.example`. RFC 5922 7.2 forbids it.
    pub wildcard: bool,
}

/// Why a connection could not be opened, or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowFault {
    /// Nothing listens there.
    Refused,
    /// No route, or ICMP said so.
    Unreachable,
    /// It was not open in time.
    Timeout,
    /// The gate forbids it.
    Forbidden,
    /// The other side closed it.
    Closed,
    /// It was reset, or an error of the network ended it.
    Reset,
    /// What came is no SIP: its framing is lost.
    Garbage,
    /// The other side takes nothing any more: too much waits to be sent.
    Stuck,
    /// TLS did not come about.
    Tls(TlsFault),
    /// The other side speaks no WebSocket, or not the subprotocol `sip` (RFC 7118 4.1); in words.
    WebSocket(String),
}

/// Why TLS did not come about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsFault {
    /// The certificate is for other names.
    Name {
        /// The names that it has.
        presented: Vec<String>,
        /// A wildcard among them would have done, and the profile allows none.
        wildcard: bool,
    },
    /// It has expired, or is not valid yet; in words, with the time.
    Expired(String),
    /// It was signed by nobody that is trusted; in words.
    Untrusted(String),
    /// The other side demands a certificate of ours, or takes not the one that it got; in words.
    ClientCertificate(String),
    /// Anything else; in words.
    Handshake(String),
}

/// What is known of a connection once it is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Our end.
    pub local: SocketAddr,
    /// TLS version and cipher suite, such as `TLS 1.3 TLS13_AES_128_GCM_SHA256`, if there is TLS.
    pub secured: Option<Box<str>>,
}

impl fmt::Display for FlowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FlowFault::Refused => f.write_str("the connection was refused"),
            FlowFault::Unreachable => f.write_str("there is no route"),
            FlowFault::Timeout => f.write_str("the connection was not open in time"),
            FlowFault::Forbidden => f.write_str("the gate forbids the address"),
            FlowFault::Closed => f.write_str("the other side closed the connection"),
            FlowFault::Reset => f.write_str("the connection was reset"),
            FlowFault::Garbage => f.write_str("what came is no SIP"),
            FlowFault::Stuck => f.write_str("the other side takes nothing any more"),
            FlowFault::Tls(fault) => fault.fmt(f),
            FlowFault::WebSocket(words) => write!(f, "no WebSocket: {words}"),
        }
    }
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TlsFault::Name { presented, .. } if presented.is_empty() => f.write_str("the certificate has no name"),
            TlsFault::Name { presented, .. } => write!(f, "the certificate is for {}", presented.join(", ")),
            TlsFault::Expired(words) | TlsFault::Untrusted(words) | TlsFault::ClientCertificate(words) | TlsFault::Handshake(words) => {
                f.write_str(words)
            }
        }
    }
}
