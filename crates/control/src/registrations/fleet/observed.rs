//! What the edges see: the latest status of each trunk at each edge, in memory only.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use diagnosis::Diagnosis;
use link::{Generation, RegistrationState, Renewal, TrunkStatus, UnixMicros};
use prometheus::proto::MetricFamily;
use tokio::sync::mpsc;

use super::health::{Share, Standing, Transition, resting};
use super::rates::{Counted, Rates};
use super::tally::{self, Tally};
use crate::registrations::object;
use crate::store::now;

/// The latest status of each trunk at each edge.
#[derive(Debug, Default)]
pub struct Observed {
    table: RwLock<Table>,
    watches: Mutex<HashMap<String, Vec<mpsc::UnboundedSender<Happening>>>>,
}

#[derive(Debug, Default)]
struct Table {
    trunks: HashMap<Box<str>, Watched>,
    carriers: HashMap<Arc<str>, Share>,
    rates: Rates,
    tally: Tally,
    /// The names of sites, so that a million trunks share them.
    sites: HashSet<Arc<str>>,
    /// Addresses of each edge as carriers saw them, with how many trunks tell so.
    public: HashMap<Arc<str>, BTreeMap<String, u64>>,
    /// Bindings that run and are not being refreshed, with the lapse that was told of.
    at_risk: HashMap<(Box<str>, Arc<str>), Option<UnixMicros>>,
}

#[derive(Debug, Default)]
struct Watched {
    placed: Option<Placed>,
    seen: Vec<Seen>,
}

/// Where a trunk was assigned.
#[derive(Debug)]
struct Placed {
    site: Arc<str>,
    carrier: Arc<str>,
    edge: Arc<str>,
}

impl Watched {
    /// Where it is counted: under the state that its edges' reports come to.
    fn counted(&self) -> Option<tally::Counted> {
        let between = |placed: &Placed| (Arc::clone(&placed.site), Arc::clone(&placed.carrier));
        (!self.seen.is_empty()).then(|| (self.placed.as_ref().map(between), object::state(true, true, &self.seen)))
    }
}

/// The status of a trunk at one edge.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The edge's id.
    pub edge: Arc<str>,
    /// What it reported last.
    pub status: TrunkStatus,
    /// The state in which it rested last; states that pass by themselves are left out.
    pub rest: Option<RegistrationState>,
}

impl Seen {
    /// Tells whether a binding runs, lapses before then, and its renewal fails.
    pub fn lapses_unrenewed_before(&self, before: UnixMicros) -> bool {
        self.status.bound && self.status.expires_at.is_some_and(|at| at < before) && Standing::of(self.rest) == Standing::Failing
    }
}

/// Where trunks that fit are looked for.
#[derive(Clone, Copy, Debug)]
pub enum Among<'a> {
    /// All that edges report.
    All,
    /// Those in a [troubled](super::TROUBLED) state.
    Troubled(&'a str),
    /// Those whose binding runs and is not being renewed.
    AtRisk,
}

/// What happens to a trunk while somebody waits for it.
#[derive(Clone, Debug)]
pub enum Happening {
    /// An edge reports.
    Status(Box<TrunkStatus>),
    /// The carrier accepted a version; it is in the store.
    Accepted {
        /// What was desired when it was sent.
        generation: Generation,
        /// The credential version.
        version: u32,
    },
    /// The carrier refused a version; what follows from it is in the store.
    Refused {
        /// What was desired when it was sent.
        generation: Generation,
        /// The credential version.
        version: u32,
        /// The version before was promoted again.
        rolled_back: bool,
        /// Why.
        diagnosis: Box<Diagnosis>,
    },
}

/// Waits for what happens to one trunk; nothing since [`Observed::watch`] is missed.
#[derive(Debug)]
pub struct Watch {
    happenings: mpsc::UnboundedReceiver<Happening>,
}

impl Watch {
    /// Returns what happened next.
    pub async fn next(&mut self) -> Option<Happening> {
        self.happenings.recv().await
    }
}

impl Observed {
    /// Takes in what an edge reports; returns the registrations that rest in another state now.
    pub fn report(&self, edge: &Arc<str>, statuses: Vec<TrunkStatus>) -> Vec<Transition> {
        let watched: Vec<Happening> = {
            let watches = self.watches();
            statuses
                .iter()
                .filter(|status| watches.contains_key(&status.trunk))
                .map(|status| Happening::Status(Box::new(status.clone())))
                .collect()
        };
        let mut transitions = Vec::new();
        let now = now();
        {
            let mut table = self.table_mut();
            for status in statuses {
                transitions.extend(table.report(edge, status, now));
            }
        }
        for happening in watched {
            if let Happening::Status(status) = &happening {
                self.happened(&status.trunk.clone(), happening);
            }
        }
        transitions
    }

