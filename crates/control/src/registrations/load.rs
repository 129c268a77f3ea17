//! What a carrier's trunks ask of its pacing, and whether it can be borne.
//!
//! A binding of G seconds is refreshed at 62.5 % of G on average, at 45 % below 300 s (design section 5). A refresh is one REGISTER where the
//! nonce may be used again, two where not. Verification has 5 % of the rate. What cannot be kept alive even at the best is refused; what is
//! near the limit at the worst is warned of.

use diagnosis::{Check, Code, Diagnosis};
use link::{NonceReuse, Pacing};
use serde_json::{Value, json};

use super::assignment::{expires, pacing};
use crate::domain::{Carrier, Organization, Trunk};
use crate::problem::Problem;
use crate::store::loads::Fleet;
use crate::store::{StoreError, Tx, carriers, organization};

/// The part of the rate that refreshes may take; the rest is verification's (design section 5).
const SHARE: f64 = 0.95;
/// Above this part of what is allowed it is tight: a restart or a lost datagram needs room.
const TIGHT: f64 = 0.8;
/// Seconds of a round trip that no carrier beyond the own machine room undercuts: what is refused is judged by it.
const ROUND_TRIP_LEAST: f64 = 0.01;
/// Seconds of a round trip to a carrier on another continent: what is warned of is judged by it.
const ROUND_TRIP_MOST: f64 = 0.2;
/// The longest expiry that may be asked for.
const EXPIRES_MAX: f64 = 86_400.0;

/// A carrier's trunks in service, and the terms on which they are kept alive.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    carrier: String,
    pacing: Pacing,
    reuse: NonceReuse,
    /// Seconds that trunks ask for which name none of their own.
    expires: u32,
    trunks: u64,
    /// They all take the carrier's expiry.
    alike: bool,
    /// Refreshes a second.
    refreshes: f64,
}

/// What of a carrier's pacing is too little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scarce {
    Rate,
    InFlight,
}

impl Load {
    /// Adds up a carrier's trunks.
    pub fn new(carrier: &Carrier, organization: &Organization, fleet: &Fleet) -> Self {
        let (settings, defaults) = (&carrier.settings, organization.settings.defaults.as_ref());
        let common = expires(None, settings, defaults);
        let least = settings.min_refresh.unwrap_or(0);
        let refreshes = fleet.iter().map(|(own, trunks)| *trunks as f64 / period(own.unwrap_or(common), least)).sum();
        Load {
            carrier: carrier.meta.id.clone(),
            pacing: pacing(settings, defaults),
            reuse: settings.nonce_reuse.unwrap_or_default(),
            expires: common,
            trunks: fleet.values().sum(),
            alike: fleet.keys().all(Option::is_none),
            refreshes,
        }
    }

    /// REGISTER/s where every nonce may be used again that might be.
    fn least(&self) -> f64 {
        match self.reuse {
            NonceReuse::Auto | NonceReuse::Always => self.refreshes,
            NonceReuse::Never => self.refreshes * 2.0,
        }
    }

    /// REGISTER/s where no nonce may be used again.
    fn most(&self) -> f64 {
        match self.reuse {
            NonceReuse::Always => self.refreshes,
            NonceReuse::Auto | NonceReuse::Never => self.refreshes * 2.0,
        }
    }

    /// REGISTER/s that refreshes may take.
    fn allowed(&self) -> f64 {
        f64::from(self.pacing.registers_per_second) * SHARE
    }

    /// How many times what is allowed it needs at the best, and of what.
    fn excess(&self) -> (f64, Scarce) {
        let rate = self.least() / self.allowed();
        let in_flight = self.least() * ROUND_TRIP_LEAST / f64::from(self.pacing.in_flight);
        if in_flight > rate { (in_flight, Scarce::InFlight) } else { (rate, Scarce::Rate) }
    }

    /// Tells what is near its limit at the worst.
    fn tight(&self) -> Option<Scarce> {
        if self.most() > self.allowed() * TIGHT {
            return Some(Scarce::Rate);
        }
        (self.most() * ROUND_TRIP_MOST > f64::from(self.pacing.in_flight)).then_some(Scarce::InFlight)
    }

