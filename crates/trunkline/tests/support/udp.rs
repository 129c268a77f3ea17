//! A scripted SIP peer on UDP, for what SIPp makes awkward.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::loopback;

/// A request that the peer received.
#[derive(Clone, Debug)]
pub struct Seen {
    /// When.
    pub at: Instant,
    /// From where.
    pub from: SocketAddr,
    /// The whole text.
    pub text: String,
}

impl Seen {
    /// The first word.
    pub fn method(&self) -> &str {
        self.text.split(' ').next().unwrap_or_default()
    }

    /// The value of a header, by its full name.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.text, name)
    }

    /// The number in CSeq.
    pub fn cseq(&self) -> u32 {
        self.header("CSeq").and_then(|value| value.split(' ').next()?.parse().ok()).expect("a CSeq")
    }

    /// The branch of the topmost Via: it tells a retransmission from a new request.
    pub fn branch(&self) -> &str {
        let via = self.header("Via").expect("a Via");
        via.split(';').find_map(|part| part.trim().strip_prefix("branch=")).expect("a branch")
    }
}

/// Answers what it receives by a script and remembers it.
pub struct Peer {
    address: SocketAddr,
    socket: UdpSocket,
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Peer {
    /// Starts a peer; what the script returns goes back to the sender, `None` is silence.
    pub fn start(script: impl FnMut(&str) -> Option<String> + Send + 'static) -> Self {
        Self::start_at(SocketAddr::from((loopback::next(), 5060)), script)
    }

    /// As [`Peer::start`], at an address of one's own; port 0 takes any.
    pub fn start_at(address: SocketAddr, mut script: impl FnMut(&str) -> Option<String> + Send + 'static) -> Self {
        let socket = UdpSocket::bind(address).expect("peer socket");
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("timeout");
        let address = socket.local_addr().expect("address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let sender = socket.try_clone().expect("a second handle");
        let (remembers, stops) = (Arc::clone(&seen), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            while !stops.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                if text.trim().is_empty() {
                    continue;
                }
                remembers.lock().expect("seen").push(Seen { at: Instant::now(), from, text: text.clone() });
                if let Some(answer) = script(&text) {
                    // The sender may be gone by now: that is for the test to notice.
                    socket.send_to(answer.as_bytes(), from).ok();
                }
            }
        });
        Self { address, socket: sender, seen, stop, thread: Some(thread) }
    }

    /// A peer that answers OPTIONS with 200 and REGISTER by the script.
    pub fn registrar(mut script: impl FnMut(&str) -> Option<String> + Send + 'static) -> Self {
        Self::start(move |request| if request.starts_with("OPTIONS ") { Some(reply(request, 200, "OK", "")) } else { script(request) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// As a registrar URI of a carrier profile.
    pub fn uri(&self) -> String {
        format!("sip:{};transport=udp", self.address)
    }

    /// Sends a datagram of its own accord.
    pub fn send(&self, to: SocketAddr, text: &str) {
        self.socket.send_to(text.as_bytes(), to).expect("send");
    }

    /// Everything received so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("seen").clone()
    }

    /// The REGISTERs received so far, without retransmissions.
    pub fn registers(&self) -> Vec<Seen> {
        let mut registers: Vec<Seen> = Vec::new();
        for seen in self.seen().into_iter().filter(|seen| seen.method() == "REGISTER") {
            if !registers.iter().any(|earlier| earlier.branch() == seen.branch()) {
                registers.push(seen);
            }
        }
        registers
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// The value of a header in a message, by its full name.
pub fn header<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.lines().skip(1).take_while(|line| !line.is_empty()).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The status code of a response; 0 for anything else.
pub fn status(response: &str) -> u16 {
    response.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)?.parse().ok()).unwrap_or(0)
}

/// A response to a request; `extra` holds whole header lines, each with its CRLF.
pub fn reply(request: &str, code: u16, reason: &str, extra: &str) -> String {
    let mut text = format!("SIP/2.0 {code} {reason}\r\n");
    for line in request.lines().skip(1).take_while(|line| !line.is_empty()) {
        let name = line.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
        match name.as_str() {
            "via" | "from" | "call-id" | "cseq" => text.push_str(&format!("{line}\r\n")),
            "to" if line.contains(";tag=") => text.push_str(&format!("{line}\r\n")),
            "to" => text.push_str(&format!("{line};tag=peer\r\n")),
            _ => {}
        }
    }
    text + extra + "Content-Length: 0\r\n\r\n"
}

/// A 401 with one challenge.
pub fn challenge(request: &str, realm: &str, algorithm: &str, nonce: &str) -> String {
    let header = format!("WWW-Authenticate: Digest realm=\"{realm}\", nonce=\"{nonce}\", qop=\"auth\", algorithm={algorithm}\r\n");
    reply(request, 401, "Unauthorized", &header)
}

/// A 200 that grants what was asked, Contact as it came.
pub fn granted(request: &str, expires: u32) -> String {
    let contact = header(request, "Contact").map(|contact| {
        let uri = contact.split('>').next().unwrap_or(contact).trim_start_matches('<');
        format!("Contact: <{uri}>;expires={expires}\r\n")
    });
    reply(request, 200, "OK", &(contact.unwrap_or_default() + &format!("Expires: {expires}\r\n")))
}

/// A registrar's script that challenges once and then grants.
pub fn challenged_once(realm: &'static str) -> impl FnMut(&str) -> Option<String> + Send + 'static {
    move |request| Some(if has_digest(request) { granted(request, 600) } else { challenge(request, realm, "MD5", "n1") })
}

/// Whether a request carries a digest.
pub fn has_digest(request: &str) -> bool {
    header(request, "Authorization").is_some()
}
