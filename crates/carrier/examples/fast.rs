//! A registrar for benchmarks: `fast ADDRESS EXPIRES THREADS`. Prints where it listens, then its counts as JSON for every line of standard
//! input, and ends with that.

use std::error::Error;
use std::io::{BufRead, Write};

use carrier::fast::{FastConfig, FastCounts};
use carrier::sockets::Batches;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, expires, threads] = arguments.as_slice() else { return Err("fast ADDRESS EXPIRES THREADS".into()) };
    let config = FastConfig { realm: "carrier.test".into(), password: "secret".into(), expires: expires.parse()? };
    let batches = Batches::start(&config, address.parse()?, threads.parse()?)?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", batches.address())?;
    out.flush()?;
    for line in std::io::stdin().lock().lines() {
        line?;
        writeln!(out, "{}", json(&batches.counts()))?;
        out.flush()?;
    }
    Ok(())
}

fn json(counts: &FastCounts) -> String {
    let FastCounts { challenged, stale, wrong, accepted, bound_first, refreshed, lapsed, retransmitted, others, bound, series } = counts;
    format!(
        "{{\"challenged\":{challenged},\"stale\":{stale},\"wrong\":{wrong},\"accepted\":{accepted},\"bound_first\":{bound_first},\"refreshed\":{refreshed},\"lapsed\":{lapsed},\"retransmitted\":{retransmitted},\"others\":{others},\"bound\":{bound},\"series\":{series:?}}}"
    )
}
