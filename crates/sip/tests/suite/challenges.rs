use sip::digest::{Algorithm, Hash};
use sip::{AlgorithmOffer, CHALLENGE_BYTES_MAX, Challenge, ChallengeFault, ChallengeSource, Message, Name, QopOffer};

fn parse(text: &str) -> Challenge<'_> {
    Challenge::parse(text.as_bytes()).expect(text)
}

/// `realm` and `nonce` with this behind.
fn with(more: &str) -> String {
    format!("Digest realm=\"r\", nonce=\"n\"{more}")
}

// covers: RFC 7616 3.3
#[test]
fn everything_a_challenge_says_is_read() {
    let text = concat!(
        "digest Realm = \"a \\\"b\\\" c\" ,\r\n nonce=\"x\\\"y\",opaque=\"\", ALGORITHM=SHA-512-256-sess, qop=\"auth , AUTH-INT,x\", ",
        "stale=TRUE, userhash=true, charset=utf-8, domain=\"sip:a\", extra=\"1,2\", extra=3",
    );
    let challenge = parse(text);
    assert_eq!(challenge.realm(), "a \"b\" c");
    assert_eq!(challenge.nonce(), b"x\\\"y");
    assert_eq!(challenge.opaque(), Some(&b""[..]));
    assert_eq!(challenge.algorithm(), AlgorithmOffer::Known(Algorithm { hash: Hash::Sha512_256, session: true }));
    assert_eq!(challenge.qop(), QopOffer::Offers { auth: true, auth_int: true });
    assert_eq!(challenge.domain(), Some(&b"sip:a"[..]));
    assert!(challenge.stale() && challenge.userhash() && challenge.utf8());
    assert_eq!(challenge.raw(), text.as_bytes());
}

#[test]
fn what_a_challenge_leaves_out_is_absent() {
    let text = with("");
    let challenge = parse(&text);
    assert_eq!((challenge.algorithm(), challenge.qop()), (AlgorithmOffer::Absent, QopOffer::Absent));
    assert_eq!((challenge.opaque(), challenge.domain()), (None, None));
    assert!(!challenge.stale() && !challenge.userhash() && !challenge.utf8());
}

#[test]
fn algorithms_are_known_by_their_iana_names_only() {
    for algorithm in Algorithm::ALL {
        let name = algorithm.as_str();
        for written in [name.to_string(), name.to_lowercase(), name.to_uppercase(), format!("\"{name}\"")] {
            let text = with(&format!(", algorithm={written}"));
            assert_eq!(parse(&text).algorithm(), AlgorithmOffer::Known(algorithm), "{written}");
        }
    }
    for written in ["sha256", "SHA512-256", "MD2", "SHA-512", "MD5_sess", "SHA-512/256", ""] {
        let text = with(&format!(", algorithm={written}"));
        assert_eq!(parse(&text).algorithm(), AlgorithmOffer::Unknown(written), "{written}");
    }
}

#[test]
fn spellings_that_people_type_are_understood() {
    let table = [
        ("sha256", Some("SHA-256")),
        ("SHA256", Some("SHA-256")),
        ("SHA512-256", Some("SHA-512-256")),
        ("md5", Some("MD5")),
        ("sha-512/256", Some("SHA-512-256")),
        ("SHA_256_SESS", Some("SHA-256-sess")),
        ("md5sess", Some("MD5-sess")),
        ("sha512", None),
        ("SHA-1", None),
        ("", None),
        ("MD", None),
    ];
    for (text, expected) in table {
        assert_eq!(Algorithm::from_spelling(text).map(Algorithm::as_str), expected, "{text}");
    }
    assert!(Algorithm::ALL.is_sorted() && Hash::Md5 < Hash::Sha256 && Hash::Sha256 < Hash::Sha512_256);
}

