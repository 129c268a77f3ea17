//! `trunkline verify` as a person or a script runs it.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// A run that is set up and not started yet. Its temporary files go into a folder of its own.
pub struct Verifier {
    command: Command,
    password: Option<String>,
    temporary: TempDir,
}

/// What a run has said.
pub struct Said {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// Files left in its temporary folder.
    pub left: usize,
}

impl Verifier {
    /// With these words on the command line.
    pub fn of(words: &[&str]) -> Self {
        let temporary = tempfile::Builder::new().prefix("ver").tempdir().expect("temporary folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
        command.arg("verify").args(words).env("TMPDIR", temporary.path()).env_remove("NO_COLOR").env_remove("RUST_LOG");
        Self { command, password: None, temporary }
    }

    /// With a password on standard input, and the flag that reads it from there.
    pub fn password(mut self, password: &str) -> Self {
        self.command.arg("--password-stdin");
        self.password = Some(password.to_owned());
        self
    }

    /// With an environment variable.
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.command.env(key, value);
        self
    }

    /// Runs it to its end.
    pub fn run(self) -> Said {
        self.start().end()
    }

    /// Runs it with `--json` and gives its one object too.
    pub fn json(mut self) -> (Said, Value) {
        self.command.arg("--json");
        let said = self.run();
        let value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}{}", said.out, said.err));
        (said, value)
    }

    /// Starts it.
    pub fn start(mut self) -> Running {
        let stdin = if self.password.is_some() { Stdio::piped() } else { Stdio::null() };
        let mut child = self.command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("trunkline verify");
        if let (Some(password), Some(mut stdin)) = (&self.password, child.stdin.take()) {
            // It may have ended already, for another reason.
            writeln!(stdin, "{password}").ok();
        }
        Running { child: Some(child), temporary: self.temporary }
    }
}

/// A run under way; ends with this value.
pub struct Running {
    child: Option<Child>,
    temporary: TempDir,
}

impl Running {
    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Its temporary folder.
    pub fn temporary(&self) -> &Path {
        self.temporary.path()
    }

    /// Ctrl-C.
    pub fn interrupt(&self) {
        let pid = self.child.as_ref().map(Pid::from_child).expect("a process");
        kill_process(pid, Signal::INT).expect("SIGINT");
    }

    /// Waits for the end.
    pub fn end(mut self) -> Said {
        let Output { status, stdout, stderr } = self.child.take().expect("a process").wait_with_output().expect("wait");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        let left = std::fs::read_dir(self.temporary.path()).expect("folder").count();
        Said { code: code(status), out: text(stdout), err: text(stderr), left }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Fails only if it has ended.
            child.kill().ok();
            child.wait().ok();
        }
    }
}

fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| panic!("{status}"))
}

impl Said {
    /// Panics with everything unless it ended with this code.
    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        assert_eq!(self.left, 0, "nothing is left in the temporary folder");
        self
    }
}
