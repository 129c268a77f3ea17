//! One registration: what is desired, what holds at the carrier, and where the exchange stands.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use diagnosis::{Code, Diagnosis, SipStatus};

use crate::answering::Answering;
use crate::budget::{Asker, Risk};
use crate::carrier::Ticket;
use crate::chance::Jitter;
use crate::desired::Desired;
use crate::drift;
use crate::locate::Place;
use crate::record::Record;
use crate::request::Identity;
use crate::slab::Key;
use crate::targets::Target;
use crate::verdict::Final;
use crate::wheel::TimerKey;
use crate::{AttemptKind, Credential, Drift, Flow, Instant, Local, Negotiated, RegistrationState, Routes, Transport};

/// A registration.
pub struct Registration {
    /// What is desired.
    pub assignment: Box<Desired>,
    /// The carrier that it is with.
    pub carrier: Key,
    /// RFC 3261 10.2.4: one Call-ID and a rising CSeq for the life of the registration.
    pub identity: Identity,
    /// Where it stands.
    pub phase: Phase,
    /// What the carrier has granted.
    pub binding: Option<Binding>,
    /// Nonces to answer unasked: one, or a proxy's and the registrar's.
    pub remembered: Vec<Answering>,
    /// To be kept, or removed.
    pub intent: Intent,
    /// Which credential is in use.
    pub which: Which,
    /// The standby version was refused too.
    pub standby_refused: bool,
    /// Failed digests of the version in use.
    pub failed_digests: u32,
    /// When the last of them was refused.
    pub failed_at: Instant,
    /// The version in use was accepted at least once.
    pub accepted: bool,
    /// A person has released the hold: the next digest may use the failure that is reserved for people.
    pub released: bool,
    /// The CSeq that was last told to be kept.
    pub saved_cseq: u32,
    /// What the carrier did otherwise, when it was last told of a failure.
    pub drifted: Box<[Drift]>,
    /// The seconds that were granted when that was last told or noted; zero where they are not known.
    pub granted: u32,
    /// Every exchange that begins before then is told as an attempt.
    pub traced_until: Instant,
    /// What was last reported as accepted: version and terms.
    pub reported: Option<(u32, Option<Arc<Negotiated>>)>,
    /// Failures running.
    pub failures: u32,
    /// Something changed while an exchange was on: renew when it ends.
    pub again: bool,
    /// The verification that renews the binding: nothing else may meanwhile (carriers.md B11).
    pub ridden: Option<Key>,
    /// The least that a 423 asked for.
    pub min_expires: Option<u32>,
    /// A binding of ours under another Contact, to be removed once the new one holds (carriers.md B12).
    pub stray: Option<Arc<str>>,
    /// The last REGISTER that nobody answered in time: a late 2xx to it still binds (carriers.md F10).
    pub late: Option<Box<Late>>,
    /// When the last attempt began.
    pub started_at: Instant,
    /// The connection that it shares.
    pub seat: Option<Flow>,
    /// After a definitive refusal on a connection the next try goes on one that was begun after this one (carriers.md N9).
    pub fresh_after: Flow,
    /// The fingerprint of what was told and saved when it last came to rest; zero where it is to be told whole.
    pub told: u64,
    /// The carrier's epoch in which a refresh went as the next one will, unless something changes; zero where it is not known to.
    pub plain: u32,
    /// What the operator sees.
    pub shown: Shown,
    /// The next thing to do.
    pub timer: Option<TimerKey>,
}

/// Where a registration stands. A phase holds only what is true in it.
pub enum Phase {
    /// There is nothing to register with.
    Idle,
    /// In the carrier's queue.
    Queued(Ticket),
    /// A REGISTER is out.
    Asking(Box<Exchange>),
    /// It is challenged, and other digests are out that must not fail first: it answers when their outcome is known.
    Parked {
        /// The attempt; it takes no place of its carrier's pace meanwhile.
        exchange: Box<Exchange>,
        /// The carrier's 401 or 407.
        answer: Box<[u8]>,
    },
    /// Bound, and to be refreshed then.
    Bound { refresh_at: Instant },
    /// To be tried again then.
    Waiting { retry_at: Instant, why: Wait },
    /// Its failed digests are spent.
    Held,
    /// Removed by hand; stays away.
    Away,
}

/// Why a registration waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Nobody answered.
    Network,
    /// The carrier is in trouble.
    Temporary,
    /// The carrier said how long (Retry-After).
    Told,
    /// A first failed digest.
    FailedDigest,
    /// Any other refusal.
    Rejected,
}

/// What is to become of the binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// It is kept.
    Keep,
    /// It is removed, and the registration stays.
    Away,
    /// It is removed, and the registration with it.
    Leave,
    /// As `Leave`, and another registration has the trunk's name by now.
    LeaveUnseen,
}

