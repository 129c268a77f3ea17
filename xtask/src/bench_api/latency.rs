use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::http::Connection;
use super::pages::million;
use super::server::Server;
use super::usage::{Usage, memory};
use super::{Common, millis, quantile};

const REGISTRATIONS: &str = "/api/v2/trunks/voice/registrations";
/// Connections of each kind of call: so many may wait for answers at the same time before a further one starts late, which counts.
const CONNECTIONS: u64 = 32;
/// The first so many seconds are not counted.
const WARM_UP: u64 = 3;
/// The bound that p99 has to keep.
const BOUND: Duration = Duration::from_millis(50);

/// How much load, and for how long.
#[derive(clap::Args)]
pub struct Load {
    /// Trunks that are there
    #[arg(long, default_value_t = 1_000_000)]
    trunks: u64,
    /// GETs of a page a second
    #[arg(long, default_value_t = 500)]
    reads: u64,
    /// POSTs of credentials with `verify: static` a second
    #[arg(long, default_value_t = 50)]
    writes: u64,
    /// For so many seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// So many times
    #[arg(long, default_value_t = 3)]
    runs: u32,
}

/// Reads and writes at fixed rates, each begun at its time whether or not the ones before have ended; latency counts from that time.
pub fn latency(common: &Common, load: &Load) -> Result<()> {
    let server = million(common, load.trunks)?;
    println!(
        "\nopen loop: {} reads/s, {} writes/s, {} s a run; ms from the intended start of each call",
        load.reads, load.writes, load.seconds
    );
    let mut reached = true;
    for run in 1..=load.runs {
        let usage = Usage::begin(server.id());
        let begin = Instant::now() + Duration::from_millis(100);
        let trunks = load.trunks;
        let reads = Stream::start(&server, begin, load.reads, load.seconds, move |number| read(number, trunks));
        let writes = Stream::start(&server, begin, load.writes, load.seconds, move |number| write(number, run, trunks));
        reached &= reads.end("GET of a page of 25")?;
        reached &= writes.end("POST verify: static")?;
        println!("run {run}: {}; server {:.0} MiB", usage.line(), memory(server.id()));
    }
    println!("p99 under 50 ms in every run: {}", if reached { "reached" } else { "NOT reached" });
    Ok(())
}

struct Call {
    method: &'static str,
    path: String,
    body: String,
}

/// Half of trunks, half of registrations, any page that has a number.
fn read(number: u64, trunks: u64) -> Call {
    let page = 1 + mixed(number) % (10_000.min(trunks) / 25).max(1);
    let listing = if number.is_multiple_of(2) { "/api/v2/trunks/voice" } else { REGISTRATIONS };
    Call { method: "GET", path: format!("{listing}?pageSize=25&pageNumber={page}"), body: String::new() }
}

/// A new secret for any trunk.
fn write(number: u64, run: u32, trunks: u64) -> Call {
    let trunk = mixed(number + u64::from(run) * 1_000_003) % trunks;
    let body = format!(
        r#"{{"trunkId": "t{trunk:07}", "verify": "static", "credentials": {{"username": "+62215{trunk:07}", "password": "latency-{run}-{number}"}}}}"#
    );
    Call { method: "POST", path: REGISTRATIONS.to_owned(), body }
}

/// A number that looks drawn by chance: the finish of SplitMix64.
fn mixed(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 11
}

/// Calls of one kind.
struct Stream {
    workers: Vec<thread::JoinHandle<Result<()>>>,
    latencies: Arc<Mutex<Vec<Duration>>>,
    rate: u64,
}

impl Stream {
    fn start(server: &Server, begin: Instant, rate: u64, seconds: u64, call: impl Fn(u64) -> Call + Send + Sync + 'static) -> Self {
        let (next, call) = (Arc::new(AtomicU64::new(0)), Arc::new(call));
        let latencies = Arc::new(Mutex::new(Vec::new()));
        let headers = format!("{}Content-Type: application/json\r\nPrefer: wait=0\r\n", server.bearer);
        let worker = |_| {
            let (next, call, latencies) = (Arc::clone(&next), Arc::clone(&call), Arc::clone(&latencies));
            let (address, headers) = (server.address, headers.clone());
            thread::spawn(move || -> Result<()> {
                let mut connection = Connection::open(address)?;
                let mut own = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= rate * seconds {
                        break;
                    }
                    let intended = begin + Duration::from_nanos(number * 1_000_000_000 / rate);
                    thread::sleep(intended.saturating_duration_since(Instant::now()));
                    let Call { method, path, body } = call(number);
                    let answer = connection.call(method, &path, &headers, &body)?;
                    if !matches!(answer.status, 200 | 201) {
                        bail!("{method} {path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
                    }
                    if number >= rate * WARM_UP {
                        own.push(intended.elapsed());
                    }
                }
                latencies.lock().unwrap_or_else(PoisonError::into_inner).append(&mut own);
                Ok(())
            })
        };
        let workers = (0..CONNECTIONS.min(rate)).map(worker).collect();
        Self { workers, latencies, rate }
    }

    /// Waits for the end, and says what it took; whether p99 is within the bound.
    fn end(self, what: &str) -> Result<bool> {
        for worker in self.workers {
            worker.join().ok().context("a connection's thread")??;
        }
        let mut sorted = std::mem::take(&mut *self.latencies.lock().unwrap_or_else(PoisonError::into_inner));
        sorted.sort_unstable();
        let at = |share| millis(quantile(&sorted, share));
        println!(
            "  {what}, {}/s, {} calls: p50 {}, p90 {}, p99 {}, p99.9 {}, max {}",
            self.rate,
            sorted.len(),
            at(0.5),
            at(0.9),
            at(0.99),
            at(0.999),
            at(1.0)
        );
        Ok(quantile(&sorted, 0.99) < BOUND)
    }
}