#[test]
fn qop_offers_are_read() {
    let offers = |auth, auth_int| QopOffer::Offers { auth, auth_int };
    let table = [
        ("\"auth\"", offers(true, false)),
        ("auth", offers(true, false)),
        ("\"auth-int\"", offers(false, true)),
        ("\"auth-int,auth\"", offers(true, true)),
        ("\"token, auth\"", offers(true, false)),
        ("\"token\"", QopOffer::UnknownOnly),
        ("\"auth-conf\"", QopOffer::UnknownOnly),
        ("\"\"", QopOffer::Absent),
    ];
    for (written, expected) in table {
        let text = with(&format!(", qop={written}"));
        assert_eq!(parse(&text).qop(), expected, "{written}");
    }
}

// covers: C19
#[test]
fn faults_name_what_is_wrong_and_keep_the_text() {
    type Fault = fn(&[u8]) -> ChallengeFault<'_>;
    let table: &[(&str, Fault)] = &[
        ("Basic realm=\"x\"", |raw| ChallengeFault::Scheme(raw)),
        ("Negotiate", |raw| ChallengeFault::Scheme(raw)),
        ("Digest nonce=\"n\"", |raw| ChallengeFault::RealmMissing(raw)),
        ("Digest realm=\"r\"", |raw| ChallengeFault::NonceMissing(raw)),
        ("Digest realm=\"r\", nonce=\"\"", |raw| ChallengeFault::NonceMissing(raw)),
        ("Digest realm=\"r\", nonce=\"n\", NONCE=\"m\"", |raw| ChallengeFault::Duplicate("nonce", raw)),
        ("Digest realm=\"r\", nonce=\"n\", algorithm=MD5, algorithm=MD5", |raw| ChallengeFault::Duplicate("algorithm", raw)),
        ("Digest realm=\"r\",, nonce=\"n\"", |raw| ChallengeFault::Syntax(raw)),
        ("Digest ,realm=\"r\", nonce=\"n\"", |raw| ChallengeFault::Syntax(raw)),
        ("Digest realm=\"r\", nonce=\"n\",", |raw| ChallengeFault::Syntax(raw)),
        ("Digest realm=\"r\", nonce=\"n", |raw| ChallengeFault::Syntax(raw)),
        ("Digest realm=\"r, nonce=\"n\"", |raw| ChallengeFault::Syntax(raw)),
        ("Digest realm=\"r\" nonce=\"n\"", |raw| ChallengeFault::Syntax(raw)),
        ("Digest realm=\"r\"x, nonce=\"n\"", |raw| ChallengeFault::Syntax(raw)),
        ("Digest realm=\"r\", nonce=\"n\r\n m\"", |raw| ChallengeFault::Syntax(raw)),
        // A realm goes back as it came, and a header cannot hold these: the digest would be over another realm.
        ("Digest realm=\"r\0x\", nonce=\"n\"", |raw| ChallengeFault::Syntax(raw)),
        ("Digest realm=\"r\\\0x\", nonce=\"n\"", |raw| ChallengeFault::Syntax(raw)),
        ("Digest realm=\"r\x07\", nonce=\"n\"", |raw| ChallengeFault::Syntax(raw)),
        ("Digest realm=\"r\\\r\n x\", nonce=\"n\"", |raw| ChallengeFault::Syntax(raw)),
        // Without quotes a backslash may stand at the end; between quotes, where it goes back, it cannot.
        ("Digest realm=\"r\", nonce=n\\", |raw| ChallengeFault::Syntax(raw)),
        ("Digest realm=r\\, nonce=\"n\"", |raw| ChallengeFault::Syntax(raw)),
        ("Digest realm=\"r\", nonce=\"n\", opaque=\\\\\\", |raw| ChallengeFault::Syntax(raw)),
        ("Digest", |raw| ChallengeFault::Syntax(raw)),
        ("Digest realm", |raw| ChallengeFault::Syntax(raw)),
        // A scheme ends in white space: this is none, not one of the name Basic.
        ("Basic=x", |raw| ChallengeFault::Syntax(raw)),
        ("Basic\"x\"", |raw| ChallengeFault::Syntax(raw)),
        ("=\"x\"", |raw| ChallengeFault::Syntax(raw)),
        ("", |raw| ChallengeFault::Syntax(raw)),
    ];
    for (text, expected) in table {
        let fault = Challenge::parse(text.as_bytes()).expect_err(text);
        assert_eq!(fault, expected(text.as_bytes()), "{text}");
        assert_eq!(fault.raw(), text.as_bytes());
    }
    assert_eq!(Challenge::parse(b"Basic realm=\"x\"").unwrap_err().scheme(), Some("Basic"));
    let latin = b"Digest realm=\"\xfc\", nonce=\"n\"";
    assert_eq!(Challenge::parse(latin), Err(ChallengeFault::RealmNotUtf8(latin)));
}

