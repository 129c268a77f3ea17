use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use ipnet::{IpNet, Ipv4Net};

/// All of 127.0.0.0/8.
pub const LOOPBACK: IpNet = IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8));

/// Loopback addresses of this process alone, so that several demos run side by side: 127.x.y.z, where x and y come from the process id.
pub struct Addresses {
    high: u8,
    low: u8,
    last: u8,
}

impl Addresses {
    pub fn of_this_process() -> Addresses {
        let [.., high, low] = std::process::id().to_be_bytes();
        // The upper quarter of the second byte, out of the way of what people choose by hand.
        Addresses { high: 192 | high & 0x3f, low, last: 0 }
    }

    /// The next address, with this port if nobody has it, else with any.
    pub fn next(&mut self, port: u16) -> SocketAddr {
        self.last = self.last.wrapping_add(1);
        let address = SocketAddr::from(([127, self.high, self.low, self.last], port));
        match UdpSocket::bind(address) {
            Ok(_) => address,
            Err(_) => SocketAddr::new(address.ip(), 0),
        }
    }
}
