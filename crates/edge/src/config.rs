use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::IpNet;

use crate::{Bound, TlsIdentity};

/// How an edge is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// The edge's id.
    pub id: String,
    /// Which sites it serves.
    pub sites: link::Sites,
    /// Directory of the state file and its key; made if absent. One edge at a time may use it.
    pub data: PathBuf,
    /// Where to listen; where empty, UDP port 5060 of the default address. Port 0 lets the system choose.
    pub sip: Vec<SipListen>,
    /// What goes into Via and Contact, where it is not the socket's own address.
    pub advertise: Option<Advertise>,
    /// Ranges beyond the public Internet that may be sent to.
    pub allow_targets: Vec<IpNet>,
    /// Ports that the [gate](crate::Gate) refuses otherwise and that may be sent to.
    pub allow_ports: Vec<RangeInclusive<u16>>,
    /// How many threads drive registrations; at least one. Shard `n` listens on the configured port plus `n`.
    pub shards: usize,
    /// Who resolves names.
    pub resolver: ResolverConfig,
    /// Client certificates that carriers' profiles may name.
    pub tls_identities: Vec<TlsIdentity>,
}

impl Config {
    /// Sets up an edge with every default.
    pub fn new(id: impl Into<String>, sites: link::Sites, data: impl Into<PathBuf>) -> Self {
        Config {
            id: id.into(),
            sites,
            data: data.into(),
            sip: Vec::new(),
            advertise: None,
            allow_targets: Vec::new(),
            allow_ports: Vec::new(),
            shards: 1,
            resolver: ResolverConfig::System,
            tls_identities: Vec::new(),
        }
    }

    /// Introduces the edge that was bound with this configuration.
    pub fn hello(&self, bound: &Bound) -> link::Hello {
        link::Hello {
            edge: self.id.clone(),
            sites: self.sites.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            local: bound.sockets().map(|socket| format!("udp:{}", socket.address)).collect(),
            advertised: bound.sockets().map(|socket| socket.advertised.to_string()).collect(),
        }
    }
}

/// A UDP address to listen on, written `udp:ADDR:PORT` or `ADDR:PORT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SipListen(pub SocketAddr);

impl fmt::Display for SipListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "udp:{}", self.0)
    }
}

impl FromStr for SipListen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address = text.strip_prefix("udp:").unwrap_or(text);
        address
            .parse()
            .map(SipListen)
            .map_err(|_| format!("{text:?} is not udp:ADDR:PORT; write udp:192.0.2.1:5060 or udp:[2001:db8::1]:5060"))
    }
}

/// What goes into Via and Contact, written `ADDR` or `ADDR:PORT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advertise {
    /// Stands in for the address of every socket of its family.
    pub ip: IpAddr,
    /// Stands in for the port; the socket's own where absent.
    pub port: Option<u16>,
}

impl FromStr for Advertise {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(ip) = bare.parse() {
            return Ok(Advertise { ip, port: None });
        }
        match text.parse::<SocketAddr>() {
            Ok(address) if address.port() != 0 => Ok(Advertise { ip: address.ip(), port: Some(address.port()) }),
            _ => Err(format!("{text:?} is not ADDR or ADDR:PORT; write 198.51.100.7 or [2001:db8::1]:5060")),
        }
    }
}

/// Who resolves names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ResolverConfig {
    /// The system's name servers and hosts file.
    #[default]
    System,
    /// These name servers alone.
    Servers(Vec<SocketAddr>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listen_address_is_read_with_and_without_its_transport() {
        assert_eq!("udp:127.0.0.1:0".parse(), Ok(SipListen("127.0.0.1:0".parse().unwrap())));
        assert_eq!("[::1]:5060".parse(), Ok(SipListen("[::1]:5060".parse().unwrap())));
        assert!("tcp:127.0.0.1:5060".parse::<SipListen>().is_err());
        assert!("udp:sbc.example.com:5060".parse::<SipListen>().unwrap_err().contains("udp:ADDR:PORT"));
    }

    #[test]
    fn an_advertised_address_may_lack_its_port() {
        for (text, ip, port) in [
            ("198.51.100.7", "198.51.100.7", None),
            ("198.51.100.7:5070", "198.51.100.7", Some(5070)),
            ("2001:db8::1", "2001:db8::1", None),
            ("[2001:db8::1]", "2001:db8::1", None),
            ("[2001:db8::1]:5070", "2001:db8::1", Some(5070)),
        ] {
            assert_eq!(text.parse(), Ok(Advertise { ip: ip.parse().unwrap(), port }), "{text}");
        }
        for text in ["", "sbc.example.com", "198.51.100.7:0", "198.51.100.7:99999"] {
            assert!(text.parse::<Advertise>().is_err(), "{text}");
        }
    }
}
