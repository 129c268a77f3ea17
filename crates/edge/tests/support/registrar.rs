use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use sip::build::Builder;
use sip::digest::{Algorithm, Answer, Authorization, Hash, Qop, Request, ha1};
use sip::{Message, Name, Start};

use super::DEADLINE;

/// What the registrar has seen of one request.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub uri: String,
    pub call_id: String,
    pub cseq: u32,
    pub contact: Option<String>,
    /// A digest came with it, and was right or not.
    pub digest: Option<bool>,
    pub source: SocketAddr,
    /// What was answered.
    pub answer: Option<u16>,
}

/// How a request is answered, given whether its digest is right. Nothing is silence.
pub type Script = Box<dyn FnMut(&Seen) -> Option<Reply> + Send>;

/// One answer.
pub enum Reply {
    Challenge,
    /// With the Contact as it came, for so many seconds.
    Granted(u32),
    Status(u16, &'static str),
}

/// A registrar on loopback with a script.
pub struct Registrar {
    pub address: SocketAddr,
    seen: Arc<(Mutex<Vec<Seen>>, Condvar)>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

pub const REALM: &str = "lab";

impl Registrar {
    /// Challenges, wants this password of every user, and grants so many seconds.
    pub fn challenging(address: &str, password: &'static str, expires: u32) -> Self {
        Registrar::scripted(address, password, Box::new(move |seen| by_the_book(seen, expires)))
    }

    pub fn scripted(address: &str, password: &'static str, mut script: Script) -> Self {
        let socket = UdpSocket::bind(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let address = socket.local_addr().unwrap();
        let seen: Arc<(Mutex<Vec<Seen>>, Condvar)> = Arc::default();
        let stop: Arc<AtomicBool> = Arc::default();
        let (noted, stopped) = (Arc::clone(&seen), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 65_536];
            while !stopped.load(Ordering::Relaxed) {
                let Ok((length, source)) = socket.recv_from(&mut buffer) else { continue };
                let Ok(message) = Message::parse(&buffer[..length]) else { continue };
                let Some(mut one) = look(&message, source, password) else { continue };
                let reply = script(&one).map(|reply| answer(&reply, &message, source));
                one.answer = reply.as_ref().map(|(code, _)| *code);
                // Noted first: who gets the answer may ask at once.
                noted.0.lock().unwrap().push(one);
                noted.1.notify_all();
                if let Some((_, bytes)) = reply {
                    let _ = socket.send_to(&bytes, source);
                }
            }
        });
        Registrar { address, seen, stop, thread: Some(thread) }
    }

    /// Everything that came so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.0.lock().unwrap().clone()
    }

    /// The REGISTER requests so far.
    pub fn registers(&self) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.method == "REGISTER").collect()
    }

    /// Waits until what came satisfies.
    pub fn wait(&self, what: &str, satisfied: impl Fn(&[Seen]) -> bool) -> Vec<Seen> {
        let (seen, waited) = self.seen.1.wait_timeout_while(self.seen.0.lock().unwrap(), DEADLINE, |seen| !satisfied(seen)).unwrap();
        assert!(!waited.timed_out(), "{what}: not within {DEADLINE:?}; came: {seen:#?}");
        seen.clone()
    }
}

impl Drop for Registrar {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().unwrap().join();
    }
}

/// 401 without a right digest, 200 with one, 200 to OPTIONS.
pub fn by_the_book(seen: &Seen, expires: u32) -> Option<Reply> {
    Some(match (seen.method.as_str(), seen.digest) {
        ("REGISTER", Some(true)) => Reply::Granted(expires),
        ("REGISTER", _) => Reply::Challenge,
        _ => Reply::Status(200, "OK"),
    })
}

fn look(message: &Message<'_>, source: SocketAddr, password: &str) -> Option<Seen> {
    let Start::Request { method, uri } = message.start() else { return None };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(Seen {
        method: method.to_owned(),
        uri: uri.to_owned(),
        call_id: text(message.call_id().ok()?),
        cseq: message.cseq().ok()?.number,
        contact: message.header(Name::Contact).map(text),
        digest: message.header(Name::Authorization).map(|value| right(value, method, password)),
        source,
        answer: None,
    })
}

fn right(value: &[u8], method: &str, password: &str) -> bool {
    let Ok(given) = Authorization::parse(value) else { return false };
    let ha1 = ha1(Hash::Md5, &given.username, &given.realm, password.as_bytes());
    let answer = Answer {
        algorithm: Algorithm::MD5,
        ha1: ha1.as_str(),
        realm: &given.realm,
        username: &given.username,
        nonce: given.nonce,
        opaque: None,
        qop: if given.qop.is_some() { Qop::Auth } else { Qop::None },
        cnonce: given.cnonce.unwrap_or_default(),
        nc: given.nc.and_then(|nc| u32::from_str_radix(nc, 16).ok()).unwrap_or_default(),
        algorithm_echo: true,
        userhash: false,
        utf8: false,
        truncated_sha512: false,
    };
    let request = Request { method, uri: given.uri, body: b"" };
    given.realm == REALM && answer.response(&request).as_str() == given.response
}

fn answer(reply: &Reply, message: &Message<'_>, source: SocketAddr) -> (u16, Vec<u8>) {
    let begin = |code, reason| Builder::response_to(code, reason, message, source).to_tag("reg");
    match *reply {
        Reply::Challenge => {
            let value = format!("Digest realm=\"{REALM}\", nonce=\"nonce-of-{}\", algorithm=MD5, qop=\"auth\"", source.port());
            (401, begin(401, "Unauthorized").header("WWW-Authenticate", value).finish())
        }
        Reply::Granted(expires) => {
            let mut response = begin(200, "OK");
            for contact in message.contacts().flatten() {
                response = response.header("Contact", format!("<{}>;expires={expires}", contact.uri()));
            }
            (200, response.finish())
        }
        Reply::Status(code, reason) => (code, begin(code, reason).finish()),
    }
}
