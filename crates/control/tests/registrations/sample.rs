//! Attempts as an edge reports them.

use diagnosis::{Code, Diagnosis};
use link::{Attempt, AttemptKind, AttemptMessage, Drift};

/// 2026-11-24 05:08:19 UTC.
pub const START: i64 = 1_795_496_899_000_000;

/// A request and its answer, redacted as an edge does it.
pub fn attempt(id: &str, trunk: Option<&str>) -> Attempt {
    let (local, remote) = ("192.0.2.9:5060", "192.0.2.1:5070");
    Attempt {
        id: id.into(),
        trunk: trunk.map(str::to_owned),
        carrier: if trunk.is_some() { "c1" } else { link::NO_CARRIER }.into(),
        edge: "e1".into(),
        kind: AttemptKind::Verification,
        started_at: START,
        ended_at: START + 41_000,
        registrar: "sip:192.0.2.1".into(),
        targets: vec![remote.into()],
        transport: "udp".into(),
        secured: None,
        source_address: Some(local.into()),
        public_address: Some("198.51.100.7:5060".into()),
        messages: vec![message(0, true, local, remote, &register(1, "")), message(41_000, false, local, remote, UNAUTHORIZED)],
        accepted: true,
        negotiated: None,
        diagnosis: None,
        changes: Vec::new(),
    }
}

/// The same, refused.
pub fn refused(id: &str, code: Code) -> Attempt {
    Attempt { accepted: false, diagnosis: Some(Box::new(Diagnosis::new(code))), ..attempt(id, Some("t1")) }
}

/// A successful refresh.
pub fn refresh(id: &str) -> Attempt {
    Attempt { kind: AttemptKind::Refresh, ..attempt(id, Some("t1")) }
}

pub fn drift(what: &str, before: &str, after: &str) -> Drift {
    Drift { what: what.into(), before: before.into(), after: after.into() }
}

pub fn message(after: i64, sent: bool, local: &str, remote: &str, text: &str) -> AttemptMessage {
    let bytes = sip::redact(text.replace('\n', "\r\n").as_bytes());
    AttemptMessage { at: START + after, sent, local: local.into(), remote: remote.into(), retransmissions: 0, bytes }
}

pub fn register(cseq: u32, authorization: &str) -> String {
    format!(
        "REGISTER sip:lab.example SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK{cseq};rport\nMax-Forwards: 70\nFrom: <sip:u1@lab.example>;tag=a1\n\
         To: <sip:u1@lab.example>\nCall-ID: 7f3a9c@192.0.2.9\nCSeq: {cseq} REGISTER\n{authorization}Content-Length: 0\n\n"
    )
}

pub const UNAUTHORIZED: &str = "SIP/2.0 401 Unauthorized\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1;rport=5060;received=198.51.100.7\n\
     From: <sip:u1@lab.example>;tag=a1\nTo: <sip:u1@lab.example>;tag=b1\nCall-ID: 7f3a9c@192.0.2.9\nCSeq: 1 REGISTER\n\
     WWW-Authenticate: Digest realm=\"lab.example\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c0\", algorithm=MD5, qop=\"auth\"\nContent-Length: 0\n\n";
