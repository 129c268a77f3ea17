use serde::{Deserialize, Serialize};

/// How an edge introduces itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The edge's id.
    pub edge: String,
    /// Which sites it serves.
    pub sites: Sites,
    /// Its release.
    pub version: String,
    /// Its own sockets, `udp:ADDR:PORT`.
    pub local: Vec<String>,
    /// What it puts into Contact, `ADDR:PORT`.
    pub advertised: Vec<String>,
}

/// Which sites an edge serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Sites {
    /// Every site that has no edge of its own.
    Unserved,
    /// This one.
    One(String),
}
