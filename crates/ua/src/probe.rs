//! A verification: credentials tried at a carrier before they replace the old ones.

use sip::Uri;

use crate::answering::Answering;
use crate::budget::Risk;
use crate::chance::lot;
use crate::locate::Place;
use crate::record::Record;
use crate::registration::Large;
use crate::request::Identity;
use crate::slab::Key;
use crate::targets::{Target, Targets};
use crate::verdict::{End, Final, Observation};
use crate::wheel::TimerKey;
use crate::{Credential, Flow, Instant, Local, Negotiated, Outcome, Transport, VerifyOrder, VerifyStep};

/// A verification that is on. It has its own Call-ID, From tag and CSeq, starts without Authorization, and never delays a refresh.
pub struct Probe {
    /// What was ordered.
    pub order: Box<VerifyOrder>,
    /// Its next hops, looked up anew.
    pub targets: Targets,
    /// Of its REGISTERs.
    pub identity: Identity,
    /// By which request it asks at present.
    pub asks: Asks,
    /// Who is asked, from where.
    pub hop: Option<(Target, Local)>,
    /// The connection of its own that it asks on.
    pub flow: Option<Flow>,
    /// Whether what is too large for a datagram goes over TCP.
    pub large: Large,
    /// Places tried.
    pub tried: Vec<Place>,
    /// The REGISTER that is out.
    pub register: Option<Key>,
    /// The OPTIONS that is out.
    pub options: Option<Key>,
    /// Whether it was redirected.
    pub redirect: Redirect,
    /// Challenges that were answered.
    pub answers: Vec<Answering>,
    /// `stale=true` running.
    pub stale: u8,
    /// Digests of it that may fail.
    pub risks: Vec<Risk>,
    /// The 401 or 407 that it answers once the outcome of others' digests is known.
    pub parked: Option<Box<[u8]>>,
    /// The challenge to its removal is still to be answered, once.
    pub asks_back: bool,
    /// What was, or would be, answered.
    pub negotiated: Option<Negotiated>,
    /// The latest step that was told.
    pub passed: Option<VerifyStep>,
    /// What was seen.
    pub seen: Observation,
    /// How it ended, while something is still to be waited for.
    pub concluded: Option<Concluded>,
    /// The next thing to do.
    pub timer: Option<TimerKey>,
    /// The verdict comes no later.
    pub deadline: Instant,
    /// When it began.
    pub began: Instant,
    /// What went and came.
    pub record: Record,
}

impl Probe {
    /// Returns where it asks, and how: a request that is too large for a datagram goes over TCP.
    pub fn place(&self) -> Option<Place> {
        let (target, _) = self.hop.as_ref()?;
        let over_tcp = self.large == Large::OverTcp;
        Some(Place { transport: if over_tcp { Transport::Tcp } else { target.transport }, address: target.address })
    }

    /// The trunk's lot among servers of one priority: what is verified is where it will register.
    pub fn lot(&self) -> u64 {
        lot(self.order.trunk.as_ref().unwrap_or(&self.order.id))
    }

    /// What is tried. Whoever it was redirected to learns no digest for a realm of its own: where none is named, it is the domain's.
    pub fn credential(&self) -> Option<Credential> {
        let mut credential = self.order.credential.clone()?;
        if self.redirect == Redirect::There && credential.realm.is_none() {
            let domain = Uri::parse(&self.order.account.address_of_record).ok()?.host.to_string();
            credential.realm = Some(domain.into());
        }
        Some(credential)
    }
}

/// What became of a redirection (carriers.md F8); a verification follows one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redirect {
    /// There was none.
    No,
    /// Its host is being looked up.
    LookedUp(Box<Final>),
    /// Who is asked is whom it named.
    There,
    /// It was followed, to no avail.
    Past,
}

/// By which request a verification asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// A contact-less REGISTER.
    Query,
    /// The renewal of this registration's binding, by its Call-ID and CSeq.
    Renewal(Key),
    /// A binding of its own, where none is yet.
    Binding,
    /// The removal of that binding, after the verdict is known.
    Unbinding,
}

/// A verdict that waits to be told.
#[derive(Clone, Debug)]
pub enum Concluded {
    /// It is good.
    Good(Outcome),
    /// It is not.
    Bad(End),
}
