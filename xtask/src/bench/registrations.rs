//! `cargo xtask bench registrations`: an edge with N trunks, as a process of its own, beside the fast registrar of `crates/carrier`, in a network
//! namespace of their own.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::measured::Measured;
use super::process::{Lines, example, memory};
use super::{kamailio, plot};
use crate::command::{cargo, must, root};

#[derive(clap::Args)]
pub struct Arguments {
    /// How many registrations
    #[arg(long, default_value_t = 100_000)]
    count: u32,
    /// Seconds that each binding is asked for
    #[arg(long, default_value_t = 60)]
    expires: u32,
    /// Seconds to keep them once all are bound
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Shards of the edge
    #[arg(long, default_value_t = 1)]
    shards: u32,
    /// Threads of the registrar
    #[arg(long, default_value_t = 1)]
    threads: u32,
    /// Whether refreshes reuse their nonce, are challenged each, or one after the other
    #[arg(long, value_enum, default_value_t = Nonces::Reused)]
    nonces: Nonces,
    /// Who else is measured, with the same numbers and the same registrar
    #[arg(long, value_enum)]
    beside: Option<Peer>,
    /// The figures as JSON go there
    #[arg(long)]
    json: Option<PathBuf>,
    /// A plot of REGISTER/s over time goes there
    #[arg(long)]
    svg: Option<PathBuf>,
    /// Builds without optimisation: to see that it works, not to measure
    #[arg(long)]
    unoptimised: bool,
    /// Where the programs lie; set by the part that opens the namespace
    #[arg(long, hide = true)]
    inside: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Nonces {
    Reused,
    Challenged,
    Both,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Peer {
    /// Debian's Kamailio, module uac
    Kamailio,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.inside {
        Some(programs) => measure(arguments, programs),
        None => {
            let programs = build(arguments.unoptimised)?;
            // A namespace of its own: its ports clash with nobody's, and nothing leaves the machine.
            let this = std::env::current_exe().context("where this program lies")?;
            let mut command = Command::new("unshare");
            // Who is not root may open one as root of a user namespace, where the system lets him.
            if std::fs::metadata("/proc/self")?.uid() != 0 {
                command.arg("--map-root-user");
            }
            command.args(["--net", "--"]).arg(this).args(std::env::args_os().skip(1)).arg("--inside").arg(programs);
            must(&mut command)
        }
    }
}

/// Builds the edge's and the registrar's programs and says where they are.
fn build(unoptimised: bool) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--quiet", "-p", "edge", "-p", "carrier", "--example", "load", "--example", "fast"]);
    if !unoptimised {
        command.arg("--release");
    }
    must(&mut command)?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    Ok(target.join(if unoptimised { "debug" } else { "release" }).join("examples"))
}

fn measure(arguments: &Arguments, programs: &Path) -> Result<()> {
    must(Command::new("ip").args(["link", "set", "lo", "up"]))?;
    let mut runs = Vec::new();
    if arguments.nonces != Nonces::Challenged {
        runs.push(edge(arguments, programs, true)?);
    }
    if arguments.nonces != Nonces::Reused {
        runs.push(edge(arguments, programs, false)?);
    }
    if arguments.beside == Some(Peer::Kamailio) {
        let mut carrier = Carrier::start(arguments, programs)?;
        runs.push(kamailio::run(arguments.count, arguments.expires, arguments.seconds, &mut carrier)?);
    }
    for run in &runs {
        println!("{}", run.text());
    }
    let ours = &runs[0];
    let ratios: Vec<Value> = runs[1..]
        .iter()
        .map(|other| {
            let ratio = ours.refreshes_per_cpu() / other.refreshes_per_cpu().max(1e-6);
            println!("{} does {ratio:.1} x the refreshes per CPU-second of {}", ours.name, other.name);
            json!({ "of": ours.name, "to": other.name, "refreshes_per_cpu_second": ratio })
        })
        .collect();
    if let Some(file) = &arguments.json {
        let figures: Vec<Value> = runs.iter().map(Measured::json).collect();
        let all = json!({ "expires": arguments.expires, "shards": arguments.shards, "runs": figures, "ratios": ratios });
        std::fs::write(file, format!("{all:#}\n")).with_context(|| file.display().to_string())?;
    }
    if let Some(file) = &arguments.svg {
        std::fs::write(file, plot::svg(&runs)).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

/// Measures the edge.
fn edge(arguments: &Arguments, programs: &Path, reuses: bool) -> Result<Measured> {
    let mut carrier = Carrier::start(arguments, programs)?;
    let mut command = example(programs, "load");
    command.arg(&carrier.address).args([arguments.count, arguments.expires, arguments.seconds, arguments.shards].map(|n| n.to_string()));
    if !reuses {
        command.arg("never");
    }
    let start = carrier.counts()?;
    let mut edge = Lines::start(&mut command)?;
    let cold = edge.json()?;
    let (bound, fresh) = (carrier.counts()?, memory(edge.id()));
    // All have been refreshed once by then: that is the steady state.
    edge.json()?;
    let rested = carrier.counts()?;
    let steady = edge.json()?;
    let (end, old) = (carrier.counts()?, memory(edge.id()));
    let seconds = |of: &Value, name: &str| of[name].as_f64().unwrap_or(0.0);
    if end["bound"].as_u64() < Some(u64::from(arguments.count)) {
        bail!("{} of {} are bound at the end", end["bound"], arguments.count);
    }
    Ok(Measured {
        name: if reuses { "trunkline".to_owned() } else { "trunkline, each challenged".to_owned() },
        count: arguments.count,
        cold: (seconds(&cold, "cpu_s"), seconds(&cold, "wall_s")),
        steady: (seconds(&steady, "cpu_s"), seconds(&steady, "wall_s")),
        counts: [start, bound, rested, end],
        memory: (fresh, old),
        late: steady["late_us"].clone(),
    })
}

/// The fast registrar.
pub struct Carrier {
    lines: Lines,
    /// Where it listens.
    pub address: String,
}

impl Carrier {
    fn start(arguments: &Arguments, programs: &Path) -> Result<Carrier> {
        let mut command = example(programs, "fast");
        let mut lines = Lines::start(command.args(["127.0.0.1:5070", &arguments.expires.to_string(), &arguments.threads.to_string()]))?;
        let address = lines.line()?;
        Ok(Carrier { lines, address })
    }

    /// What it has counted.
    pub fn counts(&mut self) -> Result<Value> {
        self.lines.say()?;
        self.lines.json()
    }
}
