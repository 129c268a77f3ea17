//! The trunks of one carrier in one shard of one edge: they follow the user agent's own pace, slots, patience and back-off, without messages.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use ua::planning::{Jitter, Key, Pace, Slab, Slots, T1, T2, Urgency, back_off, patience, refresh_window};
use ua::{Instant, NonceReuse, Pacing};

use super::fleet::{BEFORE, CarrierPlan, Event, Memory};
use super::forecast::Tally;

/// OPTIONS keep-alive as a profile has it by default: every so long, and so many failures running are DOWN.
const PING: Duration = Duration::from_secs(30);
const PING_FAILURES: u32 = 3;
/// After a time-out, while a binding runs, the next try comes so soon (carriers.md, back-off).
const QUICK: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));
/// The plan begins here, so that what lies before it can be told.
const BEGINNING: Instant = Instant::from_micros(100_000 * 1_000_000);

/// A trunk, as far as the plan needs it.
#[derive(Clone, Debug)]
struct Trunk {
    key: Key,
    phase: Phase,
    /// Of its latest binding; none ever where at the origin.
    lapses_at: Instant,
    granted: Duration,
    /// When its nonce was issued; none where at the origin.
    nonce_at: Instant,
    failures: u16,
    /// What was noted for an earlier stamp is void.
    stamp: u16,
}

/// What a trunk is at.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// It has something to do when its note comes.
    Resting,
    /// As [`Phase::Resting`], for the carrier did not answer.
    Waiting,
    Queued,
    Asking(Asking),
}

/// A transaction.
#[derive(Clone, Copy, Debug)]
struct Asking {
    sent_at: Instant,
    gives_up_at: Instant,
    interval: Duration,
    /// It brings a digest.
    credentialed: bool,
    /// ... to a challenge of this exchange.
    challenged: bool,
}

/// What is to happen; the order of variants is that of things at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Note {
    Begin,
    Over,
    Answer,
    Resend,
    Due,
    Pace,
    Ping,
    Pong,
}

/// The carrier's trunks in a shard.
pub struct Lane<'a> {
    plan: &'a CarrierPlan,
    event: &'a Event,
    now: Instant,
    end: Instant,
    trunks: Vec<Trunk>,
    places: Slab<u32>,
    pace: Pace,
    pacing: Pacing,
    slots: Slots,
    jitter: Jitter,
    notes: BinaryHeap<Reverse<(Instant, Note, u32, u16)>>,
    pace_noted: bool,
    dark: bool,
    down: bool,
    loss: f64,
    granted: Duration,
    pings_failed: u32,
    healing: bool,
    /// Counts the lives of the edge: what was noted in an earlier one is void.
    life: u16,
    tally: &'a mut Tally,
}

impl<'a> Lane<'a> {
    /// Makes a lane of so many trunks in the steady state.
    pub fn new(plan: &'a CarrierPlan, event: &'a Event, trunks: u32, pacing: Pacing, seed: u64, tally: &'a mut Tally) -> Self {
        let mut lane = Lane {
            plan,
            event,
            now: BEGINNING,
            end: BEGINNING + tally.lasts(),
            trunks: Vec::with_capacity(trunks as usize),
            places: Slab::default(),
            pace: Pace::new(BEGINNING, pacing),
            pacing,
            slots: Slots::default(),
            jitter: Jitter::new(seed),
            notes: BinaryHeap::with_capacity(trunks as usize + 16),
            pace_noted: false,
            dark: false,
            down: false,
            loss: 0.0,
            granted: Duration::from_secs(plan.expires.into()),
            pings_failed: 0,
            healing: false,
            life: 0,
            tally,
        };
        for at in 0..trunks {
            lane.settle(at);
        }
        if event.concerns(&plan.name) && *event != Event::Nothing {
            lane.note(BEGINNING + BEFORE, Note::Begin, 0, 0);
            lane.note(BEGINNING + BEFORE + event.lasts(), Note::Over, 0, 0);
        }
        let first = lane.jitter.between(Duration::ZERO, PING);
        lane.note(BEGINNING + first, Note::Ping, 0, 0);
        lane
    }

