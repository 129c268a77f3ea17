//! What the server answers is what its document says: a short run of schemathesis. `cargo xtask prove schemathesis` is the long one.

use crate::support::alone::alone;
use crate::support::schemathesis;

#[test]
fn no_answer_is_outside_of_the_document() {
    alone("schemathesis::no_answer_is_outside_of_the_document", || {
        let scene = schemathesis::scene();
        let done = schemathesis::run(&scene, "examples,fuzzing,stateful", 4, 1);
        assert!(done.cases >= 500 && done.stateful >= 20 && done.operations.len() >= 100, "{}", done.said);
    });
}
