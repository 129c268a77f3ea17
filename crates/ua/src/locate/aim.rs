use std::net::IpAddr;
use std::sync::Arc;

use sip::{Host, Scheme, Uri};

use crate::{ResolveFault, Transport};

/// What a registrar's URI and a profile ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aim {
    /// Name in lower case without a final dot, or address literal without brackets.
    pub host: Arc<str>,
    /// The host is an address.
    pub literal: bool,
    /// The URI's port.
    pub port: Option<u16>,
    /// The URI's `transport`.
    pub named: Option<Transport>,
    /// A `sips:` URI.
    pub secure: bool,
    /// What may be used, in the profile's order; never empty.
    pub transports: Vec<Transport>,
}

impl Aim {
    /// Reads a URI; `wanted` are the profile's transports (none: all), `can` those of the endpoint.
    ///
    /// # Errors
    /// What of it cannot be followed.
    pub fn read(uri: &str, wanted: &[Transport], can: &[Transport]) -> Result<Aim, ResolveFault> {
        let malformed = || ResolveFault::Failed("the registrar is not a SIP URI".into());
        let uri = Uri::parse(uri).map_err(|_| malformed())?;
        let secure = uri.scheme == Scheme::Sips;
        // RFC 3263 4: maddr, where it is there, is what is looked up.
        let host = match uri.param("maddr").flatten() {
            Some(text) => Host::parse(text).ok_or_else(malformed)?,
            None => uri.host,
        };
        let (host, literal): (Arc<str>, bool) = match host {
            Host::Name(name) => (name.trim_end_matches('.').to_ascii_lowercase().into(), false),
            Host::V4(address) => (IpAddr::V4(address).to_string().into(), true),
            Host::V6(address) => (IpAddr::V6(address).to_string().into(), true),
        };
        let asked = uri.transport().map(str::to_owned);
        let unusable = |asked: String| ResolveFault::NoTransport { asked, usable: names(usable(wanted, can)) };
        let named = match &asked {
            None => None,
            Some(text) => {
                let transport = Transport::from_param(text).filter(|transport| !secure || transport.secured().is_some());
                let transport = transport.and_then(|transport| if secure { transport.secured() } else { Some(transport) });
                Some(transport.ok_or_else(|| unusable(text.to_ascii_uppercase()))?)
            }
        };
        let fits = |transport: &Transport| named.is_none_or(|named| named == *transport) && (!secure || transport.is_secure());
        let usual = |transport: &Transport| !wanted.is_empty() || named.is_some() || Transport::USUAL.contains(transport);
        let transports: Vec<Transport> = usable(wanted, can).filter(fits).filter(usual).collect();
        if transports.is_empty() {
            return Err(unusable(match (named, secure) {
                (Some(named), _) => named.to_string(),
                (None, true) => "TLS".into(),
                (None, false) => names(wanted.iter().copied()),
            }));
        }
        Ok(Aim { host, literal, port: uri.port, named, secure, transports })
    }

    /// Returns the transport where neither URI nor DNS names one: UDP for `sip:`, TLS for `sips:` (RFC 3263 4.1), else the first usable.
    pub fn default_transport(&self) -> Transport {
        let usual = if self.secure { Transport::Tls } else { Transport::Udp };
        self.named.or_else(|| self.transports.iter().copied().find(|&transport| transport == usual)).unwrap_or(self.transports[0])
    }

    /// Returns the name of a transport's SRV records at this host (RFC 3263 4.1).
    pub fn srv_name(&self, transport: Transport) -> Arc<str> {
        let prefix = match transport {
            Transport::Udp => "_sip._udp",
            Transport::Tcp => "_sip._tcp",
            Transport::Tls => "_sips._tcp",
            Transport::Ws => "_sip._ws",
            Transport::Wss => "_sips._ws",
        };
        format!("{prefix}.{}", self.host).into()
    }
}

fn usable<'a>(wanted: &'a [Transport], can: &'a [Transport]) -> impl Iterator<Item = Transport> + 'a {
    let list = if wanted.is_empty() { can } else { wanted };
    list.iter().copied().filter(|transport| can.contains(transport))
}

fn names(transports: impl Iterator<Item = Transport>) -> String {
    let names: Vec<String> = transports.map(|transport| transport.to_string()).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}
