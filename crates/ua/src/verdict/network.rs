//! What the network did.

use diagnosis::{Check, Code, Diagnosis};

use super::Observation;
use super::words::{from_where, who};
use crate::{FlowFault, ResolveFault, SendFault, TlsFault};

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
                Some(target) => format!("Check the edge's routes: ip route get {}, on the edge's host.", target.address.ip()),
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

pub(super) fn disconnected(seen: &Observation, fault: &FlowFault) -> Diagnosis {
    if seen.verification && seen.credential_sent() {
        return unknown(seen);
    }
    let who = who(seen);
    let reachable = |reachable| Check::new("reachable", reachable);
    match fault {
        FlowFault::Refused => Diagnosis::new(Code::Refused)
            .summary(format!("The host of {who} refuses the connection: nothing listens at that port."))
            .check(reachable(false)),
        FlowFault::Unreachable => not_sent(seen, SendFault::Unreachable),
        FlowFault::Forbidden => not_sent(seen, SendFault::Forbidden),
        FlowFault::Timeout | FlowFault::Stuck => Diagnosis::new(Code::Timeout)
            .summary(format!("No connection to {who} came about in time, or it answers no more: {fault}."))
            .remedy(format!("Check that the carrier allows {}, and the firewall in between.", from_where(seen)))
            .check(reachable(false)),
        FlowFault::WebSocket(words) => Diagnosis::new(Code::WebSocketRefused)
            .summary(format!("{who} opens no SIP WebSocket: {words}."))
            .check(Check::new("websocket.open", false)),
        FlowFault::Closed | FlowFault::Reset | FlowFault::Garbage => Diagnosis::new(Code::ConnectionLost)
            .summary(format!("The connection to {who} was of no use: {fault}."))
            .check(Check::new("connection.kept", false)),
        FlowFault::Tls(fault) => tls(seen, fault),
    }
}

fn tls(seen: &Observation, fault: &TlsFault) -> Diagnosis {
    let who = who(seen);
    match fault {
        TlsFault::Name { presented, wildcard } => Diagnosis::new(Code::TlsNameMismatch)
            .summary(format!("{who} shows a certificate for another name: {fault}."))
            .remedy(match (wildcard, presented.first()) {
                (true, _) => "If the carrier uses wildcard certificates, set tls.wildcard to true in its profile.".to_owned(),
                (false, Some(name)) => format!(
                    "If the carrier confirms {name:?}, name that host in registrars; else ask for a certificate of the registrar's name."
                ),
                (false, None) => Code::TlsNameMismatch.remedy().to_owned(),
            })
            .check(Check::compared("tls.name", false, seen.registrar.clone(), presented.join(", "))),
        TlsFault::Expired(words) => Diagnosis::new(Code::TlsCertificateExpired)
            .summary(format!("{who} shows a certificate that is not valid now: {words}."))
            .check(Check::new("tls.valid", false)),
        TlsFault::Untrusted(words) => Diagnosis::new(Code::TlsCertificateUntrusted)
            .summary(format!("{who} shows a certificate that nobody trusted has signed: {words}."))
            .check(Check::new("tls.trusted", false)),
        TlsFault::ClientCertificate(words) => Diagnosis::new(Code::TlsClientCertificateRequired)
            .summary(format!("{who} wants a certificate of ours: {words}."))
            .check(Check::new("tls.client_certificate", false)),
        TlsFault::Handshake(words) => Diagnosis::new(Code::TlsHandshakeFailed)
            .summary(format!("The TLS handshake with {who} failed: {words}."))
            .check(Check::new("tls.handshake", false)),
    }
}

/// A digest left, and what became of it cannot be known.
fn unknown(seen: &Observation) -> Diagnosis {
    Diagnosis::new(Code::Indeterminate).summary(format!(
        "A digest was sent to {} and no answer came. Whether it was accepted cannot be known; it counts as a failed digest.",
        who(seen)
    ))
}

pub(super) fn silence(seen: &Observation) -> Diagnosis {
    if seen.verification && seen.credential_sent() {
        return unknown(seen);
    }
    let addressed = from_where(seen);
    match seen.options {
        Some(true) => Diagnosis::new(Code::RegisterIgnored)
            .summary(format!("{} answers OPTIONS and drops REGISTER.", who(seen)))
            .remedy(format!(
                "Ask the carrier whether {} and {addressed} are provisioned for registration.{}",
                seen.address_of_record,
                match (seen.query, seen.may_bind) {
                    (true, true) => " If the carrier drops queries of bindings only, set verifyBy to renew in its profile.",
                    (true, false) => " If the carrier drops queries of bindings only, the trunk must be in service to be verified.",
                    (false, true | false) => "",
                }
            ))
            .check(Check::new("reachable", true))
            .check(Check::new("register.answered", false)),
        Some(false) | None if seen.answered_before => Diagnosis::new(Code::BlockSuspected)
            .summary(format!("{} answered before and answers nothing now, after failures: it probably blocks {addressed}.", who(seen)))
            .remedy(format!("Ask the carrier to unblock {addressed}; do not retry meanwhile."))
            .check(Check::new("reachable", false)),
        Some(false) | None => Diagnosis::new(Code::Timeout)
            .summary(format!("Nothing came back from {}.", who(seen)))
            .remedy(format!("Check that the carrier allows {addressed}, and the firewall in between."))
            .check(Check::new("reachable", false)),
    }
}
