//! Processes that are measured.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A process that is told and answers by lines. It is killed when it is dropped.
pub struct Lines {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Lines {
    /// Starts it.
    pub fn start(command: &mut Command) -> Result<Lines> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start {name}"))?;
        let output = child.stdout.take().map(BufReader::new).context("it has no output")?;
        Ok(Lines { input: child.stdin.take(), child, output })
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Says something to it.
    pub fn say(&mut self) -> Result<()> {
        let input = self.input.as_mut().context("it hears no more")?;
        input.write_all(b"\n")?;
        Ok(input.flush()?)
    }

    /// Waits for its next line.
    pub fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("it ended before it had said everything: {:?}", self.child.wait()?);
        }
        Ok(line.trim_end().to_owned())
    }

    /// Waits for its next line of JSON.
    pub fn json(&mut self) -> Result<Value> {
        let line = self.line()?;
        serde_json::from_str(&line).with_context(|| format!("it says {line:?}"))
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process with children. All of them are ended when it is dropped.
pub struct Tree(pub Child);

impl Tree {
    /// It and its descendants.
    fn all(&self) -> Vec<u32> {
        let mut found = vec![self.0.id()];
        let mut at = 0;
        while let Some(&parent) = found.get(at) {
            let tasks = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
            found.extend(tasks.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
            at += 1;
        }
        found
    }

    /// User and system time so far.
    pub fn cpu(&self) -> Duration {
        self.all().into_iter().map(cpu).sum()
    }

    /// Its memory in bytes, shared pages dealt out among those who share them.
    pub fn memory(&self) -> u64 {
        self.all().into_iter().map(memory).sum()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// User and system time of a process so far, as the kernel counts it: in hundredths of a second.
fn cpu(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// The memory of a process in bytes: PSS.
pub fn memory(process: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap_or_default();
    pss.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or(0) * 1024
}

/// An example that was built.
pub fn example(dir: &Path, name: &str) -> Command {
    Command::new(dir.join(name))
}