    /// Refuses what cannot be kept alive.
    ///
    /// # Errors
    /// `pacing.infeasible` with the arithmetic and what would help.
    pub fn bearable(&self) -> Result<(), Box<Diagnosis>> {
        let (excess, scarce) = self.excess();
        if excess <= 1.0 {
            return Ok(());
        }
        let each =
            if self.reuse == NonceReuse::Never { "two REGISTERs each" } else { "one REGISTER each, if every nonce may be used again" };
        let needs = format!(
            "{} trunks in service with carrier {:?} need {:.1} refreshes a second ({each}), so {:.1} REGISTER/s",
            self.trunks,
            self.carrier,
            self.refreshes,
            self.least()
        );
        let summary = match scarce {
            Scarce::Rate => format!(
                "{needs}. pacing.registersPerSecond is {}, of which verification has 5 %: {:.1} are left.",
                self.pacing.registers_per_second,
                self.allowed()
            ),
            Scarce::InFlight => format!(
                "{needs}. pacing.inFlight is {}: at a round trip of {} ms that allows {:.0} REGISTER/s.",
                self.pacing.in_flight,
                ROUND_TRIP_LEAST * 1_000.0,
                f64::from(self.pacing.in_flight) / ROUND_TRIP_LEAST
            ),
        };
        let rate = Check::compared(
            "pacing.registersPerSecond",
            self.least() <= self.allowed(),
            format!("at most {:.1} REGISTER/s", self.allowed()),
            format!("{:.1} REGISTER/s", self.least()),
        );
        let busy = self.least() * ROUND_TRIP_LEAST;
        let in_flight = Check::compared(
            "pacing.inFlight",
            busy <= f64::from(self.pacing.in_flight),
            format!("at most {}", self.pacing.in_flight),
            format!("{busy:.1} at {} ms a round trip", ROUND_TRIP_LEAST * 1_000.0),
        );
        Err(Box::new(
            Diagnosis::new(Code::PacingInfeasible).summary(summary).remedy(self.remedy(excess, scarce)).check(rate).check(in_flight),
        ))
    }

    fn remedy(&self, excess: f64, scarce: Scarce) -> String {
        let raise = match scarce {
            Scarce::Rate => format!("Raise pacing.registersPerSecond to at least {:.0}", (self.least() / SHARE).ceil()),
            Scarce::InFlight => format!("Raise pacing.inFlight to at least {:.0}", (self.least() * ROUND_TRIP_LEAST).ceil()),
        };
        let longer = expiry_for(self.trunks as f64 / self.refreshes * excess);
        let longer = match self.alike && longer <= EXPIRES_MAX {
            true => format!("expires to at least {longer:.0} s (now {} s)", self.expires),
            false => "the expires of carrier and trunks".to_owned(),
        };
        let reuse = if self.reuse == NonceReuse::Never { ", let nonces be used again (nonceReuse)" } else { "" };
        format!("{raise} if the carrier permits it, or {longer}{reuse}, or move trunks to another carrier.")
    }

