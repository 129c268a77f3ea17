use std::sync::Arc;

use axum::Router;
use secrecy::SecretString;
use tokio::task::JoinHandle;

use crate::access::first_start;
use crate::access::oidc::{Oidc, OidcSignIn};
use crate::audit::{Origin, keeper};
use crate::changes::changes;
use crate::events::Streams;
use crate::http::metrics::Requests;
use crate::http::plan::Planning;
use crate::http::throttle::Rates;
use crate::http::{self, App};
use crate::outward::Outward;
use crate::sealing::{self, Keyring};
use crate::store::{self, Store};
use crate::webhooks::Webhooks;
use crate::{Config, StartError, registrations, upkeep};

/// A running control plane.
pub struct Control {
    app: App,
    first_start_client: Option<(String, SecretString)>,
    upkeep: JoinHandle<()>,
}

impl Control {
    /// Opens the store, the keys and the registrations.
    ///
    /// # Errors
    /// [`StartError`] names what is in the way, and the way out.
    pub async fn open(config: Config) -> Result<Self, StartError> {
        let store = Store::open(&config.data).await?;
        let (keyring, new_master) = Keyring::load(&store, config.master_key, config.previous_master_key.as_ref()).await?;
        keeper::ensure_key(&store, &keyring).await?;
        if let Some(master) = new_master {
            keyring.wrap_under(&store, &master).await?;
        }
        let heads = config.audit.heads.clone().unwrap_or_else(|| config.data.join("audit-heads.ndjson"));
        keeper::tell_restore(&store, &heads).await?;
        store::backup::record_restore(&store).await?;
        let mut tx = store.begin(&Origin::system("start")).await?;
        store::organization::ensure(&mut tx).await?;
        tx.commit().await?;
        let first_start_client = first_start::ensure_client(&store, config.bootstrap).await?;
        let (changes, reader) = changes();
        let settings = registrations::Settings { clock: config.clock, events: config.events.clone(), retention: config.retention.clone() };
        let registrations = registrations::start(store.clone(), keyring.clone(), reader, settings).await?;
        sealing::routes::start(&store, &keyring);
        tokio::spawn(keeper::run(store.clone(), heads, config.audit));
        let outward = Outward::new(config.webhook_targets, config.webhook_roots);
        let oidc = config.oidc.map(|settings| Oidc::new(settings, outward.clone())).transpose()?.map(Arc::new);
        let webhooks = Webhooks::start(store.clone(), keyring.clone(), outward, config.webhooks);
        let upkeep = upkeep::start(store.clone(), config.retention);
        let app = App {
            store,
            keyring,
            changes,
            registrations,
            event_settings: Arc::new(config.events),
            streams: Streams::default(),
            webhooks,
            throttle: Arc::default(),
            oidc,
            requests: Requests::new(),
            rates: Arc::new(Rates::new(config.rate_limit)),
            planning: Arc::new(Planning::new(config.planner)),
            behind_proxy: config.behind_proxy,
        };
        Ok(Control { app, first_start_client, upkeep })
    }

    /// Returns the HTTP API. Serve it with `into_make_service_with_connect_info::<SocketAddr>()`, so that audit records have addresses.
    pub fn router(&self) -> Router {
        http::server::router(self.app.clone())
    }

    /// Signs people in at the identity provider, where there is one and the console is a client of it.
    pub fn oidc_sign_in(&self) -> Option<OidcSignIn> {
        self.app.oidc.as_ref()?.sign_in()
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

    /// Ends the streams of events, which would last as long as their readers: call it before the server waits for its connections.
    pub fn end_streams(&self) {
        self.app.streams.end();
    }

    /// Ends the work with the edges and closes the store after what is under way.
    pub async fn shutdown(&self) {
        self.end_streams();
        self.upkeep.abort();
        tokio::join!(self.app.webhooks.close(), self.app.registrations.shutdown());
        self.app.store.close().await;
    }
}
