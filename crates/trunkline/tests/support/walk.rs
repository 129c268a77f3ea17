//! The walk that `trunkline serve --demo` prints: commands for a shell, each followed by what to expect of it.

use std::process::Command;

/// Where the walk ends.
pub const LAST_LINE: &str = "Ctrl-C ends the demo";

/// A command as printed, and the words after its `# expect`.
pub struct Step {
    /// What a person would copy.
    pub command: String,
    /// The status, and what the answer contains.
    pub expect: String,
}

/// The steps in the output of the demo.
pub fn steps(output: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut command: Vec<&str> = Vec::new();
    for line in output.lines() {
        if let Some(expect) = line.strip_prefix("# expect ") {
            steps.push(Step { command: command.join("\n"), expect: expect.to_owned() });
            command.clear();
        } else if !command.is_empty() || line.starts_with("curl ") || line.starts_with("TOKEN=") {
            command.push(line);
        }
    }
    steps
}

/// Runs all steps in one shell and checks that each did what it says; gives what each printed.
pub fn walked(steps: &[Step]) -> Vec<String> {
    const MARK: &str = "-- end of a step --";
    let mut script = String::new();
    for step in steps {
        script += &format!("{}\n", step.command);
        if step.expect == "TOKEN" {
            script += "test -n \"$TOKEN\"\n";
        }
        script += &format!("echo '{MARK}'\n");
    }
    let output = Command::new("sh").args(["-euc", &script]).output().expect("sh");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}\n{told}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    let told: Vec<String> = told.split(&format!("{MARK}\n")).take(steps.len()).map(str::to_owned).collect();
    for (step, told) in steps.iter().zip(&told).filter(|(step, _)| step.expect != "TOKEN") {
        let (status, contains) = step.expect.split_once(' ').expect("a status and a text");
        assert_eq!(told.trim_end().lines().last(), Some(status), "{}\n{told}", step.command);
        assert!(told.contains(contains), "{contains} is in the answer to\n{}\n{told}", step.command);
    }
    told
}