    /// Shows it, with a warning where it is tight, as two fields of its carrier.
    pub fn show(&self) -> [(&'static str, Value); 2] {
        let rounded = |rate: f64| json!((rate * 100.0).round() / 100.0);
        let load = json!({
            "trunks": self.trunks,
            "registersPerSecond": { "least": rounded(self.least()), "most": rounded(self.most()), "allowed": rounded(self.allowed()) },
        });
        let limit = |scarce| match scarce {
            Scarce::Rate => format!(
                "pacing.registersPerSecond leaves {:.1}. Raise it, or expires; at the least {:.1} are needed.",
                self.allowed(),
                self.least()
            ),
            Scarce::InFlight => format!(
                "pacing.inFlight of {} allows {:.0} at a round trip of {:.0} ms. Raise it.",
                self.pacing.in_flight,
                f64::from(self.pacing.in_flight) / ROUND_TRIP_MOST,
                ROUND_TRIP_MOST * 1_000.0
            ),
        };
        let warning = self.tight().map(|scarce| {
            let text = format!("{} trunks in service may need {:.1} REGISTER/s; {}", self.trunks, self.most(), limit(scarce));
            json!({ "code": Code::PacingTight.as_str(), "text": text })
        });
        [("load", load), ("warnings", warning.into_iter().collect())]
    }
}

/// Refuses a new or changed trunk, which is counted already, if its carrier cannot bear what it adds.
///
/// # Errors
/// 400 `pacing.infeasible`.
pub fn judge_trunk(load: &Load, before: Option<&Trunk>, after: &Trunk) -> Result<(), Problem> {
    let asks = |trunk: &Trunk| f64::from(trunk.in_service) / period(trunk.settings.expires.unwrap_or(load.expires), 0);
    let before = before.filter(|before| before.carrier == after.carrier).map_or(0.0, asks);
    if asks(after) <= before {
        // What is not made worse may be changed: a fleet that is too large already must be reparable.
        return Ok(());
    }
    load.bearable().map_err(|diagnosis| {
        Problem::from(*diagnosis)
            .entity(&after.meta.id, Some(after.meta.name.clone()))
            .detail(Code::PacingInfeasible.as_str(), Some("carrier".into()))
    })
}

/// As [`judge_trunk`], where carrier and organisation are not at hand.
///
/// # Errors
/// 400 `pacing.infeasible`.
pub async fn judge_stored(tx: &mut Tx, before: Option<&Trunk>, after: &Trunk) -> Result<(), Problem> {
    let Some(carrier) = carriers::find(tx.connection(), &after.carrier).await? else { return Ok(()) };
    let organization = organization::load(tx.connection()).await?;
    let load = Load::new(&carrier, &organization, tx.fleet(&after.carrier).await?);
    judge_trunk(&load, before, after)
}

/// Refuses a carrier's new profile under which its trunks cannot be kept alive, unless it was worse before.
///
/// # Errors
/// 400 `pacing.infeasible`.
pub async fn judge_carrier(tx: &mut Tx, before: &Carrier, after: &Carrier) -> Result<(), Problem> {
    let organization = organization::load(tx.connection()).await?;
    let fleet = tx.fleet(&after.meta.id).await?;
    let (before, load) = (Load::new(before, &organization, fleet), Load::new(after, &organization, fleet));
    judge_change(&before, &load, "pacing").map_err(|problem| problem.entity(&after.meta.id, Some(after.meta.name.clone())))
}

/// Refuses defaults under which a carrier's trunks cannot be kept alive, unless it was worse before.
///
/// # Errors
/// 400 `pacing.infeasible`.
pub async fn judge_organization(tx: &mut Tx, before: &Organization, after: &Organization) -> Result<(), Problem> {
    let terms = |organization: &Organization| organization.settings.defaults.as_ref().map(|defaults| (defaults.pacing, defaults.expires));
    if terms(before) == terms(after) {
        return Ok(());
    }
    for carrier in carriers::all(tx.connection()).await? {
        let fleet = tx.fleet(&carrier.meta.id).await?;
        judge_change(&Load::new(&carrier, before, fleet), &Load::new(&carrier, after, fleet), "defaults.pacing")?;
    }
    Ok(())
}

fn judge_change(before: &Load, after: &Load, field: &str) -> Result<(), Problem> {
    if after.excess().0 <= before.excess().0 {
        return Ok(());
    }
    let refused = |diagnosis: Box<Diagnosis>| Problem::from(*diagnosis).detail(Code::PacingInfeasible.as_str(), Some(field.to_owned()));
    after.bearable().map_err(refused)
}

/// Reads a carrier's load, as the change has made it.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn read(tx: &mut Tx, carrier: &Carrier) -> Result<Load, StoreError> {
    let organization = organization::load(tx.connection()).await?;
    Ok(Load::new(carrier, &organization, tx.fleet(&carrier.meta.id).await?))
}

