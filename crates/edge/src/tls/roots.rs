use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, TrustAnchor};

/// Tells whether a text can stand for a carrier's roots: certificates in PEM that can vouch for others.
///
/// # Errors
/// What is wrong with it, in words that go on after its name.
pub fn check_roots(pem: &str) -> Result<(), String> {
    Roots::read(pem).map(|_| ())
}

/// Who may vouch for a registrar.
pub(super) struct Roots {
    pub(super) anchors: Vec<TrustAnchor<'static>>,
    /// The profile's own certificates; none where the public roots are used.
    pub(super) own: Vec<CertificateDer<'static>>,
}

impl Roots {
    /// The roots of the Web's public authorities, as Mozilla has them.
    pub(super) fn public() -> Self {
        Roots { anchors: webpki_roots::TLS_SERVER_ROOTS.to_vec(), own: Vec::new() }
    }

    /// Reads a profile's own, in PEM.
    pub(super) fn read(pem: &str) -> Result<Self, String> {
        let own: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().map_err(|_| "cannot be read as PEM".to_owned())?;
        if own.is_empty() {
            return Err("holds no certificate".to_owned());
        }
        let anchor = |(index, certificate)| {
            let anchor = webpki::anchor_from_trusted_cert(certificate);
            anchor.map(|anchor| anchor.to_owned()).map_err(|error| format!("cannot be used, because of certificate {}: {error}", index + 1))
        };
        let anchors = own.iter().enumerate().map(anchor).collect::<Result<_, _>>()?;
        Ok(Roots { anchors, own })
    }
}
