use std::sync::Arc;

use axum::Router;
use secrecy::SecretString;

use crate::access::first_start;
use crate::audit::Origin;
use crate::changes::changes;
use crate::http::{self, App};
use crate::sealing::Keyring;
use crate::store::{self, Store};
use crate::{Config, StartError, registrations};

/// A running control plane.
pub struct Control {
    app: App,
    first_start_client: Option<(String, SecretString)>,
}

impl Control {
    /// Opens the store, the keys and the registrations.
    ///
    /// # Errors
    /// [`StartError`] names what is in the way, and the way out.
    pub async fn open(config: Config) -> Result<Self, StartError> {
        let store = Store::open(&config.data).await?;
        let keyring = Keyring::load(&store, &config.master_key).await?;
        let mut tx = store.begin(&Origin::system("start")).await?;
        store::organization::ensure(&mut tx).await?;
        tx.commit().await?;
        let first_start_client = first_start::ensure_client(&store, config.bootstrap).await?;
        let (changes, reader) = changes();
        let registrations = registrations::start(store.clone(), keyring, reader).await?;
        let app = App { store, changes, registrations, throttle: Arc::default(), rates: Arc::default(), behind_proxy: config.behind_proxy };
        Ok(Control { app, first_start_client })
    }

    /// Returns the HTTP API. Serve it with `into_make_service_with_connect_info::<SocketAddr>()`, so that audit records have addresses.
    pub fn router(&self) -> Router {
        http::server::router(self.app.clone())
    }

    /// Joins an edge; its orders begin with a snapshot.
    pub fn attach(&self, end: link::ControlEnd) {
        self.app.registrations.attach(end);
    }

    /// Returns the administrator client that this start has made, to be printed once.
    pub fn first_start_client(&self) -> Option<(&str, &SecretString)> {
        self.first_start_client.as_ref().map(|(id, secret)| (id.as_str(), secret))
    }

    /// Lends what the routes share.
    #[cfg(test)]
    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    /// Ends the work with the edges and closes the store after what is under way.
    pub async fn shutdown(&self) {
        self.app.registrations.shutdown().await;
        self.app.store.close().await;
    }
}
