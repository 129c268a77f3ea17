//! A real name server, Knot DNS, with zones that a test writes; and a relay in front of it that is slow or drops what it gets.

use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::loopback;
use super::process::Process;
use super::wait::{self, secs};

/// The zone that a test writes.
const ZONE: &str = "carrier.example";
/// A zone whose file is not there: Knot answers SERVFAIL.
const BROKEN: &str = "broken.example";

/// A running knotd with the zones `carrier.example` and `broken.example`.
pub struct Knot {
    folder: TempDir,
    address: SocketAddr,
    process: Process,
    serial: u32,
}

impl Knot {
    /// Starts it; `records` are lines of a zone file below `$ORIGIN carrier.example.` and `$TTL 0`.
    pub fn start(records: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("knot").tempdir().expect("temporary folder");
        let address = SocketAddr::from((loopback::next(), 5353));
        let at = folder.path().display();
        let config = format!(
            "server:\n  listen: {}@{}\n  rundir: {at}\n  pidfile: {at}/knot.pid\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n\
             control:\n  listen: {at}/knot.sock\nlog:\n- target: stderr\n  any: info\ndatabase:\n  storage: {at}/db\n\
             template:\n- id: default\n  storage: {at}\n  journal-content: none\n  zonefile-load: whole\n  semantic-checks: soft\n\
             zone:\n- domain: {ZONE}\n- domain: {BROKEN}\n",
            address.ip(),
            address.port(),
        );
        let conf = folder.path().join("knot.conf");
        std::fs::write(&conf, config).expect("knot.conf");
        write(&folder.path().join(format!("{ZONE}.zone")), 1, records);
        let mut command = Command::new("knotd");
        command.arg("-c").arg(&conf);
        let process = Process::start(&command, &folder.path().join("log"));
        let mut knot = Self { folder, address, process, serial: 1 };
        knot.wait_serial();
        knot
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Replaces the zone's records, and waits until the new ones are served.
    pub fn write(&mut self, records: &str) {
        self.serial += 1;
        write(&self.folder.path().join(format!("{ZONE}.zone")), self.serial, records);
        let reloaded = self.control(&["zone-reload", ZONE]);
        assert!(reloaded.status.success(), "{}", String::from_utf8_lossy(&reloaded.stderr));
        self.wait_serial();
    }

    fn wait_serial(&mut self) {
        let serial = format!("serial: {}", self.serial);
        wait::until_true("the zone is served", secs(20), || {
            self.process.must_run();
            let status = self.control(&["zone-status", ZONE]).stdout;
            String::from_utf8_lossy(&status).split('|').any(|part| part.trim() == serial)
        });
    }

    fn control(&self, words: &[&str]) -> std::process::Output {
        let socket = self.folder.path().join("knot.sock");
        Command::new("knotc").arg("-s").arg(socket).args(words).output().expect("knotc (cargo xtask setup installs knot)")
    }
}

fn write(file: &PathBuf, serial: u32, records: &str) {
    let head = format!("$ORIGIN {ZONE}.\n$TTL 0\n@ SOA ns hostmaster {serial} 3600 600 86400 0\n@ NS ns\nns A 127.0.0.1\n");
    std::fs::write(file, head + records + "\n").expect("zone file");
}

/// How a relay treats queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Hands them on at once.
    Prompt,
    /// Hands them on after so long.
    Slow(Duration),
    /// Drops them.
    Silent,
}

/// A relay of DNS over UDP.
pub struct Relay {
    address: SocketAddr,
    manner: Arc<Mutex<Manner>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Starts it in front of a name server.
    pub fn start(to: SocketAddr, manner: Manner) -> Self {
        let socket = UdpSocket::bind((loopback::next(), 5353)).expect("relay socket");
        let address = socket.local_addr().expect("address");
        socket.set_read_timeout(Some(Duration::from_millis(10))).expect("timeout");
        let (manner, stop) = (Arc::new(Mutex::new(manner)), Arc::new(AtomicBool::new(false)));
        let (manners, stops) = (Arc::clone(&manner), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let server = UdpSocket::bind((loopback::next(), 0)).expect("socket to the server");
            server.set_read_timeout(Some(Duration::from_secs(2))).expect("timeout");
            let mut held: Vec<(Instant, SocketAddr, Vec<u8>)> = Vec::new();
            let mut buffer = vec![0; 65_536];
            while !stops.load(Ordering::Relaxed) {
                if let Ok((length, from)) = socket.recv_from(&mut buffer) {
                    match *manners.lock().expect("manner") {
                        Manner::Prompt => held.push((Instant::now(), from, buffer[..length].to_vec())),
                        Manner::Slow(by) => held.push((Instant::now() + by, from, buffer[..length].to_vec())),
                        Manner::Silent => {}
                    }
                }
                let (due, later) = held.into_iter().partition(|(at, ..)| *at <= Instant::now());
                held = later;
                for (_, from, query) in due {
                    server.send_to(&query, to).expect("send to the server");
                    // Answers come in the order of the queries: one is out at a time.
                    if let Ok((length, _)) = server.recv_from(&mut buffer) {
                        socket.send_to(&buffer[..length], from).ok();
                    }
                }
            }
        });
        Self { address, manner, stop, thread: Some(thread) }
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Treats queries otherwise from now on.
    pub fn be(&self, manner: Manner) {
        *self.manner.lock().expect("manner") = manner;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
