use sip::digest::{self, Algorithm, Answer, Authorization, AuthorizationFault, Hash, HexDigest, Qop, Request};

const MD5: Algorithm = Algorithm::MD5;

fn answer<'r>(algorithm: Algorithm, ha1: &'r str) -> Answer<'r> {
    Answer {
        algorithm,
        ha1,
        realm: "http-auth@example.org",
        username: "Mufasa",
        nonce: b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        opaque: Some(b"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"),
        qop: Qop::Auth,
        cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        nc: 1,
        algorithm_echo: true,
        userhash: false,
        utf8: false,
        truncated_sha512: false,
    }
}

fn get(uri: &str) -> Request<'_> {
    Request { method: "GET", uri, body: b"" }
}

fn written(answer: &Answer<'_>, request: &Request<'_>) -> String {
    let mut out = Vec::new();
    answer.write(request, &mut out);
    String::from_utf8(out).unwrap()
}

// covers: C1, RFC 7616 3.4.1, RFC 3261 22.4
#[test]
fn rfc_2617_section_3_5_is_met() {
    let ha1 = digest::ha1(Hash::Md5, "Mufasa", "testrealm@host.com", b"Circle Of Life");
    let answer = Answer { nonce: b"dcd98b7102dd2f0e8b11d0f600bfb0c093", cnonce: "0a4f113b", ..answer(MD5, ha1.as_str()) };
    assert_eq!(answer.response(&get("/dir/index.html")).as_str(), "6629fae49393a05397450978507c4ef1");
}