    /// Lets it go on until the end. `goes_on` is asked now and then, with the planned time so far.
    ///
    /// # Errors
    /// Where it is told not to go on.
    pub fn run(mut self, goes_on: &mut dyn FnMut(Duration) -> bool) -> Result<(), Stopped> {
        let mut steps = 0u32;
        while let Some(&Reverse((at, note, trunk, stamp))) = self.notes.peek() {
            if at >= self.end {
                break;
            }
            self.notes.pop();
            self.now = at;
            self.happen(note, trunk, stamp);
            steps = steps.wrapping_add(1);
            if steps.is_multiple_of(1 << 14) && !goes_on(BEGINNING.until(at)) {
                return Err(Stopped);
            }
        }
        self.now = self.end;
        for trunk in &self.trunks {
            if trunk.lapses_at < self.end {
                self.tally.lapsed(BEGINNING.until(trunk.lapses_at), None);
            }
        }
        Ok(())
    }

    /// A trunk that was registered some time ago: as long as the one that is looked at has been so on average.
    fn settle(&mut self, at: u32) {
        let (low, high) = window(self.plan, Instant::default(), self.granted);
        let (low, high) = (low.micros(), high.micros());
        // The age of what is renewed after low to high, as somebody finds it who comes by.
        let age = loop {
            let age = self.jitter.up_to(high);
            if age <= low || self.jitter.up_to(high - low) >= age - low {
                break Duration::from_micros(age);
            }
        };
        let sent_at = self.now - age;
        let key = self.places.insert(at);
        let nonce_at = if self.plan.reuse == NonceReuse::Never { Instant::default() } else { sent_at };
        let lapses_at = sent_at + self.granted;
        self.trunks.push(Trunk { key, phase: Phase::Resting, lapses_at, granted: self.granted, nonce_at, failures: 0, stamp: 0 });
        self.rest(at, sent_at, self.granted);
    }

    /// Plans a trunk's refresh.
    fn rest(&mut self, at: u32, sent_at: Instant, granted: Duration) {
        let (low, high) = window(self.plan, sent_at, granted);
        let due = self.slots.take(self.now, low, high, &mut self.jitter);
        let trunk = &mut self.trunks[at as usize];
        trunk.phase = Phase::Resting;
        trunk.stamp = trunk.stamp.wrapping_add(1);
        let stamp = trunk.stamp;
        self.note(due, Note::Due, at, stamp);
    }

    fn note(&mut self, at: Instant, note: Note, trunk: u32, stamp: u16) {
        self.notes.push(Reverse((at.max(self.now), note, trunk, stamp)));
    }

    fn happen(&mut self, note: Note, at: u32, stamp: u16) {
        match note {
            Note::Begin => self.begin_event(),
            Note::Over => self.event_over(),
            Note::Pace => {
                if stamp == self.life {
                    self.pace_noted = false;
                    self.pump();
                }
            }
            Note::Ping => self.ping(),
            Note::Pong => self.pong(),
            Note::Answer | Note::Resend | Note::Due => {
                if self.trunks[at as usize].stamp != stamp {
                    return;
                }
                match note {
                    Note::Answer => self.answered(at),
                    Note::Resend => self.resend(at),
                    _ => self.enqueue(at, false),
                }
            }
        }
    }

    fn enqueue(&mut self, at: u32, ordered: bool) {
        let trunk = &mut self.trunks[at as usize];
        if matches!(trunk.phase, Phase::Queued | Phase::Asking(_)) {
            return;
        }
        let urgency = match trunk.lapses_at > self.now {
            _ if ordered => Urgency::Ordered,
            true => Urgency::Refresh { lapses_at: trunk.lapses_at },
            false => Urgency::First,
        };
        trunk.phase = Phase::Queued;
        trunk.stamp = trunk.stamp.wrapping_add(1);
        self.pace.enqueue(urgency, trunk.key);
        self.pump();
    }

    fn pump(&mut self) {
        while !self.pace.is_idle() && !self.down {
            match self.pace.admit(self.now) {
                Ok(key) => {
                    if let Some(&at) = self.places.at(key) {
                        self.ask(at);
                    }
                }
                Err(Some(at)) => {
                    if !self.pace_noted {
                        self.pace_noted = true;
                        self.note(at, Note::Pace, 0, self.life);
                    }
                    return;
                }
                Err(None) => return,
            }
        }
    }

