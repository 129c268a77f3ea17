//! The stream of events, read as it comes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::api::Api;
use super::wait::{self, secs};

/// A reader of `/api/v2/events` on a thread of its own.
pub struct EventStream {
    text: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
}

impl EventStream {
    /// Reads what comes after this id, as the token of `api`.
    pub fn open(api: &Api, http: SocketAddr, last: &str) -> Self {
        let mut connection = TcpStream::connect(http).expect("the server listens");
        let request = format!(
            "GET /api/v2/events HTTP/1.1\r\nHost: {http}\r\nAccept: text/event-stream\r\nLast-Event-ID: {last}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            api.token()
        );
        connection.write_all(request.as_bytes()).expect("sent");
        let text = Arc::new(Mutex::new(String::new()));
        let seen = Arc::clone(&text);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(length @ 1..) = connection.read(&mut buffer) {
                // Chunk sizes stand in between; what is looked for stands within a chunk, and events are ASCII here.
                seen.lock().expect("text").push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
        });
        let stream = Self { text, reader };
        stream.until("an answer", |text| text.starts_with("HTTP/1.1 200") && text.contains("retry: "));
        stream
    }

    /// Everything so far.
    pub fn text(&self) -> String {
        self.text.lock().expect("text").clone()
    }

    /// Waits until what came is as wanted, and gives all of it.
    pub fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        wait::until(what, secs(45), || Some(self.text()).filter(|text| wanted(text)))
    }

    /// Waits for the end of the stream, and gives all of it.
    pub fn ended(self) -> String {
        self.reader.join().expect("the reader");
        self.text.lock().expect("text").clone()
    }
}
