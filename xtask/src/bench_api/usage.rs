use std::fs;
use std::time::{Duration, Instant};

/// Clock ticks of a second in /proc; USER_HZ is 100 on every Linux that we run on.
const TICKS: f64 = 100.0;

/// What processes and the machine have used since a moment.
pub struct Usage {
    began: Instant,
    server: u32,
    server_ticks: f64,
    own_ticks: f64,
    busy_ticks: f64,
}

impl Usage {
    pub fn begin(server: u32) -> Self {
        Self { began: Instant::now(), server, server_ticks: ticks_of(server), own_ticks: ticks_of(std::process::id()), busy_ticks: busy() }
    }

    pub fn took(&self) -> Duration {
        self.began.elapsed()
    }

    /// CPU seconds that the server has used.
    pub fn server_seconds(&self) -> f64 {
        (ticks_of(self.server) - self.server_ticks) / TICKS
    }

    /// One line for people.
    pub fn line(&self) -> String {
        let took = self.took().as_secs_f64();
        let own = (ticks_of(std::process::id()) - self.own_ticks) / TICKS;
        let all = (busy() - self.busy_ticks) / TICKS;
        let server = self.server_seconds();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        format!(
            "{took:.1} s; CPU: server {server:.1} s ({:.0} % of one core), load generator {own:.1} s, everything else on the machine {:.1} s of {:.0} s on {cores} cores; load average {}",
            100.0 * server / took,
            (all - own - server).max(0.0),
            took * cores as f64,
            load_average()
        )
    }
}

/// Memory of a process, proportional set size, in MiB.
pub fn memory(process: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

pub fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// User and system time, proc(5) fields 14 and 15, counted after the name, which may hold anything.
fn ticks_of(process: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = text.rsplit_once(") ").map_or("", |(_, fields)| fields);
    fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum()
}

/// What all cores have done but being idle or waiting for a disk.
fn busy() -> f64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = text.lines().next().unwrap_or_default().split_whitespace().skip(1).filter_map(|field| field.parse::<f64>().ok());
    // Guest time is counted in user time already.
    fields.take(8).enumerate().filter(|(index, _)| !matches!(index, 3 | 4)).map(|(_, ticks)| ticks).sum()
}
