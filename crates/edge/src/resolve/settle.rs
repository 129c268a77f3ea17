use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ua::{Records, Resolution, ResolveFault};

use crate::gate::{Gate, GateFault};

/// Which address families the edge has sockets of, in the order of its sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Families {
    V4,
    V6,
    V4ThenV6,
    V6ThenV4,
}

impl Families {
    /// Returns the families of these sockets; the first socket's comes first.
    pub(crate) fn of(sockets: impl IntoIterator<Item = SocketAddr>) -> Option<Self> {
        let v6: Vec<bool> = sockets.into_iter().map(|address| address.is_ipv6()).collect();
        match (v6.first()?, v6.iter().any(|&v6| v6), v6.iter().any(|&v6| !v6)) {
            (false, true, _) => Some(Families::V4ThenV6),
            (true, _, true) => Some(Families::V6ThenV4),
            (false, false, _) => Some(Families::V4),
            (true, _, false) => Some(Families::V6),
        }
    }

    pub(crate) fn has(self, ip: IpAddr) -> bool {
        match self {
            Families::V4 => ip.is_ipv4(),
            Families::V6 => ip.is_ipv6(),
            Families::V4ThenV6 | Families::V6ThenV4 => true,
        }
    }

    fn rank(self, ip: IpAddr) -> u8 {
        u8::from(ip.is_ipv6() == matches!(self, Families::V4 | Families::V4ThenV6))
    }
}

/// Keeps the addresses that may be sent to, those of the first family first, otherwise in the order found.
pub(crate) fn settle(
    gate: &Gate,
    families: Families,
    found: impl IntoIterator<Item = IpAddr>,
    port: u16,
    ttl: Duration,
) -> Result<Resolution, ResolveFault> {
    let mut addresses: Vec<SocketAddr> = Vec::new();
    let (mut no_socket, mut gated) = (None, None);
    for ip in found {
        // A mapped address is an IPv4 one, and an IPv6-only socket would not take it.
        let to = SocketAddr::new(ip.to_canonical(), port);
        if let Err(fault) = gate.judge_found(to) {
            gated.get_or_insert(fault);
        } else if !families.has(to.ip()) {
            no_socket.get_or_insert(to.ip());
        } else if !addresses.contains(&to) {
            addresses.push(to);
        }
    }
    if addresses.is_empty() {
        return Err(match (gated, no_socket) {
            (Some(fault), _) => fault.into(),
            (None, Some(ip)) => ResolveFault::NoSocket(ip),
            (None, None) => ResolveFault::Absent("the name has no address".to_owned()),
        });
    }
    addresses.sort_by_key(|to| families.rank(to.ip()));
    Ok(Resolution { records: Records::Addresses(addresses), ttl })
}

/// Says a gate's fault in the endpoint's terms.
impl From<GateFault> for ResolveFault {
    fn from(fault: GateFault) -> Self {
        match fault {
            GateFault::Address(ip) => ResolveFault::Forbidden(ip),
            GateFault::Port(port) => ResolveFault::ForbiddenPort(port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(resolution: &Resolution) -> &[SocketAddr] {
        match &resolution.records {
            Records::Addresses(addresses) => addresses,
            Records::Srv(_) | Records::Naptr(_) => panic!("{resolution:?}"),
        }
    }

    fn settled(families: Families, found: &[&str], port: u16) -> Result<Vec<String>, ResolveFault> {
        let found = found.iter().map(|ip| ip.parse().unwrap());
        settle(&Gate::default(), families, found, port, Duration::ZERO)
            .map(|resolution| addresses(&resolution).iter().map(|to| to.ip().to_string()).collect())
    }

    #[test]
    fn the_first_sockets_family_goes_first_and_the_order_within_stays() {
        let found = ["8.8.8.8", "2400::1", "1.1.1.1", "2400::2", "8.8.8.8"];
        assert_eq!(settled(Families::V4ThenV6, &found, 5060).unwrap(), ["8.8.8.8", "1.1.1.1", "2400::1", "2400::2"]);
        assert_eq!(settled(Families::V6ThenV4, &found, 5060).unwrap(), ["2400::1", "2400::2", "8.8.8.8", "1.1.1.1"]);
        assert_eq!(settled(Families::V6, &found, 5060).unwrap(), ["2400::1", "2400::2"]);
    }

    #[test]
    fn what_is_left_out_is_told_only_if_nothing_is_left() {
        assert_eq!(settled(Families::V4, &["10.0.0.1", "8.8.8.8"], 5060).unwrap(), ["8.8.8.8"]);
        assert_eq!(settled(Families::V4, &["10.0.0.1", "2400::1"], 5060), Err(ResolveFault::Forbidden("10.0.0.1".parse().unwrap())));
        assert_eq!(settled(Families::V4, &["2400::1"], 5060), Err(ResolveFault::NoSocket("2400::1".parse().unwrap())));
        assert_eq!(settled(Families::V4, &["8.8.8.8"], 53), Err(ResolveFault::ForbiddenPort(53)));
        assert!(matches!(settled(Families::V4, &[], 5060), Err(ResolveFault::Absent(_))));
    }

    #[test]
    fn a_mapped_address_is_sent_to_as_ipv4() {
        assert_eq!(settled(Families::V4, &["::ffff:8.8.8.8"], 5060).unwrap(), ["8.8.8.8"]);
        assert_eq!(settled(Families::V6, &["::ffff:127.0.0.1"], 5060), Err(ResolveFault::Forbidden("127.0.0.1".parse().unwrap())));
    }

    #[test]
    fn families_follow_the_sockets() {
        let of = |addresses: &[&str]| Families::of(addresses.iter().map(|address| address.parse().unwrap()));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["127.0.0.1:1"]), Some(Families::V4));
        assert_eq!(of(&["[::1]:1"]), Some(Families::V6));
        assert_eq!(of(&["127.0.0.1:1", "[::1]:1"]), Some(Families::V4ThenV6));
        assert_eq!(of(&["[::1]:1", "127.0.0.1:1", "[::1]:2"]), Some(Families::V6ThenV4));
    }
}
