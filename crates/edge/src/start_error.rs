use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use thiserror::Error;

/// Why an edge does not start, in one line that says what to do.
#[derive(Debug, Error)]
pub enum StartError {
    /// Another socket has the address.
    #[error("SIP address udp:{0} is taken by another process: stop that (`ss -ulpn sport = :{port}` names it), or listen elsewhere with --sip", port = .0.port())]
    PortTaken(SocketAddr),
    /// The address is none of this machine's.
    #[error("SIP address udp:{0} is none of this machine's addresses: give one of its own with --sip")]
    ForeignAddress(SocketAddr),
    /// Ports below 1024 need a privilege.
    #[error("SIP address udp:{0} needs a privilege that this process lacks: choose a port of 1024 or more with --sip")]
    PortForbidden(SocketAddr),
    /// The socket cannot be opened for another reason.
    #[error("SIP address udp:{address} cannot be opened: {source}")]
    Socket {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// There are more shards than ports behind the configured one.
    #[error("SIP address udp:{address} leaves no ports for {shards} shards: choose a lower port or fewer shards")]
    TooManyShards {
        /// The configured address.
        address: SocketAddr,
        /// So many are wanted.
        shards: usize,
    },
    /// No route gives this machine an address.
    #[error("this machine has no usable address: give one to listen on with --sip udp:ADDR:PORT")]
    NoUsableAddress,
    /// No socket is of the advertised family.
    #[error("the advertised address {0} is of a family that no --sip address has: advertise another, or listen on that family too")]
    AdvertiseFamily(IpAddr),
    /// The data directory cannot be made or written.
    #[error("the data directory {} cannot be used ({source}): make it writable for this user, or choose another with --data", .path.display())]
    Data {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another edge works in the data directory.
    #[error("the data directory {} is in use by another process: stop that, or choose another with --data", .0.display())]
    DataInUse(PathBuf),
    /// The key of the state file cannot be read.
    #[error("the key {} cannot be read ({why}): restore it, or remove it to begin all registrations anew", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The state file cannot be read, though it is there.
    #[error("the state file {} cannot be read ({source}): repair it, or remove it to begin all registrations anew", .path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A client certificate or its key cannot be used.
    #[error("the file {} of --tls-identity cannot be used ({why}): give a certificate with its chain, and its key without a passphrase, both in PEM", .path.display())]
    TlsIdentity {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Two client certificates have the same name.
    #[error("two --tls-identity are named {0:?}: name each once")]
    TlsIdentityTwice(String),
    /// The system refuses what every process needs.
    #[error("the system refuses {what}: {source}")]
    System {
        /// What was asked of it.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
}
