use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, TrustAnchor};

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
        let own: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|_| "the profile's tls.roots are no PEM".to_owned())?;
        if own.is_empty() {
            return Err("the profile's tls.roots hold no certificate".to_owned());
        }
        let anchor = |(index, certificate)| {
            let anchor = webpki::anchor_from_trusted_cert(certificate);
            anchor.map(|anchor| anchor.to_owned()).map_err(|error| format!("certificate {} of the profile's tls.roots: {error}", index + 1))
        };
        let anchors = own.iter().enumerate().map(anchor).collect::<Result<_, _>>()?;
        Ok(Roots { anchors, own })
    }
}
