//! A message that the endpoint sent.

use std::net::SocketAddr;

use sip::digest::Authorization;
use sip::{Message, Name, Start};
use ua::{Flow, Instant, Local};

/// A message that the endpoint sent: a datagram, or on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub at: Instant,
    pub local: Local,
    pub to: SocketAddr,
    pub flow: Option<Flow>,
    pub bytes: Vec<u8>,
}

impl Sent {
    pub fn message(&self) -> Message<'_> {
        Message::parse(&self.bytes).unwrap_or_else(|fault| panic!("{fault}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn method(&self) -> String {
        match self.message().start() {
            Start::Request { method, .. } => method.to_owned(),
            Start::Status { code, .. } => code.to_string(),
        }
    }

    pub fn uri(&self) -> String {
        match self.message().start() {
            Start::Request { uri, .. } => uri.to_owned(),
            Start::Status { .. } => panic!("a response has no Request-URI"),
        }
    }

    pub fn cseq(&self) -> u32 {
        self.message().cseq().unwrap().number
    }

    pub fn call_id(&self) -> String {
        String::from_utf8_lossy(self.message().call_id().unwrap()).into_owned()
    }

    pub fn tag(&self) -> String {
        self.message().from().unwrap().tag().unwrap().to_owned()
    }

    pub fn branch(&self) -> String {
        self.message().via().unwrap().branch().unwrap().to_owned()
    }

    pub fn header(&self, name: Name) -> Option<String> {
        self.message().header(name).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// The Contact URI and the seconds asked for, where it carries one.
    pub fn contact(&self) -> Option<(String, Option<u32>)> {
        let contact = self.message().contacts().next()?.unwrap();
        Some((contact.uri().to_owned(), contact.expires()))
    }

    /// Every digest answer that it carries, with whether it answers a proxy.
    pub fn credentials(&self) -> Vec<(bool, Vec<u8>)> {
        let message = self.message();
        let of = |name, proxy| message.headers(name).map(move |value| (proxy, value.to_vec())).collect::<Vec<_>>();
        [of(Name::Authorization, false), of(Name::ProxyAuthorization, true)].concat()
    }

    /// The nonces that it answers.
    pub fn nonces(&self) -> Vec<String> {
        let nonce = |value: &[u8]| String::from_utf8_lossy(Authorization::parse(value).unwrap().nonce).into_owned();
        self.credentials().iter().map(|(_, value)| nonce(value)).collect()
    }
}
