//! A carrier's next hops: names, the places that they lead to, and which of those answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::locate::{Aim, Ended, Located, Place, Question, Search};
use crate::{Instant, Profile, Query, Resolution, ResolveFault, Transport};

/// A failed search is not repeated sooner.
const LOOKUP_PAUSE: Duration = Duration::from_secs(5);
/// What was found is kept so long while DNS finds nothing any more (RFC 8767 5 speaks of one to three days), and longer while it answers.
const KEPT_MAX: Duration = Duration::from_secs(24 * 3600);
/// A place that fails again and again is put last for at most so long, unless it says otherwise.
const SHUN_MAX: Duration = Duration::from_secs(600);
/// So many places are tried in one attempt; those that failed are last in the next.
const TRIES_MAX: usize = 64;

/// The next hops of one profile, in order.
#[derive(Clone, Debug)]
pub struct Targets {
    hops: Vec<Hop>,
    health: Vec<Health>,
}

#[derive(Clone, Debug)]
struct Hop {
    uri: Arc<str>,
    aim: Result<Aim, ResolveFault>,
    search: Option<Search>,
    found: Option<Found>,
    fault: Option<(ResolveFault, Instant)>,
    /// How the last search went.
    path: Arc<[Box<str>]>,
}

#[derive(Clone, Debug)]
struct Found {
    located: Located,
    until: Instant,
    /// When DNS last said so.
    said_at: Instant,
}

/// What is known of one place.
#[derive(Clone, Debug)]
struct Health {
    place: Place,
    shunned_until: Instant,
    failures: u8,
    answered_at: Option<Instant>,
}

/// A next hop to send to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where to.
    pub address: SocketAddr,
    /// How.
    pub transport: Transport,
    /// The name to prove under TLS: the host of the registrar's URI, not what DNS made of it (RFC 5922 4).
    pub name: Arc<str>,
    /// The URI of the registrar that led there.
    pub registrar: Arc<str>,
}

impl Target {
    /// Returns where it is.
    pub fn place(&self) -> Place {
        Place { transport: self.transport, address: self.address }
    }
}

/// What to do for a next hop.
#[derive(Debug)]
pub enum Next {
    /// Send there.
    Ask(Target),
    /// Look these up first (none: what is needed is being looked up already).
    LookUp(Vec<(usize, Question)>),
    /// Every place was tried in this attempt, or enough of them.
    Exhausted,
    /// No registrar leads anywhere.
    Nowhere { registrar: Arc<str>, fault: ResolveFault },
}

impl Targets {
    /// Reads a profile's registrars; an outbound proxy takes their place as next hop. `can` is what the endpoint sends over.
    pub fn new(profile: &Profile, can: &[Transport]) -> Self {
        let uris: Vec<&str> = match &profile.outbound_proxy {
            Some(proxy) => vec![proxy],
            None => profile.registrars.iter().map(|uri| &**uri).collect(),
        };
        let hops = uris.into_iter().map(|uri| Hop {
            uri: uri.into(),
            aim: Aim::read(uri, &profile.transports, can),
            search: None,
            found: None,
            fault: None,
            path: Arc::default(),
        });
        Targets { hops: hops.collect(), health: Vec::new() }
    }

    /// Copies what is known, without the searches that somebody else waits for.
    #[must_use]
    pub fn known(&self) -> Self {
        let mut copy = self.clone();
        copy.hops.iter_mut().for_each(|hop| hop.search = None);
        copy
    }

    /// Returns the first next hop's URI.
    pub fn first_uri(&self) -> &str {
        self.hops.first().map_or("", |hop| &hop.uri)
    }

    /// Chooses the next hop for this lot: in order, those that are shunned last, none that was tried.
    pub fn next(&self, now: Instant, tried: &[Place], lot: u64) -> Next {
        // Nobody overtakes the first in order because its name takes longer to look up.
        let first = self.hops.iter().find(|hop| hop.is_unheard() || !hop.places().is_empty());
        if tried.is_empty() && first.is_some_and(Hop::is_unheard) {
            return Next::LookUp(self.stale(now));
        }
        let mut best: Option<(Instant, &Hop, Place)> = None;
        for hop in &self.hops {
            let Some(found) = &hop.found else { continue };
            for &place in &*found.located.order(lot) {
                let shunned = self.shunned_until(now, place);
                if !tried.contains(&place) && best.is_none_or(|(least, ..)| shunned < least) {
                    best = Some((shunned, hop, place));
                }
            }
        }
        if tried.len() >= TRIES_MAX {
            return Next::Exhausted;
        }
        if let Some((_, hop, Place { transport, address })) = best {
            let name = hop.aim.as_ref().map_or_else(|_| Arc::default(), |aim| aim.host.clone());
            return Next::Ask(Target { address, transport, name, registrar: hop.uri.clone() });
        }
        if !tried.is_empty() && self.places().next().is_some() {
            return Next::Exhausted;
        }
        let missing = self.stale(now);
        if !missing.is_empty() || self.is_looked_up() {
            return Next::LookUp(missing);
        }
        let failed = self.hops.iter().find_map(|hop| Some((hop.uri.clone(), hop.fault()?)));
        let (registrar, fault) = failed.unwrap_or_else(|| (self.first_uri().into(), ResolveFault::Failed("there is no registrar".into())));
        Next::Nowhere { registrar, fault }
    }

