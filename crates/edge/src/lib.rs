//! The edge: drives the sans-IO user agent of `ua` on real sockets.
//!
//! - [`Edge::bind`] opens the sockets and the state, so that the real ports are known; [`Bound::start`] joins it to a control plane.
//! - A *shard* is one OS thread with its own sockets and its own `ua::Endpoint`; a trunk belongs to one shard for as long as there are as many.
//! - The *link* thread turns orders into commands and events into reports; it opens sealed secrets, resolves names and remembers verdicts.
//! - Connections live on a thread of their own, each a task; shards fill their lanes, and what comes on them goes to the shards' inboxes.
//! - Every destination passes one [gate](Gate), when it is resolved and again before each datagram and connection.
//! - What of a registration outlives a restart is appended, sealed, to a *state* file by a thread of its own; the wire never waits for a disk.
//! - What comes off the wire, out of the file or from the control plane may be wrong: that is a diagnosis or a warning, never a panic.

mod address;
mod attempts;
mod bound;
mod clock;
mod config;
mod convert;
mod counters;
mod edge;
mod gate;
mod listen;
mod orders;
mod reporter;
mod reports;
mod resolve;
mod shard;
mod start_error;
mod state;
mod streams;
mod tally;
mod tls;
mod unrouted;
mod verdicts;

pub use address::default_address;
pub use bound::Bound;
pub use config::{Advertise, Config, ResolverConfig, SipListen};
pub use counters::Counters;
pub use edge::Edge;
pub use gate::{Gate, GateFault};
pub use resolve::locate;
pub use start_error::StartError;
pub use tls::{TlsIdentity, check_roots};
