//! tcpdump(8) on the loopback interface.

use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::loopback;
use super::process::Process;
use super::secrets::contains;
use super::wait::{self, secs};

/// A running capture into a file.
pub struct Capture {
    process: Process,
    file: PathBuf,
    end: SocketAddr,
}

/// The last datagram of a capture: once it is in the file, so is everything that went before.
const END: &str = "end of the capture";

impl Capture {
    /// Captures what a pcap-filter(7) expression lets through; needs root, or sudo without a password.
    pub fn start(folder: &Path, filter: &str) -> Self {
        let file = folder.join("capture.pcap");
        let end = SocketAddr::from((loopback::next(), 9));
        let mut command = if rustix::process::getuid().is_root() {
            Command::new("tcpdump")
        } else {
            let mut command = Command::new("sudo");
            command.args(["-n", "tcpdump"]);
            command
        };
        // -Z root: it would else give up its rights before it opens the file. -B: a buffer of 64 MB, so that nothing is lost.
        command.args(["-i", "lo", "-U", "-n", "-Z", "root", "-B", "65536", "--immediate-mode", "-w"]).arg(&file);
        command.arg(format!("({filter}) or (udp and dst host {})", end.ip()));
        let mut process = Process::start(&command, &folder.join("tcpdump.log"));
        wait::until_true("tcpdump listens", secs(10), || {
            process.must_run();
            process.log().contains("listening on")
        });
        Self { process, file, end }
    }

    /// Ends it and gives the captured file: headers, payloads and all.
    pub fn finish(mut self) -> Vec<u8> {
        let socket = UdpSocket::bind((self.end.ip(), 0)).expect("socket");
        socket.send_to(END.as_bytes(), self.end).expect("send");
        wait::until_true("the capture has caught up", secs(30), || std::fs::read(&self.file).is_ok_and(|bytes| contains(&bytes, END)));
        self.process.terminate();
        self.process.wait_ended(secs(10));
        let log = self.process.log();
        assert!(log.contains("0 packets dropped by kernel"), "the capture is complete: {log}");
        std::fs::read(&self.file).expect("the capture")
    }
}

/// The TCP and UDP payloads of a capture on loopback (Ethernet framing, IPv4), each direction of each pair of ports joined.
pub fn payloads(capture: &[u8]) -> Vec<Vec<u8>> {
    let mut streams: std::collections::BTreeMap<Vec<u8>, Vec<u8>> = std::collections::BTreeMap::new();
    // pcap-savefile(5): a header of 24 bytes, then records with a header of 16, the captured length at its 8th.
    let mut rest = capture.get(24..).unwrap_or_default();
    while let Some(header) = rest.get(..16) {
        let length = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
        let length = usize::try_from(length).expect("a length");
        let packet = rest.get(16..16 + length).expect("a whole packet");
        rest = &rest[16 + length..];
        let ip = &packet[14..];
        if ip.first().is_none_or(|byte| byte >> 4 != 4) {
            continue;
        }
        let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
        let transport = &ip[usize::from(ip[0] & 0x0f) * 4..total];
        let header = match ip[9] {
            6 => usize::from(transport[12] >> 4) * 4,
            17 => 8,
            _ => continue,
        };
        let key = [&ip[12..20], &transport[..4]].concat();
        streams.entry(key).or_default().extend_from_slice(&transport[header..]);
    }
    streams.into_values().collect()
}
