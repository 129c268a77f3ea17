//! Where a verification by hand may send to, and from where it sends.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::time::Duration;

use edge::{ResolverConfig, SipListen};
use ipnet::IpNet;
use sip::Uri;
use tokio::time::timeout;

use super::ask::Ask;

/// Private, shared, loopback and documentation ranges: a person who names one means it. Link-local, multicast and reserved ones are left out.
const BY_HAND: [&str; 12] = [
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "172.16.0.0/12",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "::1/128",
    "2001:db8::/32",
    "fc00::/7",
];

/// Addresses within those where clouds answer with the machine's own credentials.
const METADATA: [&str; 3] = ["100.100.100.200/32", "fd00:ec2::/32", "fd20:ce::254/128"];

/// A name server has so long to say from where to send; the edge's own look-up says what is wrong with the name.
const LOOK_UP: Duration = Duration::from_secs(3);

/// Returns the ranges that may be sent to beyond the public Internet.
pub fn targets(further: &[IpNet]) -> Vec<IpNet> {
    let holes = nets(&METADATA);
    let by_hand = nets(&BY_HAND).into_iter().flat_map(|net| holes.iter().fold(vec![net], |nets, hole| cut(nets, *hole)));
    by_hand.chain(further.iter().copied()).collect()
}

/// Returns the ports that the URIs name: they may be sent to, whatever they are.
pub fn ports(registrars: &[String]) -> Vec<RangeInclusive<u16>> {
    registrars.iter().filter_map(|text| Uri::parse(text).ok()?.port).map(|port| port..=port).collect()
}

/// Chooses the sockets: the address given, or for each address family the one that the route to the registrar gives.
pub async fn sockets(ask: &Ask, resolver: &ResolverConfig) -> Vec<SipListen> {
    if let Some(local) = ask.local {
        return vec![local];
    }
    let mut chosen: Vec<IpAddr> = Vec::new();
    for to in places(ask, resolver).await {
        if let Some(from) = source_towards(to)
            && !chosen.iter().any(|ip| ip.is_ipv4() == from.is_ipv4())
        {
            chosen.push(from);
        }
    }
    if chosen.is_empty() {
        chosen.push(edge::default_address().unwrap_or(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)));
    }
    chosen.into_iter().map(|ip| SipListen(SocketAddr::new(ip, 0))).collect()
}

/// Returns where the registrars are, by NAPTR and SRV too, as far as name servers say so in time.
async fn places(ask: &Ask, resolver: &ResolverConfig) -> Vec<SocketAddr> {
    let transports: Vec<link::Transport> = ask.transport.map(Into::into).into_iter().collect();
    let mut found = Vec::new();
    for registrar in &ask.registrars {
        found.extend(timeout(LOOK_UP, edge::locate(registrar, &transports, resolver)).await.unwrap_or_default());
    }
    found
}

/// Connecting a UDP socket looks a route up and sends nothing.
fn source_towards(to: SocketAddr) -> Option<IpAddr> {
    let any: SocketAddr = if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(to).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified()).then_some(ip)
}

fn nets(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

/// Cuts a hole into ranges.
fn cut(nets: Vec<IpNet>, hole: IpNet) -> Vec<IpNet> {
    nets.into_iter().flat_map(|net| without(net, hole)).collect()
}

fn without(net: IpNet, hole: IpNet) -> Vec<IpNet> {
    if hole.contains(&net) {
        return Vec::new();
    }
    if !net.contains(&hole) {
        return vec![net];
    }
    match net.subnets(net.prefix_len() + 1) {
        Ok(halves) => halves.flat_map(|half| without(half, hole)).collect(),
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use edge::Gate;

    use super::*;

    #[test]
    fn a_target_by_hand_may_be_private_but_no_metadata_and_no_multicast() {
        assert_eq!(nets(&BY_HAND).len() + nets(&METADATA).len(), BY_HAND.len() + METADATA.len(), "every text is a range");
        let gate = Gate::new(&targets(&[]), &[]);
        for (ip, passes) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("10.1.2.3", true),
            ("192.168.1.1", true),
            ("100.64.0.1", true),
            ("100.100.100.199", true),
            ("100.100.100.201", true),
            ("fd12::1", true),
            ("8.8.8.8", true),
            ("100.100.100.200", false),
            ("169.254.169.254", false),
            ("168.63.129.16", false),
            ("192.0.0.192", false),
            ("fd00:ec2::254", false),
            ("fd20:ce::254", false),
            ("fe80::1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("0.0.0.0", false),
        ] {
            let to = SocketAddr::new(ip.parse().unwrap(), 5060);
            assert_eq!(gate.judge(to).is_ok(), passes, "{ip}");
        }
        let further = Gate::new(&targets(&["169.254.7.0/24".parse().unwrap()]), &[]);
        assert!(further.judge("169.254.7.1:5060".parse().unwrap()).is_ok());
    }

    #[test]
    fn a_port_that_is_named_may_be_asked() {
        let ports = ports(&["sip:lab:443".into(), "sip:lab".into()]);
        assert_eq!(ports, [443..=443]);
    }

    #[test]
    fn the_route_says_from_where() {
        assert_eq!(source_towards("127.0.0.9:5060".parse().unwrap()), Some("127.0.0.1".parse().unwrap()));
    }
}
