/// Seeded chance (SplitMix64): the same seed and the same calls give the same weather, tags and secrets.
///
/// Good enough for a lab, never for security.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Chance(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Whether something of probability `p` happens. Draws nothing for a certainty, so a fair day costs no chance.
    pub(crate) fn happens(&mut self, p: f64) -> bool {
        if p <= 0.0 {
            return false;
        }
        // The upper 53 bits fill a double's mantissa exactly.
        p >= 1.0 || ((self.next() >> 11) as f64) * (1.0 / 9_007_199_254_740_992.0) < p
    }

    /// Any number of `low..=high`; `low` where the range is empty.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        match high.checked_sub(low) {
            None | Some(0) => low,
            Some(u64::MAX) => self.next(),
            Some(span) => low + self.next() % (span + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself_and_stays_in_range() {
        let draw = |seed| {
            let mut chance = Chance::new(seed);
            (0..1000).map(|_| chance.between(3, 9)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert!(draw(7).iter().all(|n| (3..=9).contains(n)));
    }

    #[test]
    fn thirty_per_cent_is_about_thirty_per_cent() {
        let mut chance = Chance::new(1);
        let hits = (0..100_000).filter(|_| chance.happens(0.3)).count();
        assert!((29_000..31_000).contains(&hits), "{hits}");
        assert!(!chance.happens(0.0) && chance.happens(1.0));
    }
}
