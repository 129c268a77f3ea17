use crate::algorithm::Algorithm;
use crate::authorization::Authorization;

/// What a digest is computed over besides the Authorization itself.
pub(crate) struct Asked<'a> {
    /// The account's user name; with `userhash` the Authorization carries another.
    pub(crate) username: &'a str,
    pub(crate) password: &'a str,
    pub(crate) method: &'a str,
    pub(crate) body: &'a [u8],
}

/// The response that RFC 7616 3.4.1 (RFC 2617 3.2.2, RFC 2069 2.1.2) demands.
pub(crate) fn response(algorithm: Algorithm, asked: &Asked<'_>, given: &Authorization) -> String {
    let nonce = given.nonce.as_bytes();
    let cnonce = given.cnonce.as_deref().unwrap_or_default().as_bytes();
    let mut ha1 = algorithm.hex(&[asked.username.as_bytes(), given.realm.as_bytes(), asked.password.as_bytes()]);
    if algorithm.session {
        ha1 = algorithm.hex(&[ha1.as_bytes(), nonce, cnonce]);
    }
    let (method, uri) = (asked.method.as_bytes(), given.uri.as_bytes());
    let qop = given.qop.as_deref();
    let ha2 = match qop {
        Some(qop) if qop.eq_ignore_ascii_case("auth-int") => algorithm.hex(&[method, uri, algorithm.hex(&[asked.body]).as_bytes()]),
        Some(_) | None => algorithm.hex(&[method, uri]),
    };
    match qop {
        None => algorithm.hex(&[ha1.as_bytes(), nonce, ha2.as_bytes()]),
        Some(qop) => {
            let nc = given.nc.as_deref().unwrap_or_default();
            algorithm.hex(&[ha1.as_bytes(), nonce, nc.as_bytes(), cnonce, qop.as_bytes(), ha2.as_bytes()])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Vector {
        algorithm: &'static str,
        username: &'static str,
        realm: &'static str,
        password: &'static str,
        nonce: &'static str,
        cnonce: &'static str,
        response: &'static str,
    }

    fn computed(v: &Vector, algorithm: Algorithm) -> String {
        let given = Authorization {
            realm: v.realm.into(),
            nonce: v.nonce.into(),
            uri: if v.realm == "api@example.org" { "/doe.json".into() } else { "/dir/index.html".into() },
            cnonce: Some(v.cnonce.into()),
            qop: Some("auth".into()),
            nc: Some("00000001".into()),
            ..Authorization::default()
        };
        response(algorithm, &Asked { username: v.username, password: v.password, method: "GET", body: b"" }, &given)
    }

    #[test]
    fn the_vectors_of_the_rfcs_hold() {
        const CNONCE: &str = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        for v in [
            Vector {
                algorithm: "MD5",
                username: "Mufasa",
                realm: "testrealm@host.com",
                password: "Circle Of Life",
                nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
                cnonce: "0a4f113b",
                response: "6629fae49393a05397450978507c4ef1",
            },
            Vector {
                algorithm: "MD5",
                username: "Mufasa",
                realm: "http-auth@example.org",
                password: "Circle of Life",
                nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
                cnonce: CNONCE,
                response: "8ca523f5e9506fed4657c9700eebdbec",
            },
            Vector {
                algorithm: "SHA-256",
                username: "Mufasa",
                realm: "http-auth@example.org",
                password: "Circle of Life",
                nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
                cnonce: CNONCE,
                response: "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            },
            Vector {
                algorithm: "SHA-512-256",
                username: "J\u{e4}s\u{f8}n Doe",
                realm: "api@example.org",
                password: "Secret, or not?",
                nonce: "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
                cnonce: "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
                response: "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5",
            },
        ] {
            let algorithm = Algorithm::meant_by(v.algorithm).unwrap();
            // The RFC hashes the user name as userhash's source, plain in HA1.
            assert_eq!(computed(&v, algorithm), v.response, "{} {}", v.algorithm, v.username);
        }
    }

    #[test]
    fn the_truncated_form_is_what_rfc_7616_prints_by_mistake() {
        let v = Vector {
            algorithm: "SHA-512-256",
            username: "J\u{e4}s\u{f8}n Doe",
            realm: "api@example.org",
            password: "Secret, or not?",
            nonce: "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
            cnonce: "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
            response: "",
        };
        let algorithm = Algorithm::meant_by(v.algorithm).unwrap();
        let printed = computed(&v, algorithm.truncating());
        assert_eq!(printed, "ae66e67d6b427bd3f120414a82e4acff38e8ecd9101d6c861229025f607a79dd");
        let userhash = algorithm.hex(&["J\u{e4}s\u{f8}n Doe".as_bytes(), b"api@example.org"]);
        assert_eq!(userhash, "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b");
    }

    #[test]
    fn without_qop_neither_count_nor_cnonce_is_hashed() {
        let given = Authorization { realm: "r".into(), nonce: "n".into(), uri: "sip:r".into(), ..Authorization::default() };
        let asked = Asked { username: "u", password: "p", method: "REGISTER", body: b"" };
        let md5 = Algorithm::MD5;
        let expected = md5.hex(&[md5.hex(&[b"u", b"r", b"p"]).as_bytes(), b"n", md5.hex(&[b"REGISTER", b"sip:r"]).as_bytes()]);
        assert_eq!(response(md5, &asked, &given), expected);
    }
}
