use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Azure's virtual public address for platform services (metadata, DNS): looks public, is not.
const AZURE_PLATFORM: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// Tells whether an address is publicly routed: neither loopback, private, link-local, shared, cloud metadata, multicast, unspecified,
/// documentation, benchmarking nor reserved. An IPv4 address inside an IPv6 one (mapped, NAT64, 6to4) is judged as that IPv4 address.
pub fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => public_v4(ip),
        IpAddr::V6(ip) => public_v6(ip),
    }
}

/// The IANA registry of special IPv4 addresses (RFC 6890), as far as it is not globally reachable.
fn public_v4(ip: Ipv4Addr) -> bool {
    let special = matches!(
        ip.octets(),
        [0 | 10 | 127, ..] // this network, private, loopback
            | [100, 64..=127, ..] // shared (RFC 6598); 100.100.100.200 is a cloud's metadata
            | [169, 254, ..] // link-local; 169.254.169.254 is metadata
            | [172, 16..=31, ..]
            | [192, 168, ..]
            | [192, 0, 0, _] // protocol assignments; 192.0.0.192 is a cloud's metadata
            | [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] // documentation
            | [192, 88, 99, _] // 6to4 relays, deprecated
            | [198, 18 | 19, ..] // benchmarking
            | [224..=255, ..] // multicast, reserved, broadcast
    );
    !special && ip != AZURE_PLATFORM
}

/// Only 2000::/3 is globally routed unicast; what of it is special (RFC 6890) is not.
fn public_v6(ip: Ipv6Addr) -> bool {
    match ip.segments() {
        // NAT64 (RFC 6052) and 6to4 (RFC 3056) lead to the IPv4 address inside.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        // Protocol assignments: Teredo, benchmarking, ORCHID.
        [0x2001, 0..=0x1ff, ..] => false,
        // Documentation (RFC 3849, RFC 9637).
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [0x2000..=0x3fff, ..] => true,
        _ => false,
    }
}
