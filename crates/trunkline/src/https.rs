//! The API's own TLS: a certificate that may be renewed while the server runs.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::failure::Failure;

/// Between two looks at the files: what renews certificates does so days before they end.
const LOOK: Duration = Duration::from_secs(30);

/// A certificate with those of its issuers, and its key, both in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The chain, the server's own certificate first.
    pub chain: PathBuf,
    /// The key, without a passphrase.
    pub key: PathBuf,
}

/// What connections are accepted with: the certificate of the files as they were last sound.
pub struct Https {
    certificate: Certificate,
    contents: Contents,
    accepting: RustlsConfig,
}

/// The two files as they lie there.
#[derive(PartialEq, Eq)]
struct Contents {
    chain: Vec<u8>,
    key: zeroize::Zeroizing<Vec<u8>>,
}

impl Https {
    /// Reads the files; what is wrong with one is said with its name.
    pub fn open(certificate: Certificate) -> Result<Https, Failure> {
        let contents = certificate.read()?;
        let accepting = RustlsConfig::from_config(Arc::new(certificate.config(&contents)?));
        Ok(Https { certificate, contents, accepting })
    }

    /// What the listener accepts with; it follows the files while [`Https::follow`] runs.
    pub fn accepting(&self) -> RustlsConfig {
        self.accepting.clone()
    }

    /// Looks at the files now and then, for ever: new connections get what is sound. What is not is told once, and the certificate in use stays.
    pub async fn follow(mut self) {
        let mut look = tokio::time::interval(LOOK);
        let mut told = None;
        loop {
            look.tick().await;
            match self.renew() {
                Ok(true) => {
                    told = None;
                    tracing::info!(certificate = %self.certificate.chain.display(), "the certificate was renewed; new connections get it");
                }
                Ok(false) => told = None,
                Err(failure) => {
                    let fault = failure.to_string();
                    if told.as_ref() != Some(&fault) {
                        tracing::warn!("the certificate in use stays: {fault}");
                    }
                    told = Some(fault);
                }
            }
        }
    }

    /// Takes what lies in the files now; whether that is another certificate.
    fn renew(&mut self) -> Result<bool, Failure> {
        let contents = self.certificate.read()?;
        if contents == self.contents {
            return Ok(false);
        }
        self.accepting.reload_from_config(Arc::new(self.certificate.config(&contents)?));
        self.contents = contents;
        Ok(true)
    }
}

impl Certificate {
    fn read(&self) -> Result<Contents, Failure> {
        let read = |path: &Path| std::fs::read(path).map_err(|error| fault(path, &error.to_string()));
        Ok(Contents { chain: read(&self.chain)?, key: zeroize::Zeroizing::new(read(&self.key)?) })
    }

    fn config(&self, contents: &Contents) -> Result<ServerConfig, Failure> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&contents.chain)
            .collect::<Result<_, _>>()
            .map_err(|error| fault(&self.chain, &error.to_string()))?;
        if chain.is_empty() {
            return Err(fault(&self.chain, "it holds no certificate in PEM"));
        }
        let key =
            PrivateKeyDer::from_pem_slice(&contents.key).map_err(|_| fault(&self.key, "it holds no key in PEM without a passphrase"))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let built = versions.and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
        let mut config = built.map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => fault(&self.key, &format!("it is not the key of {}", self.chain.display())),
            error => fault(&self.chain, &error.to_string()),
        })?;
        // What the pages compare a form's origin with is the Host header, which HTTP/2 has not.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn fault(path: &Path, why: &str) -> Failure {
    Failure::Settings(format!("{} cannot be used for TLS: {why}. Give --tls-cert and --tls-key files in PEM.", path.display()))
}

/// Serves until the handle ends it, over TLS or not.
pub async fn serve(
    listener: std::net::TcpListener,
    tls: Option<RustlsConfig>,
    service: axum::extract::connect_info::IntoMakeServiceWithConnectInfo<axum::Router, SocketAddr>,
    handle: axum_server::Handle<SocketAddr>,
) -> io::Result<()> {
    /// So long may the head of a request take: who sends byte by byte holds no connection for ever.
    const HEAD: Duration = Duration::from_secs(30);
    let mut server = axum_server::from_tcp(listener)?.handle(handle);
    server.http_builder().http1().header_read_timeout(HEAD);
    match tls {
        Some(config) => server.acceptor(axum_server::tls_rustls::RustlsAcceptor::new(config)).serve(service).await,
        None => server.serve(service).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(dir: &Path, name: &str) -> Certificate {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
        let certificate = Certificate { chain: dir.join("chain.pem"), key: dir.join("key.pem") };
        std::fs::write(&certificate.chain, made.cert.pem()).expect("written");
        std::fs::write(&certificate.key, made.signing_key.serialize_pem()).expect("written");
        certificate
    }

    #[test]
    fn files_that_do_not_serve_are_named() {
        let dir = tempfile::tempdir().expect("a directory");
        let good = written(dir.path(), "localhost");
        let (absent, empty) = (dir.path().join("absent"), dir.path().join("empty"));
        std::fs::write(&empty, "").expect("written");
        let other = tempfile::tempdir().expect("a directory");
        let other = written(other.path(), "localhost").key;
        for (chain, key, said) in [
            (&absent, &good.key, "absent"),
            (&empty, &good.key, "no certificate"),
            (&good.chain, &empty, "no key"),
            (&good.chain, &good.chain, "no key"),
            (&good.chain, &other, "not the key of"),
        ] {
            let opened = Https::open(Certificate { chain: chain.clone(), key: key.clone() });
            let failure = opened.err().expect("refused").to_string();
            assert!(failure.contains(said) && failure.contains("--tls-cert"), "{failure}");
        }
    }

    #[test]
    fn a_renewed_certificate_is_taken_and_a_damaged_one_is_not() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut https = Https::open(written(dir.path(), "localhost")).expect("it opens");
        let first = https.accepting.get_inner();
        assert!(!https.renew().expect("nothing new"));
        std::fs::write(dir.path().join("chain.pem"), "half").expect("written");
        assert!(https.renew().is_err());
        assert!(Arc::ptr_eq(&https.accepting.get_inner(), &first), "the one in use stays");
        written(dir.path(), "localhost");
        assert!(https.renew().expect("a new one"));
        assert!(!Arc::ptr_eq(&https.accepting.get_inner(), &first));
    }
}