// covers: C19
#[test]
fn a_realm_may_be_folded_and_tabbed() {
    assert_eq!(parse("Digest realm=\"a\r\n\t b\tc\", nonce=\"n\"").realm(), "a b\tc");
}

#[test]
fn no_known_parameter_may_stand_twice() {
    for name in ["realm", "nonce", "opaque", "algorithm", "qop", "stale", "userhash", "charset", "domain"] {
        let text = with(&format!(", {name}=x, {}=y", name.to_uppercase()));
        assert_eq!(Challenge::parse(text.as_bytes()), Err(ChallengeFault::Duplicate(name, text.as_bytes())));
    }
}

// covers: C19
#[test]
fn a_challenge_of_4_kb_is_refused() {
    let fits = with(&format!(", opaque=\"{}\"", "x".repeat(CHALLENGE_BYTES_MAX - 38)));
    assert_eq!(fits.len(), CHALLENGE_BYTES_MAX);
    assert!(Challenge::parse(fits.as_bytes()).is_ok());
    let long = with(&format!(", opaque=\"{}\"", "x".repeat(4096)));
    assert_eq!(Challenge::parse(long.as_bytes()), Err(ChallengeFault::TooLong(long.as_bytes())));
}

#[test]
fn challenges_are_told_apart_over_lines_and_commas() {
    let text = concat!(
        "SIP/2.0 407 Proxy Authentication Required\r\n",
        "WWW-Authenticate: Digest realm=\"a, Digest realm=b\", nonce=\"1\", Basic realm=\"b\" , Digest realm=\"c\",nonce=\"2\"\r\n",
        "Proxy-Authenticate: Digest realm=\"d\", nonce=\"3\",\r\n Negotiate abc==, NTLM x, Digest realm=\"e\", nonce=\"4\r\n",
        "WWW-Authenticate: Digest realm=\"f\", nonce=\"5\",, Digest realm=\"g\", nonce=\"6\"\r\n",
        "\r\n",
    );
    let message = Message::parse(text.as_bytes()).unwrap();
    let seen: Vec<String> = message
        .challenges()
        .map(|(source, challenge)| match challenge {
            Ok(challenge) => format!("{source:?} {}", challenge.realm()),
            Err(fault) => format!("{source:?} {} {:?}", fault, fault.scheme().unwrap_or_default()),
        })
        .collect();
    assert_eq!(
        seen,
        [
            "Registrar a, Digest realm=b",
            "Registrar the challenge is not of the scheme Digest \"Basic\"",
            "Registrar c",
            "Proxy d",
            "Proxy the challenge is not of the scheme Digest \"Negotiate\"",
            "Proxy the challenge is not of the scheme Digest \"NTLM\"",
            "Proxy the challenge is not a list of name=value \"Digest\"",
            "Registrar the challenge is not a list of name=value \"Digest\"",
            "Registrar g",
        ]
    );
    assert_eq!(ChallengeSource::Registrar.answered_in(), Name::Authorization);
    assert_eq!(ChallengeSource::Proxy.answered_in(), Name::ProxyAuthorization);
}

#[test]
fn a_parameter_without_its_equals_sign_begins_no_challenge() {
    let text = "SIP/2.0 401 x\r\nWWW-Authenticate: Digest realm=\"r\", nonce\"n\", opaque=\"o\"\r\n\r\n";
    let message = Message::parse(text.as_bytes()).unwrap();
    assert_eq!(message.challenges().map(|(_, challenge)| challenge.is_ok()).collect::<Vec<_>>(), [false]);
}
