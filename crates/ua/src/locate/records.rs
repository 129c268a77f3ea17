use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

/// Something to look up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// A and AAAA of a host.
    Host {
        /// Name, IPv4 literal, or IPv6 literal without brackets.
        name: Arc<str>,
        /// The port that goes with the addresses.
        port: u16,
    },
    /// The SRV records of a service (RFC 2782).
    Srv {
        /// Such as `_sip._udp.carrier.example`.
        name: Arc<str>,
    },
    /// The NAPTR records of a domain (RFC 3403).
    Naptr {
        /// The domain.
        name: Arc<str>,
    },
}

/// As a person would ask `dig` for it.
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Question::Host { name, .. } => write!(f, "A, AAAA {name}"),
            Question::Srv { name } => write!(f, "SRV {name}"),
            Question::Naptr { name } => write!(f, "NAPTR {name}"),
        }
    }
}

/// What was found; of the kind that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Records {
    /// Addresses of a host, in the order to be tried; each has passed the edge's gate.
    Addresses(Vec<SocketAddr>),
    /// SRV records in any order.
    Srv(Vec<Srv>),
    /// NAPTR records in any order.
    Naptr(Vec<Naptr>),
}

/// An SRV record (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Srv {
    /// Lower first.
    pub priority: u16,
    /// The share within its priority.
    pub weight: u16,
    /// The server's port.
    pub port: u16,
    /// The server's name; `.` where the service is decidedly not there.
    pub target: Arc<str>,
}

/// A NAPTR record (RFC 3403 4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naptr {
    /// Lower first; what is usable in a lower one excludes the higher ones.
    pub order: u16,
    /// Lower first within an order.
    pub preference: u16,
    /// RFC 3263 4.1 knows `s`: the replacement has SRV records.
    pub flags: Box<str>,
    /// Such as `SIP+D2U`.
    pub service: Box<str>,
    /// Empty for SIP.
    pub regexp: Box<str>,
    /// The name to go on with.
    pub replacement: Arc<str>,
}
