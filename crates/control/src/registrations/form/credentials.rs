//! Credentials as a caller gives them, normalised.

use diagnosis::Code;
use link::{ProxyTerms, Secret, Secrets};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sip::digest::Algorithm;
use sip::form_rules::{self, Field};
use zeroize::Zeroizing;

use super::fault::Fault;
use super::fields::Fields;

/// What `accept` may name.
const WHITESPACE: &str = "registration.whitespace";

/// Credentials as a caller gives them, normalised: IANA names, `*` as absent.
#[derive(Debug)]
pub struct Asked {
    /// The digest user name.
    pub username: String,
    /// Password or HA1 values; the proxy's too, where `proxy` is there.
    pub secrets: Secrets,
    /// The realm to accept; absent: learn it.
    pub realm: Option<String>,
    /// The algorithm to use, by its IANA name; absent: the strongest that is offered and allowed.
    pub algorithm: Option<&'static str>,
    /// What answers a proxy on the way that has a realm of its own.
    pub proxy: Option<ProxyTerms>,
}

/// One set of them: the account's or the proxy's.
struct One {
    username: String,
    secret: Secret,
    realm: Option<String>,
    algorithm: Option<&'static str>,
}

/// The fields before they are judged, from wherever they stood.
#[derive(Default)]
struct Given {
    username: Option<(String, String)>,
    password: Option<(String, SecretString)>,
    realm: Option<(String, String)>,
    algorithm: Option<(String, String)>,
    ha1: Option<(String, Fields)>,
}

impl Asked {
    /// Takes the credentials' fields from `credentials`, or from the top level of the body. `None` where there are none at all.
    pub fn take(body: &mut Fields, accept: &[String], faults: &mut Vec<Fault>) -> Option<Asked> {
        let mut given = Given::default();
        let nested = body.object("credentials", faults);
        let had_object = nested.is_some();
        if let Some(mut nested) = nested {
            given.take(&mut nested, faults);
            nested.finish(faults);
        }
        given.take(body, faults);
        let whitespace = accept.iter().any(|code| code == WHITESPACE);
        let proxy = take_proxys(body, whitespace, faults);
        if !had_object && given.is_empty() {
            if proxy.is_some() {
                let summary = "proxyCredentials go beside the account's own, and none are given.";
                faults.push(Fault::new(Code::UsernameMalformed, "credentials.username", summary));
            }
            return None;
        }
        let One { username, secret, realm, algorithm } = given.judge("credentials", whitespace, faults)?;
        let (proxy, of_proxy) = proxy.unzip();
        Some(Asked { username, secrets: Secrets { account: secret, proxy: of_proxy }, realm, algorithm, proxy })
    }

    /// Takes `accept`: what the caller insists on though it looks like a slip.
    pub fn accept(body: &mut Fields, faults: &mut Vec<Fault>) -> Vec<String> {
        let accept = body.texts("accept", faults).unwrap_or_default();
        for code in &accept {
            if code != WHITESPACE {
                faults.push(Fault::value("accept", format!("accept knows {WHITESPACE:?} only.")));
            }
        }
        accept
    }
}

impl Given {
    fn take(&mut self, fields: &mut Fields, faults: &mut Vec<Fault>) {
        once(&mut self.username, fields, "username", faults, |fields, faults| match fields.take("username")? {
            Value::String(text) => Some(text),
            _ => refuse_kind(Code::UsernameMalformed, fields.path("username"), faults),
        });
        once(&mut self.password, fields, "password", faults, |fields, faults| fields.secret("password", faults));
        once(&mut self.realm, fields, "realm", faults, |fields, faults| match fields.take("realm")? {
            Value::String(text) => Some(text),
            _ => refuse_kind(Code::RealmMalformed, fields.path("realm"), faults),
        });
        once(&mut self.algorithm, fields, "algorithm", faults, |fields, faults| match fields.take("algorithm")? {
            Value::String(text) => Some(text),
            _ => refuse_kind(Code::AlgorithmUnknown, fields.path("algorithm"), faults),
        });
        once(&mut self.ha1, fields, "ha1", faults, |fields, faults| fields.object("ha1", faults));
    }

    fn is_empty(&self) -> bool {
        self.username.is_none() && self.password.is_none() && self.realm.is_none() && self.algorithm.is_none() && self.ha1.is_none()
    }

