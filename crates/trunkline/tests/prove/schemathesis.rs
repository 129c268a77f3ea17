//! The served document and the running server, by schemathesis: 20,000 cases, stateful.

use std::time::Instant;

use crate::figures::Figures;
use crate::support::alone::alone;
use crate::support::schemathesis::{self, Done};

/// What issue 5 asks for; the combinations of what is wrong, which do not depend on chance, come on top.
const CASES: u64 = 20_000;

#[test]
#[ignore = "long; cargo xtask prove schemathesis"]
fn schemathesis() {
    alone("schemathesis::schemathesis", || {
        let mut figures = Figures::default();
        let began = Instant::now();
        let scene = schemathesis::scene();
        let systematic = schemathesis::run(&scene, "examples,coverage", 1, 1);
        let mut drawn = Done::default();
        let mut seeds = 0;
        while drawn.cases < CASES {
            seeds += 1;
            let done = schemathesis::run(&scene, "fuzzing,stateful", 50, seeds);
            eprintln!("seed {seeds}: {} cases, {} of them stateful", done.cases, done.stateful);
            drawn.add(done);
        }
        let audits = scene.api.get("/api/v2/audits/verify").expect(200);
        assert_eq!(audits.json["intact"], true, "{}", audits.text);
        let (random, stateful) = (drawn.cases, drawn.stateful);
        let mut all = systematic;
        let fixed = all.cases;
        all.add(drawn);
        figures.section(
            "schemathesis 4.32 from PyPI against the running server, with the document that it serves, in a network namespace of its own",
        );
        figures.row("cases by chance; seeds", format!("{random}; 1 to {seeds}"));
        figures.row("of them steps of sequences, with what answers before have shown", stateful);
        figures.row("cases besides that do not depend on chance: the examples, and each rule of each schema broken", fixed);
        figures.row("operations tried; left out is `deleteToken`, which would end the run's own token", all.operations.len());
        for (status, count) in &all.statuses {
            figures.row(&format!("answers of {status}"), count);
        }
        figures.row("answers of 5xx, but for `edge.offline` of an operation that asks an edge", 0);
        figures.row("answers of 503 `edge.offline`", all.offline);
        figures.row("answers whose status, media type, headers or body the document does not name", 0);
        figures.row("audit records at the end, the chain whole", &audits.json["records"]);
        figures.row("time", format!("{:.0} s", began.elapsed().as_secs_f64()));
        figures.keep();
    });
}
