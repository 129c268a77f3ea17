use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::thread::{JoinHandle, spawn};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};

use crate::tls::TlsIdentity;

use super::stage::accept;

/// Signs certificates.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub(super) struct Issued {
    pub(super) certificate: rcgen::Certificate,
    pub(super) key: KeyPair,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = params(&[], name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Issues a certificate with these alternative names.
    pub(super) fn issue(&self, names: &[SanType]) -> Issued {
        self.sign(params(names, "a registrar"))
    }

    pub(super) fn sign(&self, params: CertificateParams) -> Issued {
        let key = KeyPair::generate().unwrap();
        Issued { certificate: params.signed_by(&key, &self.0).unwrap(), key }
    }
}

impl Issued {
    /// One that signs itself, as an authority or not.
    pub(super) fn by_itself(names: &[SanType], authority: bool) -> Self {
        let mut params = params(names, "a device");
        if authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let key = KeyPair::generate().unwrap();
        Issued { certificate: params.self_signed(&key).unwrap(), key }
    }

    /// Writes it to files, as an edge is given them.
    pub(super) fn identity(&self, name: &str, directory: &Path) -> TlsIdentity {
        let path = |kind: &str| directory.join(format!("{name}-{kind}.pem"));
        let identity = TlsIdentity { name: name.to_owned(), certificate: path("certificate"), key: path("key") };
        std::fs::write(&identity.certificate, self.certificate.pem()).unwrap();
        std::fs::write(&identity.key, self.key.serialize_pem()).unwrap();
        identity
    }
}

pub(super) fn params(names: &[SanType], common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.subject_alt_names = names.to_vec();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

pub(super) fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

pub(super) fn uri(uri: &str) -> SanType {
    SanType::URI(uri.try_into().unwrap())
}

/// How a registrar does TLS.
pub(super) struct Server {
    config: Arc<ServerConfig>,
}

pub(super) type Secured = StreamOwned<ServerConnection, TcpStream>;

impl Server {
    /// One that demands a client certificate of an authority, if that is given.
    pub(super) fn new(issued: &Issued, clients_of: Option<&Authority>, versions: &[&'static SupportedProtocolVersion]) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions).unwrap();
        let builder = match clients_of {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.0.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
                builder.with_client_cert_verifier(verifier)
            }
        };
        let chain = vec![CertificateDer::clone(issued.certificate.der())];
        let key = PrivateKeyDer::try_from(issued.key.serialize_der()).unwrap();
        Server { config: Arc::new(builder.with_single_cert(chain, key).unwrap()) }
    }

    /// Does the handshake on a thread of its own; gives the connection if it came about.
    pub(super) fn accept(&self, listener: &std::net::TcpListener) -> JoinHandle<Option<Secured>> {
        let (listener, config) = (listener.try_clone().unwrap(), Arc::clone(&self.config));
        spawn(move || {
            let mut stream = accept(&listener);
            let mut connection = ServerConnection::new(config).unwrap();
            while connection.is_handshaking() {
                connection.complete_io(&mut stream).ok()?;
            }
            Some(StreamOwned::new(connection, stream))
        })
    }
}