// covers: RFC 7616 3.9
#[test]
fn rfc_7616_section_3_9_1_is_met() {
    let table = [
        (Hash::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
        (Hash::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ];
    for (hash, expected) in table {
        let ha1 = digest::ha1(hash, "Mufasa", "http-auth@example.org", b"Circle of Life");
        let answer = answer(Algorithm { hash, session: false }, ha1.as_str());
        assert_eq!(answer.response(&get("/dir/index.html")).as_str(), expected);
    }
}

// covers: RFC 7616 3.9, RFC 7616 3.4.4
#[test]
fn rfc_7616_section_3_9_2_is_met_as_corrected() {
    let (username, realm, hash) = ("J\u{e4}s\u{f8}n Doe", "api@example.org", Hash::Sha512_256);
    let ha1 = digest::ha1(hash, username, realm, b"Secret, or not?");
    let corrected = Answer {
        realm,
        username,
        nonce: b"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
        opaque: Some(b"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS"),
        cnonce: "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
        userhash: true,
        utf8: true,
        ..answer(Algorithm { hash, session: false }, ha1.as_str())
    };
    let request = get("/doe.json");
    assert_eq!(corrected.response(&request).as_str(), "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5");
    let userhash = "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b";
    assert_eq!(digest::userhash(hash, username, realm).as_str(), userhash);
    let value = written(&corrected, &request);
    assert!(value.starts_with(&format!("Digest username=\"{userhash}\", realm=\"api@example.org\", ")), "{value}");
    assert!(value.ends_with(", userhash=true"), "{value}");

    // What the RFC prints is SHA-512 cut short (erratum 4897).
    let ha1 = digest::ha1_truncated_sha512(username, realm, b"Secret, or not?");
    let printed = Answer { ha1: ha1.as_str(), truncated_sha512: true, ..corrected };
    assert_eq!(printed.response(&request).as_str(), "ae66e67d6b427bd3f120414a82e4acff38e8ecd9101d6c861229025f607a79dd");
    assert!(written(&printed, &request).contains("488869477bf257147b804c45308cd62ac4e25eb717b12b298c79e62dcea254ec"));
}

// covers: C2, C7, C18, RFC 7616 3.4.1, RFC 7616 3.4.2, RFC 7616 3.4.3, RFC 8760 2.1, RFC 8760 2.6
/// `digest_vectors.py` has computed these by hashlib.
#[test]
fn every_combination_agrees_with_hashlib() {
    let mut lines = include_str!("../digest_vectors.tsv").lines();
    let columns: Vec<_> = lines.next().unwrap().split('\t').collect();
    let mut count = 0;
    let mut combinations = std::collections::BTreeSet::new();
    for line in lines {
        let cells: Vec<_> = line.split('\t').collect();
        assert_eq!(cells.len(), columns.len());
        let cell = |name: &str| cells[columns.iter().position(|column| *column == name).unwrap()];
        let algorithm = Algorithm::from_token(cell("algorithm")).unwrap();
        let truncated_sha512 = cell("truncated") == "true";
        let password = cell("password").as_bytes();
        let ha1 = match truncated_sha512 {
            true => digest::ha1_truncated_sha512(cell("username"), cell("realm"), password),
            false => digest::ha1(algorithm.hash, cell("username"), cell("realm"), password),
        };
        assert_eq!(ha1.as_str(), cell("ha1"));
        let answer = Answer {
            algorithm,
            ha1: ha1.as_str(),
            realm: cell("realm"),
            username: cell("username"),
            nonce: cell("nonce").as_bytes(),
            opaque: None,
            qop: match cell("qop") {
                "none" => Qop::None,
                "auth" => Qop::Auth,
                "auth-int" => Qop::AuthInt,
                other => panic!("{other}"),
            },
            cnonce: cell("cnonce"),
            nc: cell("nc").parse().unwrap(),
            algorithm_echo: true,
            userhash: cell("userhash") == "true",
            utf8: count % 2 == 0,
            truncated_sha512,
        };
        let request = Request { method: cell("method"), uri: cell("uri"), body: cell("body").as_bytes() };
        assert_eq!(answer.response(&request).as_str(), cell("response"), "{line}");
        // An HA1 that the caller gives in place of a password, in whichever case.
        let given = HexDigest::from_hex(algorithm.hash, &cell("ha1").to_uppercase()).unwrap();
        assert_eq!(Answer { ha1: given.as_str(), ..answer }.response(&request).as_str(), cell("response"), "{line}");
        combinations.insert((
            cell("algorithm"),
            cell("truncated"),
            cell("qop"),
            cell("userhash"),
            cell("username").is_ascii(),
            cell("method"),
        ));

        let value = written(&answer, &request);
        let read = Authorization::parse(value.as_bytes()).expect(&value);
        let name = if answer.userhash { cell("userhash_value") } else { cell("username") };
        assert_eq!((&*read.username, &*read.realm, read.userhash), (name, cell("realm"), answer.userhash), "{value}");
        assert_eq!((read.nonce, read.uri, read.response), (answer.nonce, request.uri, cell("response")));
        assert_eq!((read.algorithm, read.opaque), (Some(cell("algorithm")), None));
        let nc = format!("{:08x}", answer.nc);
        assert_eq!(
            (read.qop, read.nc),
            match answer.qop {
                Qop::None => (None, None),
                Qop::Auth | Qop::AuthInt => (Some(cell("qop")), Some(nc.as_str())),
            }
        );
        assert_eq!(read.cnonce.is_some(), answer.qop != Qop::None || algorithm.session, "{value}");
        count += 1;
    }
    assert_eq!(count, 288);
    // Six algorithms and two cut short, three qops, userhash or not, names within and beyond ASCII, with and without a body.
    assert_eq!(combinations.len(), 8 * 3 * 2 * 2 * 2);
}

// covers: RFC 7616 3.4
#[test]
fn an_answer_is_written_in_one_order_with_the_right_quotes() {
    let ha1 = digest::ha1(Hash::Md5, "Mufasa", "http-auth@example.org", b"Circle of Life");
    assert_eq!(
        written(&answer(MD5, ha1.as_str()), &get("/dir/index.html")),
        concat!(
            "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", ",
            "uri=\"/dir/index.html\", response=\"8ca523f5e9506fed4657c9700eebdbec\", algorithm=MD5, ",
            "cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", ",
            "qop=auth, nc=00000001"
        )
    );
    let old = Answer { qop: Qop::None, algorithm_echo: false, opaque: None, ..answer(MD5, ha1.as_str()) };
    let value = written(&old, &get("/"));
    for absent in ["algorithm", "cnonce", "opaque", "qop", "nc="] {
        assert!(!value.contains(absent), "{value}");
    }
}

// covers: C18, RFC 7616 4
#[test]
fn a_name_beyond_ascii_goes_as_the_challenge_allows() {
    let ha1 = digest::ha1(Hash::Md5, "J\u{e4}s\u{f8}n Doe", "r", b"x");
    let plain = Answer { username: "J\u{e4}s\u{f8}n Doe", ..answer(MD5, ha1.as_str()) };
    assert!(written(&plain, &get("/")).starts_with("Digest username=\"J\u{e4}s\u{f8}n Doe\", "));
    let extended = Answer { utf8: true, ..plain };
    assert!(written(&extended, &get("/")).starts_with("Digest username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, "));
}

#[test]
fn nothing_can_break_out_of_its_quotes() {
    let answer = Answer {
        username: "a\"b\\c\r\nEvil: x",
        realm: "r\"",
        nonce: b"n\"x\\\"y\\",
        opaque: Some(b"o\r\n"),
        cnonce: "c\"",
        ..answer(MD5, "00000000000000000000000000000000")
    };
    let value = written(&answer, &get("sip:a\"b"));
    assert!(!value.contains(['\r', '\n']));
    let read = Authorization::parse(value.as_bytes()).unwrap();
    assert_eq!((&*read.username, &*read.realm), ("a\"b\\cEvil: x", "r\""));
    assert_eq!((read.nonce, read.opaque), (&b"n\\\"x\\\"y\\\\"[..], Some(&b"o"[..])));
}

#[test]
fn authorizations_are_read_or_refused() {
    let whole = "Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"sip:r\", response=\"x\"";
    assert!(Authorization::parse(whole.as_bytes()).is_ok());
    let without = |name: &str| whole.replace(&format!("{name}="), "other=");
    for name in ["username", "realm", "nonce", "uri", "response"] {
        assert_eq!(Authorization::parse(without(name).as_bytes()), Err(AuthorizationFault::Missing(name)));
    }
    let table = [
        ("Basic dTpw".to_string(), AuthorizationFault::Scheme),
        (String::new(), AuthorizationFault::Scheme),
        (format!("{whole}, nc=1, NC=1"), AuthorizationFault::Duplicate("nc")),
        (format!("{whole}, username*=UTF-8''u"), AuthorizationFault::Duplicate("username")),
        (format!("{whole},"), AuthorizationFault::Syntax),
        (format!("{whole}, x=\""), AuthorizationFault::Syntax),
        (whole.replace("username=\"u\"", "username*=latin1''u"), AuthorizationFault::Syntax),
        (whole.replace("username=\"u\"", "username*=UTF-8''%+1"), AuthorizationFault::Syntax),
        (whole.replace("username=\"u\"", "username*=UTF-8''%FF"), AuthorizationFault::Syntax),
        (whole.replace("username=\"u\"", "username*=UTF-8''%C"), AuthorizationFault::Syntax),
    ];
    for (value, expected) in table {
        assert_eq!(Authorization::parse(value.as_bytes()), Err(expected), "{value}");
    }
}

#[test]
fn secrets_are_not_printed() {
    let ha1 = digest::ha1(Hash::Sha256, "u", "r", b"p");
    assert!(!format!("{ha1:?} {:?}", answer(MD5, ha1.as_str())).contains(ha1.as_str()));
    assert_eq!(format!("{ha1:?}"), "HexDigest(***, 64 digits)");
    // What is no secret is.
    let answer = answer(MD5, ha1.as_str());
    let value = written(&answer, &get("/"));
    for shown in [format!("{answer:?}"), format!("{:?}", Authorization::parse(value.as_bytes()).unwrap())] {
        assert!(shown.contains("http-auth@example.org") && shown.contains("Mufasa"), "{shown}");
    }
}

#[test]
fn an_ha1_can_be_given_in_hexadecimal() {
    let text = "6629FAE49393A05397450978507C4EF1";
    assert_eq!(HexDigest::from_hex(Hash::Md5, text).unwrap().as_str(), text.to_lowercase());
    assert!(HexDigest::from_hex(Hash::Sha256, text).is_none());
    assert!(HexDigest::from_hex(Hash::Md5, "6629FAE49393A05397450978507C4EFg").is_none());
}
