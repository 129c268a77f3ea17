//! JSON-RPC to Kamailio by datagrams (its module `jsonrpcs`).

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

/// The door to one registrar's RPC.
pub struct Rpc {
    control: SocketAddr,
    next: AtomicU64,
}

impl Rpc {
    pub fn new(control: SocketAddr) -> Self {
        Self { control, next: AtomicU64::new(1) }
    }

    /// The result of a call, or its error object.
    pub fn call(&self, method: &str, words: &[Value]) -> Result<Value, Value> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let request = json!({"jsonrpc": "2.0", "method": method, "params": words, "id": id}).to_string();
        let answer = self.exchange(&request).map_err(|error| json!({"message": error.to_string()}))?;
        let mut answer: Value = serde_json::from_slice(&answer).map_err(|error| json!({"message": error.to_string()}))?;
        if answer["error"].is_object() {
            return Err(answer["error"].take());
        }
        Ok(answer["result"].take())
    }

    fn exchange(&self, request: &str) -> std::io::Result<Vec<u8>> {
        let socket = UdpSocket::bind((self.control.ip(), 0))?;
        socket.connect(self.control)?;
        socket.set_read_timeout(Some(Duration::from_secs(2)))?;
        socket.send(request.as_bytes())?;
        let mut buffer = vec![0; 65_536];
        let length = socket.recv(&mut buffer)?;
        buffer.truncate(length);
        Ok(buffer)
    }
}
