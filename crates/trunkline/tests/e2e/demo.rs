//! `trunkline serve --demo` tells the story, and each line that it prints does what it says.

use std::process::Command;

use crate::support::process::Process;
use crate::support::server::Launch;
use crate::support::wait::{self, secs};
use crate::support::walk::{LAST_LINE, steps, walked};

#[test]
fn the_demo_comes_up_and_each_line_does_what_it_says() {
    let launch = Launch::default();
    let folder = tempfile::tempdir().expect("folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
    command.args(["serve", "--demo", "--http", &launch.http().to_string()]).current_dir(folder.path());
    let mut process = Process::start(&command, &folder.path().join("log"));
    wait::until_true("the demo prints its walk", secs(30), || {
        process.must_run();
        process.log().contains(LAST_LINE)
    });
    let steps = steps(&process.log());
    let told = walked(&steps).join("\n");
    for code in ["sip.algorithm.not_allowed", "sip.credentials.rejected", "sip.realm.mismatch", "LEARNED", "REGISTERED"] {
        assert!(told.contains(code), "{code} is in the story: {told}");
    }
    assert!(steps.iter().any(|step| step.command.contains("trunk_jkt_04")));
    assert_eq!(std::fs::read_dir(folder.path()).expect("folder").count(), 1, "nothing but our log is left where it was started");
    process.terminate();
    assert!(process.wait_ended(secs(12)).success(), "{}", process.log());
}
