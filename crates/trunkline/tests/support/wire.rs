//! What a test's client speaks over: a UDP socket, a connection, TLS, a WebSocket.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use carrier::certificates::Identity;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

/// An answer comes within that.
const PATIENCE: Duration = Duration::from_secs(10);

trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

/// A way to a registrar.
pub struct Wire {
    local: SocketAddr,
    transport: &'static str,
    kind: Kind,
}

enum Kind {
    Datagrams(UdpSocket),
    Bytes(Box<dyn Stream>),
    Frames(Box<WebSocket<Box<dyn Stream>>>),
}

/// Whom a client trusts, whom it wants to reach, and who it is.
pub struct Trust<'t> {
    /// The root (PEM).
    pub root: &'t str,
    /// The server's name.
    pub name: &'t str,
    /// Its own certificate.
    pub identity: Option<&'t Identity>,
}

impl Wire {
    /// From a loopback address of its own.
    pub fn udp(registrar: SocketAddr) -> Self {
        let socket = UdpSocket::bind((super::loopback::next(), 5060)).expect("client socket");
        socket.connect(registrar).expect("the registrar's address");
        socket.set_read_timeout(Some(PATIENCE)).expect("timeout");
        Self { local: socket.local_addr().expect("address"), transport: "UDP", kind: Kind::Datagrams(socket) }
    }

    /// A connection.
    pub fn tcp(registrar: SocketAddr) -> Self {
        let (stream, local) = connect(registrar);
        Self { local, transport: "TCP", kind: Kind::Bytes(Box::new(stream)) }
    }

    /// TLS over a connection; an error where it does not come about.
    pub fn tls(registrar: SocketAddr, trust: &Trust<'_>) -> std::io::Result<Self> {
        let (stream, local) = connect(registrar);
        Ok(Self { local, transport: "TLS", kind: Kind::Bytes(Box::new(secured(stream, trust)?)) })
    }

    /// A WebSocket over a connection.
    pub fn ws(registrar: SocketAddr) -> Self {
        let (stream, local) = connect(registrar);
        Self { local, transport: "WS", kind: upgraded(Box::new(stream), registrar) }
    }

    /// A WebSocket over TLS.
    pub fn wss(registrar: SocketAddr, trust: &Trust<'_>) -> std::io::Result<Self> {
        let (stream, local) = connect(registrar);
        Ok(Self { local, transport: "WSS", kind: upgraded(Box::new(secured(stream, trust)?), registrar) })
    }

    /// Whether the other side answers a CRLF keep-alive (RFC 5626 3.5.1), or has closed the connection.
    pub fn is_open(&mut self) -> bool {
        let Kind::Bytes(stream) = &mut self.kind else { panic!("a stream of bytes is asked") };
        stream.write_all(b"\r\n\r\n").and_then(|()| stream.flush()).and_then(|()| stream.read_exact(&mut [0; 2])).is_ok()
    }

    /// Its own address.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// As in Via.
    pub fn transport(&self) -> &'static str {
        self.transport
    }

    /// As a Contact says it.
    pub fn uri_parameter(&self) -> &'static str {
        match self.transport {
            "UDP" => "",
            "TCP" => ";transport=tcp",
            "TLS" => ";transport=tls",
            _ => ";transport=ws",
        }
    }

    /// Sends a request and gives the next message that comes.
    pub fn exchange(&mut self, request: &str) -> String {
        let mut bytes = Vec::new();
        match &mut self.kind {
            Kind::Datagrams(socket) => {
                socket.send(request.as_bytes()).expect("send");
                bytes.resize(4096, 0);
                let length = socket.recv(&mut bytes).expect("an answer of the registrar");
                bytes.truncate(length);
            }
            Kind::Bytes(stream) => {
                stream.write_all(request.as_bytes()).and_then(|()| stream.flush()).expect("send");
                // No answer of a registrar has a body.
                while !bytes.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).expect("an answer of the registrar");
                    bytes.extend(byte);
                }
            }
            Kind::Frames(socket) => {
                socket.send(Message::text(request)).expect("send");
                while bytes.is_empty() {
                    if let message @ (Message::Text(_) | Message::Binary(_)) = socket.read().expect("an answer of the registrar") {
                        bytes = message.into_data().into();
                    }
                }
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn connect(registrar: SocketAddr) -> (TcpStream, SocketAddr) {
    let stream = TcpStream::connect_timeout(&registrar, PATIENCE).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("timeout");
    let local = stream.local_addr().expect("address");
    (stream, local)
}

fn secured(stream: TcpStream, trust: &Trust<'_>) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trust.root.as_bytes()).expect("a root")).expect("a root");
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("versions").with_root_certificates(roots);
    let config = match trust.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let chain = CertificateDer::pem_slice_iter(identity.chain.as_bytes()).collect::<Result<Vec<_>, _>>().expect("a chain");
            let key = PrivateKeyDer::from_pem_slice(identity.key().as_bytes()).expect("a key");
            builder.with_client_auth_cert(chain, key).expect("an identity")
        }
    };
    let name = ServerName::try_from(trust.name.to_owned()).expect("a name");
    let mut stream = StreamOwned::new(ClientConnection::new(Arc::new(config), name).map_err(std::io::Error::other)?, stream);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

fn upgraded(stream: Box<dyn Stream>, registrar: SocketAddr) -> Kind {
    let mut request = format!("ws://{registrar}/").into_client_request().expect("a request");
    request.headers_mut().insert("Sec-WebSocket-Protocol", "sip".parse().expect("a header"));
    let (socket, _) = client(request, stream).unwrap_or_else(|error| panic!("no WebSocket: {error}"));
    Kind::Frames(Box::new(socket))
}