    fn judge(self, object: &str, accept_whitespace: bool, faults: &mut Vec<Fault>) -> Option<One> {
        let before = faults.len();
        let username = username(object, self.username, faults);
        let realm = realm(self.realm, faults);
        let algorithm = algorithm(self.algorithm, faults);
        let secret = match (self.password, self.ha1) {
            (Some(_), Some((path, _))) => {
                faults.push(
                    Fault::new(Code::Ha1Malformed, path, "A password and HA1 values are given; they exclude each other.")
                        .remedy("Give one of them."),
                );
                None
            }
            (None, Some((path, values))) => {
                let secret = ha1(&path, values, faults);
                if realm.is_none() && faults.iter().skip(before).all(|fault| fault.code() != Code::RealmMalformed.as_str()) {
                    faults.push(Fault::new(
                        Code::Ha1RealmRequired,
                        format!("{object}.realm"),
                        "An HA1 is valid for one realm, and none is given.",
                    ));
                }
                if let (Some(Secret::Ha1(values)), Some(asked)) = (&secret, algorithm) {
                    check_has(asked, values, &path, faults);
                }
                secret
            }
            (password, None) => self::password(object, password, accept_whitespace, faults),
        };
        let algorithm = algorithm.map(Algorithm::as_str);
        (faults.len() == before).then(|| Some(One { username: username?, secret: secret?, realm, algorithm }))?
    }
}

/// Takes `proxyCredentials`; they go to the realm that they name, so it cannot be learned.
fn take_proxys(body: &mut Fields, accept_whitespace: bool, faults: &mut Vec<Fault>) -> Option<(ProxyTerms, Secret)> {
    const OBJECT: &str = "proxyCredentials";
    let mut nested = body.object(OBJECT, faults)?;
    let mut given = Given::default();
    given.take(&mut nested, faults);
    nested.finish(faults);
    let before = faults.len();
    let One { username, secret, realm, algorithm } = given.judge(OBJECT, accept_whitespace, faults)?;
    let Some(realm) = realm else {
        if faults.len() == before {
            let summary = "proxyCredentials go to one realm only, and none is given.";
            let fault = Fault::new(Code::RealmMalformed, format!("{OBJECT}.realm"), summary);
            faults.push(
                fault.remedy(
                    "Set proxyCredentials.realm to the realm that the proxy challenges; a verification with challengeOnly shows it.",
                ),
            );
        }
        return None;
    };
    Some((ProxyTerms { username, realm, algorithm: algorithm.map(str::to_owned) }, secret))
}

fn username(object: &str, given: Option<(String, String)>, faults: &mut Vec<Fault>) -> Option<String> {
    let Some((path, text)) = given else {
        faults.push(Fault::new(Code::UsernameMalformed, format!("{object}.username"), "No user name was given."));
        return None;
    };
    judged(Field::Username, path, text, faults)
}

fn realm(given: Option<(String, String)>, faults: &mut Vec<Fault>) -> Option<String> {
    let (path, text) = given?;
    judged(Field::Realm, path, text, faults).filter(|text| text != "*")
}

fn algorithm(given: Option<(String, String)>, faults: &mut Vec<Fault>) -> Option<Algorithm> {
    let (path, text) = given?;
    let text = judged(Field::Algorithm, path, text, faults)?;
    Algorithm::from_spelling(text.trim())
}

/// Returns a value that keeps the rules of form.
fn judged(field: Field, path: String, text: String, faults: &mut Vec<Fault>) -> Option<String> {
    match field.judge(&path, &text) {
        Ok(()) => Some(text),
        Err(breach) => {
            faults.push(Fault::breach(path, &breach));
            None
        }
    }
}

fn password(object: &str, given: Option<(String, SecretString)>, accept_whitespace: bool, faults: &mut Vec<Fault>) -> Option<Secret> {
    let Some((path, password)) = given else {
        faults.push(Fault::new(Code::PasswordEmpty, format!("{object}.password"), "No password was given."));
        return None;
    };
    match form_rules::password(&path, password.expose_secret(), accept_whitespace) {
        Ok(()) => Some(Secret::Password(password)),
        Err(breach) => {
            faults.push(Fault::breach(path, &breach));
            None
        }
    }
}

