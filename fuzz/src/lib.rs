//! What the fuzz targets do with bytes. `crates/ua/tests/corpus.rs` runs the same functions over the committed corpus, as ordinary tests
//! that need no libFuzzer.

pub mod challenge;
pub mod machine;
pub mod message;
pub mod redaction;
pub mod stream;
#[path = "../../crates/ua/tests/support/mod.rs"]
#[allow(dead_code, unused_imports)]
mod support;
pub mod uri;

/// One target: its name, and what it does with bytes. It panics where a promise is broken.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("message", message::run),
    ("challenge", challenge::run),
    ("stream", stream::run),
    ("redaction", redaction::run),
    ("uri", uri::run),
    ("machine", machine::run),
];
