//! Seeded chance.

/// Chance of one purpose (SplitMix64): the same seed and the same calls draw the same. Purposes do not disturb each other.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// Starts the chance of a purpose.
    pub fn new(seed: u64, purpose: &str) -> Self {
        let mut hash = crate::trace::Hash::default();
        hash.take(&seed.to_be_bytes());
        hash.take(purpose.as_bytes());
        Chance(hash.value())
    }

    /// Draws 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Draws whether something of this probability happens; a certainty costs no draw.
    pub fn happens(&mut self, probability: f64) -> bool {
        // The upper 53 bits fill a double's mantissa exactly.
        probability > 0.0 && (probability >= 1.0 || ((self.bits() >> 11) as f64) / 9_007_199_254_740_992.0 < probability)
    }

    /// Draws from `low..=high`; `low` where the range is empty.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        match high.checked_sub(low) {
            None | Some(0) => low,
            Some(span) => low + self.bits() % span.saturating_add(1).max(1),
        }
    }

    /// Draws a place below `count`, which is at least one.
    pub fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.bits() % (count.max(1) as u64)).unwrap_or(0)
    }

    /// Draws one of several.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}
