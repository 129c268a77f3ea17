//! Digest authentication for SIP: RFC 7616 with the algorithms of RFC 8760, and RFC 2069 where no qop is offered.
//!
//! An [`Answer`] borrows all it needs, computes its [`response`](Answer::response) without allocation, and writes the
//! value of an Authorization header. The caller brings the HA1, the cnonce and the nonce count.
//! [`Authorization`] reads such a value.

mod algorithm;
mod answer;
mod authorization;
mod hash;
mod hex;
mod write;

pub use algorithm::{Algorithm, Hash};
pub use answer::{Answer, Qop, Request};
pub use authorization::{Authorization, AuthorizationFault};
pub use hash::{ha1, ha1_truncated_sha512, userhash};
pub use hex::{HexDigest, PackedDigest, hex_pair};
