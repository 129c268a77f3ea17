use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use control::Control;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::edges::{Edges, Place, Reach};
use crate::failure::Failure;
use crate::settings::Settings;
use crate::sign_in::SignIn;

/// So long may requests under way go on after the word to stop: design section 11 gives the process 10 s, the edges take up to six of them.
const REQUESTS_PATIENCE: Duration = Duration::from_secs(2);

/// So long may the control plane take to close.
const CONTROL_PATIENCE: Duration = Duration::from_millis(1500);

/// Between two looks at whether an edge has failed; the shortest binding outlives many of them.
const LOOK: Duration = Duration::from_millis(500);

/// A running server: the API, the control plane, the embedded edges.
pub struct Server {
    control: Control,
    edges: Edges,
    http: SocketAddr,
    data: PathBuf,
    serving: JoinHandle<io::Result<()>>,
    stop_serving: oneshot::Sender<()>,
}

impl Server {
    /// Starts everything, in an order in which a refusal leaves nothing half done: the API's address first, edges before the first answer.
    ///
    /// `first_client` is called with the administrator client that this start has made, as soon as there is one: it is shown once only, so
    /// it must be told before anything else can fail.
    pub async fn start(settings: Settings, data: &Path, first_client: impl FnOnce(&str, &SecretString)) -> Result<Server, Failure> {
        let address = settings.http;
        let unusable = |source| Failure::Http { address, source };
        let listener = TcpListener::bind(address).await.map_err(unusable)?;
        let http = listener.local_addr().map_err(unusable)?;
        let mut config = control::Config::in_directory(data);
        if let Some(master_key) = settings.master_key {
            config.master_key = master_key;
        }
        config.previous_master_key = settings.previous_master_key;
        config.audit = settings.audit;
        config.oidc = settings.oidc;
        config.bootstrap = settings.bootstrap;
        let behind_proxy = settings.behind_proxy;
        config.behind_proxy = behind_proxy;
        config.rate_limit = settings.rate_limit;
        config.webhook_targets = settings.webhook_targets;
        config.retention = settings.retention;
        let control = Control::open(config).await?;
        if let Some((id, secret)) = control.first_start_client() {
            first_client(id, secret);
        }
        let edges = match Edges::start(
            &settings.edges,
            data,
            Reach { targets: &settings.allow_targets, dns: &settings.dns, tls_identities: &settings.tls_identities },
            &control,
        ) {
            Ok(edges) => edges,
            Err(failure) => {
                control.shutdown().await;
                return Err(failure);
            }
        };
        let (stop_serving, stopped) = oneshot::channel();
        let api = control.router();
        // Behind a proxy browsers come over TLS; without one only loopback is served.
        let provider = control.oidc_sign_in().map(|sign_in| Arc::new(SignIn(sign_in)) as Arc<dyn web::Provider>);
        let service = api.clone().merge(web::router(api, behind_proxy, provider)).into_make_service_with_connect_info::<SocketAddr>();
        let serving = axum::serve(listener, service).with_graceful_shutdown(async {
            // An error is a sender that is gone: the same.
            let _ = stopped.await;
        });
        let serving = tokio::spawn(async move { serving.await });
        Ok(Server { control, edges, http, data: data.to_owned(), serving, stop_serving })
    }

    /// Where the API listens.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// Where everything is kept.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Where the edges are.
    pub fn places(&self) -> &[Place] {
        self.edges.places()
    }

    /// Waits until something of it has failed by itself, and says what: it must be started anew then.
    pub async fn failed(&self) -> Failure {
        let mut look = tokio::time::interval(LOOK);
        loop {
            look.tick().await;
            if let Some(edge) = self.edges.failed() {
                return Failure::EdgeFailed { edge: edge.to_owned() };
            }
        }
    }

    /// Stops in order: no new requests, those under way a little longer, then edges and control plane. Un-registers nothing.
    pub async fn stop(mut self) {
        self.control.end_streams();
        // An error is a receiver that is gone: it has stopped by itself.
        let _ = self.stop_serving.send(());
        if tokio::time::timeout(REQUESTS_PATIENCE, &mut self.serving).await.is_err() {
            tracing::warn!("requests under way are cut off");
            self.serving.abort();
        }
        self.edges.stop().await;
        if tokio::time::timeout(CONTROL_PATIENCE, self.control.shutdown()).await.is_err() {
            tracing::error!("the control plane did not close in time; what was acknowledged is on disk");
        }
    }
}
