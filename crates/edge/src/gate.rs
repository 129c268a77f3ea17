use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use ipnet::IpNet;
use ua::Transport;

/// The one place through which every destination passes.
///
/// Addresses: the public Internet passes; what is not publicly routed passes only where an allowed range covers it. That is loopback,
/// private (RFC 1918, RFC 4193), link-local, shared (RFC 6598), cloud metadata, multicast, unspecified, documentation, benchmarking and
/// reserved ranges. An IPv4 address inside an IPv6 one (mapped, NAT64, 6to4) is judged as that IPv4 address.
///
/// Ports: 0 never passes. Those below 1024 belong to other services, and a few above answer strangers with more than they were asked
/// (SSDP, WS-Discovery, mDNS, CoAP, memcached); they pass only where an allowed port range covers them. A WebSocket may go to port 80,
/// and what is under TLS to port 443: that is where they live, and what else lives there gets no more than a handshake.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    targets: Vec<IpNet>,
    ports: Vec<RangeInclusive<u16>>,
}

/// Why a destination does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateFault {
    /// Its address.
    Address(IpAddr),
    /// Its port.
    Port(u16),
}

/// UDP services above 1023 that are abused as reflectors.
const REFLECTORS: [u16; 5] = [1900, 3702, 5353, 5683, 11211];

impl Gate {
    /// Makes a gate that lets these ranges through besides the public Internet.
    pub fn new(targets: &[IpNet], ports: &[RangeInclusive<u16>]) -> Self {
        Gate { targets: targets.iter().map(|&net| unmapped(net)).collect(), ports: ports.to_vec() }
    }

    /// Judges a destination.
    ///
    /// # Errors
    /// [`GateFault`] names what is forbidden about it.
    pub fn judge(&self, to: SocketAddr) -> Result<(), GateFault> {
        self.judge_address(to.ip())?;
        let ordinary = to.port() >= 1024 && !REFLECTORS.contains(&to.port());
        let allowed = to.port() != 0 && (ordinary || self.ports.iter().any(|range| range.contains(&to.port())));
        if allowed { Ok(()) } else { Err(GateFault::Port(to.port())) }
    }

    /// Judges where a connection is to go.
    ///
    /// # Errors
    /// [`GateFault`] names what is forbidden about it.
    pub fn judge_for(&self, to: SocketAddr, transport: Transport) -> Result<(), GateFault> {
        match (transport, to.port()) {
            (Transport::Ws, 80) | (Transport::Tls | Transport::Wss, 443) => self.judge_address(to.ip()),
            _ => self.judge(to),
        }
    }

    /// Judges what a name led to, before it is known what travels there; that is judged again when it does.
    ///
    /// # Errors
    /// [`GateFault`] names what is forbidden about it.
    pub fn judge_found(&self, to: SocketAddr) -> Result<(), GateFault> {
        self.judge_for(to, Transport::Ws).or_else(|_| self.judge_for(to, Transport::Wss))
    }

    fn judge_address(&self, ip: IpAddr) -> Result<(), GateFault> {
        let ip = ip.to_canonical();
        let passes = link::is_public(ip) || self.targets.iter().any(|net| net.contains(&ip));
        if passes { Ok(()) } else { Err(GateFault::Address(ip)) }
    }
}

