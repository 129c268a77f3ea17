//! Requests as bytes.

use std::net::SocketAddr;
use std::sync::Arc;

use sip::Uri;
use sip::build::Builder;
use sip::digest::Hash;

use crate::{Account, ContactSpec, Transport};

/// What stays the same for the life of a registration (RFC 3261 10.2.4) or of one verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The Call-ID.
    pub call_id: Arc<str>,
    /// The tag of From.
    pub from_tag: Arc<str>,
    /// The CSeq sent last.
    pub cseq: u32,
}

/// RFC 3261 8.1.1.5 wants less than 2^31; far before it, a new Call-ID begins a new count.
pub const CSEQ_MAX: u32 = (1 << 31) - 1_000_000;

/// What a REGISTER carries beside the account's own.
pub struct Register<'r> {
    /// Who registers; its own address-of-record is not looked at.
    pub account: &'r Account,
    /// To, and From unless the account has another.
    pub address_of_record: &'r str,
    /// Call-ID, tag and CSeq.
    pub identity: &'r Identity,
    /// The `Via` branch, cookie included.
    pub branch: &'r str,
    /// The socket's advertised address.
    pub via: &'r str,
    /// How it travels.
    pub transport: Transport,
    /// The preloaded Route (RFC 3261 8.1.1.1).
    pub route: Option<&'r str>,
    /// Contact URIs and the seconds to ask for each; none for a query of bindings.
    pub contacts: &'r [(&'r str, u32)],
    /// What goes into the Contacts and beside them.
    pub extension: Extension<'r>,
    /// Header lines that answer challenges, each with its end.
    pub answers: &'r [u8],
    /// User-Agent.
    pub user_agent: &'r str,
}

/// An extension of the registration itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension<'r> {
    /// RFC 3261 alone.
    None,
    /// RFC 5626.
    Outbound {
        /// The URN of the instance (RFC 5626 4.1).
        instance: &'r str,
    },
    /// RFC 6140.
    Gin,
}

/// Returns the URN of a trunk's instance: the same after a restart and at every edge, so that a take-over replaces the binding
/// (RFC 5626 4.1; RFC 9562 5.8 leaves version 8 to us).
pub fn instance(trunk: &str, address_of_record: &str) -> String {
    let hash = sip::digest::ha1(Hash::Sha256, trunk, address_of_record, b"trunkline");
    let hex = hash.as_str();
    format!("urn:uuid:{}-{}-8{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

impl Register<'_> {
    /// As [`Register::write`], of a request without Route and extension and with one Contact, in which nothing has to be made harmless
    /// ([`Register::is_harmless`]).
    /// Says too where the value of From begins.
    pub fn write_harmless(&self, mut out: Vec<u8>) -> (Vec<u8>, usize) {
        let account = self.account;
        let from = account.from_uri.as_deref().unwrap_or(self.address_of_record);
        let (contact, expires) = self.contacts.first().copied().unwrap_or_default();
        let (cseq, expires) = (Decimal::new(self.identity.cseq), Decimal::new(expires));
        let parts: [&[&str]; 8] = [
            &[
                "REGISTER ",
                &account.request_uri,
                " SIP/2.0\r\nVia: SIP/2.0/",
                self.transport.via(),
                " ",
                self.via,
                ";rport;branch=",
                self.branch,
            ],
            &["\r\nMax-Forwards: 70\r\nFrom: "],
            &["<", from, ">;tag=", &self.identity.from_tag, "\r\nTo: <", self.address_of_record],
            &[">\r\nCall-ID: ", &self.identity.call_id],
            &["\r\nCSeq: ", cseq.text()],
            &[" REGISTER\r\nContact: <", contact, ">;expires=", expires.text()],
            &["\r\nExpires: ", expires.text(), "\r\n"],
            &["User-Agent: ", account.user_agent.as_deref().unwrap_or(self.user_agent), "\r\nContent-Length: 0\r\n\r\n"],
        ];
        let (before, after) = parts.split_at(7);
        out.clear();
        let mut from_at = 0;
        for (at, parts) in before.iter().enumerate() {
            if at == 2 {
                from_at = out.len();
            }
            parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
        }
        out.extend_from_slice(self.answers);
        after.iter().copied().flatten().for_each(|part| out.extend_from_slice(part.as_bytes()));
        debug_assert_eq!(out, self.write(Vec::new()));
        (out, from_at)
    }

    /// Tells whether all that stays the same for the life of a registration can stand in a message as it is.
    pub fn is_harmless(&self) -> bool {
        let account = self.account;
        let texts: [&str; 8] = [
            &account.request_uri,
            self.via,
            account.from_uri.as_deref().unwrap_or_default(),
            self.address_of_record,
            &self.identity.call_id,
            &self.identity.from_tag,
            account.user_agent.as_deref().unwrap_or(self.user_agent),
            self.contacts.first().map_or("", |(contact, _)| contact),
        ];
        let sound = |text: &str| !text.bytes().any(|b| matches!(b, b'\r' | b'\n' | 0));
        texts.into_iter().all(sound) && !account.request_uri.contains([' ', '\t']) && account.extra_headers.is_empty()
    }

    /// Writes the request into a buffer that is lent, and returns it.
    pub fn write(&self, buffer: Vec<u8>) -> Vec<u8> {
        let account = self.account;
        let from = account.from_uri.as_deref().unwrap_or(self.address_of_record);
        let mut builder = Builder::request_into(buffer, "REGISTER", &account.request_uri)
            .parts("Via", &["SIP/2.0/", self.transport.via(), " ", self.via, ";rport;branch=", self.branch])
            .parts("Max-Forwards", &["70"]);
        if let Some(route) = self.route {
            builder = builder.parts("Route", &["<", route, ">"]);
        }
        builder = builder
            .parts("From", &["<", from, ">;tag=", &self.identity.from_tag])
            .parts("To", &["<", self.address_of_record, ">"])
            .parts("Call-ID", &[&self.identity.call_id])
            .parts("CSeq", &[Decimal::new(self.identity.cseq).text(), " REGISTER"]);
        for (contact, expires) in self.contacts {
            let expires = Decimal::new(*expires);
            builder = match self.extension {
                // RFC 5626 4.2.1; one flow, so one reg-id.
                Extension::Outbound { instance } => {
                    let parts = ["<", *contact, ">;reg-id=1;+sip.instance=\"<", instance, ">\";expires=", expires.text()];
                    builder.parts("Contact", &parts)
                }
                Extension::None | Extension::Gin => builder.parts("Contact", &["<", *contact, ">;expires=", expires.text()]),
            };
        }
        // Some registrars read the parameter only, some the header only. With several Contacts it is the first one's, the rest have theirs.
        if let [(_, expires), ..] = self.contacts {
            builder = builder.parts("Expires", &[Decimal::new(*expires).text()]);
        }
        builder = match self.extension {
            Extension::None => builder,
            Extension::Outbound { .. } => builder.header("Supported", "path, outbound"),
            // RFC 6140 5.1.
            Extension::Gin => builder.header("Require", "gin").header("Proxy-Require", "gin").header("Supported", "path"),
        };
        builder = builder.lines(self.answers);
        for (name, value) in &account.extra_headers {
            builder = builder.header(name, value);
        }
        builder.parts("User-Agent", &[account.user_agent.as_deref().unwrap_or(self.user_agent)]).finish()
    }
}

/// A number as text, without a string of its own.
struct Decimal {
    digits: [u8; 10],
    from: usize,
}

impl Decimal {
    fn new(mut number: u32) -> Self {
        let mut decimal = Decimal { digits: [b'0'; 10], from: 9 };
        loop {
            decimal.digits[decimal.from] += (number % 10) as u8;
            number /= 10;
            if number == 0 {
                return decimal;
            }
            decimal.from -= 1;
        }
    }

    fn text(&self) -> &str {
        self.digits.get(self.from..).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or_default()
    }
}

/// An OPTIONS that asks whether a registrar answers.
pub struct Options<'r> {
    /// The registrar's URI.
    pub uri: &'r str,
    /// Call-ID, tag and CSeq.
    pub identity: &'r Identity,
    /// The `Via` branch, cookie included.
    pub branch: &'r str,
    /// The socket's advertised address.
    pub via: SocketAddr,
    /// How it travels.
    pub transport: Transport,
    /// User-Agent.
    pub user_agent: &'r str,
}

