//! Child processes that end with the test, however it ends.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::wait;

/// A child in a process group of its own, its output in a file.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program. Should this test be killed, setpriv(1) has the kernel end the child too.
    pub fn start(command: &Command, log: &Path) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let out = File::options().create(true).append(true).open(log).expect("log file");
        let mut guarded = Command::new("setpriv");
        guarded.args(["--pdeathsig", "TERM", "--"]).arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => guarded.env(key, value),
                None => guarded.env_remove(key),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            guarded.current_dir(folder);
        }
        guarded.stdin(Stdio::null()).stdout(out.try_clone().expect("log file")).stderr(out).process_group(0);
        let child = guarded.spawn().unwrap_or_else(|error| panic!("cannot start {name} (cargo xtask setup installs it): {error}"));
        Self { name, child, log: log.to_owned() }
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("wait")
    }

    /// Waits for the end; panics with its log when that does not come.
    pub fn wait_ended(&mut self, patience: Duration) -> ExitStatus {
        let what = format!("the end of {}", self.name);
        wait::until(&what, patience, || self.ended())
    }

    /// Panics with its log if it is no longer running.
    pub fn must_run(&mut self) {
        if let Some(status) = self.ended() {
            panic!("{} ended with {status}:\n{}", self.name, self.log());
        }
    }

    /// SIGTERM, to the program only.
    pub fn terminate(&self) {
        kill_process(self.pid(), Signal::TERM).expect("SIGTERM");
    }

    /// SIGKILL, and its remains collected.
    pub fn kill(&mut self) {
        // Fails only if nothing of the group is left.
        kill_process_group(self.pid(), Signal::KILL).ok();
        self.child.wait().expect("wait");
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