    /// Takes in which bindings an edge has renewed.
    pub fn renew(&self, edge: &Arc<str>, renewals: Vec<Renewal>) {
        let watches: Vec<bool> = {
            let watches = self.watches();
            renewals.iter().map(|renewal| watches.contains_key(&renewal.trunk)).collect()
        };
        let mut watched = Vec::new();
        {
            let mut table = self.table_mut();
            let Table { trunks, rates, .. } = &mut *table;
            let now = now();
            for (renewal, is_watched) in renewals.into_iter().zip(watches) {
                let Some(Watched { placed, seen }) = trunks.get_mut(renewal.trunk.as_str()) else { continue };
                let Some(seen) = seen.iter_mut().find(|seen| seen.edge == *edge) else { continue };
                if let Some(placed) = placed {
                    let accepted = renewal.refreshes.saturating_sub(seen.status.refreshes);
                    rates.count(&placed.carrier, edge, now, &Counted::new(accepted, 0, renewal.round_trip_ms));
                }
                renewal.renew(&mut seen.status);
                watched.extend(is_watched.then(|| Box::new(seen.status.clone())));
            }
        }
        for status in watched {
            self.happened(&status.trunk.clone(), Happening::Status(status));
        }
    }

    /// Notes which site and carrier a trunk that an edge is told to register belongs to.
    pub fn place(&self, edge: &Arc<str>, trunk: &str, site: &str, carrier: &str) {
        self.table_mut().place(edge, trunk, site, carrier);
    }

    /// Notes that a trunk is no longer an edge's.
    pub fn displace(&self, edge: &str, trunk: &str) {
        let mut table = self.table_mut();
        if let Some(watched) = table.trunks.get_mut(trunk)
            && watched.placed.as_ref().is_some_and(|placed| &*placed.edge == edge)
            && watched.seen.is_empty()
        {
            table.remove(trunk);
        }
    }

    /// Returns bindings that lapse within so many microseconds and are not being refreshed; each lapse once, so many at a time. Those at a
    /// carrier that is `muted` wait until it no longer is.
    pub fn lapsing(&self, now: UnixMicros, within: i64, at_most: usize, muted: impl Fn(&str) -> bool) -> Vec<(Arc<str>, TrunkStatus)> {
        let mut table = self.table_mut();
        let Table { trunks, at_risk, .. } = &mut *table;
        let due = at_risk.iter_mut().filter_map(|((trunk, edge), told)| {
            let watched = trunks.get(trunk)?;
            if watched.placed.as_ref().is_some_and(|placed| muted(&placed.carrier)) {
                return None;
            }
            let seen = watched.seen.iter().find(|seen| seen.edge == *edge)?;
            let lapses = seen.status.expires_at.filter(|at| *at > now && *at - now <= within && *told != Some(*at))?;
            *told = Some(lapses);
            Some((Arc::clone(edge), seen.status.clone()))
        });
        due.take(at_most).collect()
    }

    /// Returns how many registrations each carrier has, and how many of them fail.
    pub fn shares(&self) -> Vec<(Arc<str>, Share)> {
        self.table().carriers.iter().map(|(carrier, share)| (Arc::clone(carrier), *share)).collect()
    }

    /// Adds up what happened in the last minutes at the carriers and edges that fit: by the minute's beginning.
    pub fn rates(&self, now: UnixMicros, minutes: u32, fits: impl FnMut(&str, &str) -> bool) -> BTreeMap<UnixMicros, Counted> {
        self.table().rates.sum(now, minutes, fits)
    }

    /// What was counted of the edges' REGISTERs since the start, for Prometheus.
    pub fn counted(&self) -> Vec<MetricFamily> {
        self.table().rates.counted()
    }

    /// Returns how many bindings an edge holds, and when the first of them lapses.
    pub fn bindings_of(&self, edge: &str) -> (u64, Option<UnixMicros>) {
        let table = self.table();
        let bound = table.trunks.values().flat_map(|watched| &watched.seen).filter(|seen| &*seen.edge == edge && seen.status.bound);
        bound.fold((0, None), |(count, first), seen| (count + 1, first.into_iter().chain(seen.status.expires_at).min()))
    }

