//! A client of few lines for every transport.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use carrier::sockets::Lab;
use carrier::{Account, Config, Listen, Registrar, Tls, Transport};
use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use sip::stream::{Framed, frame};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

pub const PATIENCE: Duration = Duration::from_secs(20);
pub const HOST: &str = "sip.carrier.test";
pub const STREAMS: [Transport; 4] = [Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];

/// A registrar `lab` on every transport, with that temperament.
pub fn lab(rows: &[&str]) -> Lab {
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let registrar = Registrar::new("lab", "lab.example").account(Account::new("alice", "s3cret")).rows(rows).tls(Tls::named(&[HOST]));
    let registrar = Transport::ALL.into_iter().fold(registrar, |registrar, transport| registrar.listen(Listen::new(transport, any)));
    Lab::start(Config { seed: 1, registrars: vec![registrar] }).unwrap()
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection from the client's side.
pub struct Client {
    pipe: Pipe,
    buffer: Vec<u8>,
    count: u32,
}

enum Pipe {
    Bytes(Box<dyn Stream>),
    Frames(Box<WebSocketStream<Box<dyn Stream>>>),
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub enum Came {
    Code(u16),
    LineEnds(usize),
    End,
}

impl Client {
    pub async fn open(lab: &Lab, transport: Transport) -> Client {
        Client::dial(lab, transport, None).await.unwrap()
    }

    /// Connects, with a certificate of its own (chain and key in PEM) perhaps.
    pub async fn dial(lab: &Lab, transport: Transport, identity: Option<(&str, &str)>) -> io::Result<Client> {
        let tcp = TcpStream::connect(lab.address("lab", transport).unwrap()).await?;
        let stream: Box<dyn Stream> = match transport {
            Transport::Tls | Transport::Wss => Box::new(secured(tcp, &lab.authority().root(), identity).await?),
            Transport::Udp | Transport::Tcp | Transport::Ws => Box::new(tcp),
        };
        let pipe = match transport {
            Transport::Ws | Transport::Wss => Pipe::Frames(Box::new(websocket(stream, Some("sip")).await.map_err(io::Error::other)?)),
            Transport::Udp | Transport::Tcp | Transport::Tls => Pipe::Bytes(stream),
        };
        Ok(Client { pipe, buffer: Vec::new(), count: 0 })
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        match &mut self.pipe {
            Pipe::Bytes(stream) => stream.write_all(bytes).await.unwrap(),
            Pipe::Frames(socket) => socket.send(Message::text(String::from_utf8(bytes.into()).unwrap())).await.unwrap(),
        }
    }

    /// Sends an OPTIONS.
    pub async fn ask(&mut self) {
        let request = self.options();
        self.send(&request).await;
    }

    /// An OPTIONS with a branch of its own.
    pub fn options(&mut self) -> Vec<u8> {
        self.count += 1;
        sip::build::Builder::request("OPTIONS", "sip:lab.example")
            .header("Via", format!("SIP/2.0/TCP x;branch=z9hG4bK{}", self.count))
            .header("From", "<sip:a@b>;tag=t")
            .header("To", "<sip:a@b>")
            .header("Call-ID", "c")
            .header("CSeq", format!("{} OPTIONS", self.count))
            .finish()
    }

    /// The next that comes.
    pub async fn next(&mut self) -> Came {
        timeout(PATIENCE, self.read()).await.expect("something comes")
    }

    async fn read(&mut self) -> Came {
        loop {
            match frame(&self.buffer).expect("what comes is framed") {
                Framed::LineEnds(count) => {
                    self.buffer.drain(..count);
                    return Came::LineEnds(count / 2);
                }
                Framed::Message(length) => {
                    let bytes: Vec<u8> = self.buffer.drain(..length).collect();
                    return Came::Code(sip::Message::parse(&bytes).unwrap().start().code().unwrap());
                }
                Framed::Incomplete => {}
            }
            match &mut self.pipe {
                Pipe::Bytes(stream) => match stream.read_buf(&mut self.buffer).await {
                    Ok(0) | Err(_) => return Came::End,
                    Ok(_) => {}
                },
                Pipe::Frames(socket) => match socket.next().await {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Came::End,
                    Some(Ok(message)) => self.buffer.extend_from_slice(&message.into_data()),
                },
            }
        }
    }
}

/// A WebSocket handshake.
pub async fn websocket<S: AsyncRead + AsyncWrite + Unpin>(stream: S, protocol: Option<&str>) -> Result<WebSocketStream<S>, Error> {
    let mut request = format!("ws://{HOST}/sip?a=b").into_client_request().unwrap();
    if let Some(protocol) = protocol {
        request.headers_mut().insert("Sec-WebSocket-Protocol", protocol.parse().unwrap());
    }
    client_async(request, stream).await.map(|(socket, _)| socket)
}

/// TLS over a connection, trusting that root alone.
pub async fn secured<S>(stream: S, root: &str, identity: Option<(&str, &str)>) -> io::Result<tokio_rustls::client::TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(root.as_bytes()).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<Vec<_>, _>>().unwrap();
            builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
        }
    };
    let name = ServerName::try_from(HOST).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}
