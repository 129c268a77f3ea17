//! Which address of this machine others reach it by.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Returns the address that the default route would send from, IPv4 before IPv6; nothing is sent.
pub fn default_address() -> Option<IpAddr> {
    source_of(false).or_else(|| source_of(true))
}

/// Returns the address of a family that the default route would send from.
pub(crate) fn source_of(v6: bool) -> Option<IpAddr> {
    // Documentation addresses (RFC 5737, RFC 3849): routed like any other, and nobody is there.
    let (any, far): (IpAddr, IpAddr) = if v6 {
        (Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into())
    } else {
        (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 1).into())
    };
    // Connecting a UDP socket looks a route up and sends nothing.
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    socket.connect(SocketAddr::new(far, 9)).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified()).then_some(ip)
}
