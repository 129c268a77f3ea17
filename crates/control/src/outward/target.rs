use std::net::{IpAddr, SocketAddr};

use axum::http::Uri;

use super::{Gate, OutwardFault};

/// Longest URL.
const CHARS_MAX: usize = 2_048;

/// Where a call goes: a URL of `http` or `https`, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Under TLS.
    pub tls: bool,
    /// A name, or an address without brackets.
    pub host: String,
    /// As given, or that of the scheme.
    pub port: u16,
    /// What the Host header says.
    pub authority: String,
    /// Path and query.
    pub path: String,
}

impl Target {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`OutwardFault::Url`] says what is wrong with it.
    pub fn parse(url: &str) -> Result<Self, OutwardFault> {
        if url.len() > CHARS_MAX {
            return Err(OutwardFault::Url("The URL has more than 2,048 characters."));
        }
        let uri: Uri = url.parse().map_err(|_| OutwardFault::Url("This is no URL, such as https://hooks.example/trunkline."))?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            Some(_) | None => return Err(OutwardFault::Url("The URL begins with https:// or http://.")),
        };
        let authority = uri.authority().ok_or(OutwardFault::Url("The URL names no host."))?;
        if authority.as_str().contains('@') {
            return Err(OutwardFault::Url("A user name or password in the URL would be shown; the signature tells who calls."));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(OutwardFault::Url("The URL names no host."));
        }
        let given = authority.as_str().len() > authority.host().len();
        let port = authority.port_u16().or((!given).then_some(if tls { 443 } else { 80 })).unwrap_or(0);
        if port == 0 {
            return Err(OutwardFault::Url("The port is 1 to 65535."));
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Target { tls, host, port, authority: authority.to_string(), path })
    }

    /// Judges an address that stands in the URL itself; a name is judged by what it leads to, when it is called.
    ///
    /// # Errors
    /// What is forbidden about it.
    pub fn judge_literal(&self, gate: &Gate) -> Result<(), OutwardFault> {
        match self.host.parse::<IpAddr>() {
            Ok(ip) => gate.judge(SocketAddr::new(ip, self.port), self.tls),
            Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_once() {
        let target = Target::parse("https://hooks.example/a?b=c").unwrap();
        assert_eq!((target.tls, target.host.as_str(), target.port, target.path.as_str()), (true, "hooks.example", 443, "/a?b=c"));
        let target = Target::parse("http://[::1]:8080").unwrap();
        assert_eq!((target.tls, target.host.as_str(), target.port, target.path.as_str()), (false, "::1", 8080, "/"));
        assert_eq!(target.authority, "[::1]:8080");
        for bad in ["", "hooks.example", "/a", "ftp://a/", "https://", "https://u:p@a/", "https://a:0/", "https://a:99999/", "https://a b/"]
        {
            assert!(matches!(Target::parse(bad), Err(OutwardFault::Url(_))), "{bad}");
        }
        assert!(Target::parse(&format!("https://a/{}", "x".repeat(3_000))).is_err());
    }

    #[test]
    fn other_spellings_of_an_address_are_names_or_refused() {
        // The system's resolver takes some of these for addresses; what it answers is judged when it is called.
        for odd in ["http://0x7f000001/", "http://2130706433/", "http://127.1/"] {
            assert!(Target::parse(odd).unwrap().judge_literal(&Gate::default()).is_ok());
        }
        assert!(Target::parse("http://127.0.0.1/").unwrap().judge_literal(&Gate::default()).is_err());
        assert!(Target::parse("https://[::ffff:10.0.0.1]/").unwrap().judge_literal(&Gate::default()).is_err());
    }
}
