use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use ua::{Dial, Flow, FlowFault, Local, Opening, TlsSettings, Transport};

use crate::gate::Gate;
use crate::shard::{Inbox, ToShard, inbox};
use crate::streams::{Connections, Streams};
use crate::tally::Tally;
use crate::tls::{Clients, TlsIdentity, Wallet};

pub(super) const DEADLINE: Duration = Duration::from_secs(30);

/// A shard's side of its connections: what it does with them, and what it is told.
pub(super) struct Stage {
    pub(super) connections: Connections,
    pub(super) tally: Arc<Tally>,
    pub(super) inbox: Inbox,
    streams: Streams,
    next: u64,
}

impl Stage {
    pub(super) fn new() -> Self {
        Self::with(Gate::new(&["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()], &[]))
    }

    pub(super) fn with(gate: Gate) -> Self {
        Self::of(gate, &[])
    }

    /// One that has client certificates.
    pub(super) fn holding(identities: &[TlsIdentity]) -> Self {
        Self::of(Gate::new(&["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()], &[]), identities)
    }

    fn of(gate: Gate, identities: &[TlsIdentity]) -> Self {
        let streams = Streams::start().unwrap();
        let tally = Arc::new(Tally::new(1));
        let (mailer, inbox) = inbox().unwrap();
        let locals = ["127.0.0.1:5060", "[::1]:5060", "0.0.0.0:5060"].map(|address| address.parse().unwrap());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let clients = Clients::new(Wallet::open(identities, &provider).unwrap(), provider);
        let opener = streams.opener(mailer, Arc::new(locals), Arc::new(gate), Arc::new(clients), Arc::clone(&tally));
        Stage { connections: Connections::new(opener), tally, inbox, streams, next: 0 }
    }

    pub(super) fn open(&mut self, to: SocketAddr, transport: Transport) -> Flow {
        self.dial(to, transport, "localhost", TlsSettings::default())
    }

    pub(super) fn dial(&mut self, to: SocketAddr, transport: Transport, name: &str, tls: TlsSettings) -> Flow {
        self.next += 1;
        let flow = Flow(self.next);
        let local = Local(u16::from(to.is_ipv6()));
        self.connections.open(Dial { flow, local, to, transport, name: name.into(), tls: Arc::new(tls) });
        flow
    }

    /// Waits for what the shard is told next.
    pub(super) fn told(&mut self) -> ToShard {
        let end = Instant::now() + DEADLINE;
        loop {
            self.inbox.hush();
            if let Some(told) = self.inbox.take() {
                return told;
            }
            assert!(Instant::now() < end, "nothing was told");
            poll(&mut [PollFd::new(self.inbox.bell(), PollFlags::POLLIN)], PollTimeout::from(100_u8)).unwrap();
        }
    }

    pub(super) fn opened(&mut self, flow: Flow) -> Opening {
        match self.told() {
            ToShard::Opened { flow: told, opening } if told == flow => opening,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn message(&mut self, flow: Flow) -> Vec<u8> {
        match self.told() {
            ToShard::Message { flow: told, message } if told == flow => message.bytes.to_vec(),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn pong(&mut self, flow: Flow) {
        assert!(matches!(self.told(), ToShard::Pong { flow: told } if told == flow));
    }

    pub(super) fn closed(&mut self, flow: Flow) -> FlowFault {
        match self.told() {
            ToShard::Closed { flow: told, fault } if told == flow => fault,
            other => panic!("{other:?}"),
        }
    }

    /// Stops in order, as an edge does.
    pub(super) fn stop(self) {
        drop(self.connections);
        self.streams.stop(DEADLINE);
    }
}

pub(super) fn listener(address: &str) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(address).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

pub(super) fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// Reads exactly what is expected.
pub(super) fn expect(stream: &mut impl Read, expected: &[u8]) {
    let mut got = vec![0; expected.len()];
    stream.read_exact(&mut got).unwrap();
    assert_eq!(String::from_utf8_lossy(&got), String::from_utf8_lossy(expected));
}

pub(super) fn say(stream: &mut impl Write, bytes: &[u8]) {
    stream.write_all(bytes).unwrap();
    stream.flush().unwrap();
}

/// A message whose body has that length.
pub(super) fn message(name: &str, body: usize) -> Vec<u8> {
    let body = "x".repeat(body);
    format!("SIP/2.0 200 OK\r\nX-Name: {name}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
