use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use ua::{TlsFault, TlsSettings};

use super::identity::Wallet;
use super::judge::Judge;
use super::roots::Roots;
use super::shown::Shown;

/// So many settings are kept ready; more carriers than that cost reading theirs again.
const READY_MAX: usize = 256;

/// TLS as carriers' profiles want it.
pub(crate) struct Clients {
    provider: Arc<CryptoProvider>,
    wallet: Wallet,
    ready: Mutex<HashMap<Arc<TlsSettings>, Result<Ready, TlsFault>>>,
}

#[derive(Clone)]
struct Ready {
    config: ClientConfig,
    key: Option<Arc<CertifiedKey>>,
}

/// TLS for one connection.
pub(crate) struct Client {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) shown: Arc<Shown>,
}

impl Clients {
    pub(crate) fn new(wallet: Wallet, provider: Arc<CryptoProvider>) -> Self {
        Clients { provider, wallet, ready: Mutex::default() }
    }

    /// Makes TLS for one connection.
    pub(crate) fn client(&self, settings: &Arc<TlsSettings>) -> Result<Client, TlsFault> {
        let known = self.ready.lock().unwrap_or_else(PoisonError::into_inner).get(settings).cloned();
        let ready = known.unwrap_or_else(|| {
            let ready = self.prepare(settings);
            let mut all = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= READY_MAX {
                all.clear();
            }
            all.insert(Arc::clone(settings), ready.clone());
            ready
        })?;
        let shown = Arc::new(Shown::new(ready.key));
        let mut config = ready.config;
        config.client_auth_cert_resolver = Arc::clone(&shown) as _;
        Ok(Client { config: Arc::new(config), shown })
    }

    fn prepare(&self, settings: &TlsSettings) -> Result<Ready, TlsFault> {
        let unusable = |why| TlsFault::Handshake(format!("the text of the profile's tls.roots {why}"));
        let roots = settings.roots.as_deref().map_or_else(|| Ok(Roots::public()), Roots::read).map_err(unusable)?;
        let key = settings.client_certificate.as_deref().map(|name| self.wallet.find(name)).transpose().map_err(TlsFault::Handshake)?;
        let algorithms = self.provider.signature_verification_algorithms;
        let judge = Judge { roots, wildcard: settings.wildcard, algorithms };
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsFault::Handshake(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(judge))
            .with_no_client_auth();
        // A resumed session is not judged anew: an expired certificate would stay good, and a registrar's stale state would stay with us.
        config.resumption = Resumption::disabled();
        Ok(Ready { config, key })
    }
}
