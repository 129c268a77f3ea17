//! Scripts of other languages that run beside a test and talk with it, a line at a time.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use tempfile::NamedTempFile;

use super::schemathesis::installed;

/// A script that runs.
pub struct Script {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    said: String,
    complaints: NamedTempFile,
}

/// A script of `tests`, to be run by Node; `modules` is what `cargo xtask setup` has installed for it.
pub fn node(path: &str, modules: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(place(path)).env("TRUNKLINE_MODULES", installed(modules)).env_remove("NODE_OPTIONS");
    command
}

/// A script of `tests`, to be run by the Python that has what `cargo xtask setup` installs.
pub fn python(path: &str) -> Command {
    let mut command = Command::new(installed("python/bin/python"));
    command.arg("-B").arg(place(path)).env_remove("HTTP_PROXY").env_remove("http_proxy");
    command
}

fn place(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

/// Where the pictures go that the console's suites take.
pub fn pictures() -> PathBuf {
    installed("browser").parent().and_then(Path::parent).expect("the target directory").join("console")
}

impl Script {
    /// Starts it. Should this test be killed, setpriv(1) has the kernel end the script too.
    pub fn start(command: &Command) -> Self {
        let mut guarded = Command::new("setpriv");
        guarded.args(["--pdeathsig", "TERM", "--"]).arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => guarded.env(key, value),
                None => guarded.env_remove(key),
            };
        }
        // Kept apart: half a line of a script before one of ours hides how a test of ours ended.
        let complaints = NamedTempFile::new().expect("a file");
        let aside = complaints.reopen().expect("a file");
        let started = guarded.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(aside).spawn();
        let mut child = started.unwrap_or_else(|error| panic!("the script does not start (cargo xtask setup installs it): {error}"));
        let (input, output) = (child.stdin.take().expect("stdin"), child.stdout.take().expect("stdout"));
        Script { child, input, output: BufReader::new(output), said: String::new(), complaints }
    }

    /// Its next line; none when it has ended.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let length = self.output.read_line(&mut line).expect("text");
        (length > 0).then(|| line.trim_end_matches('\n').to_owned())
    }

    /// Sends it a line.
    pub fn tell(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("the script listens");
    }

    /// Reads on until it says this line; panics with what it said instead when it ends before.
    pub fn says(&mut self, wanted: &str) {
        while let Some(line) = self.line() {
            if line == wanted {
                return;
            }
            self.note(&line);
        }
        panic!("the script never says {wanted}:\n{}", self.told());
    }

    /// Lets it run to its end. What it needs of the test it asks for by a line that begins with `@`; `grant` takes the words behind that and
    /// gives the line of the answer. Panics with all that it said, and with `log`, where it ends badly.
    pub fn run(mut self, mut grant: impl FnMut(&[&str]) -> String, log: impl Fn() -> String) {
        while let Some(line) = self.line() {
            match line.strip_prefix('@') {
                Some(wish) => {
                    let answer = grant(&wish.split(' ').collect::<Vec<_>>());
                    self.tell(&answer);
                }
                None => self.note(&line),
            }
        }
        let status = self.child.wait().expect("an end");
        // Figures that it has measured.
        let _ = std::io::stdout().write_all(self.said.as_bytes());
        assert!(status.success(), "the script ended with {status}:\n{}\nserver:\n{}", self.told(), log());
    }

    fn note(&mut self, line: &str) {
        self.said.push_str(line);
        self.said.push('\n');
    }

    fn told(&self) -> String {
        format!("{}\n{}", self.said, std::fs::read_to_string(self.complaints.path()).unwrap_or_default())
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
