//! Attempts as edges report them, for the tests of the renderers.

use diagnosis::{Challenge, Code, Diagnosis, Evidence, SipStatus};

use crate::{Attempt, AttemptKind, AttemptMessage, Drift, Negotiated, UnixMicros};

/// 2026-11-24 05:08:19.214 UTC.
const START: UnixMicros = 1_795_496_899_214_000;

/// What stands in [`unredacted`] and must stand nowhere else.
pub const SECRETS: [&str; 3] = ["6629fae49393a05397450978507c4ef1", "0a4f113b", "dcd98b7102dd2f0e8b11d0f600bfb0c093"];

fn message(after: i64, sent: bool, remote: &str, text: &str) -> AttemptMessage {
    let bytes = text.replace('\n', "\r\n").into_bytes();
    AttemptMessage { at: START + after, sent, local: "10.8.0.4:5060".into(), remote: remote.into(), retransmissions: 0, bytes }
}

fn register(cseq: u32, authorization: &str) -> String {
    format!(
        "REGISTER sip:ims.carrier.co.id SIP/2.0\nVia: SIP/2.0/UDP 10.8.0.4:5060;branch=z9hG4bK{cseq};rport\nFrom: <sip:6221500004@ims.carrier.co.id>;tag=a1\n\
         To: <sip:6221500004@ims.carrier.co.id>\nCall-ID: 7f3a9c@10.8.0.4\nCSeq: {cseq} REGISTER\n{authorization}Content-Length: 0\n\n"
    )
}

fn unauthorized(cseq: u32) -> String {
    format!(
        "SIP/2.0 401 Unauthorized\nVia: SIP/2.0/UDP 10.8.0.4:5060;branch=z9hG4bK{cseq};rport=5060;received=198.51.100.7\nCall-ID: 7f3a9c@10.8.0.4\n\
         CSeq: {cseq} REGISTER\nWWW-Authenticate: Digest realm=\"ims.carrier.co.id\", nonce=\"<32 chars>\", algorithm=MD5, qop=\"auth\"\nContent-Length: 0\n\n"
    )
}

/// A verification whose digest the carrier refuses.
pub fn rejected() -> Attempt {
    let remote = "203.0.113.9:5060";
    let authorization = "Authorization: Digest username=\"6221500004\", realm=\"ims.carrier.co.id\", nonce=\"<32 chars>\", uri=\"sip:ims.carrier.co.id\", response=\"***\", algorithm=MD5, qop=auth, cnonce=\"***\", nc=00000001\n";
    let evidence = Evidence {
        sip: Some(SipStatus { code: 401, reason: "Unauthorized".into() }),
        credential_sent: Some(true),
        challenges: vec![Challenge {
            realm: "ims.carrier.co.id".into(),
            algorithm: "MD5".into(),
            qop: vec!["auth".into()],
            stale: false,
            proxy: false,
        }],
        ..Evidence::default()
    };
    Attempt {
        id: "0193-a".into(),
        trunk: Some("trunk_jkt_04".into()),
        carrier: "nusantara".into(),
        edge: "edge_jkt_1".into(),
        kind: AttemptKind::Verification,
        started_at: START,
        ended_at: START + 82_000,
        registrar: "sip:sbc1.carrier.co.id;transport=udp".into(),
        targets: vec![remote.into()],
        transport: "udp".into(),
        secured: None,
        source_address: Some("10.8.0.4:5060".into()),
        public_address: Some("198.51.100.7:5060".into()),
        messages: vec![
            message(0, true, remote, &register(1, "")),
            message(41_000, false, remote, &unauthorized(1)),
            message(42_000, true, remote, &register(2, authorization)),
            message(81_500, false, remote, &unauthorized(2)),
        ],
        accepted: false,
        negotiated: None,
        diagnosis: Some(Box::new(Diagnosis::new(Code::CredentialsRejected).evidence(evidence))),
        changes: Vec::new(),
    }
}

/// A first registration that no address of the carrier answers.
pub fn silent() -> Attempt {
    let contact = "Contact: <sip:6221500004@198.51.100.7:5060>\nExpires: 600\n";
    let mut first = message(0, true, "203.0.113.9:5060", &register(1, contact));
    first.retransmissions = 10;
    let mut second = message(32_000_000, true, "203.0.113.10:5060", &register(2, contact));
    second.retransmissions = 1;
    Attempt {
        kind: AttemptKind::FirstRegistration,
        ended_at: START + 64_000_000,
        targets: vec!["203.0.113.9:5060".into(), "203.0.113.10:5060".into()],
        public_address: None,
        messages: vec![first, second],
        diagnosis: Some(Box::new(Diagnosis::new(Code::Timeout))),
        ..rejected()
    }
}

/// A refresh that is granted otherwise than before.
pub fn drifted() -> Attempt {
    let remote = "[2001:db8::9]:5060";
    let granted = "SIP/2.0 200 OK\nCall-ID: 7f3a9c@10.8.0.4\nCSeq: 1 REGISTER\nContact: <sip:6221500004@[2001:db8::4]>;expires=120\n\n";
    let mut attempt = Attempt {
        kind: AttemptKind::Refresh,
        ended_at: START + 20_000,
        messages: vec![message(0, true, remote, &register(1, "")), message(20_000, false, remote, granted)],
        source_address: Some("[2001:db8::4]:5060".into()),
        public_address: None,
        accepted: true,
        negotiated: Some(Negotiated { realm: "ims.carrier.co.id".into(), algorithm: "MD5".into(), qop: None, offered: vec!["MD5".into()] }),
        diagnosis: None,
        changes: vec![Drift { what: "expires".into(), before: "600".into(), after: "120".into() }],
        ..rejected()
    };
    attempt.messages.iter_mut().for_each(|message| message.local = "[2001:db8::4]:5060".into());
    attempt
}

/// A name that leads nowhere, of no trunk.
pub fn nowhere() -> Attempt {
    Attempt {
        trunk: None,
        targets: Vec::new(),
        source_address: None,
        public_address: None,
        messages: Vec::new(),
        diagnosis: Some(Box::new(Diagnosis::new(Code::DnsFailed))),
        ..rejected()
    }
}

/// A carrier that writes what would steer a terminal, and wide characters.
pub fn hostile() -> Attempt {
    let mut attempt = rejected();
    attempt.messages[1].bytes =
        "SIP/2.0 401 \u{1b}[2J拒否された拒否された拒否された拒否された拒否された\r\nWarning: 399 x \"\u{202e}\u{7}登録\"\r\nno header\r\n"
            .as_bytes()
            .to_vec();
    attempt.messages[3].bytes = vec![0xff; 300];
    attempt.registrar = "sip:".to_owned() + &"very-long-".repeat(30);
    attempt
}

/// Messages that nobody redacted.
pub fn unredacted() -> Attempt {
    let mut attempt = rejected();
    let [response, cnonce, nonce] = SECRETS;
    let authorization = format!(
        "Authorization: Digest username=\"6221500004\", realm=\"ims.carrier.co.id\", nonce=\"{nonce}\", response=\"{response}\", cnonce=\"{cnonce}\"\n"
    );
    attempt.messages[2].bytes = register(2, &authorization).replace('\n', "\r\n").into_bytes();
    attempt
}

/// All of them.
pub fn all() -> Vec<Attempt> {
    vec![rejected(), silent(), drifted(), nowhere(), hostile(), unredacted()]
}
