use std::net::SocketAddr;

use sip::{Message, Name, Start, Uri};

use crate::arrival::Arrival;
use crate::{Transport, Which};

/// What a registrar reads of a request.
pub(crate) struct Request<'a> {
    pub(crate) message: &'a Message<'a>,
    pub(crate) source: SocketAddr,
    pub(crate) transport: Transport,
    pub(crate) connection: Option<u64>,
    pub(crate) method: &'a str,
    pub(crate) uri: &'a str,
    /// The user of the address-of-record, as written; empty where To has none.
    pub(crate) user: &'a str,
    /// The host of the address-of-record, as written.
    pub(crate) host: String,
    pub(crate) call_id: String,
    pub(crate) cseq: u32,
}

/// A Contact that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) uri: String,
    pub(crate) params: Vec<(String, Option<String>)>,
    pub(crate) expires: u32,
}

/// What a REGISTER asks for (RFC 3261 10.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Query,
    RemoveAll,
    Update(Vec<Wanted>),
}

/// RFC 3261 10.2: a registrar's choice where nothing is said.
const EXPIRES_UNSAID: u32 = 3600;

impl<'a> Request<'a> {
    /// Reads a request; `None` where a mandatory header is missing or malformed (RFC 3261 8.1.1).
    pub(crate) fn read(message: &'a Message<'a>, arrival: Arrival) -> Option<Request<'a>> {
        let Start::Request { method, uri } = message.start() else { return None };
        let cseq = message.cseq().ok().filter(|cseq| cseq.method == method)?;
        let to = message.to().ok()?;
        message.from().ok()?.tag()?;
        let aor = Uri::parse(to.uri).ok()?;
        Some(Request {
            message,
            source: arrival.source,
            transport: arrival.transport,
            connection: arrival.connection,
            method,
            uri,
            user: aor.user.unwrap_or_default(),
            host: aor.host.to_string(),
            call_id: String::from_utf8_lossy(message.call_id().ok()?).into_owned(),
            cseq: cseq.number,
        })
    }

    /// What a REGISTER asks for; `None` where RFC 3261 10.3 demands a 400.
    pub(crate) fn wish(&self) -> Option<Wish> {
        let expires = self.message.expires().ok()?;
        let contacts = self.message.contacts().collect::<Result<Vec<_>, _>>().ok()?;
        if contacts.is_empty() {
            return Some(Wish::Query);
        }
        if contacts.iter().any(sip::Contact::is_any) {
            // Step 6: the star stands alone and with an expiry of zero.
            return (contacts.len() == 1 && expires == Some(0)).then_some(Wish::RemoveAll);
        }
        let wanted = contacts.iter().map(|contact| {
            let params = contact.address().map(|address| address.params).unwrap_or_default();
            let kept = params.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("expires"));
            Wanted {
                uri: contact.uri().to_owned(),
                params: kept.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))).collect(),
                expires: contact.expires().or(expires).unwrap_or(EXPIRES_UNSAID),
            }
        });
        Some(Wish::Update(wanted.collect()))
    }

    /// The values of a header, as text; one that is not UTF-8 is left out.
    pub(crate) fn values(&self, name: Name) -> impl Iterator<Item = &'a str> {
        self.message.headers(name).filter_map(|value| std::str::from_utf8(value).ok())
    }

    /// RFC 3261 17.2.3: branch, sent-by and method name a transaction; the source keeps a stranger's apart.
    pub(crate) fn transaction_key(message: &Message<'_>, source: SocketAddr) -> Option<String> {
        let via = message.via().ok()?;
        let method = message.start().method()?;
        Some(format!("{}|{}:{:?}|{method}|{source}", via.branch()?, via.host, via.port))
    }

    /// RFC 3261 18.2.2 and RFC 3581: over the connection; a datagram's to its source, and to its port where `rport` was asked for.
    pub(crate) fn reply_to(message: &Message<'_>, arrival: Arrival) -> Option<SocketAddr> {
        let via = message.via().ok()?;
        let source = arrival.source;
        if arrival.transport.is_stream() {
            return Some(source);
        }
        let port = if via.rport().is_some() { source.port() } else { via.port.unwrap_or(5060) };
        Some(SocketAddr::new(source.ip(), port))
    }
}

impl Wish {
    /// The kind of it, given whether a Contact is bound already.
    pub(crate) fn kind(&self, bound: impl Fn(&str) -> bool) -> Which {
        match self {
            Wish::Query => Which::Query,
            Wish::RemoveAll => Which::Removal,
            Wish::Update(wanted) if wanted.iter().all(|w| w.expires == 0) => Which::Removal,
            Wish::Update(wanted) if wanted.iter().any(|w| bound(&w.uri)) => Which::Renewal,
            Wish::Update(_) => Which::NewBinding,
        }
    }

    /// The first Contact.
    pub(crate) fn first(&self) -> Option<&Wanted> {
        match self {
            Wish::Update(wanted) => wanted.first(),
            Wish::Query | Wish::RemoveAll => None,
        }
    }
}
