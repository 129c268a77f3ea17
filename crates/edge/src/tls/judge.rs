use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use ua::TlsFault;
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::identities::{Identities, Liberty};
use super::roots::Roots;
use super::words;

/// Judges a registrar's certificate: `webpki` its chain, we its names.
pub(super) struct Judge {
    pub(super) roots: Roots,
    pub(super) wildcard: bool,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

/// A fault on its way through rustls.
#[derive(Debug)]
pub(super) struct Judged(pub(super) TlsFault);

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Judged {}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge").field("own", &self.roots.own.len()).field("wildcard", &self.wildcard).finish()
    }
}

impl Judge {
    fn judge(&self, der: &CertificateDer<'_>, chain: &[CertificateDer<'_>], name: &ServerName<'_>, now: UnixTime) -> Result<(), TlsFault> {
        let unreadable = || TlsFault::Untrusted("its certificate cannot be read".to_owned());
        let (_, certificate) = X509Certificate::from_der(der).map_err(|_| unreadable())?;
        let confined = if self.roots.own.contains(der) {
            // The profile names this very certificate. Many devices sign their own, and as authorities: no chain to build.
            in_time(&certificate, now)?;
            false
        } else {
            self.chain(der, chain, now).map_err(|error| self.untrusted(&error, &certificate, chain))?
        };
        let liberty = Liberty { wildcard: self.wildcard, common_name: !self.roots.own.is_empty(), confined };
        Identities::of(&certificate).judge(&name.to_str(), liberty)
    }

    /// Verifies the chain, and tells whether an issuer in it is confined to certain names.
    fn chain(&self, der: &CertificateDer<'_>, chain: &[CertificateDer<'_>], now: UnixTime) -> Result<bool, webpki::Error> {
        let certificate = EndEntityCert::try_from(der)?;
        let anchors = &self.roots.anchors;
        let path = certificate.verify_for_usage(self.algorithms.all, anchors, chain, now, KeyUsage::server_auth(), None, None)?;
        let confined = |issuer: CertificateDer<'_>| match X509Certificate::from_der(&issuer) {
            Ok((_, issuer)) => !matches!(issuer.name_constraints(), Ok(None)),
            Err(_) => true,
        };
        Ok(path.anchor().name_constraints.is_some() || path.intermediate_certificates().any(|issuer| confined(issuer.der())))
    }

    fn untrusted(&self, error: &webpki::Error, certificate: &X509Certificate<'_>, chain: &[CertificateDer<'_>]) -> TlsFault {
        use webpki::Error as E;
        match error {
            E::CertExpired { time, .. } | E::CertNotValidYet { time, .. } => {
                // The registrar's own is named if it is that one, else the first of its issuers that is not in time.
                let issuers = chain.iter().filter_map(|issuer| X509Certificate::from_der(issuer).ok());
                let others = issuers.map(|(_, issuer)| in_time(&issuer, *time));
                let first = std::iter::once(in_time(certificate, *time)).chain(others).find_map(Result::err);
                first.unwrap_or_else(|| TlsFault::Expired("a certificate of its chain is not valid now".to_owned()))
            }
            E::UnknownIssuer | E::CaUsedAsEndEntity if certificate.subject() == certificate.issuer() => TlsFault::Untrusted(format!(
                "the certificate of {} is signed by itself, and is not among {}",
                words::name(certificate.subject()),
                self.whom()
            )),
            E::UnknownIssuer => TlsFault::Untrusted(format!(
                "the certificate was issued by {}; no chain leads from there to {}",
                words::name(certificate.issuer()),
                self.whom()
            )),
            E::CaUsedAsEndEntity => TlsFault::Untrusted("the certificate is an authority's, not a server's".to_owned()),
            E::RequiredEkuNotFoundContext(_) => {
                TlsFault::Untrusted("the certificate is not meant for servers (extended key usage)".to_owned())
            }
            E::InvalidSignatureForPublicKey => TlsFault::Untrusted("a signature in the certificate's chain is false".to_owned()),
            E::UnsupportedSignatureAlgorithmContext(_) | E::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
                TlsFault::Untrusted(format!(
                    "a signature in the certificate's chain is of a kind that is not trusted any more ({}), or too short a key made it",
                    certificate.signature_algorithm.algorithm
                ))
            }
            E::NameConstraintViolation => TlsFault::Untrusted("an issuer of the certificate may not vouch for its names".to_owned()),
            other => TlsFault::Untrusted(format!("the certificate's chain cannot be verified: {other}")),
        }
    }

    fn whom(&self) -> &'static str {
        if self.roots.own.is_empty() { "the public roots" } else { "the profile's tls.roots" }
    }
}

fn in_time(certificate: &X509Certificate<'_>, now: UnixTime) -> Result<(), TlsFault> {
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let (validity, whose) = (certificate.validity(), words::name(certificate.subject()));
    if now > validity.not_after.timestamp() {
        return Err(TlsFault::Expired(format!("the certificate of {whose} has expired at {}", words::time(&validity.not_after))));
    }
    if now < validity.not_before.timestamp() {
        return Err(TlsFault::Expired(format!("the certificate of {whose} is valid from {}", words::time(&validity.not_before))));
    }
    Ok(())
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.judge(certificate, chain, name, now) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(fault) => Err(Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(Judged(fault)))))),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
