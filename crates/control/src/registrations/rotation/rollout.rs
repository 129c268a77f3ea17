//! Whose turn it is in a rotation, and when it stops: one canary, then 1 %, then the rest.

use super::ItemState;

/// The share of failures says something from so many results on.
const RESULTS_MIN: usize = 20;
/// So many rejections running stop it.
const REJECTIONS: u32 = 3;
/// One in so many is asked after the canary.
const HUNDRED: usize = 100;

/// How far a rotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// One trunk for all.
    Canary,
    /// One in a hundred.
    Hundredth,
    /// All others.
    Rest,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask about another trunk.
    Ask,
    /// Wait for a result.
    Wait,
    /// Ask about no other.
    Stop(Why),
    /// All have their results.
    Done,
}

/// Why it stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The first trunk failed.
    Canary,
    /// Too many failed.
    Share {
        /// So many.
        failures: usize,
        /// Of so many.
        results: usize,
    },
    /// The carrier rejected one after the other.
    Rejections,
}

/// The results so far, and the rules.
#[derive(Clone, Debug)]
pub struct Rollout {
    total: usize,
    /// Millionths.
    share: u32,
    asked: usize,
    done: usize,
    /// Of those, results that say something.
    counted: usize,
    failures: usize,
    running: u32,
}

impl Rollout {
    /// Begins with the results so far of `total` trunks; it stops beyond this share of failures, in millionths.
    pub fn new(total: usize, share: u32, results: &[ItemState]) -> Self {
        let mut rollout = Rollout { total, share, asked: 0, done: 0, counted: 0, failures: 0, running: 0 };
        for result in results {
            rollout.asked();
            rollout.result(*result);
        }
        rollout
    }

    /// Another trunk is being asked about.
    pub fn asked(&mut self) {
        self.asked += 1;
    }

    /// A trunk that was asked about has its result.
    pub fn result(&mut self, result: ItemState) {
        self.done += 1;
        match result {
            ItemState::Promoted => {
                self.counted += 1;
                self.running = 0;
            }
            ItemState::Rejected => {
                self.counted += 1;
                self.failures += 1;
                self.running += 1;
            }
            ItemState::Failed => {
                self.counted += 1;
                self.failures += 1;
            }
            // A stop in the middle, a maintenance, somebody else's change: it says nothing about the new credentials.
            ItemState::Unknown | ItemState::Excused | ItemState::Superseded => {}
            ItemState::Waiting | ItemState::Unchanged | ItemState::Refused => {}
        }
    }

    /// Says how far it is.
    pub fn stage(&self) -> Stage {
        if self.done < 1 {
            Stage::Canary
        } else if self.done < self.end(Stage::Hundredth) {
            Stage::Hundredth
        } else {
            Stage::Rest
        }
    }

    /// Says what to do next.
    pub fn next(&self) -> Next {
        if let Some(why) = self.stops() {
            return Next::Stop(why);
        }
        if self.done >= self.total {
            return Next::Done;
        }
        if self.asked < self.end(self.stage()) { Next::Ask } else { Next::Wait }
    }

    fn stops(&self) -> Option<Why> {
        if self.running >= REJECTIONS {
            return Some(Why::Rejections);
        }
        if self.counted == 1 && self.failures == 1 {
            return Some(Why::Canary);
        }
        let (failures, results) = (self.failures, self.counted);
        let over = failures as u128 * 1_000_000 > results as u128 * u128::from(self.share);
        (results >= RESULTS_MIN && over).then_some(Why::Share { failures, results })
    }

    /// So many trunks have been asked about when a stage ends.
    fn end(&self, stage: Stage) -> usize {
        let end = match stage {
            Stage::Canary => 1,
            Stage::Hundredth => 1 + self.total.div_ceil(HUNDRED),
            Stage::Rest => self.total,
        };
        end.min(self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks as far as it may.
    fn ask(rollout: &mut Rollout) -> usize {
        let mut asked = 0;
        while rollout.next() == Next::Ask {
            rollout.asked();
            asked += 1;
        }
        asked
    }

    #[test]
    fn a_canary_goes_first_then_one_in_a_hundred_then_the_rest() {
        let mut rollout = Rollout::new(1_000, 50_000, &[]);
        assert_eq!((ask(&mut rollout), rollout.next(), rollout.stage()), (1, Next::Wait, Stage::Canary));
        rollout.result(ItemState::Promoted);
        assert_eq!((ask(&mut rollout), rollout.next(), rollout.stage()), (10, Next::Wait, Stage::Hundredth));
        for _ in 0..10 {
            rollout.result(ItemState::Promoted);
        }
        assert_eq!((ask(&mut rollout), rollout.stage()), (989, Stage::Rest));
        for _ in 0..989 {
            rollout.result(ItemState::Promoted);
        }
        assert_eq!(rollout.next(), Next::Done);
    }

    #[test]
    fn a_canary_that_fails_stops_it() {
        for result in [ItemState::Rejected, ItemState::Failed] {
            assert_eq!(Rollout::new(10, 1_000_000, &[result]).next(), Next::Stop(Why::Canary));
        }
        assert_eq!(Rollout::new(10, 50_000, &[ItemState::Unknown]).next(), Next::Ask);
        assert_eq!(Rollout::new(1, 50_000, &[ItemState::Promoted]).next(), Next::Done);
        assert_eq!(Rollout::new(0, 50_000, &[]).next(), Next::Done);
    }

    #[test]
    fn three_rejections_running_stop_it_and_a_success_between_does_not() {
        use ItemState::{Failed, Promoted, Rejected, Unknown};
        let after = |results: &[ItemState]| Rollout::new(1_000, 1_000_000, results).next();
        assert_eq!(after(&[Promoted, Rejected, Rejected, Rejected]), Next::Stop(Why::Rejections));
        assert_eq!(after(&[Promoted, Rejected, Unknown, Rejected, Rejected]), Next::Stop(Why::Rejections));
        assert_eq!(after(&[Promoted, Rejected, Rejected, Promoted, Rejected]), Next::Ask);
        assert_eq!(after(&[Promoted, Failed, Failed, Failed]), Next::Ask, "a network is no rejection");
    }

    #[test]
    fn the_share_counts_from_twenty_results_on() {
        let mut results = vec![ItemState::Promoted; 17];
        results.extend([ItemState::Failed, ItemState::Failed]);
        assert_eq!(Rollout::new(1_000, 50_000, &results).next(), Next::Ask);
        results.push(ItemState::Promoted);
        assert_eq!(Rollout::new(1_000, 50_000, &results).next(), Next::Stop(Why::Share { failures: 2, results: 20 }));
        assert_eq!(Rollout::new(1_000, 100_000, &results).next(), Next::Ask, "not beyond the share");
        results.push(ItemState::Excused);
        assert_eq!(Rollout::new(1_000, 100_000, &results).next(), Next::Ask);
    }
}
