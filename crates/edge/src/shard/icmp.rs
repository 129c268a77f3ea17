//! The error queue of a socket: what ICMP has told about datagrams sent.

use std::io::IoSliceMut;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::libc::{self, sock_extended_err};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg};
use ua::SendFault;

use super::receive::socket_address;

/// So many are taken at a time; a flood of ICMP must not keep the shard from its datagrams.
const AT_A_TIME: usize = 256;

/// Takes the errors that have come, each with the destination of the datagram that caused it, and tells how many entries the queue had.
pub(crate) fn drain(fd: BorrowedFd<'_>, mut each: impl FnMut(SocketAddr, SendFault)) -> usize {
    let mut control = nix::cmsg_space!([u8; 256]);
    let mut quoted = [0; 64];
    for taken in 0..AT_A_TIME {
        let mut slices = [IoSliceMut::new(&mut quoted)];
        let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let Ok(message) = recvmsg::<SockaddrStorage>(fd.as_raw_fd(), &mut slices, Some(&mut control), flags) else { return taken };
        // The kernel names the destination of the datagram as the message's address (ip(7), IP_RECVERR).
        let Some(to) = message.address.as_ref().and_then(socket_address) else { continue };
        let Ok(notes) = message.cmsgs() else { continue };
        for note in notes {
            if let ControlMessageOwned::Ipv4RecvErr(error, _) | ControlMessageOwned::Ipv6RecvErr(error, _) = note
                && let Some(fault) = fault(&error)
            {
                each(to, fault);
            }
        }
    }
    AT_A_TIME
}

fn fault(error: &sock_extended_err) -> Option<SendFault> {
    // What the machine itself refused was told by the call that sent it.
    if error.ee_origin == libc::SO_EE_ORIGIN_LOCAL {
        return None;
    }
    i32::try_from(error.ee_errno).ok().and_then(|number| meaning(Errno::from_raw(number)))
}

/// Returns what an errno says about a destination; nothing if it is about something else.
pub(crate) fn meaning(errno: Errno) -> Option<SendFault> {
    match errno {
        Errno::ECONNREFUSED => Some(SendFault::Refused),
        Errno::EMSGSIZE => Some(SendFault::TooLarge),
        Errno::EHOSTUNREACH
        | Errno::ENETUNREACH
        | Errno::ENETDOWN
        | Errno::EHOSTDOWN
        | Errno::ENOPROTOOPT
        | Errno::EOPNOTSUPP
        | Errno::EACCES
        | Errno::EPERM
        | Errno::EINVAL
        | Errno::EADDRNOTAVAIL
        | Errno::EAFNOSUPPORT
        | Errno::ENODEV => Some(SendFault::Unreachable),
        _ => None,
    }
}