/// An allowed range inside ::ffff:0:0/96 is meant as the IPv4 range.
fn unmapped(net: IpNet) -> IpNet {
    let IpNet::V6(v6) = net else { return net };
    let Some(ip) = v6.addr().to_ipv4_mapped() else { return net };
    match v6.prefix_len().checked_sub(96).map(|prefix| IpNet::new(ip.into(), prefix)) {
        Some(Ok(v4)) => v4,
        Some(Err(_)) | None => net,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn judged(gate: &Gate, ip: &str) -> bool {
        let ip: IpAddr = ip.parse().expect(ip);
        gate.judge(SocketAddr::new(ip, 5060)).is_ok()
    }

    /// First and last address of every range, and its neighbours outside.
    const FORBIDDEN_V4: &[(&str, &str)] = &[
        ("0.0.0.0", "0.255.255.255"),
        ("10.0.0.0", "10.255.255.255"),
        ("100.64.0.0", "100.127.255.255"),
        ("127.0.0.0", "127.255.255.255"),
        ("168.63.129.16", "168.63.129.16"),
        ("169.254.0.0", "169.254.255.255"),
        ("172.16.0.0", "172.31.255.255"),
        ("192.0.0.0", "192.0.0.255"),
        ("192.0.2.0", "192.0.2.255"),
        ("192.88.99.0", "192.88.99.255"),
        ("192.168.0.0", "192.168.255.255"),
        ("198.18.0.0", "198.19.255.255"),
        ("198.51.100.0", "198.51.100.255"),
        ("203.0.113.0", "203.0.113.255"),
        ("224.0.0.0", "255.255.255.255"),
    ];

    #[test]
    fn every_special_ipv4_range_is_refused_to_its_last_address_and_no_further() {
        let gate = Gate::default();
        for (first, last) in FORBIDDEN_V4 {
            for ip in [first, last] {
                assert!(!judged(&gate, ip), "{ip}");
                assert!(!judged(&gate, &format!("::ffff:{ip}")), "mapped {ip}");
                assert!(!judged(&gate, &format!("64:ff9b::{ip}")), "NAT64 of {ip}");
            }
            let first: Ipv4Addr = first.parse().unwrap();
            let last: Ipv4Addr = last.parse().unwrap();
            for neighbour in [first.to_bits().checked_sub(1), last.to_bits().checked_add(1)].into_iter().flatten() {
                let neighbour = Ipv4Addr::from_bits(neighbour).to_string();
                assert!(judged(&gate, &neighbour), "{neighbour}");
                assert!(judged(&gate, &format!("::ffff:{neighbour}")), "mapped {neighbour}");
            }
        }
        assert!(!judged(&gate, "169.254.169.254"));
    }

    #[test]
    fn only_global_unicast_ipv6_passes() {
        let gate = Gate::default();
        for ip in [
            "::",
            "::1",
            "::2",
            "::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "1fff::1",
            "2001::1",
            "2001:2::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:a00:1::",
            "3fff::1",
            "3fff:fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
        ] {
            assert!(!judged(&gate, ip), "{ip}");
        }
        for ip in [
            "2001:200::1",
            "2001:4860:4860::8888",
            "2400::1",
            "2606:4700::1111",
            "2a00:1450::1",
            "3fff:1000::1",
            "2002:808:808::1",
            "64:ff9b::8.8.8.8",
        ] {
            assert!(judged(&gate, ip), "{ip}");
        }
    }

    #[test]
    fn an_allowed_range_passes_and_its_neighbours_do_not() {
        let nets: Vec<IpNet> = ["127.0.0.0/8", "10.1.0.0/16", "fd00::/8"].iter().map(|net| net.parse().unwrap()).collect();
        let gate = Gate::new(&nets, &[]);
        for (ip, passes) in [
            ("127.0.0.1", true),
            ("::ffff:127.0.0.1", true),
            ("10.1.255.255", true),
            ("10.2.0.0", false),
            ("fd12::1", true),
            ("fc00::1", false),
            ("::1", false),
            ("8.8.8.8", true),
        ] {
            assert_eq!(judged(&gate, ip), passes, "{ip}");
        }
    }

    #[test]
    fn a_range_given_in_mapped_form_means_the_ipv4_range() {
        let gate = Gate::new(&["::ffff:10.0.0.0/104".parse().unwrap()], &[]);
        assert!(judged(&gate, "10.9.9.9"));
        assert!(judged(&gate, "::ffff:10.9.9.9"));
        assert!(!judged(&gate, "11.0.0.1") || link::is_public("11.0.0.1".parse().unwrap()));
        assert!(!judged(&gate, "192.168.0.1"));
    }

    #[test]
    fn ports_of_other_services_are_refused_unless_allowed() {
        let ip: IpAddr = "8.8.8.8".parse().unwrap();
        let strict = Gate::default();
        let open = Gate::new(&[], &[500..=600, 5353..=5353, 0..=0]);
        for (port, by_default, with_ranges) in [
            (0, false, false),
            (1, false, false),
            (53, false, false),
            (500, false, true),
            (600, false, true),
            (601, false, false),
            (1023, false, false),
            (1024, true, true),
            (1900, false, false),
            (5060, true, true),
            (5353, false, true),
            (11211, false, false),
            (65535, true, true),
        ] {
            let to = SocketAddr::new(ip, port);
            assert_eq!(strict.judge(to).is_ok(), by_default, "{port}");
            assert_eq!(open.judge(to).is_ok(), with_ranges, "{port} with ranges");
            if !by_default {
                assert_eq!(strict.judge(to), Err(GateFault::Port(port)));
            }
        }
    }

    #[test]
    fn the_ports_of_the_web_are_for_what_lives_there() {
        let gate = Gate::default();
        let web: SocketAddr = "8.8.8.8:80".parse().unwrap();
        let secure: SocketAddr = "8.8.8.8:443".parse().unwrap();
        for (transport, to_web, to_secure) in [
            (Transport::Udp, false, false),
            (Transport::Tcp, false, false),
            (Transport::Tls, false, true),
            (Transport::Ws, true, false),
            (Transport::Wss, false, true),
        ] {
            assert_eq!(gate.judge_for(web, transport).is_ok(), to_web, "{transport} to 80");
            assert_eq!(gate.judge_for(secure, transport).is_ok(), to_secure, "{transport} to 443");
            let private = gate.judge_for("10.0.0.1:443".parse().unwrap(), transport);
            assert!(private.is_err(), "{transport} to a private address");
            assert_eq!(gate.judge_for("8.8.8.8:22".parse().unwrap(), transport), Err(GateFault::Port(22)), "{transport}");
            assert_eq!(gate.judge_for("8.8.8.8:5061".parse().unwrap(), transport), Ok(()), "{transport}");
        }
        assert!(gate.judge_found(web).is_ok() && gate.judge_found(secure).is_ok());
        assert_eq!(gate.judge_found("8.8.8.8:25".parse().unwrap()), Err(GateFault::Port(25)));
        assert_eq!(gate.judge_found("127.0.0.1:443".parse().unwrap()), Err(GateFault::Address("127.0.0.1".parse().unwrap())));
    }

    #[test]
    fn the_fault_names_the_address_that_it_was_judged_as() {
        let gate = Gate::default();
        assert_eq!(gate.judge("[::ffff:10.0.0.1]:5060".parse().unwrap()), Err(GateFault::Address("10.0.0.1".parse().unwrap())));
    }
}