impl Intent {
    /// The binding is to go.
    pub fn removes(self) -> bool {
        match self {
            Intent::Keep => false,
            Intent::Away | Intent::Leave | Intent::LeaveUnseen => true,
        }
    }
}

/// Which of the assignment's credentials is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The active one.
    Active,
    /// The standby, after the active one was refused.
    Standby,
}

/// What the carrier has granted.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The address-of-record that it belongs to.
    pub address_of_record: Arc<str>,
    /// The Contact as we sent it.
    pub contact: Arc<str>,
    /// Who granted it.
    pub registrar: Place,
    /// For so long.
    pub granted: Duration,
    /// Counted from sending.
    pub lapses_at: Instant,
    /// When it began.
    pub registered_at: Instant,
    /// To which credential version.
    pub version: u32,
    /// Against a digest.
    pub authenticated: bool,
}

/// An attempt that is on.
pub struct Exchange {
    /// The transaction that is out.
    pub transaction: Key,
    /// Who is asked.
    pub target: Target,
    /// From where.
    pub local: Local,
    /// The connection that is used.
    pub flow: Option<Flow>,
    /// Whether what is too large for a datagram goes over TCP (carriers.md N6).
    pub large: Large,
    /// It began anew on a fresh connection, which is done once (carriers.md N9).
    pub reconnected: bool,
    /// What the REGISTER does.
    pub purpose: Purpose,
    /// Places tried in this attempt.
    pub tried: Vec<Place>,
    /// Nothing was sent yet.
    pub fresh: bool,
    /// Challenges of this attempt that were answered, one for each who challenged.
    pub answers: Vec<Answering>,
    /// The remembered nonce went along, and was so old.
    pub remembered: Option<Duration>,
    /// `stale=true` running.
    pub stale: u8,
    /// A 423 was followed, or doubled upon.
    pub interval: u8,
    /// So many redirections were followed (carriers.md F8).
    pub redirects: u8,
    /// The latest of them.
    pub redirected: Option<Box<Final>>,
    /// It goes without extensions, as the carrier does not know them (carriers.md F9).
    pub plain: bool,
    /// CSeq was raised because the carrier named it (carriers.md F15).
    pub cseq: u8,
    /// What the last challenge offered.
    pub seen: Vec<diagnosis::Challenge>,
    /// The Contact that goes along.
    pub contact: Arc<str>,
    /// Seconds asked for.
    pub expires: u32,
    /// The credential version in use.
    pub version: u32,
    /// What it is for.
    pub kind: AttemptKind,
    /// When it began.
    pub began: Instant,
    /// What went and came, as far as it may have to be told.
    pub record: Record,
    /// Digests of it that may fail.
    pub risks: Vec<Risk>,
    /// It was sent as the refresh before it, because nothing had changed.
    pub marked: bool,
}

impl Exchange {
    /// Begins a refresh; `tried` lends its room.
    pub fn begun(now: Instant, transaction: Key, target: Target, local: Local, contact: Arc<str>, mut tried: Vec<Place>) -> Self {
        tried.clear();
        tried.push(target.place());
        Exchange {
            transaction,
            target,
            local,
            flow: None,
            large: Large::default(),
            reconnected: false,
            purpose: Purpose::Bind,
            tried,
            fresh: true,
            answers: Vec::new(),
            remembered: None,
            stale: 0,
            interval: 0,
            redirects: 0,
            redirected: None,
            plain: false,
            cseq: 0,
            seen: Vec::new(),
            contact,
            expires: 0,
            version: 0,
            kind: AttemptKind::Refresh,
            began: now,
            record: Record::default(),
            risks: Vec::new(),
            marked: false,
        }
    }

    /// Returns the connection that a nonce belongs to: none where the target speaks UDP, whatever a large request did.
    pub fn flow_of_nonce(&self) -> Option<Flow> {
        self.flow.filter(|_| self.target.transport != Transport::Udp)
    }

    /// Returns how its requests travel.
    pub fn transport(&self) -> Transport {
        match self.large {
            Large::OverTcp => Transport::Tcp,
            Large::No | Large::TcpRefused => self.target.transport,
        }
    }

    /// A digest went along with the REGISTER that is out.
    pub fn authenticated(&self) -> bool {
        self.remembered.is_some() || !self.answers.is_empty()
    }
}

/// What becomes of a request that is too large for a datagram (RFC 3261 18.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Large {
    /// None was.
    #[default]
    No,
    /// They go over TCP to the same address.
    OverTcp,
    /// TCP was refused: they go as datagrams all the same.
    TcpRefused,
}

