use std::net::SocketAddr;

use ipnet::IpNet;

use super::OutwardFault;

/// Where the control plane may connect to: the public Internet under TLS, and what else was named, with TLS or without.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    allowed: Vec<IpNet>,
}

impl Gate {
    /// Makes a gate that lets these ranges through besides the public Internet.
    pub fn new(allowed: Vec<IpNet>) -> Self {
        Gate { allowed }
    }

    /// Judges where a connection is to go.
    ///
    /// # Errors
    /// What is forbidden about it.
    pub fn judge(&self, to: SocketAddr, tls: bool) -> Result<(), OutwardFault> {
        let ip = to.ip().to_canonical();
        if self.allowed.iter().any(|range| range.contains(&ip)) {
            return Ok(());
        }
        if !link::is_public(ip) {
            return Err(OutwardFault::Forbidden(ip));
        }
        if !tls {
            return Err(OutwardFault::Plain(ip));
        }
        // Mail and others would take a request's lines for their own.
        if to.port() < 1024 && to.port() != 443 {
            return Err(OutwardFault::Port(to.port()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_internet_is_called_under_tls_and_other_ranges_where_they_are_named() {
        let judge = |gate: &Gate, to: &str, tls: bool| gate.judge(to.parse().expect(to), tls);
        let gate = Gate::default();
        assert_eq!(judge(&gate, "93.184.216.34:443", true), Ok(()));
        assert_eq!(judge(&gate, "[2606:4700::1111]:8443", true), Ok(()));
        assert!(matches!(judge(&gate, "93.184.216.34:80", false), Err(OutwardFault::Plain(_))));
        assert_eq!(judge(&gate, "93.184.216.34:25", true), Err(OutwardFault::Port(25)));
        for private in [
            "127.0.0.1:443",
            "10.0.0.1:443",
            "169.254.169.254:443",
            "[::1]:443",
            "[::ffff:127.0.0.1]:443",
            "[64:ff9b::a00:1]:443",
            "0.0.0.0:443",
        ] {
            assert!(matches!(judge(&gate, private, true), Err(OutwardFault::Forbidden(_))), "{private}");
        }
        let gate = Gate::new(vec!["10.1.0.0/16".parse().expect("a range")]);
        assert_eq!(judge(&gate, "10.1.2.3:80", false), Ok(()));
        assert_eq!(judge(&gate, "[::ffff:10.1.2.3]:80", false), Ok(()));
        assert!(judge(&gate, "10.2.0.1:443", true).is_err());
    }
}
