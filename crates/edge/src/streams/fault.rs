//! What an error of a connection means.

use std::io::{Error, ErrorKind};

use ua::FlowFault;

use crate::tls::{Phase, Shown, fault};

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

/// One that ended reading from a connection that was open; it is silent if nothing has come on it.
pub(super) fn carrying(error: &Error, silent: bool, shown: Option<&Shown>) -> FlowFault {
    let phase = if silent { Phase::Silent } else { Phase::Talking };
    match shown.and_then(|shown| fault(error, phase, shown)) {
        Some(fault) => FlowFault::Tls(fault),
        None => writing(error),
    }
}

/// One that ended writing.
pub(super) fn writing(error: &Error) -> FlowFault {
    match error.kind() {
        ErrorKind::UnexpectedEof => FlowFault::Closed,
        _ => FlowFault::Reset,
    }
}