/// A REGISTER that nobody answered in time.
pub struct Late {
    /// Its CSeq.
    pub cseq: u32,
    /// The Contact that went along.
    pub contact: Arc<str>,
    /// Seconds asked for.
    pub expires: u32,
    /// The credential version in use.
    pub version: u32,
    /// A digest went along.
    pub authenticated: bool,
}

/// What a REGISTER does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Binds, or renews.
    Bind,
    /// Removes the binding.
    Unbind,
    /// Removes the stray Contact.
    UnbindStray,
}

/// What the operator sees beside the state.
pub struct Shown {
    /// The state last told.
    pub state: RegistrationState,
    /// Since when.
    pub since: Instant,
    /// The carrier has answered since the last change.
    pub answered: bool,
    /// A binding ran and lapsed.
    pub lapsed: bool,
    /// The last final answer.
    pub response: Option<Arc<SipStatus>>,
    /// The last round trip.
    pub round_trip: Option<Duration>,
    /// Our address as the carrier saw it.
    pub public: Option<SocketAddr>,
    /// Why it is not as it should be.
    pub diagnosis: Option<Box<Diagnosis>>,
    /// What was negotiated.
    pub negotiated: Option<Arc<Negotiated>>,
    /// What the latest 2xx said for requests on the trunk.
    pub routes: Option<Box<Routes>>,
    /// The version used last.
    pub version: Option<u32>,
    /// What wants attention.
    pub warnings: Vec<Code>,
    /// Successful refreshes.
    pub refreshes: u64,
}

impl Shown {
    /// Begins with nothing seen.
    pub fn new(now: Instant) -> Self {
        Shown {
            state: RegistrationState::Pending,
            since: now,
            answered: false,
            lapsed: false,
            response: None,
            round_trip: None,
            public: None,
            diagnosis: None,
            negotiated: None,
            routes: None,
            version: None,
            warnings: Vec::new(),
            refreshes: 0,
        }
    }
}

impl Registration {
    /// Returns the credential in use: for a removal the one that the binding was granted to, if it is still at hand.
    pub fn credential(&self) -> Option<&Credential> {
        let Desired { active, standby, .. } = &*self.assignment;
        if let (true, Some(binding)) = (self.intent.removes(), &self.binding)
            && let Some(kept) = self.credential_of(binding.version)
        {
            return Some(kept);
        }
        match self.which {
            Which::Active => active.as_ref(),
            Which::Standby => standby.as_deref(),
        }
    }

    /// Tells whether the binding that runs is the one to be removed before the new Contact is bound.
    pub fn stray_goes_first(&self) -> bool {
        self.binding.as_ref().is_some_and(|binding| self.stray.as_ref() == Some(&binding.contact))
    }

    /// Returns a version, if it is still at hand.
    pub fn credential_of(&self, version: u32) -> Option<&Credential> {
        self.assignment.credential_of(version)
    }

    /// Tells whether a version is the one in use.
    pub fn uses(&self, version: u32) -> bool {
        self.credential().is_some_and(|credential| credential.version == version)
    }

    /// Returns in whose name the allowance of failed digests is to be asked; in nobody's for a version that was accepted, or proven by a
    /// verification, and has not failed since: what others guess wrong for this user name must not end a binding that works. `refused` says
    /// that the last digest of a registration of this user name failed here; one that was withdrawn and given back no longer knows.
    pub fn asker(&self, refused: bool) -> Option<Asker> {
        let proven = self.accepted || (!refused && self.credential().is_some_and(|credential| credential.pinned));
        match (self.failed_digests, self.released) {
            (0, false) if proven => None,
            (_, true) => Some(Asker::Person),
            (_, false) => Some(Asker::Machine { fresh: !self.accepted }),
        }
    }

    /// Notes the seconds that were granted, and tells whether they are others than before; so small a difference that it is none is not
    /// noted either, so that a grant that creeps away is told some day.
    pub fn granted(&mut self, seconds: u32) -> Option<Drift> {
        let before = self.granted;
        let change = drift::of_grant(before, seconds);
        if before == 0 || change.is_some() {
            self.granted = seconds;
        }
        change.filter(|_| before > 0)
    }