    /// Returns the place that [`Targets::next`] gives whatever the lot, because there is no other.
    pub fn sole(&self) -> Option<Place> {
        let [hop] = self.hops.as_slice() else { return None };
        let [place] = hop.places() else { return None };
        Some(*place)
    }

    /// Returns the next hop at the sole place.
    pub fn sole_target(&self) -> Option<Target> {
        let (Some(Place { transport, address }), [hop]) = (self.sole(), self.hops.as_slice()) else { return None };
        let name = hop.aim.as_ref().map_or_else(|_| Arc::default(), |aim| aim.host.clone());
        Some(Target { address, transport, name, registrar: hop.uri.clone() })
    }

    /// Tells whether [`Targets::sole_target`] gives this one.
    pub fn is_sole(&self, target: &Target) -> bool {
        let [hop] = self.hops.as_slice() else { return false };
        let named = hop.aim.as_ref().is_ok_and(|aim| Arc::ptr_eq(&aim.host, &target.name));
        named && Arc::ptr_eq(&hop.uri, &target.registrar) && hop.places() == [target.place()]
    }

    /// Returns what is to be looked up because nothing is known, or because it has grown old (it is used meanwhile); and what the
    /// searches that are on want next.
    pub fn stale(&self, now: Instant) -> Vec<(usize, Question)> {
        self.questions(|hop| hop.wants_search(now))
    }

    /// Returns what the searches that are on want next.
    pub fn follow_ups(&self) -> Vec<(usize, Question)> {
        self.questions(|_| false)
    }

    fn questions(&self, begins: impl Fn(&Hop) -> bool) -> Vec<(usize, Question)> {
        let mut questions = Vec::new();
        for (at, hop) in self.hops.iter().enumerate() {
            match (&hop.search, &hop.aim) {
                (Some(search), _) => questions.extend(search.unasked().map(|question| (at, question.clone()))),
                (None, Ok(aim)) if begins(hop) => questions.extend(Search::new(aim).unasked().map(|question| (at, question.clone()))),
                (None, _) => {}
            }
        }
        questions
    }

    /// Tells whether something is being looked up.
    pub fn is_looked_up(&self) -> bool {
        self.hops.iter().any(|hop| hop.search.is_some())
    }

    /// Counts the next hops whose first look-up has not ended yet.
    pub fn unheard(&self) -> usize {
        self.hops.iter().filter(|hop| hop.is_unheard()).count()
    }

    /// Notes that a look-up was ordered.
    pub fn asked(&mut self, at: usize, question: &Question, query: Query) {
        let Some(hop) = self.hops.get_mut(at) else { return };
        if let Ok(aim) = &hop.aim {
            hop.search.get_or_insert_with(|| Search::new(aim)).asked(question, query);
        }
    }

    /// Takes a look-up's outcome. Tells whether that ended a search.
    pub fn resolved(&mut self, now: Instant, query: Query, outcome: Result<Resolution, ResolveFault>) -> bool {
        let awaits = |hop: &Hop| hop.search.as_ref().is_some_and(|search| search.awaits(query));
        let Some(at) = self.hops.iter().position(awaits) else { return false };
        let Some(search) = self.hops[at].search.as_mut() else { return false };
        search.take(query, outcome);
        if !search.is_over() {
            return false;
        }
        let answers = self.answers_since(at, now);
        let hop = &mut self.hops[at];
        let Some(search) = hop.search.take() else { return false };
        // The last good places are kept while DNS is broken (carriers.md N2), but not for ever.
        hop.found = hop.found.take().filter(|found| answers || now.since(found.said_at) < KEPT_MAX);
        let Ended { path, trouble, found } = search.end(hop.found.as_ref().map(|found| &found.located));
        hop.path = path;
        match (found, &trouble) {
            (Some(located), _) => {
                let said_at = match &hop.found {
                    Some(before) if trouble.is_some() => before.said_at,
                    Some(_) | None => now,
                };
                hop.found = Some(Found { until: now + located.ttl, said_at, located });
            }
            // The gate's word is final: an address that it forbids now is not used because it was allowed before.
            (None, Some(ResolveFault::Failed(_) | ResolveFault::Absent(_))) => {}
            (None, _) => hop.found = None,
        }
        hop.fault = trouble.map(|fault| (fault, now + LOOKUP_PAUSE));
        true
    }

