use super::Meta;

/// An edge node: something that speaks SIP for a site.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// Id, name, version, times.
    pub meta: Meta,
    /// The site that it serves; absent where it serves every site without an edge of its own.
    pub site: Option<String>,
    /// Its release.
    pub software: String,
    /// Its own sockets, `udp:ADDR:PORT`.
    pub local: Vec<String>,
    /// What it puts into Contact, `ADDR:PORT`.
    pub advertised: Vec<String>,
    /// Whether it is to take no further trunks.
    pub drain: bool,
    /// When it attached last.
    pub last_seen: link::UnixMicros,
}

/// Which edges are there now.
pub trait Presence {
    /// Tells whether the edge is attached.
    fn is_online(&self, edge: &str) -> bool;
}
