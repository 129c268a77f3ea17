//! How many trunks are in which state, kept as edges report: nobody has to count a fleet of a million to show it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

/// States in which a trunk needs somebody, the worst first. Trunks in them are few among many, and are found by their state.
pub const TROUBLED: [&str; 6] = ["AUTH_HELD", "REJECTED", "UNREACHABLE", "EXPIRED", "DEGRADED", "RETRY_WAIT"];

/// A site and a carrier.
pub type Between = (Arc<str>, Arc<str>);
/// So many trunks in each state.
pub type States = BTreeMap<&'static str, u64>;

/// The state of each trunk that an edge reports, added up.
#[derive(Debug, Default)]
pub struct Tally {
    states: HashMap<Between, States>,
    troubled: BTreeMap<&'static str, BTreeSet<Box<str>>>,
}

/// Where a trunk is counted: its site and carrier where they are known, and its state.
pub type Counted = (Option<Between>, &'static str);

impl Tally {
    /// A trunk was counted there and is counted here now; nowhere where no edge reports it.
    pub fn moved(&mut self, trunk: &str, from: Option<Counted>, to: Option<Counted>) {
        if from == to {
            return;
        }
        if let Some((between, state)) = from {
            if let Some(between) = between
                && let Some(states) = self.states.get_mut(&between)
            {
                match states.get_mut(state) {
                    Some(count) if *count > 1 => *count -= 1,
                    _ => drop(states.remove(state)),
                }
                if states.is_empty() {
                    self.states.remove(&between);
                }
            }
            if let Some(trunks) = self.troubled.get_mut(state) {
                trunks.remove(trunk);
            }
        }
        if let Some((between, state)) = to {
            if let Some(between) = between {
                *self.states.entry(between).or_default().entry(state).or_default() += 1;
            }
            if TROUBLED.contains(&state) {
                self.troubled.entry(state).or_default().insert(trunk.into());
            }
        }
    }

    /// The counts of each site and carrier.
    pub fn states(&self) -> impl Iterator<Item = (&Between, &States)> {
        self.states.iter()
    }

    /// The trunks in a troubled state.
    pub fn troubled(&self, state: &str) -> impl Iterator<Item = &str> {
        self.troubled.get(state).into_iter().flatten().map(|trunk| &**trunk)
    }

    /// So many trunks of a troubled state behind this id in the order of ids, or in the reverse order before it, and how many there are in all.
    pub fn page(&self, state: &str, after: Option<&str>, descending: bool, skip: usize, size: usize) -> (Vec<String>, u64) {
        let Some(trunks) = self.troubled.get(state) else { return (Vec::new(), 0) };
        let end = after.map_or(Bound::Unbounded, Bound::Excluded);
        let bounds = if descending { (Bound::Unbounded, end) } else { (end, Bound::Unbounded) };
        let rest = trunks.range::<str, _>(bounds);
        let page = |ids: &mut dyn Iterator<Item = &Box<str>>| ids.skip(skip).take(size).map(|id| id.to_string()).collect();
        (if descending { page(&mut rest.rev()) } else { page(&mut { rest }) }, trunks.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(state: &'static str) -> Option<Counted> {
        Some((Some(("s1".into(), "c1".into())), state))
    }

    #[test]
    fn what_comes_and_goes_is_counted_once() {
        let mut tally = Tally::default();
        for trunk in ["t1", "t2", "t3"] {
            tally.moved(trunk, None, counted("REGISTERED"));
        }
        tally.moved("t2", counted("REGISTERED"), counted("AUTH_HELD"));
        tally.moved("t3", counted("REGISTERED"), counted("AUTH_HELD"));
        assert_eq!(
            tally.states().map(|(_, states)| states.clone()).collect::<Vec<_>>(),
            [States::from([("AUTH_HELD", 2), ("REGISTERED", 1)])]
        );
        assert_eq!(tally.page("AUTH_HELD", None, false, 0, 1), (vec!["t2".to_owned()], 2));
        assert_eq!(tally.page("AUTH_HELD", Some("t2"), false, 0, 5).0, ["t3"]);
        assert_eq!(tally.page("AUTH_HELD", None, true, 1, 5).0, ["t2"]);
        assert_eq!(tally.page("AUTH_HELD", Some("t3"), true, 0, 5).0, ["t2"]);
        tally.moved("t2", counted("AUTH_HELD"), None);
        tally.moved("t3", counted("AUTH_HELD"), None);
        tally.moved("t1", counted("REGISTERED"), None);
        assert_eq!((tally.states().count(), tally.troubled("AUTH_HELD").count()), (0, 0));
    }
}
