use std::io::{Error, ErrorKind};

use rustls::{AlertDescription as Alert, CertificateError, Error as Tls, PeerIncompatible};
use ua::TlsFault;

use super::judge::Judged;
use super::shown::Shown;

/// When an error came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// TLS was not there yet.
    Handshake,
    /// Our handshake was complete, and nothing had come since.
    Silent,
    /// Messages had come.
    Talking,
}

/// Returns what an error says of TLS, if it does.
pub(crate) fn fault(error: &Error, phase: Phase, shown: &Shown) -> Option<TlsFault> {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Tls>());
    let unshown = phase != Phase::Talking && shown.was_asked() && !shown.has_one();
    match tls {
        Some(Tls::AlertReceived(alert)) => alerted(*alert, phase, shown),
        Some(tls) if phase == Phase::Handshake => Some(ours(tls)),
        Some(_) => None,
        None if unshown => Some(unwilling("it closed the connection")),
        None if phase == Phase::Handshake => Some(TlsFault::Handshake(match error.kind() {
            ErrorKind::UnexpectedEof => "the connection was closed in the midst of the TLS handshake".to_owned(),
            _ => "the connection was reset in the midst of the TLS handshake".to_owned(),
        })),
        None => None,
    }
}

/// What the other side says of us.
fn alerted(alert: Alert, phase: Phase, shown: &Shown) -> Option<TlsFault> {
    let name = format!("{alert:?}");
    let of_certificate = matches!(
        alert,
        Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::NoCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
    );
    // Under TLS 1.2 a missing certificate is a failure of the handshake.
    let perhaps = alert == Alert::HandshakeFailure && shown.was_asked();
    if of_certificate || perhaps {
        return Some(if shown.has_one() && shown.was_asked() {
            TlsFault::ClientCertificate(format!("it does not take the client certificate that it was shown (alert {name})"))
        } else {
            unwilling(&format!("it sent alert {name}"))
        });
    }
    if phase == Phase::Talking {
        return None;
    }
    Some(TlsFault::Handshake(match alert {
        Alert::ProtocolVersion => "it speaks neither TLS 1.2 nor TLS 1.3 (alert ProtocolVersion)".to_owned(),
        Alert::HandshakeFailure => "it has no TLS version, cipher suite or key kind in common with us (alert HandshakeFailure)".to_owned(),
        Alert::UnrecognisedName => "it does not know the name that it was called by (alert UnrecognisedName)".to_owned(),
        _ => format!("it refused the TLS handshake (alert {name})"),
    }))
}

fn unwilling(what: &str) -> TlsFault {
    TlsFault::ClientCertificate(format!("it asks for a client certificate, the profile names none, and {what}"))
}

/// What we say of the other side.
fn ours(error: &Tls) -> TlsFault {
    match error {
        Tls::InvalidCertificate(CertificateError::Other(other)) => match other.0.downcast_ref::<Judged>() {
            Some(Judged(fault)) => fault.clone(),
            None => TlsFault::Untrusted(other.to_string()),
        },
        Tls::InvalidCertificate(CertificateError::BadSignature) => {
            TlsFault::Untrusted("it does not hold the key of the certificate that it shows".to_owned())
        }
        Tls::InvalidCertificate(other) => TlsFault::Untrusted(format!("its certificate cannot be used: {other}")),
        Tls::NoCertificatesPresented => TlsFault::Untrusted("it shows no certificate".to_owned()),
        Tls::InvalidMessage(_) => TlsFault::Handshake("what answered there speaks no TLS".to_owned()),
        Tls::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13 | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => TlsFault::Handshake("it speaks neither TLS 1.2 nor TLS 1.3".to_owned()),
        other => TlsFault::Handshake(format!("the TLS handshake failed: {other}")),
    }
}
