use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// The addresses that have earned themselves silence (N10): a carrier bans an address, not an account.
#[derive(Debug, Default)]
pub(crate) struct Blocks(HashMap<IpAddr, Record>);

#[derive(Debug, Default)]
struct Record {
    wrong_running: u32,
    until: Option<Instant>,
}

impl Blocks {
    pub(crate) fn holds(&self, now: Instant, address: IpAddr) -> bool {
        self.0.get(&address).and_then(|record| record.until).is_some_and(|until| until > now)
    }

    pub(crate) fn wrong(&mut self, now: Instant, address: IpAddr, after: u32, seconds: u32) {
        let record = self.0.entry(address).or_default();
        record.wrong_running += 1;
        if record.wrong_running >= after {
            *record = Record { wrong_running: 0, until: now.checked_add(Duration::from_secs(seconds.into())) };
        }
    }

    pub(crate) fn right(&mut self, address: IpAddr) {
        self.0.remove(&address);
    }
}
