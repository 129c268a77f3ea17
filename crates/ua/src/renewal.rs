//! A refresh after which nothing is new but its times: what most of an edge's life consists of.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::{Instant, OptionsStatus, Resume, Status};

/// A binding was renewed, and all else is as it was last told and saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// The trunk's id.
    pub trunk: Arc<str>,
    /// The CSeq sent last.
    pub cseq: u32,
    /// For how long the binding was granted.
    pub granted: Duration,
    /// When it lapses.
    pub lapses_at: Instant,
    /// When the endpoint acts next.
    pub next_action_at: Option<Instant>,
    /// The latest transaction's round trip.
    pub round_trip: Option<Duration>,
    /// OPTIONS keep-alive of the target.
    pub options: OptionsStatus,
    /// Successful refreshes.
    pub refreshes: u64,
}

/// What a renewal changes of what is kept of a trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The CSeq sent last.
    pub cseq: u32,
    /// For how long the binding was granted.
    pub granted: Duration,
    /// When it lapses.
    pub lapses_at: Instant,
}

impl Times {
    /// As [`Renewal::renew_resume`].
    pub fn renew_resume(&self, resume: &mut Resume) {
        resume.cseq = self.cseq;
        resume.clean = false;
        if let Some(binding) = &mut resume.binding {
            binding.granted = self.granted;
            binding.lapses_at = self.lapses_at;
        }
    }
}

impl Renewal {
    /// Returns what it changes of what is kept.
    pub fn times(&self) -> Times {
        Times { cseq: self.cseq, granted: self.granted, lapses_at: self.lapses_at }
    }

    /// Brings a status of the trunk up to date.
    pub fn renew_status(&self, status: &mut Status) {
        status.expires_at = Some(self.lapses_at);
        status.next_action_at = self.next_action_at;
        status.round_trip = self.round_trip;
        status.options = self.options;
        status.refreshes = self.refreshes;
    }

    /// Brings what is kept of the trunk up to date, as far as a start that was not prepared asks for it: the nonce's count is not.
    pub fn renew_resume(&self, resume: &mut Resume) {
        self.times().renew_resume(resume);
    }
}

/// A hash of what was told and saved, to see that nothing of it has changed. It guards against no malice: what goes in is ours or the
/// registrar's of this trunk alone.
pub struct Fingerprint(u64);

impl Fingerprint {
    /// Begins.
    pub fn new() -> Self {
        Fingerprint(0x243F_6A88_85A3_08D3)
    }

    /// Takes a number in.
    pub fn number(&mut self, number: u64) -> &mut Self {
        self.0 = (self.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
        self
    }

    /// Takes a text in.
    pub fn text(&mut self, text: &str) -> &mut Self {
        let (words, rest) = text.as_bytes().as_chunks::<8>();
        for word in words {
            self.number(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        self.number(u64::from_le_bytes(last)).number(text.len() as u64)
    }

    /// Takes an address in.
    pub fn address(&mut self, address: SocketAddr) -> &mut Self {
        let ip = match address.ip() {
            std::net::IpAddr::V4(ip) => u128::from(u32::from(ip)),
            std::net::IpAddr::V6(ip) => u128::from(ip) ^ 1 << 127,
        };
        self.number((ip >> 64) as u64).number(ip as u64).number(u64::from(address.port()))
    }

    /// Returns it, never zero.
    pub fn value(&self) -> u64 {
        (self.0 ^ (self.0 >> 32)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_differ_anywhere_differ() {
        let of = |texts: &[&str]| {
            let mut print = Fingerprint::new();
            texts.iter().for_each(|text| {
                print.text(text);
            });
            print.value()
        };
        let all =
            [of(&["ab", "c"]), of(&["a", "bc"]), of(&["abc", ""]), of(&["12345678", ""]), of(&["1234567", "8"]), of(&["12345679", ""])];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(one), "{at}");
        }
        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
    }
}
