use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::http::Connection;
use super::import::{fill, prepare};
use super::server::Server;
use super::usage::{Usage, memory};
use super::{Common, millis, quantile};

const TRUNKS: &str = "/api/v2/trunks/voice";
const REGISTRATIONS: &str = "/api/v2/trunks/voice/registrations";
/// So often is each page read.
const TIMES: usize = 30;
/// The bound that every page has to keep.
const BOUND: Duration = Duration::from_millis(50);
/// Trunks of one import: a run that is broken off goes on after the last.
const AT_ONCE: u64 = 100_000;

/// Pages of a million trunks, under 50 ms each.
pub fn pages(common: &Common, trunks: u64) -> Result<()> {
    let server = million(common, trunks)?;
    let mut reader = Reader { connection: Connection::open(server.address)?, bearer: server.bearer.clone(), worst: Duration::ZERO };
    let usage = Usage::begin(server.id());
    println!("\nms: p50, worst of {TIMES}; rows; page");
    for path in [
        format!("{TRUNKS}?pageSize=25"),
        format!("{TRUNKS}?pageSize=25&pageNumber=400"),
        format!("{TRUNKS}?pageSize=500&pageNumber=20"),
        format!("{TRUNKS}?pageSize=25&pageNumber=400&sortBy=name&sortOrder=descending"),
        format!("{TRUNKS}?pageSize=25&pageNumber=400&sortBy=version"),
        format!("{TRUNKS}?pageSize=25&pageNumber=400&site.id=s1"),
        format!("{TRUNKS}?pageSize=25&pageNumber=400&site.id=s1&sortBy=name"),
        format!("{TRUNKS}?pageSize=25&pageNumber=400&carrier.id=c0&sortBy=dateModified"),
        format!("{TRUNKS}?pageSize=25&pageNumber=400&carrier.id=c0&sortBy=name&sortOrder=descending"),
        format!("{TRUNKS}?pageSize=25&pageNumber=400&site.id=s1&carrier.id=c0&sortBy=version"),
        format!("{TRUNKS}?pageSize=25&pageNumber=400&inService=false"),
        format!("{TRUNKS}?pageSize=25&inService=true"),
        format!("{TRUNKS}?pageSize=25&pageNumber=400&inService=false&sortBy=dateModified"),
        format!("{REGISTRATIONS}?pageSize=25"),
        format!("{REGISTRATIONS}?pageSize=25&pageNumber=400"),
        format!("{REGISTRATIONS}?pageSize=500&pageNumber=20"),
        format!("{REGISTRATIONS}?pageSize=25&pageNumber=400&sortBy=dateCreated&sortOrder=descending"),
        format!("{REGISTRATIONS}?pageSize=25&name=Trunk%20{}", trunks / 2),
    ] {
        reader.measure(&path)?;
    }
    for listing in [TRUNKS, REGISTRATIONS] {
        for order in ["id", "name", "dateCreated", "dateModified", "version"] {
            reader.walk(listing, order, if order == "id" { trunks.div_ceil(500) } else { 200 })?;
        }
    }
    println!("{}", usage.line());
    println!("worst page {} ms: {}", millis(reader.worst), if reader.worst < BOUND { "under 50 ms" } else { "NOT under 50 ms" });
    Ok(())
}

/// A server with so many trunks, none of them in service: what is measured is the store and the API.
pub fn million(common: &Common, trunks: u64) -> Result<Server> {
    let server = Server::start(common)?;
    prepare(&server)?;
    let mut there = server.call("GET", &format!("{TRUNKS}?pageSize=1"), "")?["total"].as_u64().context("no total")?;
    let (began, usage) = (there, Usage::begin(server.id()));
    while there < trunks {
        let lines = AT_ONCE.min(trunks - there);
        fill(&server, there, lines, false)?;
        there += lines;
        println!("  {there} of {trunks} trunks imported, {:.0} s", usage.took().as_secs_f64());
    }
    if there > began {
        println!("{} trunks imported in {}", there - began, usage.line());
    }
    let size = std::fs::metadata(server.data().join("trunkline.db"))?.len();
    let start = server.start.as_secs_f64() * 1e3;
    println!(
        "{there} trunks; database {} MiB; server {:.0} MiB; it was ready {start:.0} ms after its start",
        size >> 20,
        memory(server.id())
    );
    Ok(server)
}

struct Reader {
    connection: Connection,
    bearer: String,
    worst: Duration,
}

impl Reader {
    fn get(&mut self, path: &str) -> Result<(Duration, Value)> {
        let began = Instant::now();
        let answer = self.connection.call("GET", path, &self.bearer, "")?;
        let took = began.elapsed();
        if answer.status != 200 {
            bail!("{path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        Ok((took, serde_json::from_slice(&answer.body)?))
    }

    fn measure(&mut self, path: &str) -> Result<()> {
        let (mut took, mut rows) = (Vec::with_capacity(TIMES), 0);
        for _ in 0..TIMES {
            let (time, page) = self.get(path)?;
            rows = page["entities"].as_array().map_or(0, Vec::len);
            took.push(time);
        }
        self.tell(took, rows, path);
        Ok(())
    }

    /// Up to so many pages of 500, by cursor.
    fn walk(&mut self, listing: &str, order: &str, pages: u64) -> Result<()> {
        let (mut took, mut rows, mut cursor) = (Vec::new(), 0, String::new());
        for _ in 0..pages {
            let (time, page) = self.get(&format!("{listing}?pageSize=500&sortBy={order}&cursor={cursor}"))?;
            took.push(time);
            rows += page["entities"].as_array().map_or(0, Vec::len);
            match page["cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        let what = format!("{listing}?pageSize=500&sortBy={order}&cursor=..., a walk of {} pages", took.len());
        self.tell(took, rows, &what);
        Ok(())
    }

    fn tell(&mut self, mut took: Vec<Duration>, rows: usize, what: &str) {
        took.sort_unstable();
        let worst = took.last().copied().unwrap_or_default();
        self.worst = self.worst.max(worst);
        println!("{:>8} {:>8} {rows:>8}  {what}", millis(quantile(&took, 0.5)), millis(worst));
    }
}
