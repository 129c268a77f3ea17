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