    /// Tells whether one of a hop's places answered lately.
    fn answers_since(&self, at: usize, now: Instant) -> bool {
        let places = self.hops[at].places();
        self.health
            .iter()
            .any(|health| places.contains(&health.place) && health.answered_at.is_some_and(|answered_at| now.since(answered_at) < KEPT_MAX))
    }

    /// Returns every known place with its registrar's URI, in order.
    pub fn places(&self) -> impl Iterator<Item = (&Arc<str>, Place)> {
        self.hops.iter().flat_map(|hop| hop.places().iter().map(move |&place| (&hop.uri, place)))
    }

    /// Returns the name that a known place is to prove.
    pub fn name_of(&self, place: Place) -> Arc<str> {
        let hop = self.hops.iter().find(|hop| hop.places().contains(&place));
        hop.and_then(|hop| hop.aim.as_ref().ok()).map_or_else(Arc::default, |aim| aim.host.clone())
    }

    /// Returns how a registrar was searched for last, a line a look-up.
    pub fn path(&self, registrar: &str) -> Vec<String> {
        let hop = self.hops.iter().find(|hop| &*hop.uri == registrar);
        hop.map_or_else(Vec::new, |hop| hop.path.iter().map(ToString::to_string).collect())
    }

    /// Tells whether DNS is broken for a registrar that is reached all the same, or another of the carrier's.
    pub fn is_troubled(&self) -> bool {
        self.hops.iter().any(|hop| hop.fault.is_some())
    }

    /// Puts a place last for so long; longer if it failed before and has not answered since.
    pub fn shun(&mut self, now: Instant, place: Place, span: Duration) {
        let health = self.health_of(place);
        let longer = span.saturating_mul(1 << health.failures.min(16)).min(SHUN_MAX);
        health.failures = health.failures.saturating_add(1);
        health.shunned_until = health.shunned_until.max(now + span.max(longer));
    }

    /// Notes that a place answered.
    pub fn answered(&mut self, now: Instant, place: Place) {
        self.health_of(place).answered_at = Some(now);
    }

    /// Takes a place back to where it belongs.
    pub fn trust(&mut self, place: Place) {
        let health = self.health_of(place);
        health.shunned_until = Instant::default();
        health.failures = 0;
    }

    /// Tells whether a place ever answered.
    pub fn has_answered(&self, place: Place) -> bool {
        self.health.iter().any(|health| health.place == place && health.answered_at.is_some())
    }

    /// Zero where it is not shunned.
    fn shunned_until(&self, now: Instant, place: Place) -> Instant {
        let until = self.health.iter().find(|health| health.place == place).map(|health| health.shunned_until);
        until.filter(|&until| until > now).unwrap_or_default()
    }

    fn health_of(&mut self, place: Place) -> &mut Health {
        let at = match self.health.iter().position(|health| health.place == place) {
            Some(at) => at,
            None => {
                let known: Vec<Place> = self.places().map(|(_, place)| place).collect();
                self.health.retain(|health| known.contains(&health.place));
                self.health.push(Health { place, shunned_until: Instant::default(), failures: 0, answered_at: None });
                self.health.len() - 1
            }
        };
        &mut self.health[at]
    }
}

impl Hop {
    fn places(&self) -> &[Place] {
        self.found.as_ref().map_or(&[], |found| found.located.places())
    }

    fn fault(&self) -> Option<ResolveFault> {
        self.aim.as_ref().err().or(self.fault.as_ref().map(|(fault, _)| fault)).cloned()
    }

    /// Its first search has not ended yet.
    fn is_unheard(&self) -> bool {
        self.aim.is_ok() && self.found.is_none() && self.fault.is_none()
    }

    fn wants_search(&self, now: Instant) -> bool {
        self.search.is_none()
            && self.found.as_ref().is_none_or(|found| found.until <= now)
            && self.fault.as_ref().is_none_or(|&(_, until)| until <= now)
    }
}
