//! Chance as an argument: jitter and security tokens are two types, and neither is global.

use std::time::Duration;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Where an endpoint's chance comes from.
pub struct Seeds {
    /// For spreading things in time; needs no secrecy.
    pub jitter: u64,
    /// For branches, tags, Call-IDs and cnonces: nobody may guess them.
    pub tokens: [u8; 32],
}

/// Spreads things in time (SplitMix64).
#[derive(Clone, Debug)]
pub struct Jitter(u64);

impl Jitter {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Self {
        Jitter(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Draws from `0..=high`.
    pub fn up_to(&mut self, high: u64) -> u64 {
        let drawn = self.next();
        high.checked_add(1).map_or(drawn, |count| drawn % count)
    }

    /// Draws from `low..=high`; `low` where the range is empty.
    pub fn between(&mut self, low: Duration, high: Duration) -> Duration {
        let span = high.saturating_sub(low).as_micros();
        let span = u64::try_from(span).unwrap_or(u64::MAX);
        let drawn = if span == 0 { 0 } else { self.next() % span.saturating_add(1).max(1) };
        low + Duration::from_micros(drawn)
    }
}

/// Returns the lot of a name (FNV-1a): always the same for it, and spread over the names. Nothing of it is secret.
pub fn lot(name: &str) -> u64 {
    name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

/// Draws what nobody may guess (ChaCha12).
pub struct Tokens(ChaCha12Rng);

impl Tokens {
    /// Starts from a secret seed.
    pub fn new(seed: [u8; 32]) -> Self {
        Tokens(ChaCha12Rng::from_seed(seed))
    }

    /// Draws 128 bits.
    pub fn bits(&mut self) -> u128 {
        (u128::from(self.0.next_u64()) << 64) | u128::from(self.0.next_u64())
    }

    /// Draws `N` lower-case hexadecimal digits.
    pub fn hex<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        let mut pool = 0u64;
        for (at, digit) in out.iter_mut().enumerate() {
            if at % 16 == 0 {
                pool = self.0.next_u64();
            }
            *digit = b"0123456789abcdef"[(pool & 15) as usize];
            pool >>= 4;
        }
        out
    }

    /// Draws hexadecimal digits as text.
    pub fn text<const N: usize>(&mut self) -> Box<str> {
        self.hex::<N>().iter().map(|&b| char::from(b)).collect()
    }
}
