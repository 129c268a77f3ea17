use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{Gate, OutwardFault, Target};

/// So long until a connection stands; then the name's next address is tried.
const CONNECT: Duration = Duration::from_secs(5);
/// So many addresses of a name are tried.
const ADDRESSES: usize = 4;
/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How callers are recognised.
const USER_AGENT: &str = concat!("Trunkline/", env!("CARGO_PKG_VERSION"));

/// Makes calls to others; cheap to clone.
#[derive(Clone)]
pub struct Outward {
    gate: Gate,
    tls: TlsConnector,
}

impl Outward {
    /// Makes one that may call these ranges besides the public Internet. Certificates are judged by the roots that browsers trust, and by
    /// `roots` beside them.
    pub fn new(allowed: Vec<IpNet>, roots: RootCertStore) -> Self {
        let mut all = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        all.roots.extend(roots.roots);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            // The provider has both versions.
            .expect("the provider's own versions")
            .with_root_certificates(all)
            .with_no_client_auth();
        Outward { gate: Gate::new(allowed), tls: TlsConnector::from(Arc::new(config)) }
    }

    /// Lends the gate, to judge what is configured.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Posts a body; what is answered beside the status is not read.
    ///
    /// # Errors
    /// [`OutwardFault`] where there is no answer.
    pub async fn post(
        &self,
        target: &Target,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: Bytes,
        patience: Duration,
    ) -> Result<StatusCode, OutwardFault> {
        self.call(Method::POST, target, headers, body, patience, 0).await.map(|answer| answer.status)
    }

    /// Gets what is there, up to 64 KiB.
    ///
    /// # Errors
    /// [`OutwardFault`] where there is no answer, or too long a one.
    pub async fn get(&self, target: &Target, patience: Duration) -> Result<Answer, OutwardFault> {
        let accept = vec![(header::ACCEPT, HeaderValue::from_static("application/json"))];
        self.call(Method::GET, target, accept, Bytes::new(), patience, ANSWER_BYTES_MAX).await
    }

    /// Posts a body and reads what is answered, up to 64 KiB.
    ///
    /// # Errors
    /// [`OutwardFault`] where there is no answer, or too long a one.
    pub async fn submit(
        &self,
        target: &Target,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: Bytes,
        patience: Duration,
    ) -> Result<Answer, OutwardFault> {
        self.call(Method::POST, target, headers, body, patience, ANSWER_BYTES_MAX).await
    }

    async fn call(
        &self,
        method: Method,
        target: &Target,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: Bytes,
        patience: Duration,
        read: usize,
    ) -> Result<Answer, OutwardFault> {
        let whole = async {
            let stream = self.connect(target).await?;
            let mut request = Request::builder().method(method).uri(&target.path);
            request = request.header(header::HOST, &target.authority).header(header::USER_AGENT, USER_AGENT);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let request = request.body(Body::from(body)).map_err(|_| OutwardFault::Url("The URL cannot be sent."))?;
            if !target.tls {
                return exchange(stream, request, read).await;
            }
            let name =
                ServerName::try_from(target.host.clone()).map_err(|_| OutwardFault::Url("The host is no name that a certificate has."))?;
            let stream = self.tls.connect(name, stream).await.map_err(|error| OutwardFault::Tls(error.to_string()))?;
            exchange(stream, request, read).await
        };
        timeout(patience, whole).await.unwrap_or(Err(OutwardFault::Timeout))
    }

    async fn connect(&self, target: &Target) -> Result<TcpStream, OutwardFault> {
        let host = (target.host.as_str(), target.port);
        let found = tokio::net::lookup_host(host).await.map_err(|error| OutwardFault::Name(error.to_string()))?;
        let mut fault = OutwardFault::Name("it has no address".into());
        for to in found.take(ADDRESSES) {
            match self.open(to, target.tls).await {
                Ok(stream) => return Ok(stream),
                Err(why) => fault = why,
            }
        }
        Err(fault)
    }

    /// Connects to the very address that is judged.
    async fn open(&self, to: SocketAddr, tls: bool) -> Result<TcpStream, OutwardFault> {
        self.gate.judge(to, tls)?;
        match timeout(CONNECT, TcpStream::connect(to)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(OutwardFault::Connect(format!("{to}: {error}"))),
            Err(_) => Err(OutwardFault::Connect(format!("{to} does not answer"))),
        }
    }
}

/// One request and its answer; the connection is closed behind them.
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Body>,
    read: usize,
) -> Result<Answer, OutwardFault> {
    let http = |error: hyper::Error| OutwardFault::Http(error.to_string());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(http)?;
    // It is driven beside the request and goes with it.
    let driver = Driver(tokio::spawn(async move {
        // What goes wrong with it, the request hears.
        let _ = connection.await;
    }));
    let response = sender.send_request(request).await.map_err(http)?;
    let status = response.status();
    let body = if read == 0 {
        Bytes::new()
    } else {
        let limited = Limited::new(response.into_body(), read);
        limited.collect().await.map_err(|error| OutwardFault::Http(error.to_string()))?.to_bytes()
    };
    drop(driver);
    Ok(Answer { status, body })
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body, where it was asked for.
    pub body: Bytes,
}

struct Driver(tokio::task::JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}