    /// Returns what the edges report of a trunk.
    pub fn of(&self, trunk: &str) -> Vec<Seen> {
        self.table().trunks.get(trunk).map(|watched| watched.seen.clone()).unwrap_or_default()
    }

    /// Judges what is seen of a trunk without copying it.
    pub fn with<T>(&self, trunk: &str, judge: impl FnOnce(&[Seen]) -> T) -> T {
        judge(self.table().trunks.get(trunk).map_or(&[], |watched| &watched.seen))
    }

    /// Returns the trunks whose statuses fit, unless there are more than `limit`.
    pub fn matching(&self, limit: usize, among: Among<'_>, fits: impl Fn(&[Seen]) -> bool) -> Option<Vec<String>> {
        let table = self.table();
        let fits = |trunk: &&str| table.trunks.get(*trunk).is_some_and(|watched| !watched.seen.is_empty() && fits(&watched.seen));
        let found: Vec<&str> = match among {
            Among::All => table.trunks.keys().map(|trunk| &**trunk).filter(fits).take(limit + 1).collect(),
            Among::Troubled(state) => table.tally.troubled(state).filter(fits).take(limit + 1).collect(),
            Among::AtRisk => {
                let mut some: Vec<&str> = table.at_risk.keys().map(|(trunk, _)| &**trunk).filter(fits).take(limit + 1).collect();
                some.sort_unstable();
                some.dedup();
                some
            }
        };
        (found.len() <= limit).then(|| found.into_iter().map(str::to_owned).collect())
    }

    /// Returns some trunks of a [troubled](super::TROUBLED) state in the order of their ids, and how many there are.
    pub fn troubled(&self, state: &str, after: Option<&str>, descending: bool, skip: usize, size: usize) -> (Vec<String>, u64) {
        self.table().tally.page(state, after, descending, skip, size)
    }

    /// Returns how many of the trunks that edges report are in which state, by site and carrier.
    pub fn states(&self) -> Vec<(tally::Between, tally::States)> {
        self.table().tally.states().map(|(between, states)| (between.clone(), states.clone())).collect()
    }

    /// Forgets a trunk at an edge; tells whether there was something to forget.
    pub fn forget(&self, edge: &str, trunk: &str) -> bool {
        let mut table = self.table_mut();
        let before = table.trunks.get(trunk).map_or(0, |watched| watched.seen.len());
        table.forget(edge, trunk);
        before > table.trunks.get(trunk).map_or(0, |watched| watched.seen.len())
    }

    /// Forgets everything at an edge that is gone.
    pub fn forget_edge(&self, edge: &str) {
        let mut table = self.table_mut();
        let trunks: Vec<Box<str>> = table.trunks.keys().cloned().collect();
        for trunk in trunks {
            table.forget(edge, &trunk);
            // Its carrier stays known for as long as another edge reports it.
            if let Some(Watched { placed: Some(placed), seen }) = table.trunks.get_mut(&trunk)
                && let Some(other) = seen.first().filter(|_| &*placed.edge == edge)
            {
                placed.edge = Arc::clone(&other.edge);
            }
        }
    }

    /// Returns an address of an edge as a carrier saw it.
    pub fn public_addresses(&self, edge: &str, at_most: usize) -> Vec<String> {
        self.table().public.get(edge).into_iter().flat_map(BTreeMap::keys).take(at_most).cloned().collect()
    }

    /// Begins to watch a trunk.
    pub fn watch(&self, trunk: &str) -> Watch {
        let (sender, happenings) = mpsc::unbounded_channel();
        let mut watches = self.watches();
        watches.retain(|_, senders| {
            senders.retain(|sender| !sender.is_closed());
            !senders.is_empty()
        });
        watches.entry(trunk.to_owned()).or_default().push(sender);
        Watch { happenings }
    }

    /// Tells those who wait for a trunk.
    pub fn happened(&self, trunk: &str, happening: Happening) {
        let mut watches = self.watches();
        if let Some(senders) = watches.get_mut(trunk) {
            senders.retain(|sender| sender.send(happening.clone()).is_ok());
            if senders.is_empty() {
                watches.remove(trunk);
            }
        }
    }

