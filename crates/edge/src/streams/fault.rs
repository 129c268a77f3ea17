//! What an error of a connection means.

use std::io::{Error, ErrorKind};

use ua::FlowFault;

/// One that came before TCP was connected.
pub(super) fn connecting(error: &Error) -> FlowFault {
    match error.kind() {
        ErrorKind::ConnectionRefused => FlowFault::Refused,
        ErrorKind::ConnectionReset => FlowFault::Reset,
        ErrorKind::TimedOut => FlowFault::Timeout,
        // No route, no address of that family, or a packet filter of this machine.
        _ => FlowFault::Unreachable,
    }
}

/// One that ended a connection that was open.
pub(super) fn carrying(error: &Error) -> FlowFault {
    match error.kind() {
        ErrorKind::UnexpectedEof => FlowFault::Closed,
        _ => FlowFault::Reset,
    }
}
