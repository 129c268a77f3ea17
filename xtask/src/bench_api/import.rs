use std::io::{BufWriter, Write};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::http::{Connection, chunk};
use super::server::Server;
use super::usage::{Usage, memory};
use super::{Common, millis};

/// Where lines go.
const BULK: &str = "/api/v2/trunks/voice/registrations/bulk";
/// So long after the last removal memory is looked at again.
const SETTLED: Duration = Duration::from_secs(30);
/// Lines of a chunk: what a client that reads a file would send at a time.
const LINES: u64 = 200;

/// 100,000 lines, under a minute.
pub fn import(common: &Common, lines: u64) -> Result<()> {
    let server = Server::start(common)?;
    prepare(&server)?;
    let empty = memory(server.id());
    let usage = Usage::begin(server.id());
    fill(&server, 0, lines, true)?;
    let rate = lines as f64 / usage.took().as_secs_f64();
    println!("import: {lines} lines with credentials, in service, each with its result line: {rate:.0} lines/s, {}", usage.line());
    println!(
        "  server: {empty:.0} MiB before, {:.0} MiB after, {:.1} ms of CPU for 1,000 lines",
        memory(server.id()),
        1e6 * usage.server_seconds() / lines as f64
    );
    println!("  a minute holds {:.0} lines: {}", rate * 60.0, if usage.took().as_secs() < 60 { "reached" } else { "NOT reached" });
    change_and_remove(&server, lines)
}

/// The sites and the carrier that the lines name; kept data have them.
pub fn prepare(server: &Server) -> Result<()> {
    if server.call("GET", "/api/v2/sites?pageSize=1", "")?["total"] != 0 {
        return Ok(());
    }
    for number in 0..4 {
        server.call("POST", "/api/v2/sites", &format!(r#"{{"id": "s{number}", "name": "Site {number}"}}"#))?;
    }
    // Nobody is there; a rate at which a million could be kept alive.
    let carrier = r#"{"id": "c0", "name": "C", "registrars": ["sip:127.0.0.1:5999"], "expires": 3600, "pacing": {"registersPerSecond": 2000, "inFlight": 100}}"#;
    server.call("POST", "/api/v2/carriers", carrier)?;
    Ok(())
}

/// Imports trunks from number `from` on, and checks each result line.
pub fn fill(server: &Server, from: u64, lines: u64, in_service: bool) -> Result<()> {
    let mut connection = Connection::open(server.address)?;
    let headers = format!("{}Content-Type: application/x-ndjson\r\nAccept: application/x-ndjson\r\n", server.bearer);
    let stream = connection.begin(BULK, &headers)?;
    let writer = thread::spawn(move || send(BufWriter::new(stream), from, lines, in_service));
    let (mut created, mut rest, mut refused) = (0, Vec::new(), None);
    let status = connection.streamed(|bytes| {
        rest.extend_from_slice(bytes);
        let whole = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        for line in rest[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            if line.ends_with(b"\"status\":201}") {
                created += 1;
            } else {
                refused.get_or_insert_with(|| String::from_utf8_lossy(line).into_owned());
            }
        }
        rest.drain(..whole);
    })?;
    writer.join().ok().context("the sender of lines")??;
    if status != 200 || created != lines {
        bail!("{created} of {lines} lines were taken, status {status}: {refused:?}");
    }
    Ok(())
}

fn send(mut stream: impl Write, from: u64, lines: u64, in_service: bool) -> Result<()> {
    let mut text = String::new();
    for number in from..from + lines {
        let site = number % 4;
        text.push_str(&format!(
            "{{\"trunk\":{{\"id\":\"t{number:07}\",\"name\":\"Trunk {number}\",\"site\":{{\"id\":\"s{site}\"}},\"carrier\":{{\"id\":\"c0\"}},\"inService\":{in_service},\
             \"addressOfRecord\":\"sip:+62215{number:07}@ims.example\"}},\"credentials\":{{\"username\":\"+62215{number:07}\",\"password\":\"p-{number}-x\"}}}}\n"
        ));
        if (number + 1 - from).is_multiple_of(LINES) {
            chunk(&mut stream, text.as_bytes())?;
            text.clear();
        }
    }
    if !text.is_empty() {
        chunk(&mut stream, text.as_bytes())?;
    }
    chunk(&mut stream, b"")?;
    stream.flush()?;
    Ok(())
}

/// Ten thousand changed at once, by one edit of their carrier; then all removed, one call each, as clients do.
fn change_and_remove(server: &Server, lines: u64) -> Result<()> {
    let before = memory(server.id());
    let usage = Usage::begin(server.id());
    server.call("PATCH", "/api/v2/carriers/c0", r#"{"userAgent": "changed"}"#)?;
    println!("one edit of the carrier of {lines} trunks: answered in {} ms", millis(usage.took()));
    let usage = Usage::begin(server.id());
    let senders: Vec<_> = (0..8)
        .map(|sender| {
            let (address, bearer) = (server.address, server.bearer.clone());
            thread::spawn(move || -> Result<()> {
                let mut connection = Connection::open(address)?;
                for number in (sender..lines).step_by(8) {
                    let answer = connection.call("DELETE", &format!("/api/v2/trunks/voice/t{number:07}"), &bearer, "")?;
                    if answer.status != 204 {
                        bail!("DELETE of t{number:07}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
                    }
                }
                Ok(())
            })
        })
        .collect();
    for sender in senders {
        sender.join().ok().context("a sender")??;
    }
    let rate = lines as f64 / usage.took().as_secs_f64();
    println!("{lines} trunks removed, a call each: {rate:.0}/s, {}", usage.line());
    println!("  server: {before:.0} MiB before, {:.0} MiB after", memory(server.id()));
    // What is freed goes back to the system a moment later, and the edge takes leave of the last ones at the carrier's pace.
    thread::sleep(SETTLED);
    println!("  server: {:.0} MiB {} s later", memory(server.id()), SETTLED.as_secs());
    Ok(())
}