/// Seconds between two refreshes of a binding, on average: the middle of the window in which `ua` puts it.
fn period(expires: u32, min_refresh: u32) -> f64 {
    let granted = f64::from(expires);
    let (low, high) = match expires {
        // RFC 3261 wants no such binding; it is kept as well as can be.
        ..20 => (10.0, 10.0),
        20..300 => (granted * 0.4, granted * 0.5),
        300.. => (granted * 0.5, granted * 0.75),
    };
    let low = f64::max(low, f64::from(min_refresh)).min(f64::max(high, granted * 0.75));
    (low + f64::max(low, high)) / 2.0
}

/// The shortest expiry whose refreshes are so many seconds apart.
fn expiry_for(period: f64) -> f64 {
    let short = (period / 0.45).ceil();
    if short < 300.0 { short } else { (period / 0.625).ceil().max(300.0) }
}

#[cfg(test)]
mod tests {
    use super::super::assignment::tests::settings;
    use super::*;
    use crate::domain::carrier::PacingSettings;

    fn load(reuse: NonceReuse, pacing: (u32, u32), expires: u32, trunks: u64) -> Load {
        let settings = settings();
        let mut carrier = Carrier::clone(&settings.carrier);
        carrier.settings.nonce_reuse = Some(reuse);
        carrier.settings.expires = Some(expires);
        carrier.settings.min_refresh = None;
        carrier.settings.pacing = Some(PacingSettings { registers_per_second: Some(pacing.0), in_flight: Some(pacing.1) });
        Load::new(&carrier, &settings.organization, &Fleet::from([(None, trunks)]))
    }

    #[test]
    fn the_limit_is_where_the_arithmetic_puts_it() {
        // 3600 s: a refresh every 2250 s. 100/s less 5 % bear 213,750 of them with one REGISTER each, half with two.
        for (reuse, trunks) in [(NonceReuse::Auto, 213_750), (NonceReuse::Always, 213_750), (NonceReuse::Never, 106_875)] {
            assert_eq!(load(reuse, (100, 1_000), 3600, trunks).bearable(), Ok(()), "{reuse:?}");
            assert!(load(reuse, (100, 1_000), 3600, trunks + 1).bearable().is_err(), "{reuse:?}");
        }
        // 60 s: every 27 s.
        assert_eq!(load(NonceReuse::Never, (100, 1_000), 60, 1_282).bearable(), Ok(()));
        assert!(load(NonceReuse::Never, (100, 1_000), 60, 1_283).bearable().is_err());
        // One in flight at 10 ms: 100/s, whatever the rate.
        assert_eq!(load(NonceReuse::Auto, (500, 1), 60, 2_700).bearable(), Ok(()));
        assert!(load(NonceReuse::Auto, (500, 1), 60, 2_701).bearable().is_err());
    }

    #[test]
    fn what_is_advised_suffices() {
        for (reuse, expires) in [(NonceReuse::Auto, 60), (NonceReuse::Never, 60), (NonceReuse::Auto, 250), (NonceReuse::Auto, 3600)] {
            let diagnosis = load(reuse, (10, 1_000), expires, 50_000).bearable().expect_err("far too many");
            let number = |after: &str| -> u32 {
                let from = diagnosis.remedy.find(after).expect("named") + after.len();
                diagnosis.remedy[from..].chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a number")
            };
            assert_eq!(load(reuse, (number("registersPerSecond to at least "), 1_000), expires, 50_000).bearable(), Ok(()));
            assert_eq!(load(reuse, (10, 1_000), number("expires to at least "), 50_000).bearable(), Ok(()), "{}", diagnosis.remedy);
        }
    }

    #[test]
    fn near_the_limit_is_warned_of_by_the_worst_that_may_be() {
        let codes = |load: Load| load.show()[1].1.as_array().map_or(0, Vec::len);
        assert_eq!(codes(load(NonceReuse::Auto, (100, 1_000), 3600, 85_000)), 0);
        // If no nonce may be used again it is above four fifths of what is allowed.
        assert_eq!(codes(load(NonceReuse::Auto, (100, 1_000), 3600, 86_000)), 1);
        assert_eq!(codes(load(NonceReuse::Always, (100, 1_000), 3600, 86_000)), 0);
        assert_eq!(codes(load(NonceReuse::Always, (100, 5), 3600, 86_000)), 1, "in flight");
    }
}
