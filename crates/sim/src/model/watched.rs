use std::collections::VecDeque;
use std::time::Duration;

use ua::{Instant, RegistrationState};

/// So many grants are remembered to compare a status with: late answers renew too.
const GRANTS: usize = 6;

/// What is to become of a trunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Want {
    /// It is not the edge's.
    #[default]
    Gone,
    /// It is to be registered.
    Kept,
    /// Its binding is to be removed.
    Leaving,
}

/// What is known of one trunk.
#[derive(Debug, Default)]
pub struct Watched {
    /// What is to become of it.
    pub want: Want,
    /// The Call-ID of its registration.
    pub call_id: Option<Box<str>>,
    /// The Call-ID of its verification.
    pub probe_call_id: Option<Box<str>>,
    /// The branch of the registration's request that waits for its answer.
    pub open: Option<Box<str>>,
    /// When its last request had its final answer: what is sent in that instant continues the attempt.
    pub answered_at: Option<Instant>,
    /// The binding that runs.
    pub grant: Option<Grant>,
    /// Bindings that were granted lately.
    pub grants: VecDeque<Grant>,
    /// The first try since the grant.
    pub first_try: Option<Instant>,
    /// A request since the grant had no answer.
    pub unheard: bool,
    /// When attempts began, lately.
    pub tries: VecDeque<Instant>,
    /// The carrier refused it last.
    pub refused_at: Option<Instant>,
    /// It was ordered to act last.
    pub ordered_at: Option<Instant>,
    /// It was sent, told, or ordered last.
    pub acted_at: Instant,
    /// When it said that it acts next.
    pub next_at: Option<Instant>,
    /// What it told last.
    pub state: Option<RegistrationState>,
    /// It said that it is held.
    pub held: bool,
    /// Failed digests running, of the version in use.
    pub failed_digests: u32,
    /// When the last of them failed.
    pub failed_at: Option<Instant>,
    /// The version in use was accepted when it was used last.
    pub proven: bool,
    /// An operator has released it: the next digest may use the failure that is reserved for people.
    pub released: bool,
    /// The removal of a binding was asked for last.
    pub removal_at: Option<Instant>,
    /// A verification is on.
    pub verifying: bool,
    /// The verification renews the binding.
    pub riding: bool,
    /// What it went on with after the last restart, until its first request.
    pub resumed: Option<Resumed>,
    /// The edge was restarted last, not in order.
    pub unclean_at: Option<Instant>,
    /// It has been called forgotten already.
    pub forgotten: bool,
}

/// A binding that was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// When its request was sent.
    pub sent_at: Instant,
    /// For so long.
    pub time: Duration,
    /// When it lapses.
    pub lapses_at: Instant,
}

/// What a registration goes on with after a restart.
#[derive(Clone, Debug)]
pub struct Resumed {
    /// Its Call-ID.
    pub call_id: Box<str>,
    /// Its CSeq as it was kept.
    pub cseq: u32,
    /// Kept by a stop in order.
    pub clean: bool,
}

impl Watched {
    /// Takes a granted binding over.
    pub fn granted(&mut self, grant: Grant) {
        self.remember(grant.clone());
        self.grant = Some(grant);
        self.first_try = None;
        self.unheard = false;
        self.failed_digests = 0;
        self.released = false;
        self.proven = true;
    }

    /// Remembers a granted binding.
    pub fn remember(&mut self, grant: Grant) {
        if self.grants.len() == GRANTS {
            self.grants.pop_front();
        }
        self.grants.push_back(grant);
    }
}
