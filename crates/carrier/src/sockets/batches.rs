//! The fast registrar on UDP: a thread and a socket each, batches in and out.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg};
use socket2::{Domain, Protocol, Socket, Type};

use crate::fast::{FastConfig, FastCounts, FastRegistrar};

/// So many datagrams go with one system call.
const BATCH: usize = 64;
/// Room for one datagram.
const ROOM: usize = 4096;
/// What the sockets are asked to hold.
const BUFFER: usize = 32 << 20;
/// So often a thread looks whether it is to end.
const LOOK: Duration = Duration::from_millis(100);

/// A fast registrar at work. It stops when it is dropped.
pub struct Batches {
    registrars: Vec<Arc<Mutex<FastRegistrar>>>,
    threads: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    address: SocketAddr,
    begun: Instant,
}

impl Batches {
    /// Opens so many sockets at one address and answers there. The kernel deals senders out to them, so each has bindings of its own.
    ///
    /// # Errors
    /// What the system says of the address.
    pub fn start(config: &FastConfig, address: SocketAddr, threads: usize) -> io::Result<Batches> {
        let (stop, begun) = (Arc::new(AtomicBool::new(false)), Instant::now());
        let mut batches = Batches { registrars: Vec::new(), threads: Vec::new(), stop, address, begun };
        for _ in 0..threads.max(1) {
            let socket = open(batches.address)?;
            batches.address = socket.local_addr()?.as_socket().unwrap_or(address);
            let registrar = Arc::new(Mutex::new(FastRegistrar::new(config.clone())));
            batches.registrars.push(Arc::clone(&registrar));
            let stop = Arc::clone(&batches.stop);
            batches
                .threads
                .push(std::thread::Builder::new().name("carrier-fast".into()).spawn(move || serve(&socket, &registrar, &stop, begun))?);
        }
        Ok(batches)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was counted.
    pub fn counts(&self) -> FastCounts {
        let now = self.begun.elapsed();
        let mut sum = FastCounts::default();
        for registrar in &self.registrars {
            sum.add(&registrar.lock().unwrap_or_else(PoisonError::into_inner).counts(now));
        }
        sum
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

fn open(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_port(true)?;
    // As much as the system gives; a root may have all of it.
    let _ = nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::RcvBufForce, &BUFFER);
    let _ = nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::SndBufForce, &BUFFER);
    socket.set_read_timeout(Some(LOOK))?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn serve(socket: &Socket, registrar: &Mutex<FastRegistrar>, stop: &AtomicBool, begun: Instant) {
    let fd = socket.as_raw_fd();
    let (mut room, mut out) = (vec![0; BATCH * ROOM], Vec::with_capacity(BATCH * ROOM));
    let (mut taken, mut given) = (MultiHeaders::<SockaddrStorage>::preallocate(BATCH, None), MultiHeaders::preallocate(BATCH, None));
    let mut spans = Vec::with_capacity(BATCH);
    let mut sources: Vec<Option<SockaddrStorage>> = Vec::with_capacity(BATCH);
    while !stop.load(Ordering::Relaxed) {
        out.clear();
        spans.clear();
        sources.clear();
        {
            let mut slices: Vec<[IoSliceMut<'_>; 1]> = room.chunks_exact_mut(ROOM).map(|room| [IoSliceMut::new(room)]).collect();
            let Ok(messages) = recvmmsg(fd, &mut taken, slices.iter_mut(), MsgFlags::MSG_WAITFORONE, None) else { continue };
            let now = begun.elapsed();
            let mut registrar = registrar.lock().unwrap_or_else(PoisonError::into_inner);
            for message in messages {
                let Some(bytes) = message.iovs().next() else { continue };
                let start = out.len();
                registrar.handle(now, bytes, &mut out);
                if out.len() > start {
                    spans.push(start..out.len());
                    sources.push(message.address);
                }
            }
        }
        let mut gone = 0;
        while gone < spans.len() {
            let slices: Vec<[IoSlice<'_>; 1]> = spans[gone..].iter().map(|span| [IoSlice::new(&out[span.clone()])]).collect();
            match sendmmsg(fd, &mut given, &slices, &sources[gone..], [], MsgFlags::empty()) {
                Ok(sent) => gone += sent.count().max(1),
                // It is lost, as on any other way.
                Err(_) => gone += 1,
            }
        }
    }
}
