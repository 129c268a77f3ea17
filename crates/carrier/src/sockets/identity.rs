use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ServerConfig, WebPkiClientVerifier};

use crate::certificates::Authority;
use crate::{CertificateKind, Listen, Registrar, Tls};

/// The certificates of a registrar, made as they are asked for.
#[derive(Debug)]
pub(super) struct Identities {
    tls: Tls,
    authority: Arc<Authority>,
    made: Mutex<HashMap<(CertificateKind, bool), Arc<ServerConfig>>>,
}

impl Identities {
    /// What is wrong with what was configured is told now, not at the first handshake.
    pub(super) fn new(registrar: &Registrar, listens: &[Listen], authority: Arc<Authority>) -> Result<Self, String> {
        let mut tls = registrar.tls.clone();
        if tls.names.is_empty() {
            let hosts =
                [&registrar.realm].into_iter().chain(&registrar.domains).filter(|name| name.is_ascii() && !name.contains([' ', ':']));
            let addresses = listens.iter().map(|listen| listen.address.ip().to_string());
            tls.names = hosts.cloned().chain(["localhost".into()]).chain(addresses).collect();
            tls.names.sort();
            tls.names.dedup();
        }
        if let Some(path) = &tls.root_file {
            std::fs::write(path, authority.root())
                .map_err(|error| format!("cannot write the root certificate to {}: {error}", path.display()))?;
        }
        let identities = Identities { tls, authority, made: Mutex::default() };
        if listens.iter().any(|listen| listen.transport.is_secured()) {
            let t = &registrar.temperament;
            identities.config(t.certificate, t.demands_certificate)?;
        }
        Ok(identities)
    }

    /// How TLS is to be spoken.
    pub(super) fn config(&self, kind: CertificateKind, demands: bool) -> Result<Arc<ServerConfig>, String> {
        // Whoever panicked here has left the map whole.
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = made.get(&(kind, demands)) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.make(kind, demands)?);
        made.insert((kind, demands), Arc::clone(&config));
        Ok(config)
    }

    fn make(&self, kind: CertificateKind, demands: bool) -> Result<ServerConfig, String> {
        let (chain, key) = match &self.tls.given {
            Some((chain, key)) => (chain.clone(), key.clone()),
            None => {
                let names: Vec<&str> = self.tls.names.iter().map(String::as_str).collect();
                self.authority.server(kind, &names).map_err(|error| error.to_string())?.given()
            }
        };
        let chain = certificates(&chain).ok_or("the certificate chain is no PEM")?;
        let key = PrivateKeyDer::from_pem_slice(key.reveal().as_bytes()).map_err(|_| "the private key is no PEM")?;
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
        let builder = if demands {
            let mut roots = RootCertStore::empty();
            let trusted = self.tls.client_roots.clone().unwrap_or_else(|| self.authority.root());
            for root in certificates(&trusted).ok_or("the client roots are no PEM")? {
                roots.add(root).map_err(|error| format!("client roots: {error}"))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| format!("client roots: {error}"))?)
        } else {
            builder.with_no_client_auth()
        };
        builder.with_single_cert(chain, key).map_err(|error| format!("certificate and key do not go together: {error}"))
    }
}

fn certificates(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    let all = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>().ok()?;
    (!all.is_empty()).then_some(all)
}