    /// Begins an exchange.
    fn ask(&mut self, at: u32) {
        let trunk = &self.trunks[at as usize];
        let known = trunk.nonce_at > Instant::default();
        let credentialed = known && (self.plan.reuse == NonceReuse::Always || self.nonce_lives(trunk.nonce_at));
        self.send(at, self.now, credentialed, false);
    }

    fn nonce_lives(&self, issued_at: Instant) -> bool {
        self.plan.nonce_life.is_none_or(|life| self.now.since(issued_at) < Duration::from_secs(life.into()))
    }

    /// Sends a request for the first time.
    fn send(&mut self, at: u32, when: Instant, credentialed: bool, challenged: bool) {
        let trunk = &mut self.trunks[at as usize];
        let left = Some(trunk.lapses_at).filter(|&lapse| lapse > self.now);
        let gives_up_at = when + patience(self.now, left);
        trunk.phase = Phase::Asking(Asking { sent_at: when, gives_up_at, interval: T1, credentialed, challenged });
        self.datagram(at, when, false);
    }

    /// A datagram goes; notes the answer, or the next try if no answer comes before that.
    fn datagram(&mut self, at: u32, when: Instant, again: bool) {
        self.tally.register(BEGINNING.until(when), again);
        let there = self.way();
        let back = self.way();
        let trunk = &mut self.trunks[at as usize];
        let Phase::Asking(asking) = trunk.phase else { return };
        trunk.stamp = trunk.stamp.wrapping_add(1);
        let stamp = trunk.stamp;
        let next = (when + asking.interval).min(asking.gives_up_at);
        if let (Some(there), Some(back)) = (there, back) {
            let answer = when + there + back;
            if answer <= next {
                return self.note(answer, Note::Answer, at, stamp);
            }
            // Later than the next datagram, which costs all the same.
            if answer <= asking.gives_up_at {
                let mut interval = asking.interval;
                let mut due = next;
                while due < answer {
                    let goes = self.pace.spend(self.now).max(due);
                    self.tally.register(BEGINNING.until(goes), true);
                    interval = (interval * 2).min(T2);
                    due = due + interval;
                }
                return self.note(answer, Note::Answer, at, stamp);
            }
        }
        self.note(next, Note::Resend, at, stamp);
    }

    /// How long a datagram takes one way, if it arrives.
    fn way(&mut self) -> Option<Duration> {
        if self.dark || (self.loss > 0.0 && (self.jitter.up_to(1_000_000) as f64) < self.loss * 1_000_000.0) {
            return None;
        }
        Some(self.jitter.between(Duration::ZERO, self.plan.round_trip))
    }

    fn resend(&mut self, at: u32) {
        let Phase::Asking(asking) = &mut self.trunks[at as usize].phase else { return };
        if self.now >= asking.gives_up_at {
            return self.gave_up(at);
        }
        asking.interval = (asking.interval * 2).min(T2);
        let when = self.pace.spend(self.now);
        self.datagram(at, when, true);
    }

    fn gave_up(&mut self, at: u32) {
        self.pace.ended();
        let trunk = &mut self.trunks[at as usize];
        trunk.failures = trunk.failures.saturating_add(1);
        let mut retry_at = self.now + back_off(trunk.failures.into(), &mut self.jitter);
        if trunk.lapses_at > self.now {
            retry_at = retry_at.min(self.now + self.jitter.between(QUICK.0, QUICK.1));
        }
        trunk.phase = Phase::Waiting;
        trunk.stamp = trunk.stamp.wrapping_add(1);
        let stamp = trunk.stamp;
        self.note(retry_at, Note::Due, at, stamp);
        self.pump();
    }

    fn answered(&mut self, at: u32) {
        let trunk = &self.trunks[at as usize];
        let Phase::Asking(asking) = trunk.phase else { return };
        if self.dark {
            // It was on its way when everything went silent.
            let stamp = trunk.stamp;
            let next = (asking.sent_at + asking.interval).max(self.now).min(asking.gives_up_at);
            return self.note(next, Note::Resend, at, stamp);
        }
        let fresh = asking.challenged || self.nonce_lives(trunk.nonce_at);
        if !asking.credentialed || !fresh {
            let when = self.pace.spend(self.now);
            let never = self.plan.reuse == NonceReuse::Never;
            self.trunks[at as usize].nonce_at = if never { Instant::default() } else { self.now };
            return self.send(at, when, true, true);
        }
        self.pace.ended();
        self.tally.granted(asking.challenged);
        let lapsed = trunk.lapses_at <= self.now;
        if lapsed {
            let since = if trunk.lapses_at > Instant::default() { trunk.lapses_at } else { BEGINNING };
            self.tally.lapsed(BEGINNING.until(since), Some(BEGINNING.until(self.now)));
        }
        let granted = self.granted;
        let trunk = &mut self.trunks[at as usize];
        (trunk.failures, trunk.granted, trunk.lapses_at) = (0, granted, asking.sent_at + granted);
        self.rest(at, asking.sent_at, granted);
        if std::mem::take(&mut self.healing) {
            self.release();
        }
        self.pump();
    }

