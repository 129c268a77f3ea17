//! What the network did.

use diagnosis::{Check, Code, Diagnosis, Initiator};

use super::Observation;
use super::words::{from_where, who};
use crate::{ResolveFault, SendFault};

pub(super) fn unresolved(seen: &Observation, fault: &ResolveFault) -> Diagnosis {
    match fault {
        ResolveFault::Failed(words) | ResolveFault::Absent(words) => Diagnosis::new(Code::DnsFailed)
            .summary(format!("The registrar {} does not resolve: {words}.", seen.registrar))
            .check(Check::new("resolved", false)),
        ResolveFault::Forbidden(address) => Diagnosis::new(Code::TargetForbidden)
            .summary(format!("The registrar {} leads to {address}, which is in a range that this edge must not reach.", seen.registrar))
            .remedy(format!("If that is meant, start the edge with --allow-target {address}/{}.", if address.is_ipv4() { 32 } else { 128 }))
            .check(Check::compared("target.allowed", false, "an allowed range", address.to_string())),
        ResolveFault::ForbiddenPort(port) => Diagnosis::new(Code::PortForbidden)
            .summary(format!("The registrar {} has port {port}, which this edge must not reach.", seen.registrar))
            .remedy("Use the carrier's SIP port, usually 5060, or 5061 for TLS.")
            .check(Check::compared("target.allowed", false, "an allowed port", port.to_string())),
        ResolveFault::NoSocket(address) => Diagnosis::new(Code::FamilyUnsupported)
            .summary(format!("The registrar {} leads to {address}, and the edge has no socket of that address family.", seen.registrar))
            .remedy(format!("Start the edge with --sip udp:{}:5060 as well.", if address.is_ipv4() { "0.0.0.0" } else { "[::]" }))
            .check(Check::new("socket.family", false)),
        ResolveFault::NoTransport { asked, usable } => Diagnosis::new(Code::TransportUnavailable)
            .summary(format!(
                "The registrar {} is to be reached over {asked}; this edge and the carrier's transports leave {usable}.",
                seen.registrar
            ))
            .check(Check::compared("transport.usable", false, usable, asked)),
    }
}

pub(super) fn not_sent(seen: &Observation, fault: SendFault) -> Diagnosis {
    match fault {
        SendFault::Refused => Diagnosis::new(Code::Refused)
            .summary(format!("The host of {} answers that nothing listens at that port (ICMP port unreachable).", who(seen)))
            .check(Check::new("reachable", false)),
        SendFault::Unreachable => Diagnosis::new(Code::Unreachable)
            .summary(format!("There is no route to {}.", who(seen)))
            .remedy(match seen.target {
                Some(target) => format!("Check the edge's routes: ip route get {}, on the edge's host.", target.ip()),
                None => Code::Unreachable.remedy().to_owned(),
            })
            .check(Check::new("reachable", false)),
        SendFault::TooLarge => Diagnosis::new(Code::RequestTooLarge)
            .summary(format!("The request is too large for the path to {}.", who(seen)))
            .check(Check::new("request.fits", false)),
        SendFault::Forbidden => Diagnosis::new(Code::TargetForbidden)
            .summary(format!("The address of {} is in a range that this edge must not reach.", who(seen)))
            .check(Check::new("target.allowed", false)),
    }
}

pub(super) fn silence(seen: &Observation) -> Diagnosis {
    if seen.verification && seen.credential_sent() {
        return Diagnosis::new(Code::Indeterminate).summary(format!(
            "A digest was sent to {} and no answer came. Whether it was accepted cannot be known; it counts as a failed digest.",
            who(seen)
        ));
    }
    let addressed = from_where(seen);
    match seen.options {
        Some(true) => Diagnosis::new(Code::RegisterIgnored)
            .summary(format!("{} answers OPTIONS and drops REGISTER.", who(seen)))
            .remedy(format!(
                "Ask the carrier whether {} and {addressed} are provisioned for registration.{}",
                seen.address_of_record,
                if seen.query { " If the carrier drops queries of bindings only, set verifyBy to renew in its profile." } else { "" }
            ))
            .check(Check::new("reachable", true))
            .check(Check::new("register.answered", false)),
        Some(false) | None if seen.answered_before => Diagnosis::new(Code::BlockSuspected)
            .summary(format!("{} answered before and answers nothing now, after failures: it probably blocks {addressed}.", who(seen)))
            .remedy(format!("Ask the carrier to unblock {addressed}; do not retry meanwhile."))
            .check(Check::new("reachable", false)),
        Some(false) | None => Diagnosis { initiator: Initiator::Network, ..Diagnosis::new(Code::Timeout) }
            .summary(format!("Nothing came back from {}.", who(seen)))
            .remedy(format!("Check that the carrier allows {addressed}, and the firewall in between."))
            .check(Check::new("reachable", false)),
    }
}
