//! The planner as the control plane is given it: bounded in size, on one thread, and ended where it takes too long.

use control::{Planner, Unplanned};
use sim::planner::{Limits, PlannerFault, forecast};

use super::{file, show};

/// So many values has each series of an answer.
const VALUES: usize = 300;

/// Plans for the API.
pub fn planner() -> Planner {
    Planner::new(|form, goes_on| {
        let fleet = file::of_json(form).map_err(|text| refused("", &text))?;
        let planned = forecast(&fleet, &Limits::PAGE, 1, &|_| goes_on());
        planned.map(|planned| show::json(&planned, VALUES)).map_err(|fault| match fault {
            PlannerFault::Fleet(fault) => refused(&field(&fault.field), &fault.text),
            PlannerFault::TooLarge | PlannerFault::Stopped => refused("carriers", &fault.to_string()),
        })
    })
}

fn refused(field: &str, text: &str) -> Unplanned {
    Unplanned { field: field.to_owned(), text: if field.is_empty() { text.to_owned() } else { format!("{field}: {text}.") } }
}

/// A field as the API writes it.
fn field(name: &str) -> String {
    let name = match name {
        "after" => "afterSeconds",
        name if name.contains(' ') => "carriers",
        name => name,
    };
    let mut words = name.replacen("carrier[", "carriers[", 1);
    while let Some(at) = words.find('_') {
        let next = words[at + 1..].chars().next().map(|c| c.to_ascii_uppercase()).into_iter().collect::<String>();
        words.replace_range(at..(at + 1 + next.len()).min(words.len()), &next);
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_named_as_the_api_writes_them() {
        for (name, shown) in [
            ("carrier[3].registers_per_second", "carriers[3].registersPerSecond"),
            ("trunks of all carriers", "carriers"),
            ("carrier (how many)", "carriers"),
            ("after", "afterSeconds"),
            ("event.loss", "event.loss"),
        ] {
            assert_eq!(field(name), shown);
        }
    }

    #[test]
    fn the_forms_fields_are_the_files() {
        let form = json!({
            "edges": 2, "shards": 2, "afterSeconds": 900, "seed": 7, "event": { "kind": "loss", "carrier": "a", "seconds": 5, "loss": 0.5 },
            "carriers": [{ "name": "a", "trunks": 9, "edges": 1, "expires": 600, "minRefresh": 1, "nonceReuse": "never", "nonceLife": 60,
                "registersPerSecond": 5, "inFlight": 6, "limit": 7, "roundTripMs": 8 }],
        });
        let file = "edges = 2\nshards = 2\nafter-seconds = 900\nseed = 7\n[event]\nkind = \"loss\"\ncarrier = \"a\"\nseconds = 5\nloss = 0.5\n\
            [[carrier]]\nname = \"a\"\ntrunks = 9\nedges = 1\nexpires = 600\nmin-refresh = 1\nnonce-reuse = \"never\"\nnonce-life = 60\n\
            registers-per-second = 5\nin-flight = 6\nlimit = 7\nround-trip-ms = 8";
        assert_eq!(file::of_json(form).expect("a fleet"), file::read(file).expect("a fleet"));
        let error = file::of_json(json!({ "carriers": [{ "name": "a", "trunks": 1, "expire": 6 }] })).expect_err("no such field");
        assert!(error.contains("\"expires\""), "{error}");
    }
}