fn ha1(path: &str, mut values: Fields, faults: &mut Vec<Fault>) -> Option<Secret> {
    let before = faults.len();
    let mut read: Vec<(String, SecretString)> = Vec::new();
    for (name, value) in values.drain() {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(32).collect();
        let field = format!("{path}.{shown}");
        let Value::String(hex) = value else {
            faults.push(Fault::new(Code::Ha1Malformed, field, "An HA1 is a text of hexadecimal digits."));
            continue;
        };
        let mut hex = SecretString::from(hex);
        let whole = Zeroizing::new(format!("{name}={}", hex.expose_secret()));
        if let Err(breach) = Field::Ha1.judge(&field, &whole) {
            faults.push(Fault::breach(field, &breach));
            continue;
        }
        // The rules have let it pass, so it names one.
        let Some(algorithm) = Algorithm::from_spelling(&name) else { continue };
        let text = hex.expose_secret();
        if read.iter().any(|(known, _)| known == algorithm.as_str()) {
            faults.push(Fault::new(Code::Ha1Malformed, field, format!("{algorithm} is given twice.")));
            continue;
        }
        // RFC 7616 3.4: the digest is hashed as lower-case hexadecimal.
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            hex = SecretString::from(text.to_ascii_lowercase());
        }
        read.push((algorithm.as_str().to_owned(), hex));
    }
    if read.is_empty() && faults.len() == before {
        faults.push(Fault::new(Code::Ha1Malformed, path, "No HA1 value was given."));
    }
    read.sort_by(|a, b| a.0.cmp(&b.0));
    (faults.len() == before).then_some(Secret::Ha1(read))
}

fn check_has(asked: Algorithm, values: &[(String, SecretString)], path: &str, faults: &mut Vec<Fault>) {
    let hash = Algorithm { session: false, ..asked }.as_str();
    if values.iter().all(|(name, _)| name != hash) {
        let fault = Fault::new(Code::Ha1Malformed, path, format!("{asked} is asked for, and no HA1 for {hash} is given."));
        faults.push(fault.remedy(format!("Add the HA1 for {hash}, or ask for an algorithm that one is given for.")));
    }
}

/// Takes a field that may stand in `credentials` or at the top level, but not in both.
fn once<T>(
    slot: &mut Option<(String, T)>,
    fields: &mut Fields,
    name: &str,
    faults: &mut Vec<Fault>,
    take: impl FnOnce(&mut Fields, &mut Vec<Fault>) -> Option<T>,
) {
    let Some(value) = take(fields, faults) else { return };
    let path = fields.path(name);
    match slot {
        None => *slot = Some((path, value)),
        Some((first, _)) => faults.push(Fault::value(&path, format!("{path} and {first} are both given; give one of them."))),
    }
}