    fn table(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn table_mut(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn watches(&self) -> MutexGuard<'_, HashMap<String, Vec<mpsc::UnboundedSender<Happening>>>> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn report(&mut self, edge: &Arc<str>, status: TrunkStatus, now: UnixMicros) -> Option<Transition> {
        let Table { trunks, carriers, at_risk, rates, tally, public, .. } = self;
        let watched = trunks.entry(status.trunk.as_str().into()).or_default();
        let counted_before = watched.counted();
        let index = watched.seen.iter().position(|seen| seen.edge == *edge);
        let known = index.map(|index| &watched.seen[index]);
        // A late report of an older desired state says nothing new.
        if known.is_some_and(|known| known.status.generation > status.generation) {
            return None;
        }
        let before = known.and_then(|known| known.rest);
        let rest = resting(before, &status);
        if let Some(placed) = &watched.placed {
            carriers.entry(Arc::clone(&placed.carrier)).or_default().moved(Standing::of(before), Standing::of(rest));
            let counted = Counted::between(known.map(|known| &known.status), &status, now);
            rates.count(&placed.carrier, edge, now, &counted);
        }
        let risky = status.bound && Standing::of(rest) == Standing::Failing;
        let key = (Box::from(status.trunk.as_str()), Arc::clone(edge));
        if risky {
            at_risk.entry(key).or_default();
        } else {
            at_risk.remove(&key);
        }
        let transition = rest.filter(|to| before != Some(*to)).map(|to| Transition::new(before, to, &status));
        let (address_before, address) = (known.and_then(|known| known.status.public_address.as_ref()), status.public_address.as_ref());
        if address_before != address {
            let of_edge = public.entry(Arc::clone(edge)).or_default();
            address_before.inspect(|address| less(of_edge, address));
            address.inspect(|address| *of_edge.entry((*address).clone()).or_default() += 1);
        }
        let trunk: Box<str> = status.trunk.as_str().into();
        match index {
            Some(index) => {
                watched.seen[index].status = status;
                watched.seen[index].rest = rest;
            }
            None => watched.seen.push(Seen { edge: Arc::clone(edge), status, rest }),
        }
        tally.moved(&trunk, counted_before, watched.counted());
        transition
    }

    fn place(&mut self, edge: &Arc<str>, trunk: &str, site: &str, carrier: &str) {
        let carrier = match self.carriers.get_key_value(carrier) {
            Some((known, _)) => Arc::clone(known),
            None => Arc::from(carrier),
        };
        let site = match self.sites.get(site) {
            Some(known) => Arc::clone(known),
            None => Arc::from(site),
        };
        self.sites.insert(Arc::clone(&site));
        let watched = self.trunks.entry(trunk.into()).or_default();
        let counted_before = watched.counted();
        let before = watched.placed.replace(Placed { site, carrier: Arc::clone(&carrier), edge: Arc::clone(edge) });
        self.tally.moved(trunk, counted_before, watched.counted());
        if before.as_ref().is_some_and(|before| before.carrier == carrier) {
            return;
        }
        for seen in &watched.seen {
            let standing = Standing::of(seen.rest);
            if let Some(share) = before.as_ref().and_then(|before| self.carriers.get_mut(&before.carrier)) {
                share.moved(standing, Standing::Idle);
            }
            self.carriers.entry(Arc::clone(&carrier)).or_default().moved(Standing::Idle, standing);
        }
    }

    fn forget(&mut self, edge: &str, trunk: &str) {
        let Some(watched) = self.trunks.get_mut(trunk) else { return };
        let placed = watched.placed.as_ref().map(|placed| Arc::clone(&placed.carrier));
        let counted_before = watched.counted();
        for gone in watched.seen.extract_if(.., |seen| &*seen.edge == edge) {
            if let Some(share) = placed.as_ref().and_then(|carrier| self.carriers.get_mut(carrier)) {
                share.moved(Standing::of(gone.rest), Standing::Idle);
            }
            if let Some(address) = &gone.status.public_address
                && let Some(of_edge) = self.public.get_mut(&gone.edge)
            {
                less(of_edge, address);
            }
            self.at_risk.remove(&(trunk.into(), gone.edge));
        }
        self.tally.moved(trunk, counted_before, watched.counted());
        if watched.seen.is_empty() && watched.placed.as_ref().is_none_or(|placed| &*placed.edge == edge) {
            self.remove(trunk);
        }
    }

    fn remove(&mut self, trunk: &str) {
        self.trunks.remove(trunk);
        give_back(&mut self.trunks);
    }
}

/// One fewer tells of an address.
fn less(of_edge: &mut BTreeMap<String, u64>, address: &str) {
    match of_edge.get_mut(address) {
        Some(count) if *count > 1 => *count -= 1,
        _ => drop(of_edge.remove(address)),
    }
}

/// Gives memory back where most of a fleet is gone. Few enough must be left that it costs no more than the removals before it.
pub(super) fn give_back<K: Eq + Hash, V>(map: &mut HashMap<K, V>) {
    const KEPT: usize = 1024;
    if map.capacity() > KEPT && map.len() < map.capacity() / 4 {
        map.shrink_to((map.len() * 2).max(KEPT));
    }
}

#[cfg(test)]
pub(in crate::registrations) mod tests {
    use link::OptionsStatus;

