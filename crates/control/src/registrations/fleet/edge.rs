//! An attached edge, as the rest of the control plane knows it.

use std::sync::Arc;

use link::{Hello, SealKey, UnixMicros};

use super::outbox::Outbox;
use crate::time::now;

/// An attached edge.
#[derive(Debug)]
pub struct AttachedEdge {
    /// How it introduced itself.
    pub hello: Hello,
    /// Seals secrets to it.
    pub key: SealKey,
    /// What waits to be ordered from it.
    pub outbox: Outbox,
    /// When it attached.
    pub since: UnixMicros,
    name: Arc<str>,
}

impl AttachedEdge {
    /// Makes one of what stands at the control plane's end of a link.
    pub fn new(hello: Hello, key: SealKey) -> Self {
        let name = Arc::from(hello.edge.as_str());
        AttachedEdge { hello, key, outbox: Outbox::default(), since: now(), name }
    }

    /// Returns its id.
    pub fn id(&self) -> &str {
        &self.name
    }

    /// Returns its id, shared.
    pub fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }
}