    /// Returns the state in the API's words.
    pub fn state(&self) -> RegistrationState {
        let bound = self.binding.is_some();
        match &self.phase {
            Phase::Queued(_) | Phase::Asking(_) | Phase::Parked { .. } | Phase::Waiting { .. } | Phase::Bound { .. }
                if self.intent.removes() =>
            {
                RegistrationState::Unregistering
            }
            Phase::Idle | Phase::Away => RegistrationState::Pending,
            Phase::Asking(_) | Phase::Parked { .. } if bound => RegistrationState::Refreshing,
            Phase::Queued(_) | Phase::Bound { .. } if bound => RegistrationState::Registered,
            // Trying again changes nothing until it ends.
            Phase::Asking(_) | Phase::Parked { .. } | Phase::Queued(_) | Phase::Bound { .. } => match self.shown.state {
                RegistrationState::Registered | RegistrationState::Refreshing => RegistrationState::Expired,
                RegistrationState::Pending | RegistrationState::AuthHeld | RegistrationState::Unregistering => match self.phase {
                    Phase::Asking(_) | Phase::Parked { .. } => RegistrationState::Registering,
                    _ => RegistrationState::Pending,
                },
                kept @ (RegistrationState::Registering
                | RegistrationState::RetryWait
                | RegistrationState::Unreachable
                | RegistrationState::Rejected
                | RegistrationState::Expired) => kept,
            },
            Phase::Held => RegistrationState::AuthHeld,
            Phase::Waiting { why: Wait::Rejected, .. } => RegistrationState::Rejected,
            Phase::Waiting { .. } if self.shown.lapsed && !bound => RegistrationState::Expired,
            Phase::Waiting { why: Wait::Network, .. } if !self.shown.answered && !bound => RegistrationState::Unreachable,
            Phase::Waiting { .. } => RegistrationState::RetryWait,
        }
    }

    /// Returns when to act next by itself.
    pub fn next_action_at(&self) -> Option<Instant> {
        // While a verification rides, its end is what is waited for.
        if self.ridden.is_some() {
            return None;
        }
        match self.phase {
            Phase::Bound { refresh_at } => Some(refresh_at),
            Phase::Waiting { retry_at, .. } => Some(retry_at),
            Phase::Idle | Phase::Queued(_) | Phase::Asking(_) | Phase::Parked { .. } | Phase::Held | Phase::Away => None,
        }
    }
}

/// When to refresh a binding that was granted at `sent_at` for `granted`, at the soonest and at the latest (design section 5, carriers.md B4
/// and B4a).
pub fn refresh_window(sent_at: Instant, granted: Duration) -> (Instant, Instant) {
    /// RFC 3261 wants no such binding; it is kept as well as can be.
    const UNSUSTAINABLE: Duration = Duration::from_secs(20);
    const SHORT: Duration = Duration::from_secs(300);
    let (low, high) = if granted < UNSUSTAINABLE {
        (Duration::from_secs(10), Duration::from_secs(10))
    } else if granted < SHORT {
        (granted * 2 / 5, granted / 2)
    } else {
        (granted / 2, granted * 3 / 4)
    };
    (sent_at + low, sent_at + high)
}

/// Returns a granted time in whole seconds.
pub fn seconds_of(granted: Duration) -> u32 {
    u32::try_from(granted.as_secs()).unwrap_or(u32::MAX)
}

/// How long to wait after so many failures running (RFC 5626 4.5), n from 1.
pub fn back_off(failures: u32, jitter: &mut Jitter) -> Duration {
    let full = Duration::from_secs(30 * (1 << failures.clamp(1, 6))).min(Duration::from_secs(1800));
    jitter.between(full / 2, full)
}

/// How long a try may take: Timer F, or less where two of those do not fit before the binding lapses.
pub fn patience(now: Instant, lapses_at: Option<Instant>) -> Duration {
    use crate::wire::TIMER_F;
    match lapses_at.map(|at| now.until(at)) {
        Some(left) if left < TIMER_F * 2 => (left / 3).max(Duration::from_secs(8)).min(TIMER_F),
        Some(_) | None => TIMER_F,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_comes_at_half_to_three_quarters_and_sooner_where_the_time_is_short() {
        let start = Instant::from_micros(1);
        for (granted, low, high) in [(3600, 1800, 2700), (300, 150, 225), (299, 119, 149), (60, 24, 30), (20, 8, 10), (5, 10, 10)] {
            let (soonest, latest) = refresh_window(start, Duration::from_secs(granted));
            assert_eq!((start.until(soonest).as_secs(), start.until(latest).as_secs()), (low, high), "{granted}");
        }
    }

    #[test]
    fn back_off_doubles_to_half_an_hour() {
        let mut jitter = Jitter::new(1);
        for (failures, full) in [(1, 60), (2, 120), (5, 960), (6, 1800), (60, 1800)] {
            let pause = back_off(failures, &mut jitter);
            assert!(pause <= Duration::from_secs(full) && pause >= Duration::from_secs(full / 2), "{failures}: {pause:?}");
        }
    }

    #[test]
    fn two_tries_fit_before_a_lapse() {
        let now = Instant::from_micros(0);
        for (left, wanted) in [(3600, 32), (64, 32), (63, 21), (30, 10), (12, 8)] {
            assert_eq!(patience(now, Some(now + Duration::from_secs(left))).as_secs(), wanted, "{left}");
        }
        assert_eq!(patience(now, None), crate::wire::TIMER_F);
    }
}
