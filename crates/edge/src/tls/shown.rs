use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;

/// What one connection shows of ourselves, and whether it was asked to.
///
/// Under TLS 1.3 the other side says only after our handshake that it wanted a certificate, or another.
pub(crate) struct Shown {
    key: Option<Arc<CertifiedKey>>,
    asked: AtomicBool,
}

impl Shown {
    pub(super) fn new(key: Option<Arc<CertifiedKey>>) -> Self {
        Shown { key, asked: AtomicBool::new(false) }
    }

    /// Tells whether the other side asked for a certificate.
    pub(super) fn was_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Tells whether there was one to show.
    pub(super) fn has_one(&self) -> bool {
        self.key.is_some()
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").field("has_one", &self.has_one()).field("asked", &self.was_asked()).finish()
    }
}

impl ResolvesClientCert for Shown {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.key.clone()
    }

    fn has_certs(&self) -> bool {
        self.has_one()
    }
}
