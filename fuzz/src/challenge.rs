//! The challenge parser, and an answer to whatever it let through.

use sip::digest::{self, Algorithm, Answer, Authorization, Qop, Request};
use sip::{AlgorithmOffer, CHALLENGE_BYTES_MAX, Challenge, ChallengeFault, Message, QopOffer};

/// Reads bytes as one challenge, as the challenges of a 401, and as credentials.
pub fn run(data: &[u8]) {
    read(Challenge::parse(data));
    let _ = Authorization::parse(data).map(|read| format!("{read:?}"));
    let mut datagram = b"SIP/2.0 401 x\r\nWWW-Authenticate: ".to_vec();
    datagram.extend_from_slice(data);
    datagram.extend_from_slice(b"\r\n\r\n");
    if let Ok(message) = Message::parse(&datagram) {
        message.challenges().for_each(|(_, challenge)| read(challenge));
    }
}

/// Holds a challenge to what its type promises, and answers it.
pub fn read(challenge: Result<Challenge<'_>, ChallengeFault<'_>>) {
    let challenge = match challenge {
        Ok(challenge) => challenge,
        Err(fault) => return drop((fault.to_string(), fault.raw().len(), fault.scheme().map(str::len))),
    };
    assert!(challenge.raw().len() <= CHALLENGE_BYTES_MAX);
    assert!(!challenge.nonce().is_empty());
    assert!(!challenge.nonce().iter().any(u8::is_ascii_control));
    let realm = challenge.realm();
    let algorithm = match challenge.algorithm() {
        AlgorithmOffer::Known(algorithm) => algorithm,
        AlgorithmOffer::Absent | AlgorithmOffer::Unknown(_) => Algorithm::MD5,
    };
    let qop = match challenge.qop() {
        QopOffer::Offers { auth: true, .. } => Qop::Auth,
        QopOffer::Offers { auth_int: true, .. } => Qop::AuthInt,
        QopOffer::Absent | QopOffer::UnknownOnly | QopOffer::Offers { .. } => Qop::None,
    };
    let ha1 = digest::ha1(algorithm.hash, "J\u{e4}s\u{f8}n", &realm, b"p");
    let answer = Answer {
        algorithm,
        ha1: ha1.as_str(),
        realm: &realm,
        username: "J\u{e4}s\u{f8}n",
        nonce: challenge.nonce(),
        opaque: challenge.opaque(),
        qop,
        cnonce: "0a4f113b",
        nc: 1,
        algorithm_echo: challenge.algorithm() != AlgorithmOffer::Absent,
        userhash: challenge.userhash(),
        utf8: challenge.utf8(),
        truncated_sha512: false,
    };
    let mut out = Vec::new();
    answer.write(&Request { method: "REGISTER", uri: "sip:a", body: b"" }, &mut out);
    assert!(!out.contains(&b'\n') && !out.contains(&b'\r'), "an answer is one line");
    let Ok(read) = Authorization::parse(&out) else { panic!("our own answer cannot be read") };
    assert_eq!((read.nonce, read.opaque), (challenge.nonce(), challenge.opaque()));
    assert_eq!(read.realm, realm);
    assert_eq!(read.response.len(), algorithm.hash.hex_len());
    if !answer.userhash {
        assert_eq!(read.username, answer.username);
    }
}
