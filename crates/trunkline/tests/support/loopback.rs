//! Loopback addresses that no other test uses.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

static TAKEN: AtomicU32 = AtomicU32::new(0);

/// Addresses that one process can take: every last byte but 0 and 255, in two halves of the second byte.
const ADDRESSES_MAX: u32 = 2 * 254;

/// The next unused address: 127.x.y.z, where x and y come from the process id and z counts.
pub fn next() -> Ipv4Addr {
    let count = TAKEN.fetch_add(1, Ordering::Relaxed);
    assert!(count < ADDRESSES_MAX, "a test process has used all {ADDRESSES_MAX} of its loopback addresses");
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let half = if count < 254 { 64 } else { 128 };
    let last = u8::try_from(1 + count % 254).expect("below 255");
    Ipv4Addr::new(127, half + (high & 0x3f), low, last)
}

/// A UDP port of `::1` that was free a moment ago: IPv6 has one loopback address only.
pub fn next_v6() -> SocketAddr {
    let socket = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).expect("IPv6 on loopback");
    socket.local_addr().expect("address")
}
