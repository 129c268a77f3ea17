use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// What a message comes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A TCP connection.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// A WebSocket (RFC 7118) over TCP.
    Ws,
    /// A WebSocket over TLS.
    Wss,
}

impl Transport {
    /// All of them.
    pub const ALL: [Transport; 5] = [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];

    /// Its name in a `transport` parameter and in a listen address.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Ws => "ws",
            Transport::Wss => "wss",
        }
    }

    /// Whether it has connections.
    pub fn is_stream(self) -> bool {
        self != Transport::Udp
    }

    /// Whether there is TLS in it.
    pub fn is_secured(self) -> bool {
        matches!(self, Transport::Tls | Transport::Wss)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a registrar listens, and what for. Its text is `udp:127.0.0.1:5070` or `tls:[::1]:5071`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// What comes there.
    pub transport: Transport,
    /// Port 0 takes any; `udp` and `tcp` of one address take the same.
    pub address: SocketAddr,
}

impl Listen {
    /// Listens for `transport` at an address.
    pub fn new(transport: Transport, address: SocketAddr) -> Self {
        Listen { transport, address }
    }
}

/// A bare address means UDP.
impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Self {
        Listen { transport: Transport::Udp, address }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.transport, self.address)
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (name, address) = text.split_once(':')?;
            let transport = Transport::ALL.into_iter().find(|transport| transport.name() == name)?;
            Some(Listen { transport, address: address.parse().ok()? })
        };
        read().ok_or_else(|| {
            format!(
                "listen address {text:?} is malformed; write udp:127.0.0.1:5070 or udp:[::1]:5070, with tcp, tls, ws or wss in place of udp"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transport_and_both_families_read_as_they_print() {
        for transport in Transport::ALL {
            for address in ["127.0.0.1:5070", "[::1]:0"] {
                let text = format!("{transport}:{address}");
                assert_eq!(text.parse::<Listen>().unwrap().to_string(), text);
            }
        }
        for wrong in ["", "udp", "udp:127.0.0.1", "sctp:127.0.0.1:5060", "UDP:127.0.0.1:5060", "127.0.0.1:5060", "tcp:name:5060"] {
            assert!(wrong.parse::<Listen>().unwrap_err().contains("malformed"), "{wrong}");
        }
    }
}
