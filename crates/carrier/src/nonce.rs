use std::collections::HashMap;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::algorithm::hex;
use crate::chance::Chance;

/// So many used nonces are remembered before the expired ones are swept out.
const SWEEP: usize = 1024;

/// The nonces of one registrar: time and a MAC over it, so that none needs to be stored before it is used.
#[derive(Debug)]
pub(crate) struct Nonces {
    secret: [u8; 32],
    born: Instant,
    issued: u32,
    used: HashMap<String, Use>,
    sweep_at: usize,
}

#[derive(Debug)]
struct Use {
    expires: Instant,
    count: u32,
}

/// What the carrier thinks of a nonce that it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    Fresh,
    Expired,
    /// Not of this carrier, or not for this port or Call-ID (C17), or of before its restart.
    Foreign,
}

impl Nonces {
    pub(crate) fn new(now: Instant, chance: &mut Chance) -> Self {
        let mut secret = [0; 32];
        for chunk in secret.chunks_exact_mut(8) {
            chunk.copy_from_slice(&chance.next().to_be_bytes());
        }
        Nonces { secret, born: now, issued: 0, used: HashMap::new(), sweep_at: SWEEP }
    }

    /// A nonce for what it is `bound_to` (a source port, a Call-ID, nothing).
    pub(crate) fn issue(&mut self, now: Instant, bound_to: &str) -> String {
        self.issued = self.issued.wrapping_add(1);
        let micros = u64::try_from(now.saturating_duration_since(self.born).as_micros()).unwrap_or(u64::MAX);
        let stamp = format!("{micros:016x}{:08x}", self.issued);
        let mac = self.mac(&stamp, bound_to);
        stamp + &mac
    }

    pub(crate) fn check(&self, now: Instant, nonce: &str, bound_to: &str, life: Duration) -> Freshness {
        let Some((stamp, mac)) = nonce.split_at_checked(24) else { return Freshness::Foreign };
        if mac != self.mac(stamp, bound_to) {
            return Freshness::Foreign;
        }
        match self.expiry(stamp, life) {
            Some(expiry) if expiry > now => Freshness::Fresh,
            Some(_) => Freshness::Expired,
            None => Freshness::Foreign,
        }
    }

    /// Notes a use of a fresh nonce; false where the count does not rise (a replay) or a one-time nonce comes again.
    pub(crate) fn count(&mut self, now: Instant, nonce: &str, count: u32, once: bool, life: Duration) -> bool {
        let Some(expires) = nonce.split_at_checked(24).and_then(|(stamp, _)| self.expiry(stamp, life)) else { return false };
        match self.used.get_mut(nonce) {
            Some(_) if once => false,
            Some(seen) if seen.count >= count => false,
            Some(seen) => {
                seen.count = count;
                true
            }
            None => {
                if self.used.len() >= self.sweep_at {
                    self.used.retain(|_, seen| seen.expires > now);
                    self.sweep_at = (self.used.len() * 2).max(SWEEP);
                }
                self.used.insert(nonce.to_owned(), Use { expires, count });
                true
            }
        }
    }

    fn expiry(&self, stamp: &str, life: Duration) -> Option<Instant> {
        let micros = u64::from_str_radix(stamp.get(..16)?, 16).ok()?;
        self.born.checked_add(Duration::from_micros(micros))?.checked_add(life)
    }

    fn mac(&self, stamp: &str, bound_to: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).expect("HMAC takes a key of any length");
        mac.update(stamp.as_bytes());
        mac.update(bound_to.as_bytes());
        hex(&mac.finalize().into_bytes()[..16])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(30);

    #[test]
    fn a_nonce_is_good_for_its_life_and_its_purpose() {
        let now = Instant::now();
        let mut nonces = Nonces::new(now, &mut Chance::new(1));
        let nonce = nonces.issue(now, "port 1");
        let check = |after, bound| nonces.check(now + Duration::from_secs(after), &nonce, bound, LIFE);
        assert_eq!(check(0, "port 1"), Freshness::Fresh);
        assert_eq!(check(29, "port 1"), Freshness::Fresh);
        assert_eq!(check(30, "port 1"), Freshness::Expired);
        assert_eq!(check(0, "port 2"), Freshness::Foreign);
        for odd in ["", "abc", &nonce[..40], "\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}x"] {
            assert_eq!(nonces.check(now, odd, "port 1", LIFE), Freshness::Foreign, "{odd}");
        }
    }

    #[test]
    fn the_count_must_rise_and_one_time_means_once() {
        let now = Instant::now();
        let mut nonces = Nonces::new(now, &mut Chance::new(1));
        let (many, once) = (nonces.issue(now, ""), nonces.issue(now, ""));
        let counted: Vec<_> = [1, 2, 2, 1, 9].map(|nc| nonces.count(now, &many, nc, false, LIFE)).into();
        assert_eq!(counted, [true, true, false, false, true]);
        assert!(nonces.count(now, &once, 1, true, LIFE));
        assert!(!nonces.count(now, &once, 2, true, LIFE));
    }

    #[test]
    fn a_million_uses_do_not_pile_up() {
        let start = Instant::now();
        let mut nonces = Nonces::new(start, &mut Chance::new(1));
        for second in 0..20_000 {
            let now = start + Duration::from_secs(second);
            let nonce = nonces.issue(now, "");
            assert!(nonces.count(now, &nonce, 1, false, LIFE));
        }
        assert!(nonces.used.len() <= 2 * SWEEP, "{}", nonces.used.len());
    }
}
