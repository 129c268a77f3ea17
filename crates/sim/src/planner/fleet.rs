//! What is to be planned.

use std::fmt;
use std::time::Duration;

use ua::NonceReuse;

/// A fleet of edges, what carriers they keep trunks at, and what happens to them.
#[derive(Clone, Debug, PartialEq)]
pub struct Fleet {
    /// So many edges share the trunks evenly.
    pub edges: u32,
    /// So many shards has each edge.
    pub shards: u32,
    /// The carriers.
    pub carriers: Vec<CarrierPlan>,
    /// What happens, five minutes into the plan.
    pub event: Event,
    /// So long is planned after the event's begin; long enough for it to show, where absent.
    pub after: Option<Duration>,
    /// Where all chance comes from.
    pub seed: u64,
}

/// A carrier, and the trunks with it.
#[derive(Clone, Debug, PartialEq)]
pub struct CarrierPlan {
    /// Its name.
    pub name: String,
    /// So many trunks, over all edges.
    pub trunks: u64,
    /// So many of the edges serve it; all where absent.
    pub edges: Option<u32>,
    /// Seconds that it grants.
    pub expires: u32,
    /// Seconds that it likes between refreshes.
    pub min_refresh: u32,
    /// Whether a nonce is answered again unasked.
    pub reuse: NonceReuse,
    /// Seconds for which a nonce is good; for ever where absent.
    pub nonce_life: Option<u32>,
    /// REGISTER/s of the profile; each edge paces by itself.
    pub registers_per_second: u32,
    /// Transactions in flight of the profile; each edge counts by itself.
    pub in_flight: u32,
    /// REGISTER/s that the carrier takes from all edges together, where it is known.
    pub limit: Option<u32>,
    /// The mean round trip; each way takes up to so long.
    pub round_trip: Duration,
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Nothing: the steady state.
    Nothing,
    /// All edges stop and start again.
    Restart {
        /// They are down for so long.
        down: Duration,
        /// How much they know afterwards.
        memory: Memory,
    },
    /// Nothing comes through to a carrier, or to all, for so long.
    Outage {
        /// The carrier's name.
        carrier: Option<String>,
        /// For so long.
        lasts: Duration,
    },
    /// Datagrams are lost, each way.
    Loss {
        /// The carrier's name.
        carrier: Option<String>,
        /// The share, 0 to 1.
        share: f64,
        /// For so long.
        lasts: Duration,
    },
    /// From now on a carrier, or all, grant so many seconds.
    Expiry {
        /// The carrier's name.
        carrier: Option<String>,
        /// Seconds.
        expires: u32,
    },
}

/// How much an edge knows after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// It stopped in order: bindings and nonces.
    Clean,
    /// It was killed: bindings; nonces are asked for anew.
    Unclean,
    /// Its state file is lost: nothing.
    None,
}

/// How large a plan may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Trunks over all carriers.
    pub trunks: u64,
    /// Edges.
    pub edges: u32,
    /// Carriers.
    pub carriers: usize,
    /// Planned time.
    pub time: Duration,
}

impl Limits {
    /// What a command line may ask for.
    pub const COMMAND: Limits = Limits { trunks: 100_000_000, edges: 1_000, carriers: 1_000, time: Duration::from_secs(7 * 86_400) };
    /// What the API and its page may ask for; a deadline comes besides. A trunk takes about a hundred bytes.
    pub const PAGE: Limits = Limits { trunks: 2_000_000, edges: 40, carriers: 50, time: Duration::from_secs(86_400) };
}

/// What happens begins so long into the plan.
pub const BEFORE: Duration = Duration::from_secs(300);

impl Fleet {
    /// Returns how long is planned, from its begin.
    pub fn lasts(&self) -> Duration {
        let longest = self.carriers.iter().map(|carrier| u64::from(carrier.expires)).max().unwrap_or(0);
        let event = match &self.event {
            Event::Nothing | Event::Expiry { .. } => Duration::ZERO,
            Event::Restart { down, .. } => *down,
            Event::Outage { lasts, .. } | Event::Loss { lasts, .. } => *lasts,
        };
        // The wave that follows comes after three quarters of the expiry at the latest.
        BEFORE + self.after.unwrap_or_else(|| event + Duration::from_secs((longest * 3 / 2).max(900)))
    }

