//! What the end-to-end tests stand on: a real registrar, scripted carriers, the server under test, its API.
//!
//! Everything listens on loopback addresses that belong to this test process alone, and is ended by its own process id.

#![allow(dead_code, clippy::print_stderr)]

pub mod alone;
pub mod api;
pub mod canaries;
pub mod capture;
pub mod digest;
pub mod durability;
pub mod event_stream;
pub mod kamailio;
pub mod knot;
pub mod lock;
pub mod loopback;
pub mod process;
pub mod provider;
pub mod receiver;
pub mod scene;
pub mod schemathesis;
pub mod script;
pub mod secrets;
pub mod server;
pub mod sipp;
pub mod story;
pub mod streams;
pub mod udp;
pub mod verifier;
pub mod wait;
pub mod walk;
pub mod watch;
pub mod wire;
