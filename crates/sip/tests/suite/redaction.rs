use sip::redact;

use crate::{REGISTER, UNAUTHORIZED};

fn redacted(text: &str) -> String {
    String::from_utf8_lossy(&redact(text.as_bytes())).into_owned()
}

#[test]
fn credentials_keep_what_explains_and_lose_what_proves() {
    let value = concat!(
        "Authorization: Digest username=\"6221500004\", realm=\"ims.carrier.co.id\", nonce=\"<16 chars>\", ",
        "uri=\"sip:ims.carrier.co.id\", response=\"***\", algorithm=MD5, cnonce=\"***\", opaque=\"<16 chars>\", qop=auth, nc=00000001\r\n",
    );
    let text = redacted(REGISTER);
    assert!(text.contains(value), "{text}");
    let without = |text: &str| text.lines().filter(|line| !line.starts_with("Authorization")).collect::<Vec<_>>().join("\n");
    assert_eq!(without(&text), without(REGISTER));
}

#[test]
fn challenges_keep_realm_and_algorithm() {
    let text = redacted(UNAUTHORIZED);
    assert!(
        text.contains("Digest realm=\"ims.carrier.co.id\", nonce=\"<16 chars>\", algorithm=SHA-256, qop=\"auth,auth-int\"\r\n"),
        "{text}"
    );
    assert!(text.contains("nonce=\"<16 chars>\", opaque=\"<4 chars>\", algorithm=MD5, stale=FALSE\r\n"), "{text}");
    assert!(text.contains("tag=as3d4f"));
}

#[test]
fn lines_are_redacted_by_what_they_are() {
    let table = [
        ("Authorization: Basic dTpw", "Authorization: ***"),
        ("Authorization: Digest response=\"abc", "Authorization: ***"),
        ("proxy-authorization :  Digest\r\n response=\"abc\"\r\n", "proxy-authorization :  Digest\r\n response=\"***\"\r\n"),
        ("Authorization: Digest x=\"y\", res\nponse=\"abc\"\r\nTo: x", "Authorization: ***\r\nTo: x"),
        ("Authorization: deadbeef", "Authorization: ***"),
        ("Authorization:", "Authorization:***"),
        (
            "Authentication-Info: nextnonce=\"12345\", rspauth=\"abc\", qop=auth",
            "Authentication-Info: nextnonce=\"<5 chars>\", rspauth=\"***\", qop=auth",
        ),
        ("Authentication-Info: nonsense", "Authentication-Info: ***"),
        (
            "WWW-Authenticate: Basic realm=\"r\", Digest realm=\"s\", nonce=\"123\"",
            "WWW-Authenticate: Basic realm=\"r\", Digest realm=\"s\", nonce=\"<3 chars>\"",
        ),
        ("WWW-Authenticate: Digest realm=\"s, nonce=\"123\"", "WWW-Authenticate: ***"),
        ("To: <sip:alice:s3cret@h;x=y>, <sips:b:t@h>", "To: <sip:alice:***@h;x=y>, <sips:b:***@h>"),
        ("Contact: <sip:alice@h:5060>", "Contact: <sip:alice@h:5060>"),
        (
            "Xuthorization: Digest username=\"u\", response=\"abc\", other=\"d\"",
            "Xuthorization: Digest username=\"u\", response=\"***\", other=\"<1 chars>\"",
        ),
        ("Xuthorization: response = \"abc\", x", "Xuthorization: response = \"***\", x"),
        ("Via: x;response=abc;y", "Via: x;response=***;y"),
        ("Via: x\r\n Response=\"abc", "Via: x\r\n Response=\"***\""),
        ("SIP/2.0 401 Digest authentication failed", "SIP/2.0 401 Digest authentication failed"),
        ("\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r\nk=clear:abc\r\n", "\r\na=crypto:***\r\nk=***\r\n"),
        ("", ""),
    ];
    for (text, expected) in table {
        assert_eq!(redacted(text), expected);
    }
}
