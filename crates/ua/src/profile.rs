//! What is known of a carrier.

use std::sync::Arc;
use std::time::Duration;

use crate::{TlsSettings, Transport};

/// How to reach a carrier and what to expect of it.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The carrier's id.
    pub id: Arc<str>,
    /// Next hops in order, SIP URIs.
    pub registrars: Vec<Box<str>>,
    /// Which transports may be used, in order; none: [`Transport::USUAL`], and whatever a registrar's URI names.
    pub transports: Vec<Transport>,
    /// How its certificates are judged.
    pub tls: Arc<TlsSettings>,
    /// Preloaded Route and first hop.
    pub outbound_proxy: Option<Box<str>>,
    /// Whether the registrar goes into a preloaded Route.
    pub route: bool,
    /// How a new secret is tried.
    pub verify_by: VerifyBy,
    /// Whether a 2xx without a challenge is good enough.
    pub accept_unproven: bool,
    /// Whether a nonce is answered again unasked.
    pub nonce_reuse: NonceReuse,
    /// The carrier's spellings of algorithms, to IANA names.
    pub algorithm_aliases: Vec<(Box<str>, Box<str>)>,
    /// Compute a truncated SHA-512 for SHA-512-256.
    pub truncated_sha512: bool,
    /// Whether a response must come from the address that was asked.
    pub response_source_exact: bool,
    /// How fast it may be asked.
    pub pacing: Pacing,
    /// OPTIONS keep-alive; off where absent.
    pub options: Option<OptionsPing>,
    /// How many failed digests are allowed.
    pub failure_budget: FailureBudget,
    /// Between tries after a refusal that no password can cure.
    pub forbidden_retry: Duration,
    /// Patterns over reason phrase, Warning and Reason, with notes for the operator.
    pub phrase_notes: Vec<diagnosis::PhraseNote>,
    /// What it wants otherwise than most.
    pub manners: Manners,
}

impl Profile {
    /// Whether what is too large for a datagram may go over TCP.
    pub fn may_use_tcp(&self) -> bool {
        self.transports.is_empty() || self.transports.contains(&Transport::Tcp)
    }
}

/// What a carrier wants otherwise than most; by default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manners {
    /// Final answers after which the next target is asked, beside 408 and 503 (carriers.md F6).
    pub next_on: Vec<u16>,
    /// Hosts to which a 301, 302 or 305 is followed (carriers.md F8).
    pub redirect_hosts: Vec<Box<str>>,
    /// Registers with the address that the carrier saw, where the Contact names no host of its own (carriers.md N5).
    pub nat_rewrite: bool,
    /// Shortest time between refreshes, as far as the granted time allows it.
    pub min_refresh: Duration,
    /// How an old Contact makes way for a new one (carriers.md B12).
    pub contact_replacement: ContactReplacement,
    /// RFC 5626: instance and reg-id in the Contact, Supported: path, outbound.
    pub outbound: bool,
    /// RFC 6140: Require and Proxy-Require: gin, a Contact without user and with bnc.
    pub gin: bool,
    /// Over so many local ports do trunks spread, as far as there are sockets; 0 is as 1 (carriers.md B6).
    pub source_ports: u16,
    /// So many bindings does the carrier keep for one account, where that is known (carriers.md B6).
    pub binding_limit: Option<u32>,
}

/// What of the manners each answer is looked at for.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ways {
    pub(crate) nat_rewrite: bool,
    pub(crate) contact_replacement: ContactReplacement,
    pub(crate) outbound: bool,
    pub(crate) gin: bool,
    pub(crate) binding_limit: Option<u32>,
}

impl Manners {
    /// Copies what each answer is looked at for.
    pub(crate) fn ways(&self) -> Ways {
        let Manners { nat_rewrite, contact_replacement, outbound, gin, binding_limit, .. } = *self;
        Ways { nat_rewrite, contact_replacement, outbound, gin, binding_limit }
    }
}

/// How an old Contact makes way for a new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContactReplacement {
    /// The new one is registered, then the old one removed if it is still listed.
    #[default]
    After,
    /// Both in one request.
    SameRequest,
    /// The old one is removed first.
    Before,
    /// Instance and reg-id replace it at the registrar (RFC 5626 6); nothing is removed.
    Instance,
}

/// How a new secret is tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VerifyBy {
    /// A contact-less REGISTER (RFC 3261 10.2.3).
    #[default]
    Query,
    /// The renewal of the existing Contact.
    Renew,
    /// Not before promotion.
    None,
}

/// Whether a nonce is answered again unasked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NonceReuse {
    /// As long as the carrier has been seen to permit it.
    #[default]
    Auto,
    /// Never.
    Never,
    /// Whatever the carrier did before.
    Always,
}

/// How fast a carrier may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pacing {
    /// REGISTER datagrams per second.
    pub registers_per_second: u32,
    /// REGISTER transactions without a final answer.
    pub in_flight: u32,
}

/// OPTIONS keep-alive of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionsPing {
    /// Between pings.
    pub interval: Duration,
    /// So many running without an answer: down.
    pub failure_threshold: u32,
    /// So many running with an answer: up.
    pub success_threshold: u32,
}

/// How many failed digests are allowed per user name at a carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureBudget {
    /// So many within the window, one of them reserved for a person's verification.
    pub failures: u32,
    /// The window.
    pub window: Duration,
    /// So many hold one credential version.
    pub per_version: u32,
}
