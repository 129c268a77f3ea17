//! Which sockets the shards listen on, and what others are told of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::Socket;

use crate::address::{default_address, source_of};
use crate::gate::Gate;
use crate::{Config, StartError, shard};

/// RFC 3261 19.1.2.
const SIP_PORT: u16 = 5060;

/// One shard's sockets: the system's, and what the endpoint is told of each.
pub(crate) struct Sockets {
    pub(crate) open: Vec<Socket>,
    pub(crate) told: Vec<ua::Socket>,
}

/// Opens the sockets of every shard.
pub(crate) fn open(config: &Config, gate: &Gate) -> Result<Vec<Sockets>, StartError> {
    let configured = addresses(config, gate)?;
    if let Some(advertise) = config.advertise
        && !configured.iter().any(|address| address.is_ipv4() == advertise.ip.is_ipv4())
    {
        return Err(StartError::AdvertiseFamily(advertise.ip));
    }
    (0..config.shards.max(1)).map(|shard| open_shard(config, gate, &configured, shard)).collect()
}

fn addresses(config: &Config, gate: &Gate) -> Result<Vec<SocketAddr>, StartError> {
    if !config.sip.is_empty() {
        return Ok(config.sip.iter().map(|listen| listen.0).collect());
    }
    let ip = default_address().or_else(|| loopback(false, gate)).ok_or(StartError::NoUsableAddress)?;
    Ok(vec![SocketAddr::new(ip, SIP_PORT)])
}

fn open_shard(config: &Config, gate: &Gate, configured: &[SocketAddr], shard: usize) -> Result<Sockets, StartError> {
    let mut sockets = Sockets { open: Vec::new(), told: Vec::new() };
    for &address in configured {
        let crowded = StartError::TooManyShards { address, shards: config.shards };
        let port = shifted(address.port(), shard).ok_or(crowded)?;
        let socket = shard::open(SocketAddr::new(address.ip(), port))?;
        let bound = socket.local_addr().map_err(|source| StartError::Socket { address, source })?;
        let bound = bound.as_socket().ok_or(StartError::NoUsableAddress)?;
        let advertised = advertised(config, gate, bound, shard)?;
        sockets.open.push(socket);
        sockets.told.push(ua::Socket { address: bound, advertised });
    }
    Ok(sockets)
}

/// Each shard has a port of its own, so that answers come back to the shard that asked. Port 0 stays 0.
fn shifted(port: u16, shard: usize) -> Option<u16> {
    if port == 0 { Some(0) } else { port.checked_add(u16::try_from(shard).ok()?) }
}

fn advertised(config: &Config, gate: &Gate, bound: SocketAddr, shard: usize) -> Result<SocketAddr, StartError> {
    if let Some(advertise) = config.advertise.filter(|advertise| advertise.ip.is_ipv4() == bound.is_ipv4()) {
        let port = advertise.port.and_then(|port| shifted(port, shard)).unwrap_or(bound.port());
        return Ok(SocketAddr::new(advertise.ip, port));
    }
    if !bound.ip().is_unspecified() {
        return Ok(bound);
    }
    let v6 = bound.is_ipv6();
    let ip = source_of(v6).or_else(|| loopback(v6, gate)).ok_or(StartError::NoUsableAddress)?;
    Ok(SocketAddr::new(ip, bound.port()))
}

/// Without any route there is still loopback, where sending to it is allowed.
fn loopback(v6: bool, gate: &Gate) -> Option<IpAddr> {
    let ip: IpAddr = if v6 { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
    gate.judge(SocketAddr::new(ip, SIP_PORT)).is_ok().then_some(ip)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Advertise, SipListen};

    fn config(sip: &[&str], shards: usize, advertise: Option<&str>) -> Config {
        let mut config = Config::new("e1", link::Sites::Unserved, "unused");
        config.sip = sip.iter().map(|text| text.parse::<SipListen>().unwrap()).collect();
        config.shards = shards;
        config.advertise = advertise.map(|text| text.parse::<Advertise>().unwrap());
        config
    }

    fn told(config: &Config) -> Vec<Vec<ua::Socket>> {
        open(config, &Gate::default()).unwrap().into_iter().map(|sockets| sockets.told).collect()
    }

    #[test]
    fn each_shard_has_its_own_port() {
        let told = told(&config(&["127.0.0.1:0", "[::1]:0"], 3, None));
        let mut ports: Vec<SocketAddr> = told.iter().flatten().map(|socket| socket.address).collect();
        assert_eq!(ports.len(), 6);
        ports.sort();
        ports.dedup();
        assert_eq!(ports.len(), 6);
        assert!(told.iter().flatten().all(|socket| socket.advertised == socket.address && socket.address.port() != 0));
    }

    #[test]
    fn an_advertised_address_stands_in_for_its_family_only() {
        let told = told(&config(&["127.0.0.1:0", "[::1]:0"], 2, Some("198.51.100.7:5060")));
        assert_eq!(told[0][0].advertised, "198.51.100.7:5060".parse().unwrap());
        assert_eq!(told[1][0].advertised, "198.51.100.7:5061".parse().unwrap());
        assert_eq!(told[0][1].advertised, told[0][1].address);
        let told = super::tests::told(&config(&["127.0.0.1:0"], 1, Some("198.51.100.7")));
        assert_eq!(told[0][0].advertised.port(), told[0][0].address.port());
    }

    #[test]
    fn an_advertised_family_without_a_socket_is_refused() {
        let error = open(&config(&["127.0.0.1:0"], 1, Some("2001:db8::1")), &Gate::default()).err().unwrap();
        assert!(matches!(error, StartError::AdvertiseFamily(_)), "{error}");
    }

    #[test]
    fn shards_beyond_the_last_port_are_refused() {
        let error = open(&config(&["127.0.0.1:65535"], 2, None), &Gate::default()).err().unwrap();
        assert!(matches!(error, StartError::TooManyShards { shards: 2, .. } | StartError::PortTaken(_)), "{error}");
    }

    #[test]
    fn a_wildcard_is_never_advertised() {
        let gate = Gate::new(&["127.0.0.0/8".parse().unwrap()], &[]);
        let sockets = open(&config(&["0.0.0.0:0"], 1, None), &gate).unwrap();
        assert!(!sockets[0].told[0].advertised.ip().is_unspecified());
        assert_ne!(sockets[0].told[0].advertised.port(), 0);
    }
}