fn refuse_kind<T>(code: Code, path: String, faults: &mut Vec<Fault>) -> Option<T> {
    let summary = format!("{path} must be a text in quotes.");
    faults.push(Fault::new(code, path, summary));
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn take(body: Value) -> (Option<Asked>, Vec<Fault>) {
        let Value::Object(map) = body else { panic!("not an object") };
        let (mut fields, mut faults) = (Fields::new(map), Vec::new());
        let accept = Asked::accept(&mut fields, &mut faults);
        let asked = Asked::take(&mut fields, &accept, &mut faults);
        fields.finish(&mut faults);
        (asked, faults)
    }

    fn good(body: Value) -> Asked {
        let (asked, faults) = take(body);
        assert!(faults.is_empty(), "{faults:?}");
        asked.unwrap()
    }

    fn bad(body: Value, code: &str, field: &str) -> Fault {
        let shown = body.to_string();
        let (_, faults) = take(body);
        let fault = faults.first().unwrap_or_else(|| panic!("accepted: {shown}"));
        assert_eq!((fault.code(), fault.field.as_str()), (code, field), "{shown}");
        fault.clone()
    }

    fn with(field: &str, value: Value) -> Value {
        let mut credentials = json!({"username": "u", "password": "p"});
        credentials[field] = value;
        json!({ "credentials": credentials })
    }

    #[test]
    fn fields_stand_in_credentials_or_at_the_top_level() {
        for body in [
            json!({"credentials": {"username": "u", "password": "p", "realm": "r", "algorithm": "sha256"}}),
            json!({"username": "u", "password": "p", "realm": "r", "algorithm": "SHA256"}),
            json!({"username": "u", "credentials": {"password": "p", "realm": "r", "algorithm": "SHA-256"}}),
        ] {
            let asked = good(body);
            assert_eq!((asked.username.as_str(), asked.realm.as_deref(), asked.algorithm), ("u", Some("r"), Some("SHA-256")));
            assert!(matches!(asked.secrets.account, Secret::Password(p) if p.expose_secret() == "p"));
        }
        bad(json!({"username": "u", "credentials": {"username": "u", "password": "p"}}), "invalid.value", "username");
    }

    /// How an example of the table is posted.
    fn posted(field: Field, text: &str) -> Option<Value> {
        let (username, password) = ("u", "p");
        match field {
            Field::Username => Some(json!({"credentials": {"username": text, "password": password}})),
            Field::Password => Some(json!({"credentials": {"username": username, "password": text}})),
            Field::Realm => Some(json!({"credentials": {"username": username, "password": password, "realm": text}})),
            Field::Algorithm => Some(json!({"credentials": {"username": username, "password": password, "algorithm": text}})),
            Field::Ha1 => {
                let (name, hex) = text.split_once('=')?;
                Some(json!({"credentials": {"username": username, "realm": "r", "ha1": {name: hex}}}))
            }
            Field::Uri => None,
        }
    }

    #[test]
    fn credentials_are_judged_by_the_table_of_rules() {
        let mut judged = 0;
        for of in form_rules::TABLE {
            for rule in of.rules {
                for body in rule.valid.iter().filter_map(|text| posted(of.field, text)) {
                    let shown = body.to_string();
                    let (asked, faults) = take(body);
                    assert!(asked.is_some() && faults.is_empty(), "{}, {}: {shown}: {faults:?}", of.title, rule.aspect);
                    judged += 1;
                }
                for (body, code) in rule.invalid.iter().filter_map(|(text, code)| Some((posted(of.field, text)?, *code))) {
                    let shown = body.to_string();
                    let (asked, faults) = take(body);
                    let found: Vec<&str> = faults.iter().map(Fault::code).collect();
                    assert!(asked.is_none() && found == [code], "{}, {}: {shown}: {faults:?}", of.title, rule.aspect);
                    judged += 1;
                }
            }
        }
        assert!(judged > 50, "{judged}");
    }

    #[test]
    fn a_proxys_credentials_stand_beside_the_accounts_and_name_their_realm() {
        let with = |proxy: Value| json!({"username": "u", "password": "p", "proxyCredentials": proxy});
        let asked = good(with(json!({"username": "border", "password": "b0rder", "realm": "edge.proxy", "algorithm": "sha256"})));
        let terms = asked.proxy.expect("terms");
        assert_eq!((terms.username.as_str(), terms.realm.as_str(), terms.algorithm.as_deref()), ("border", "edge.proxy", Some("SHA-256")));
        assert!(matches!(asked.secrets.proxy, Some(Secret::Password(p)) if p.expose_secret() == "b0rder"));
        assert_eq!((asked.username.as_str(), asked.realm), ("u", None));
        for (proxy, code, field) in [
            (json!({"username": "border", "password": "b0rder"}), "registration.realm.malformed", "proxyCredentials.realm"),
            (json!({"username": "border", "password": "b0rder", "realm": "*"}), "registration.realm.malformed", "proxyCredentials.realm"),
            (json!({"password": "b0rder", "realm": "r"}), "registration.username.malformed", "proxyCredentials.username"),
            (json!({"username": "border", "realm": "r"}), "registration.password.empty", "proxyCredentials.password"),
            (json!({"username": "border", "password": "b0rder ", "realm": "r"}), "registration.whitespace", "proxyCredentials.password"),
            (
                json!({"username": "border", "password": "b", "realm": "r", "realms": "r"}),
                "registration.field.unknown",
                "proxyCredentials.realms",
            ),
            (json!({"username": "b", "ha1": {"MD5": "00"}, "realm": "r"}), "registration.ha1.malformed", "proxyCredentials.ha1.MD5"),
        ] {
            bad(with(proxy), code, field);
        }
        let alone = json!({"proxyCredentials": {"username": "border", "password": "b0rder", "realm": "edge.proxy"}});
        bad(alone, "registration.username.malformed", "credentials.username");
    }

    #[test]
    fn spellings_come_back_in_the_iana_form() {
        for (spelling, name) in [("md5", "MD5"), ("SHA512-256", "SHA-512-256"), ("sha-512/256", "SHA-512-256"), ("MD5-SESS", "MD5-sess")] {
            assert_eq!(good(with("algorithm", json!(spelling))).algorithm, Some(name));
        }
        bad(with("algorithm", json!("SHA-1")), "registration.algorithm.unknown", "credentials.algorithm");
        bad(with("algorithm", json!(5)), "registration.algorithm.unknown", "credentials.algorithm");
    }

    #[test]
    fn a_realm_of_a_star_is_to_be_learnt() {
        assert_eq!(good(with("realm", json!("*"))).realm, None);
        assert_eq!(good(with("realm", json!("Asterisk PBX"))).realm.as_deref(), Some("Asterisk PBX"));
        for realm in ["sip:carrier.co.id", "SIPS:x", "\"carrier\"", "car\u{1}rier", ""] {
            bad(with("realm", json!(realm)), "registration.realm.malformed", "credentials.realm");
        }
        for realm in ["carrier.co.id ", "\u{201c}carrier\u{201d}"] {
            bad(with("realm", json!(realm)), "registration.whitespace", "credentials.realm");
        }
    }

    #[test]
    fn what_copying_leaves_is_told_by_position_and_code_point_only() {
        for (password, told) in [
            ("s3cret\u{a0}", "U+00A0 no-break space at position 7"),
            ("s3\u{200b}cret", "U+200B zero-width space at position 3"),
            ("\u{feff}s3cret", "U+FEFF byte order mark at position 1"),
            ("\u{201c}s3cret\u{201d}", "U+201C typographic quotation mark at position 1"),
            (" s3cret", "U+0020 leading white space at position 1"),
            ("s3cret\n", "U+000A trailing white space at position 7"),
            ("s3\ncret", "U+000A control character at position 3"),
        ] {
            let fault = bad(with("password", json!(password)), "registration.whitespace", "credentials.password");
            assert!(fault.summary.contains(told), "{}", fault.summary);
            assert!(!format!("{fault:?}").contains("s3"), "{fault:?}");
            let mut insisted = with("password", json!(password));
            insisted["accept"] = json!(["registration.whitespace"]);
            good(insisted);
        }
        bad(with("username", json!("u\u{a0}")), "registration.whitespace", "credentials.username");
    }

    #[test]
    fn what_is_missing_is_named() {
        bad(json!({"credentials": {"username": "u"}}), "registration.password.empty", "credentials.password");
        bad(with("password", json!("")), "registration.password.empty", "credentials.password");
        bad(json!({"credentials": {"password": "p"}}), "registration.username.malformed", "credentials.username");
        bad(with("username", json!("a\u{7}b")), "registration.username.malformed", "credentials.username");
        bad(with("password", json!("x".repeat(1025))), "invalid.value", "credentials.password");
    }

    #[test]
    fn unknown_fields_name_the_nearest_known_one() {
        let fault = bad(with("pasword", json!("s3cret")), "registration.field.unknown", "credentials.pasword");
        assert_eq!(fault.remedy.as_deref(), Some("Did you mean credentials.password?"));
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let (asked, faults) = take(json!({"credentials": {"username": "", "password": "", "realm": "sip:x", "algorithm": "x"}}));
        assert!(asked.is_none());
        assert_eq!(
            faults.iter().map(Fault::code).collect::<Vec<_>>(),
            [
                "registration.username.malformed",
                "registration.realm.malformed",
                "registration.algorithm.unknown",
                "registration.password.empty"
            ]
        );
    }

    #[test]
    fn an_ha1_needs_a_realm_and_the_length_of_its_hash() {
        let md5 = "0123456789ABCDEF0123456789abcdef";
        let ha1 = |realm: Option<&str>, values: Value| json!({"credentials": {"username": "u", "realm": realm, "ha1": values}});
        let asked = good(ha1(Some("r"), json!({"md5": md5, "SHA-256": "a".repeat(64)})));
        let Secret::Ha1(values) = asked.secrets.account else { panic!("not HA1 values") };
        assert_eq!(values.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["MD5", "SHA-256"]);
        assert_eq!(values[0].1.expose_secret(), md5.to_lowercase());
        bad(ha1(None, json!({"MD5": md5})), "registration.ha1.realm_required", "credentials.realm");
        bad(ha1(Some("*"), json!({"MD5": md5})), "registration.ha1.realm_required", "credentials.realm");
        for (name, value) in
            [("MD5", "0123"), ("SHA-256", md5), ("MD5-sess", md5), ("SHA-1", md5), ("MD5", "zz23456789abcdef0123456789abcdef")]
        {
            bad(ha1(Some("r"), json!({name: value})), "registration.ha1.malformed", &format!("credentials.ha1.{name}"));
        }
        bad(ha1(Some("r"), json!({})), "registration.ha1.malformed", "credentials.ha1");
        let mut both = ha1(Some("r"), json!({"MD5": md5}));
        both["credentials"]["password"] = json!("p");
        bad(both, "registration.ha1.malformed", "credentials.ha1");
        let mut other = ha1(Some("r"), json!({"MD5": md5}));
        other["credentials"]["algorithm"] = json!("SHA-256");
        bad(other, "registration.ha1.malformed", "credentials.ha1");
    }

    #[test]
    fn no_credentials_at_all_are_no_fault_here() {
        let (asked, faults) = take(json!({}));
        assert!(asked.is_none() && faults.is_empty());
    }
}
