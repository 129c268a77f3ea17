//! How a request travels.

use std::fmt;

/// How a request travels to a registrar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams.
    #[default]
    Udp,
    /// A stream.
    Tcp,
    /// A stream under TLS.
    Tls,
    /// A WebSocket (RFC 7118).
    Ws,
    /// A WebSocket under TLS.
    Wss,
}

impl Transport {
    /// What this endpoint sends over, the default first.
    pub const CAN: [Transport; 5] = [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];
    /// What is looked for where neither profile nor URI names one: WebSockets are for those who ask for them (RFC 7118 5.1).
    pub const USUAL: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Tls];

    /// Reads the `transport` parameter of a `sip:` URI. RFC 3261 26.2.2 deprecates `tls`, carriers write it all the same.
    pub fn from_param(text: &str) -> Option<Self> {
        Self::CAN.into_iter().find(|transport| text.eq_ignore_ascii_case(transport.as_str()))
    }

    /// Returns it as the `transport` parameter of a `sip:` URI has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Ws => "ws",
            Transport::Wss => "wss",
        }
    }

    /// Returns it as a Via has it (RFC 3261 20.42, RFC 7118 5.2).
    pub fn via(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
            Transport::Ws => "WS",
            Transport::Wss => "WSS",
        }
    }

    /// Whether nobody on the way can read it: what a `sips:` URI demands.
    pub fn is_secure(self) -> bool {
        matches!(self, Transport::Tls | Transport::Wss)
    }

    /// Returns the same under TLS, if there is such a thing.
    #[must_use]
    pub fn secured(self) -> Option<Self> {
        match self {
            Transport::Udp => None,
            Transport::Tcp | Transport::Tls => Some(Transport::Tls),
            Transport::Ws | Transport::Wss => Some(Transport::Wss),
        }
    }

    /// Returns the port where neither URI nor SRV record names one (RFC 3261 19.1.2, RFC 7118 5.5).
    pub fn default_port(self) -> u16 {
        match self {
            Transport::Udp | Transport::Tcp => 5060,
            Transport::Tls => 5061,
            Transport::Ws => 80,
            Transport::Wss => 443,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.via())
    }
}
