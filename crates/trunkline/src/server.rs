use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use control::Control;
use secrecy::SecretString;
use tokio::task::JoinHandle;

use crate::edges::{Edges, Place, Reach};
use crate::failure::Failure;
use crate::https::{self, Https};
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
    tls: bool,
    serving: JoinHandle<io::Result<()>>,
    /// Ends the listener.
    handle: axum_server::Handle<SocketAddr>,
    /// Follows the files of the API's certificate.
    following: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts everything, in an order in which a refusal leaves nothing half done: the API's address first, edges before the first answer.
    ///
    /// `first_client` is called with the administrator client that this start has made, as soon as there is one: it is shown once only, so
    /// it must be told before anything else can fail.
    pub async fn start(settings: Settings, data: &Path, first_client: impl FnOnce(&str, &SecretString)) -> Result<Server, Failure> {
        let address = settings.http;
        let unusable = |source| Failure::Http { address, source };
        let https = settings.tls.map(Https::open).transpose()?;
        let listener = TcpListener::bind(address).map_err(unusable)?;
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
        config.planner = Some(crate::plan::planner());
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
        let api = control.router();
        let provider = control.oidc_sign_in().map(|sign_in| Arc::new(SignIn(sign_in)) as Arc<dyn web::Provider>);
        // Behind a proxy browsers come over TLS; without either only loopback is served.
        let tls = https.as_ref().map(Https::accepting);
        let secure = behind_proxy || tls.is_some();
        let service = api.clone().merge(web::router(api, secure, provider)).into_make_service_with_connect_info::<SocketAddr>();
        let handle = axum_server::Handle::new();
        let (tls, serving) = (tls.is_some(), tokio::spawn(https::serve(listener, tls, service, handle.clone())));
        let following = https.map(|https| tokio::spawn(https.follow()));
        Ok(Server { control, edges, http, data: data.to_owned(), tls, serving, handle, following })
    }

    /// Where the API listens.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// How its address begins in a browser.
    pub fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
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
        if let Some(following) = self.following.take() {
            following.abort();
        }
        self.handle.graceful_shutdown(Some(REQUESTS_PATIENCE));
        let begun = Instant::now();
        // It ends by itself once its patience is over; an error is a listener that has ended before.
        let _ = (&mut self.serving).await;
        if begun.elapsed() >= REQUESTS_PATIENCE {
            tracing::warn!("requests under way were cut off");
        }
        self.edges.stop().await;
        if tokio::time::timeout(CONTROL_PATIENCE, self.control.shutdown()).await.is_err() {
            tracing::error!("the control plane did not close in time; what was acknowledged is on disk");
        }
    }
}
