//! Where a request comes from.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};

/// The caller's address, as the outermost layer found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// Returns the caller's address, where the server knows it.
pub fn address(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<Peer>().map(|peer| peer.0)
}

/// Finds the caller's address: the connection's, or what the proxy in front has written last into X-Forwarded-For.
pub(super) fn find(headers: &HeaderMap, extensions: &Extensions, behind_proxy: bool) -> Option<IpAddr> {
    let connection = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
    if !behind_proxy {
        return connection;
    }
    // Earlier entries are the caller's own claim.
    let last = headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
    let forwarded = last.and_then(|list| list.rsplit(',').next()).and_then(|address| address.trim().parse().ok());
    forwarded.or(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proxy_in_front_is_believed_and_only_its_own_entry() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "10.0.0.1".parse().expect("a value"));
        headers.append("x-forwarded-for", "10.0.0.2, 192.0.2.7".parse().expect("a value"));
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4000))));
        let find = |headers: &HeaderMap, behind_proxy| find(headers, &extensions, behind_proxy).map(|address| address.to_string());
        assert_eq!(find(&headers, false).as_deref(), Some("127.0.0.1"));
        assert_eq!(find(&headers, true).as_deref(), Some("192.0.2.7"));
        headers.append("x-forwarded-for", "nonsense".parse().expect("a value"));
        assert_eq!(find(&headers, true).as_deref(), Some("127.0.0.1"));
    }
}
