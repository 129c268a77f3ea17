//! A network that a test has for itself: loopback, and nothing that leads away from it.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Set in the process that has such a network.
const INSIDE: &str = "TRUNKLINE_TEST_ALONE";

/// Runs a test in a network namespace of its own, by running this program again for just that test. Whatever the server under test is talked
/// into, no packet of it leaves the machine.
pub fn alone(test: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    let mut command = Command::new("unshare");
    command.args(["--net", "--map-root-user", "--kill-child", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh"]);
    command.arg(std::env::current_exe().expect("this program"));
    command.args(["--exact", test, "--include-ignored", "--nocapture"]).env(INSIDE, "1").stdin(Stdio::null());
    // Its own, so that it ends with this one and no other.
    command.process_group(0);
    let output = command.output().expect("unshare runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    eprintln!("{said}");
}
