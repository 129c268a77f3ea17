//! A server of somebody else that webhooks are posted to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::api::base64;
use super::wait::{self, secs};

/// What was posted.
#[derive(Clone, Debug)]
pub struct Call {
    head: String,
    /// The body as it came.
    pub body: String,
}

/// Takes every POST and keeps it.
pub struct Receiver {
    address: SocketAddr,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Receiver {
    /// Listens.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let calls = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&calls);
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if let Some(call) = take(connection) {
                    kept.lock().expect("calls").push(call);
                }
            }
        });
        Receiver { address, calls }
    }

    /// Where webhooks are to post.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Waits for calls with an event of this kind, at least so many, and gives them.
    pub fn of_kind(&self, kind: &str, count: usize) -> Vec<Call> {
        wait::until(&format!("{count} of {kind} are posted"), secs(45), || {
            let calls = self.calls.lock().expect("calls").clone();
            Some(calls.into_iter().filter(|call| call.json()["kind"] == kind).collect::<Vec<_>>()).filter(|calls| calls.len() >= count)
        })
    }

    /// All bodies so far.
    pub fn bodies(&self) -> String {
        self.calls.lock().expect("calls").iter().map(|call| call.body.as_str()).collect()
    }
}

impl Call {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// A header.
    pub fn header(&self, name: &str) -> &str {
        let found = self.head.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim()).unwrap_or_else(|| panic!("no {name}: {}", self.head))
    }

    /// Tells whether it is signed by this key, as Standard Webhooks has it: HMAC-SHA256 over id, time and body.
    pub fn is_signed_by(&self, key: &[u8]) -> bool {
        let signed = format!("{}.{}.{}", self.header("webhook-id"), self.header("webhook-timestamp"), self.body);
        let wanted = format!("v1,{}", base64(&hmac(key, signed.as_bytes())));
        self.header("webhook-signature").split(' ').any(|signature| signature == wanted)
    }
}

/// RFC 2104, for keys up to the block of 64 bytes.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let padded = |pad: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ pad).collect() };
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
}

fn take(mut connection: TcpStream) -> Option<Call> {
    let mut request = Vec::new();
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = connection.read(&mut buffer) {
        request.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
        if body.len() >= length.unwrap_or(0) {
            let call = Call { head: head.to_owned(), body: body.to_owned() };
            // The sender may be gone by now.
            let _ = connection.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
            return Some(call);
        }
    }
    None
}
