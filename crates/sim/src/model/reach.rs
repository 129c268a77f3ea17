use ua::Instant;

/// When something could not be reached.
#[derive(Debug, Default)]
pub struct Reach {
    gaps: Vec<(Instant, Instant)>,
    since: Option<Instant>,
}

impl Reach {
    /// Notes whether it can be reached from now on.
    pub fn set(&mut self, now: Instant, reachable: bool) {
        match (self.since, reachable) {
            (Some(since), true) => {
                self.gaps.push((since, now));
                self.since = None;
            }
            (None, false) => self.since = Some(now),
            (Some(_), false) | (None, true) => {}
        }
    }

    /// Tells since when it cannot be reached, if it cannot.
    pub fn lost_since(&self) -> Option<Instant> {
        self.since
    }

    /// Tells whether it could not be reached at some time of a span.
    pub fn was_lost(&self, from: Instant, to: Instant) -> bool {
        self.since.is_some_and(|since| since <= to) || self.gaps.iter().any(|&(start, end)| start <= to && end >= from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_found_where_it_touches_a_span() {
        let at = Instant::from_micros;
        let mut reach = Reach::default();
        reach.set(at(10), false);
        assert!(reach.was_lost(at(5), at(12)) && !reach.was_lost(at(5), at(9)));
        reach.set(at(20), true);
        assert!(reach.was_lost(at(15), at(30)) && !reach.was_lost(at(21), at(30)) && reach.lost_since().is_none());
    }
}
