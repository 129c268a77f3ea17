//! What came out of one run.

use serde_json::{Value, json};

/// A run of one client.
pub struct Measured {
    /// Who.
    pub name: String,
    /// Registrations.
    pub count: u32,
    /// Seconds of CPU until all were bound, and of the clock.
    pub cold: (f64, f64),
    /// Seconds of CPU while they were kept, and of the clock.
    pub steady: (f64, f64),
    /// What the carrier counted at the start, when all were bound, when keeping them began and when it ended.
    pub counts: [Value; 4],
    /// Memory when all were bound, and at the end.
    pub memory: (u64, u64),
    /// How late refreshes were sent, where the client tells.
    pub late: Value,
}

impl Measured {
    fn number(&self, at: usize, name: &str) -> u64 {
        self.counts[at][name].as_u64().unwrap_or(0)
    }

    fn grown(&self, name: &str) -> u64 {
        self.number(3, name).saturating_sub(self.number(2, name))
    }

    /// Accepted REGISTERs per CPU-second while all are kept.
    pub fn refreshes_per_cpu(&self) -> f64 {
        self.grown("accepted") as f64 / self.steady.0.max(1e-6)
    }

    /// The figures as JSON.
    pub fn json(&self) -> Value {
        let (first, steady) = (self.series(0), self.series(1));
        json!({
            "client": self.name,
            "count": self.count,
            "cold": {
                "seconds": self.cold.1,
                "cpu_seconds": self.cold.0,
                "cycles_per_cpu_second": f64::from(self.count) / self.cold.0.max(1e-6),
                "busiest_over_mean": busiest(&first),
                "retransmitted": self.number(1, "retransmitted"),
            },
            "steady": {
                "seconds": self.steady.1,
                "cpu_seconds": self.steady.0,
                "cpu_percent": 100.0 * self.steady.0 / self.steady.1.max(1e-6),
                "refreshes": self.grown("accepted"),
                "transactions": self.grown("accepted") + self.grown("challenged") + self.grown("stale"),
                "refreshes_per_cpu_second": self.refreshes_per_cpu(),
                "busiest_over_mean": busiest(&steady),
                "retransmitted": self.grown("retransmitted"),
                "late_us": self.late,
            },
            "lapsed": self.number(3, "lapsed"),
            "wrong_digests": self.number(3, "wrong"),
            "bound": self.number(3, "bound"),
            "bytes_per_registration": { "cold": self.memory.0 / u64::from(self.count.max(1)), "steady": self.memory.1 / u64::from(self.count.max(1)) },
        })
    }

    /// REGISTERs of each tenth of a second, until all were bound or after.
    pub fn series(&self, part: usize) -> Vec<u64> {
        let of = |at: usize| -> Vec<u64> {
            self.counts[at]["series"].as_array().map(|slots| slots.iter().filter_map(Value::as_u64).collect()).unwrap_or_default()
        };
        match part {
            0 => of(1).into_iter().skip_while(|&slot| slot == 0).collect(),
            _ => of(3).into_iter().skip(of(2).len()).collect(),
        }
    }

    /// The figures for people.
    pub fn text(&self) -> String {
        let figures = self.json();
        let number = |path: &str| figures.pointer(path).and_then(Value::as_f64).unwrap_or(f64::NAN);
        format!(
            "{}: {} registrations\n  cold start          {:.2} s, {:.2} s of CPU, {:.0} cycles per CPU-second, busiest second {:.2} x the mean, {} retransmitted\n  steady state        {:.0} refreshes ({:.0} transactions) in {:.0} s, {:.2} s of CPU ({:.1} %), busiest second {:.2} x the mean, {} retransmitted\n  per CPU-second      {:.0} refreshes\n  refreshes late by   p50 {} us, p99.99 {} us, at worst {} us\n  memory              {} bytes per registration ({} when just bound)\n  lapsed              {}\n",
            self.name,
            self.count,
            number("/cold/seconds"),
            number("/cold/cpu_seconds"),
            number("/cold/cycles_per_cpu_second"),
            number("/cold/busiest_over_mean"),
            number("/cold/retransmitted"),
            number("/steady/refreshes"),
            number("/steady/transactions"),
            number("/steady/seconds"),
            number("/steady/cpu_seconds"),
            number("/steady/cpu_percent"),
            number("/steady/busiest_over_mean"),
            number("/steady/retransmitted"),
            number("/steady/refreshes_per_cpu_second"),
            self.late["p50"],
            self.late["p9999"],
            self.late["worst"],
            number("/bytes_per_registration/steady"),
            number("/bytes_per_registration/cold"),
            number("/lapsed"),
        )
    }
}

/// The busiest whole second over the mean of all of them; slots are tenths. A second that is not whole counts for neither.
fn busiest(slots: &[u64]) -> f64 {
    let seconds: Vec<u64> = slots.chunks_exact(10).map(|second| second.iter().sum()).collect();
    let sum: u64 = seconds.iter().sum();
    let most = seconds.iter().max().copied().unwrap_or(0);
    if sum == 0 { 1.0 } else { most as f64 * seconds.len() as f64 / sum as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_second_is_compared_with_the_mean_of_whole_seconds() {
        assert_eq!(busiest(&[10; 20]), 1.0);
        let uneven: Vec<u64> = [[1; 10], [3; 10]].concat();
        assert_eq!(busiest(&uneven), 1.5);
        assert_eq!(busiest(&[[2; 10].as_slice(), &[900]].concat()), 1.0, "the last is not whole");
        assert_eq!(busiest(&[]), 1.0);
    }
}