    /// Refuses what cannot be planned.
    ///
    /// # Errors
    /// The field that is out of its range, and the range.
    pub fn check(&self, limits: &Limits) -> Result<(), FleetFault> {
        let within = |field: &str, value: u64, low: u64, high: u64| match (low..=high).contains(&value) {
            true => Ok(()),
            false => Err(FleetFault { field: field.to_owned(), text: format!("must be {low} to {high}, not {value}") }),
        };
        within("edges", self.edges.into(), 1, limits.edges.into())?;
        within("shards", self.shards.into(), 1, 64)?;
        within("carrier (how many)", self.carriers.len() as u64, 1, limits.carriers as u64)?;
        within("after", self.lasts().saturating_sub(BEFORE).as_secs(), 1, limits.time.as_secs())?;
        let mut trunks = 0u64;
        for (at, carrier) in self.carriers.iter().enumerate() {
            let field = |name: &str| format!("carrier[{at}].{name}");
            if self.carriers[..at].iter().any(|other| other.name == carrier.name) {
                return Err(FleetFault { field: field("name"), text: format!("{:?} is there twice", carrier.name) });
            }
            trunks = trunks.saturating_add(carrier.trunks);
            within(&field("trunks"), carrier.trunks, 1, limits.trunks)?;
            within(&field("expires"), carrier.expires.into(), 1, 86_400)?;
            within(&field("min_refresh"), carrier.min_refresh.into(), 0, 86_400)?;
            within(&field("registers_per_second"), carrier.registers_per_second.into(), 1, 1_000_000)?;
            within(&field("in_flight"), carrier.in_flight.into(), 1, 1_000_000)?;
            within(&field("round_trip_ms"), carrier.round_trip.as_millis() as u64, 1, 10_000)?;
            within(&field("edges"), carrier.edges.unwrap_or(self.edges).into(), 1, self.edges.into())?;
        }
        within("trunks of all carriers", trunks, 1, limits.trunks)?;
        match &self.event {
            Event::Loss { share, .. } if !(0.0..=0.95).contains(share) => {
                return Err(FleetFault { field: "event.loss".into(), text: format!("must be 0 to 0.95, not {share}") });
            }
            Event::Expiry { expires, .. } => within("event.expires", (*expires).into(), 1, 86_400)?,
            Event::Nothing | Event::Restart { .. } | Event::Outage { .. } | Event::Loss { .. } => {}
        }
        match self.event.carrier() {
            Some(name) if self.carriers.iter().all(|carrier| carrier.name != name) => {
                Err(FleetFault { field: "event.carrier".into(), text: format!("names {name:?}, which is none of the carriers") })
            }
            _ => Ok(()),
        }
    }
}

impl Event {
    /// Returns the one carrier that it is about.
    pub fn carrier(&self) -> Option<&str> {
        match self {
            Event::Nothing | Event::Restart { .. } => None,
            Event::Outage { carrier, .. } | Event::Loss { carrier, .. } | Event::Expiry { carrier, .. } => carrier.as_deref(),
        }
    }

    /// Tells whether a carrier is concerned.
    pub fn concerns(&self, name: &str) -> bool {
        self.carrier().is_none_or(|carrier| carrier == name)
    }

    /// Returns when it is over, after its begin.
    pub fn lasts(&self) -> Duration {
        match self {
            Event::Nothing | Event::Expiry { .. } => Duration::ZERO,
            Event::Restart { down, .. } => *down,
            Event::Outage { lasts, .. } | Event::Loss { lasts, .. } => *lasts,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = self.carrier().map_or_else(|| "all carriers".to_owned(), str::to_owned);
        match self {
            Event::Nothing => write!(f, "nothing happens"),
            Event::Restart { down, memory } => {
                let memory = match memory {
                    Memory::Clean => "in order",
                    Memory::Unclean => "killed",
                    Memory::None => "their state lost",
                };
                write!(f, "all edges restart, {memory}, down for {} s", down.as_secs())
            }
            Event::Outage { lasts, .. } => write!(f, "{whose} silent for {} s", lasts.as_secs()),
            Event::Loss { share, lasts, .. } => write!(f, "{} % loss each way to {whose} for {} s", share * 100.0, lasts.as_secs()),
            Event::Expiry { expires, .. } => write!(f, "{whose} grant {expires} s from then on"),
        }
    }
}

/// Why a fleet cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetFault {
    /// The field.
    pub field: String,
    /// What is wrong with it.
    pub text: String,
}

impl fmt::Display for FleetFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.text)
    }
}

impl std::error::Error for FleetFault {}
