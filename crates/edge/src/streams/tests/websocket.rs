use std::net::TcpStream;
use std::thread::{JoinHandle, spawn};

use rustls::version::TLS13;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept_hdr};
use ua::{FlowFault, TlsSettings, Transport};

use super::authority::{Authority, Secured, Server, dns};
use super::stage::{Stage, accept, listener, message, say};

/// Answers a request for a WebSocket, naming that subprotocol; hands back what was asked for.
fn greet<S: std::io::Read + std::io::Write>(stream: S, subprotocol: Option<&str>) -> (WebSocket<S>, Vec<String>) {
    let mut asked = Vec::new();
    #[allow(clippy::result_large_err)] // the library's signature
    let answer = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("none").to_owned();
        asked = vec![request.uri().to_string(), header("Host"), header("Sec-WebSocket-Protocol")];
        if let Some(subprotocol) = subprotocol {
            response.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_str(subprotocol).unwrap());
        }
        Ok(response)
    };
    let socket = accept_hdr(stream, answer).unwrap();
    (socket, asked)
}

fn serve(listener: &std::net::TcpListener, subprotocol: Option<&'static str>) -> JoinHandle<(WebSocket<TcpStream>, Vec<String>)> {
    let listener = listener.try_clone().unwrap();
    spawn(move || greet(accept(&listener), subprotocol))
}

#[test]
fn a_websocket_message_is_a_sip_message_both_ways() {
    let (listener, to) = listener("127.0.0.1:0");
    let mut stage = Stage::new();
    let serving = serve(&listener, Some("sip"));
    let flow = stage.dial(to, Transport::Ws, "sbc.carrier.example", TlsSettings::default());
    stage.connections.send(flow, b"before");
    let (mut peer, asked) = serving.join().unwrap();
    assert_eq!(asked, ["/", &format!("sbc.carrier.example:{}", to.port()), "sip"]);
    assert_eq!(stage.opened(flow).secured, None);
    stage.connections.send(flow, b"not \xff UTF-8");
    assert_eq!(peer.read().unwrap(), Message::text("before"));
    assert_eq!(peer.read().unwrap(), Message::binary(&b"not \xff UTF-8"[..]));
    stage.connections.ping(flow);
    assert!(peer.read().unwrap().is_ping());
    // Its answer goes with the next thing that is sent or read.
    peer.send(Message::binary(message("1", 8_000))).unwrap();
    peer.send(Message::text("\r\n\r\n")).unwrap();
    peer.send(Message::text("SIP/2.0 200 OK\r\n\r\n")).unwrap();
    let mut messages = Vec::new();
    let mut ponged = false;
    while messages.len() < 2 || !ponged {
        match stage.told() {
            crate::shard::ToShard::Message { message, .. } => messages.push(message.bytes.to_vec()),
            crate::shard::ToShard::Pong { .. } => ponged = true,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(messages, [message("1", 8_000), b"SIP/2.0 200 OK\r\n\r\n".to_vec()]);
    stage.connections.send(flow, b"last");
    stage.connections.close(flow);
    assert_eq!(peer.read().unwrap(), Message::text("last"));
    assert!(peer.read().unwrap().is_close());
    drop(peer);
    stage.stop();
}

#[test]
fn a_websocket_travels_under_tls() {
    let (listener, to) = listener("127.0.0.1:0");
    let authority = Authority::new("a private authority");
    let mut stage = Stage::new();
    let accepting = Server::new(&authority.issue(&[dns("sbc.carrier.example")]), None, &[&TLS13]).accept(&listener);
    let serving: JoinHandle<(WebSocket<Secured>, _)> = spawn(move || greet(accepting.join().unwrap().unwrap(), Some("sip")));
    let settings = TlsSettings { roots: Some(authority.pem().into()), ..TlsSettings::default() };
    let flow = stage.dial(to, Transport::Wss, "sbc.carrier.example", settings);
    stage.connections.send(flow, b"under TLS");
    let (mut peer, _) = serving.join().unwrap();
    assert!(stage.opened(flow).secured.unwrap().starts_with("TLS 1.3 "));
    assert_eq!(peer.read().unwrap(), Message::text("under TLS"));
    drop(peer);
    assert_eq!(stage.closed(flow), FlowFault::Closed);
    stage.stop();
}

#[test]
fn a_client_certificate_that_is_missing_is_told_under_a_websocket_too() {
    let (listener, to) = listener("127.0.0.1:0");
    let authority = Authority::new("a private authority");
    let mut stage = Stage::new();
    let server = Server::new(&authority.issue(&[dns("sbc.carrier.example")]), Some(&authority), &[&TLS13]);
    let accepting = server.accept(&listener);
    let settings = TlsSettings { roots: Some(authority.pem().into()), ..TlsSettings::default() };
    let flow = stage.dial(to, Transport::Wss, "sbc.carrier.example", settings);
    assert!(accepting.join().unwrap().is_none());
    let fault = stage.closed(flow);
    assert!(matches!(fault, FlowFault::Tls(ua::TlsFault::ClientCertificate(_))), "{fault}");
    stage.stop();
}

#[test]
fn the_subprotocol_must_be_sip() {
    for subprotocol in [None, Some("mqtt")] {
        let (listener, to) = listener("127.0.0.1:0");
        let mut stage = Stage::new();
        let serving = serve(&listener, subprotocol);
        let flow = stage.open(to, Transport::Ws);
        let _peer = serving.join().unwrap();
        assert_eq!(stage.closed(flow), FlowFault::WebSocket("it does not agree to the subprotocol sip".into()));
        stage.stop();
    }
}

#[test]
fn what_speaks_no_websocket_is_told_in_its_words() {
    for (answer, words) in [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "it answered 404 Not Found"),
        ("SIP/2.0 400 Bad Request\r\n\r\n", "is wrong"),
        ("", "closed the connection"),
    ] {
        let (listener, to) = listener("127.0.0.1:0");
        let mut stage = Stage::new();
        let flow = stage.open(to, Transport::Ws);
        let mut peer = accept(&listener);
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            std::io::Read::read_exact(&mut peer, &mut byte).unwrap();
            request.extend(byte);
        }
        say(&mut peer, answer.as_bytes());
        drop(peer);
        match stage.closed(flow) {
            FlowFault::WebSocket(why) => assert!(why.contains(words), "{why}"),
            other => panic!("{other:?}"),
        }
        stage.stop();
    }
}

#[test]
fn a_message_beyond_any_size_ends_it() {
    let (listener, to) = listener("127.0.0.1:0");
    let mut stage = Stage::new();
    let serving = serve(&listener, Some("sip"));
    let flow = stage.open(to, Transport::Ws);
    let (mut peer, _) = serving.join().unwrap();
    stage.opened(flow);
    peer.send(Message::binary(vec![b'x'; sip::MESSAGE_BYTES_MAX + 1])).unwrap();
    assert_eq!(stage.closed(flow), FlowFault::Garbage);
    stage.stop();
}