impl Options<'_> {
    /// Writes the request into a buffer that is lent, and returns it.
    pub fn write(&self, buffer: Vec<u8>) -> Vec<u8> {
        Builder::request_into(buffer, "OPTIONS", self.uri)
            .header("Via", format_args!("SIP/2.0/{} {};rport;branch={}", self.transport, self.via, self.branch))
            .header("Max-Forwards", 70)
            .header("From", format_args!("<sip:ping@{}>;tag={}", self.via, self.identity.from_tag))
            .header("To", format_args!("<{}>", self.uri))
            .header("Call-ID", &self.identity.call_id)
            .header("CSeq", format_args!("{} OPTIONS", self.identity.cseq))
            .header("Accept", "application/sdp")
            .header("User-Agent", self.user_agent)
            .finish()
    }
}

/// Writes the Contact URI of an account at a socket.
///
/// Where the Contact names no host of its own, it names the transport that the registration goes over, as calls are to come the same way.
/// `seen` is the address that the carrier saw, where the profile wants that one; with `gin` it has no user and says `bnc` (RFC 6140 5.1).
pub fn contact_uri(
    account: &Account,
    address_of_record: &str,
    advertised: SocketAddr,
    seen: Option<SocketAddr>,
    gin: bool,
    over: Transport,
) -> String {
    let ContactSpec { user, host, port, transport, params } = &account.contact;
    let advertised = seen.unwrap_or(advertised);
    let own_user = Uri::parse(address_of_record).ok().and_then(|uri| uri.user);
    let mut uri = String::from("sip:");
    if let (Some(user), false) = (user.as_deref().or(own_user), gin) {
        uri.push_str(user);
        uri.push('@');
    }
    match (host.as_deref(), port) {
        (Some(host), None) => uri.push_str(host),
        (Some(host), Some(port)) => uri.push_str(&format!("{host}:{port}")),
        (None, port) => uri.push_str(&SocketAddr::new(advertised.ip(), port.unwrap_or(advertised.port())).to_string()),
    }
    let own = (host.is_none() && over != Transport::Udp).then(|| over.as_str());
    if let Some(transport) = transport.as_deref().or(own) {
        uri.push_str(";transport=");
        uri.push_str(transport);
    }
    if let Some(params) = params {
        uri.push(';');
        uri.push_str(params);
    }
    if gin {
        uri.push_str(";bnc");
    }
    uri
}
