use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the end is looked for.
const LOOK: Duration = Duration::from_millis(50);

/// Bytes of a header (RFC 1035 4.1.1).
const HEADER: usize = 12;

/// A name server to which every name is a host at 127.0.0.1.
pub struct Names {
    pub address: SocketAddr,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Names {
    pub fn start() -> Names {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket.set_read_timeout(Some(LOOK)).expect("a time-out");
        let address = socket.local_addr().expect("an address");
        let ended = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let ended = Arc::clone(&ended);
            move || {
                let mut buffer = [0; 512];
                while !ended.load(Ordering::Relaxed) {
                    let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
                    if let Some(answer) = answer(&buffer[..length]) {
                        socket.send_to(&answer, from).expect("sent");
                    }
                }
            }
        });
        Names { address, ended, thread: Some(thread) }
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The answer to a query of one question: an address to an A, nothing to anything else.
fn answer(query: &[u8]) -> Option<Vec<u8>> {
    let mut end = HEADER;
    while let length @ 1.. = *query.get(end)? {
        end += 1 + usize::from(length);
    }
    let question = query.get(HEADER..end + 5)?;
    let is_a = question[question.len() - 4..] == [0, 1, 0, 1];
    let mut answer = query[..2].to_vec();
    // A response, recursion desired and available; one question, perhaps one answer.
    answer.extend([0x81, 0x80, 0, 1, 0, u8::from(is_a), 0, 0, 0, 0]);
    answer.extend(question);
    if is_a {
        // The name is the question's; 60 s; four bytes.
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    Some(answer)
}
