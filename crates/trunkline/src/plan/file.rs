//! A fleet file, TOML, or the same as JSON, to what `sim::planner` plans. Unknown keys are errors that name the nearest known one.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use sim::planner::{CarrierPlan, Event, Fleet, Memory, NonceReuse as Reuse};

/// Longest file.
const BYTES_MAX: usize = 1 << 20;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct FleetFile {
    edges: Option<u32>,
    shards: Option<u32>,
    #[serde(alias = "afterSeconds")]
    after_seconds: Option<u64>,
    seed: Option<u64>,
    #[serde(default, alias = "carriers")]
    carrier: Vec<CarrierTable>,
    event: Option<EventTable>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct CarrierTable {
    name: String,
    trunks: u64,
    edges: Option<u32>,
    expires: Option<u32>,
    #[serde(alias = "minRefresh")]
    min_refresh: Option<u32>,
    #[serde(alias = "nonceReuse")]
    nonce_reuse: Option<NonceReuse>,
    #[serde(alias = "nonceLife")]
    nonce_life: Option<u32>,
    #[serde(alias = "registersPerSecond")]
    registers_per_second: Option<u32>,
    #[serde(alias = "inFlight")]
    in_flight: Option<u32>,
    limit: Option<u32>,
    #[serde(alias = "roundTripMs")]
    round_trip_ms: Option<u64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum NonceReuse {
    Auto,
    Never,
    Always,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, tag = "kind")]
enum EventTable {
    Nothing {},
    Restart { seconds: Option<u64>, memory: Option<MemoryName> },
    Outage { carrier: Option<String>, seconds: u64 },
    Loss { carrier: Option<String>, seconds: u64, loss: f64 },
    Expiry { carrier: Option<String>, expires: u32 },
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum MemoryName {
    Clean,
    Unclean,
    None,
}

/// Reads a fleet file.
///
/// # Errors
/// Where it is no fleet file: the line, what is wrong, and the nearest known key where one is unknown.
pub fn read(text: &str) -> Result<Fleet, String> {
    if text.len() > BYTES_MAX {
        return Err(format!("the fleet file is longer than {BYTES_MAX} bytes"));
    }
    toml::from_str(text).map(fleet).map_err(|error| explained(&error.to_string()))
}

/// Reads what the API is sent; its fields are written as the API writes them.
///
/// # Errors
/// Where it is no fleet.
pub fn of_json(form: Value) -> Result<Fleet, String> {
    serde_json::from_value(form).map(fleet).map_err(|error| explained(&error.to_string()))
}

fn fleet(file: FleetFile) -> Fleet {
    let defaults = link::Pacing::default();
    let carriers = file.carrier.into_iter().map(|table| CarrierPlan {
        name: table.name,
        trunks: table.trunks,
        edges: table.edges,
        expires: table.expires.unwrap_or(3600),
        min_refresh: table.min_refresh.unwrap_or(0),
        reuse: match table.nonce_reuse.unwrap_or(NonceReuse::Auto) {
            NonceReuse::Auto => Reuse::Auto,
            NonceReuse::Never => Reuse::Never,
            NonceReuse::Always => Reuse::Always,
        },
        nonce_life: table.nonce_life,
        registers_per_second: table.registers_per_second.unwrap_or(defaults.registers_per_second),
        in_flight: table.in_flight.unwrap_or(defaults.in_flight),
        limit: table.limit,
        round_trip: Duration::from_millis(table.round_trip_ms.unwrap_or(40)),
    });
    let seconds = Duration::from_secs;
    let event = match file.event {
        None | Some(EventTable::Nothing {}) => Event::Nothing,
        Some(EventTable::Restart { seconds: down, memory }) => Event::Restart {
            down: seconds(down.unwrap_or(5)),
            memory: match memory.unwrap_or(MemoryName::Clean) {
                MemoryName::Clean => Memory::Clean,
                MemoryName::Unclean => Memory::Unclean,
                MemoryName::None => Memory::None,
            },
        },
        Some(EventTable::Outage { carrier, seconds: lasts }) => Event::Outage { carrier, lasts: seconds(lasts) },
        Some(EventTable::Loss { carrier, seconds: lasts, loss }) => Event::Loss { carrier, share: loss, lasts: seconds(lasts) },
        Some(EventTable::Expiry { carrier, expires }) => Event::Expiry { carrier, expires },
    };
    Fleet {
        edges: file.edges.unwrap_or(1),
        shards: file.shards.unwrap_or(1),
        carriers: carriers.collect(),
        event,
        after: file.after_seconds.map(seconds),
        seed: file.seed.unwrap_or(1),
    }
}

/// Adds the nearest of the known keys that the message lists.
fn explained(message: &str) -> String {
    let message = message.trim_end();
    let Some((_, from)) = message.split_once("unknown field `") else { return message.to_owned() };
    let mut names = from.split('`').step_by(2).map(str::to_owned);
    let given = names.next().unwrap_or_default();
    match names.min_by_key(|known| distance(&given, known)).filter(|known| distance(&given, known) <= 1 + known.len() / 3) {
        Some(near) => format!("{message}\nThe nearest known key is {near:?}."),
        None => message.to_owned(),
    }
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (at, x) in a.chars().take(64).enumerate() {
        let mut corner = std::mem::replace(&mut row[0], at + 1);
        for (to, y) in b.iter().enumerate() {
            let changed = corner + usize::from(x != *y);
            corner = row[to + 1];
            row[to + 1] = changed.min(corner + 1).min(row[to] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_guide_is_a_fleet() {
        let fleet = read(include_str!("../../../../docs/guide/fleet.toml")).expect("it reads");
        assert_eq!((fleet.edges, fleet.carriers.len()), (4, 2));
        assert_eq!(fleet.check(&sim::planner::Limits::PAGE), Ok(()));
    }

    #[test]
    fn what_is_no_fleet_is_named_with_what_is_nearest() {
        for (text, said) in [
            ("egdes = 3", "\"edges\""),
            ("[[carrier]]\nname = \"a\"\ntrunks = 3\nregister-per-second = 5", "\"registers-per-second\""),
            ("[[carrier]]\nname = \"a\"", "trunks"),
            ("[event]\nkind = \"outag\"\nseconds = 3", "outage"),
            ("edges = -1", "line 1"),
            ("edges", "line 1"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