    use super::*;

    pub(in crate::registrations) fn status(trunk: &str, number: u64, state: RegistrationState) -> TrunkStatus {
        TrunkStatus {
            trunk: trunk.into(),
            generation: Generation { incarnation: 1, number },
            state,
            bound: matches!(state, RegistrationState::Registered | RegistrationState::Refreshing),
            authenticated: true,
            since: 1,
            registrar: None,
            transport: None,
            public_address: None,
            registered_at: None,
            expires_at: None,
            next_action_at: None,
            round_trip_ms: None,
            consecutive_failures: 0,
            last_response: None,
            negotiated: None,
            service_route: Vec::new(),
            associated_uris: Vec::new(),
            options: OptionsStatus::default(),
            diagnosis: None,
            credential_version: Some(1),
            warnings: Vec::new(),
            refreshes: 0,
        }
    }

    #[test]
    fn the_latest_status_of_each_edge_counts_and_an_older_generation_does_not() {
        let observed = Observed::default();
        let (e1, e2): (Arc<str>, Arc<str>) = ("e1".into(), "e2".into());
        observed.report(&e1, vec![status("t1", 2, RegistrationState::Registered)]);
        observed.report(&e1, vec![status("t1", 1, RegistrationState::Registering)]);
        observed.report(&e2, vec![status("t1", 1, RegistrationState::Pending)]);
        let seen = observed.of("t1");
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0].status.state, RegistrationState::Registered);
        assert!(observed.forget("e1", "t1"));
        assert!(!observed.forget("e1", "t1"));
        assert_eq!(observed.of("t1").len(), 1);
        observed.forget_edge("e2");
        assert!(observed.of("t1").is_empty());
    }

    #[tokio::test]
    async fn a_watch_misses_nothing_and_is_forgotten_with_its_owner() {
        let observed = Observed::default();
        let mut watch = observed.watch("t1");
        observed.report(&"e1".into(), vec![status("t1", 1, RegistrationState::Registered), status("t2", 1, RegistrationState::Registered)]);
        assert!(matches!(watch.next().await, Some(Happening::Status(status)) if status.trunk == "t1"));
        drop(watch);
        observed.report(&"e1".into(), vec![status("t1", 2, RegistrationState::Registered)]);
        assert!(observed.watches().is_empty());
    }

    #[test]
    fn a_carriers_share_of_failures_follows_its_registrations() {
        let observed = Observed::default();
        let (e1, e2): (Arc<str>, Arc<str>) = ("e1".into(), "e2".into());
        let share = |carrier: &str| observed.shares().into_iter().find(|(name, _)| &**name == carrier).map(|(_, share)| share);
        for trunk in ["t1", "t2"] {
            observed.place(&e1, trunk, "s1", "c1");
            assert!(observed.report(&e1, vec![status(trunk, 1, RegistrationState::Registering)]).is_empty(), "it passes by itself");
        }
        let told =
            observed.report(&e1, vec![status("t1", 1, RegistrationState::Registered), status("t2", 1, RegistrationState::RetryWait)]);
        assert_eq!(
            told.iter().map(|told| (told.from, told.to)).collect::<Vec<_>>(),
            [(None, RegistrationState::Registered), (None, RegistrationState::RetryWait)]
        );
        assert_eq!(share("c1"), Some(Share { registrations: 2, failing: 1 }));
        assert!(observed.report(&e1, vec![status("t1", 1, RegistrationState::Refreshing)]).is_empty());
        observed.place(&e1, "t2", "s1", "c2");
        assert_eq!(
            (share("c1"), share("c2")),
            (Some(Share { registrations: 1, failing: 0 }), Some(Share { registrations: 1, failing: 1 }))
        );
        // Another edge takes it before this one lets go.
        observed.place(&e2, "t2", "s1", "c2");
        observed.forget("e1", "t2");
        assert_eq!(share("c2"), Some(Share::default()));
        observed.report(&e2, vec![status("t2", 2, RegistrationState::Registered)]);
        assert_eq!(share("c2"), Some(Share { registrations: 1, failing: 0 }));
        observed.forget_edge("e2");
        observed.forget_edge("e1");
        assert_eq!((share("c1"), share("c2")), (Some(Share::default()), Some(Share::default())));
        assert!(observed.table().trunks.is_empty());
        assert!(observed.states().is_empty());
    }

    #[test]
    fn states_are_counted_by_site_and_carrier_and_follow_reports_and_moves() {
        let observed = Observed::default();
        let (e1, e2): (Arc<str>, Arc<str>) = ("e1".into(), "e2".into());
        let states = |site: &str, carrier: &str| {
            let all = observed.states();
            all.into_iter().find(|((s, c), _)| (&**s, &**c) == (site, carrier)).map(|(_, states)| states.into_iter().collect::<Vec<_>>())
        };
        for trunk in ["t1", "t2"] {
            observed.place(&e1, trunk, "s1", "c1");
            observed.report(
                &e1,
                vec![TrunkStatus { public_address: Some("192.0.2.1:5060".into()), ..status(trunk, 1, RegistrationState::Registered) }],
            );
        }
        assert_eq!(states("s1", "c1"), Some(vec![("REGISTERED", 2)]));
        observed.report(
            &e1,
            vec![TrunkStatus { public_address: Some("192.0.2.2:5060".into()), ..status("t2", 1, RegistrationState::AuthHeld) }],
        );
        assert_eq!(states("s1", "c1"), Some(vec![("AUTH_HELD", 1), ("REGISTERED", 1)]));
        assert_eq!(observed.troubled("AUTH_HELD", None, false, 0, 10), (vec!["t2".to_owned()], 1));
        assert_eq!(observed.public_addresses("e1", 8), ["192.0.2.1:5060", "192.0.2.2:5060"]);
        observed.place(&e1, "t2", "s2", "c1");
        assert_eq!((states("s1", "c1"), states("s2", "c1")), (Some(vec![("REGISTERED", 1)]), Some(vec![("AUTH_HELD", 1)])));
        // Two edges that do not agree.
        observed.report(&e2, vec![status("t2", 1, RegistrationState::Registered)]);
        assert_eq!(states("s2", "c1"), Some(vec![("DEGRADED", 1)]));
        observed.forget("e1", "t2");
        assert_eq!(states("s2", "c1"), Some(vec![("REGISTERED", 1)]));
        assert_eq!(observed.public_addresses("e1", 8), ["192.0.2.1:5060"]);
        observed.forget_edge("e2");
        observed.forget_edge("e1");
        assert_eq!((observed.states().len(), observed.troubled("AUTH_HELD", None, false, 0, 10).1), (0, 0));
        assert!(observed.public_addresses("e1", 8).is_empty());
    }

    #[test]
    fn a_binding_that_is_not_refreshed_is_told_of_once_for_each_lapse() {
        let observed = Observed::default();
        let e1: Arc<str> = "e1".into();
        let waiting =
            |expires_at: i64| TrunkStatus { bound: true, expires_at: Some(expires_at), ..status("t1", 1, RegistrationState::RetryWait) };
        let told = |now: i64| observed.lapsing(now, 100, 10, |_| false).len();
        observed.report(&e1, vec![TrunkStatus { expires_at: Some(500), ..status("t1", 1, RegistrationState::Registered) }]);
        assert_eq!(told(450), 0, "it is refreshed in time");
        observed.report(&e1, vec![waiting(500)]);
        assert_eq!((told(300), told(400), told(450), told(500)), (0, 1, 0, 0));
        assert_eq!([500, 501].map(|before| observed.of("t1")[0].lapses_unrenewed_before(before)), [false, true]);
        observed.report(&e1, vec![waiting(900)]);
        assert_eq!((told(850), observed.bindings_of("e1")), (1, (1, Some(900))));
        observed.report(&e1, vec![status("t1", 1, RegistrationState::Registered)]);
        assert!(observed.table().at_risk.is_empty());
    }
}
