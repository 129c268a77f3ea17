//! The committed corpus of every fuzz target, run as ordinary tests: what fuzzing has found stays found, without libFuzzer.

#[path = "../../../fuzz/src/lib.rs"]
mod fuzz;

use std::fs;
use std::path::Path;

#[test]
fn every_committed_input_keeps_the_promises_of_its_target() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let mut bytes = 0;
    for (target, run) in fuzz::TARGETS {
        let mut inputs = 0;
        for entry in fs::read_dir(corpus.join(target)).expect(target) {
            let path = entry.expect(target).path();
            let input = fs::read(&path).expect(target);
            run(&input);
            // Every beginning of it, too: what is cut off in the middle must do no harm.
            (0..input.len().min(64)).for_each(|length| run(&input[..length]));
            (inputs, bytes) = (inputs + 1, bytes + input.len());
        }
        assert!(inputs >= 4, "{target} has {inputs} inputs");
    }
    assert!(bytes < 300 * 1024, "the corpus has grown to {bytes} bytes: keep what finds something");
}