    fn ping(&mut self) {
        if !self.down {
            if self.dark {
                self.pings_failed += 1;
            } else {
                let trip = self.plan.round_trip;
                self.note(self.now + trip, Note::Pong, 0, 0);
            }
        }
        self.note(self.now + PING, Note::Ping, 0, 0);
    }

    /// OPTIONS is answered: after a DOWN one registration goes first, and those that wait follow when it has succeeded.
    fn pong(&mut self) {
        if std::mem::take(&mut self.pings_failed) < PING_FAILURES {
            return;
        }
        let waiting = (0..).zip(&self.trunks).filter(|(_, trunk)| matches!(trunk.phase, Phase::Waiting));
        let soonest = waiting.min_by_key(|(_, trunk)| (trunk.lapses_at <= self.now, trunk.lapses_at)).map(|(at, _)| at);
        if let Some(canary) = soonest {
            self.healing = true;
            self.enqueue(canary, true);
        }
    }

    fn release(&mut self) {
        for at in 0..self.trunks.len() as u32 {
            if matches!(self.trunks[at as usize].phase, Phase::Waiting) {
                self.enqueue(at, false);
            }
        }
    }

    fn begin_event(&mut self) {
        match self.event {
            Event::Nothing => {}
            Event::Outage { .. } => self.dark = true,
            Event::Loss { share, .. } => self.loss = *share,
            Event::Expiry { expires, .. } => self.granted = Duration::from_secs((*expires).into()),
            Event::Restart { memory, .. } => {
                self.down = true;
                self.life = self.life.wrapping_add(1);
                self.pace_noted = false;
                for trunk in &mut self.trunks {
                    // Nothing of what was noted happens.
                    trunk.stamp = trunk.stamp.wrapping_add(1);
                    trunk.phase = Phase::Resting;
                    if *memory != Memory::Clean {
                        trunk.nonce_at = Instant::default();
                    }
                }
            }
        }
    }

    fn event_over(&mut self) {
        match self.event {
            Event::Nothing | Event::Expiry { .. } => {}
            Event::Outage { .. } => self.dark = false,
            Event::Loss { .. } => self.loss = 0.0,
            Event::Restart { memory, .. } => {
                self.down = false;
                self.pace = Pace::new(self.now, self.pacing);
                self.slots = Slots::default();
                for at in 0..self.trunks.len() as u32 {
                    let trunk = &self.trunks[at as usize];
                    if *memory == Memory::None || trunk.lapses_at <= self.now {
                        self.begin_anew(at, *memory);
                    } else {
                        let sent_at = trunk.lapses_at - trunk.granted;
                        self.rest(at, sent_at, trunk.granted);
                    }
                }
            }
        }
    }

    /// A start without a binding that is known of. One that runs at the carrier all the same is no lapse.
    fn begin_anew(&mut self, at: u32, memory: Memory) {
        let trunk = &mut self.trunks[at as usize];
        if memory == Memory::None {
            trunk.nonce_at = Instant::default();
            trunk.failures = 0;
            trunk.phase = Phase::Queued;
            trunk.stamp = trunk.stamp.wrapping_add(1);
            self.pace.enqueue(Urgency::First, trunk.key);
            return self.pump();
        }
        self.enqueue(at, false);
    }
}

/// The run was ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// When to refresh: as `Endpoint::plan`.
fn window(plan: &CarrierPlan, sent_at: Instant, granted: Duration) -> (Instant, Instant) {
    let (low, high) = refresh_window(sent_at, granted);
    let low = low.max(sent_at + Duration::from_secs(plan.min_refresh.into())).min(high.max(sent_at + granted * 3 / 4));
    (low, high.max(low))
}
