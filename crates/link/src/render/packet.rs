use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// RFC 768.
const UDP: u8 = 17;
/// What a UDP header takes.
const UDP_BYTES: usize = 8;
/// What an IPv4 header without options takes.
const IPV4_BYTES: usize = 20;

/// Writes a datagram with its IP and UDP headers and their checksums. `None` where it fits no datagram, or the addresses are of two
/// families.
pub fn datagram(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(payload.len().checked_add(UDP_BYTES)?).ok()?;
    let mut udp = Vec::with_capacity(usize::from(length));
    udp.extend(from.port().to_be_bytes());
    udp.extend(to.port().to_be_bytes());
    udp.extend(length.to_be_bytes());
    udp.extend([0, 0]);
    udp.extend(payload);
    let (mut header, pseudo) = match (from.ip().to_canonical(), to.ip().to_canonical()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => ipv4(from, to, length)?,
        (IpAddr::V6(from), IpAddr::V6(to)) => ipv6(from, to, length),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return None,
    };
    // RFC 768: a checksum of zero is sent as all ones.
    let checksum = match checksum(&[&pseudo, &udp]) {
        0 => u16::MAX,
        sum => sum,
    };
    if let Some(place) = udp.get_mut(6..8) {
        place.copy_from_slice(&checksum.to_be_bytes());
    }
    header.extend(udp);
    Some(header)
}

/// The header (RFC 791 3.1), and the pseudo header of the UDP checksum.
fn ipv4(from: Ipv4Addr, to: Ipv4Addr, udp: u16) -> Option<(Vec<u8>, Vec<u8>)> {
    let total = u16::try_from(IPV4_BYTES).ok()?.checked_add(udp)?;
    let mut header = vec![0x45, 0];
    header.extend(total.to_be_bytes());
    // Identification 0, Don't Fragment, TTL 64.
    header.extend([0, 0, 0x40, 0, 64, UDP, 0, 0]);
    header.extend(from.octets());
    header.extend(to.octets());
    let sum = checksum(&[&header]);
    if let Some(place) = header.get_mut(10..12) {
        place.copy_from_slice(&sum.to_be_bytes());
    }
    let mut pseudo = Vec::with_capacity(12);
    pseudo.extend(from.octets());
    pseudo.extend(to.octets());
    pseudo.extend([0, UDP]);
    pseudo.extend(udp.to_be_bytes());
    Some((header, pseudo))
}

/// The header (RFC 8200 3), and the pseudo header of the UDP checksum (8.1).
fn ipv6(from: Ipv6Addr, to: Ipv6Addr, udp: u16) -> (Vec<u8>, Vec<u8>) {
    let mut header = vec![0x60, 0, 0, 0];
    header.extend(udp.to_be_bytes());
    header.extend([UDP, 64]);
    header.extend(from.octets());
    header.extend(to.octets());
    let mut pseudo = Vec::with_capacity(40);
    pseudo.extend(from.octets());
    pseudo.extend(to.octets());
    pseudo.extend(u32::from(udp).to_be_bytes());
    pseudo.extend([0, 0, 0, UDP]);
    (header, pseudo)
}

/// The Internet checksum (RFC 1071) over parts of which only the last may be of odd length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2)).map(|pair| {
        let (high, low) = (pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0));
        u64::from(u16::from_be_bytes([high, low]))
    });
    let mut sum: u64 = words.sum();
    while let carried @ 1.. = sum >> 16 {
        sum = (sum & 0xffff) + carried;
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_checksum_over_its_own_packet_is_zero() {
        for (from, to) in [("10.8.0.4:5060", "203.0.113.9:5070"), ("[2001:db8::4]:5060", "[2001:db8::9]:5060")] {
            for payload in [&b""[..], b"x", b"REGISTER sip:r SIP/2.0\r\n\r\n"] {
                let packet = datagram(address(from), address(to), payload).unwrap();
                let (header, udp) = packet.split_at(if from.starts_with('[') { 40 } else { IPV4_BYTES });
                if header.len() == IPV4_BYTES {
                    assert_eq!(checksum(&[header]), 0);
                    assert_eq!(usize::from(u16::from_be_bytes([header[2], header[3]])), packet.len());
                }
                let length = u16::try_from(udp.len()).unwrap();
                let (_, pseudo) = match (address(from).ip(), address(to).ip()) {
                    (IpAddr::V4(from), IpAddr::V4(to)) => ipv4(from, to, length).unwrap(),
                    (IpAddr::V6(from), IpAddr::V6(to)) => ipv6(from, to, length),
                    _ => unreachable!("one family"),
                };
                assert_eq!(checksum(&[&pseudo, udp]), 0);
            }
        }
    }

    #[test]
    fn the_example_of_rfc_1071_holds() {
        assert_eq!(!checksum(&[&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]]), 0xddf2);
    }

    #[test]
    fn what_fits_no_datagram_is_none() {
        assert!(datagram(address("10.0.0.1:1"), address("[::1]:1"), b"").is_none());
        assert!(datagram(address("10.0.0.1:1"), address("10.0.0.2:1"), &vec![0; 65_508]).is_none());
        assert!(datagram(address("10.0.0.1:1"), address("10.0.0.2:1"), &vec![0; 65_507]).is_some());
    }
}
