use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use diagnosis::{Check, Code, Diagnosis};
use edge::{Advertise, SipListen, TlsIdentity};
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use sip::digest::Algorithm;
use sip::form_rules::{self, Field};
use sip::{Scheme, Uri};

use super::args::{By, Transport, VerifyArgs};
use super::finding::Finding;
use super::password::Passwords;
use super::why::Why;

/// Who answers a proxy on the way that has a realm of its own (carriers.md C16).
#[derive(Debug)]
pub struct Proxy {
    /// The digest user name.
    pub username: String,
    /// The realm that it may go to.
    pub realm: String,
}

/// What is to be asked, its form judged.
#[derive(Debug)]
pub struct Ask {
    /// Next hops, in order.
    pub registrars: Vec<String>,
    /// Who registers.
    pub address_of_record: String,
    /// The digest user name.
    pub username: String,
    /// The realm to accept; any where absent.
    pub realm: Option<String>,
    /// The algorithm to insist on, by its IANA name.
    pub algorithm: Option<&'static str>,
    /// Who answers a proxy on the way.
    pub proxy: Option<Proxy>,
    /// What may be answered, by IANA names without `-sess`; absent where nothing was said.
    pub allowed: Option<Vec<&'static str>>,
    /// Learns and sends no digest.
    pub challenge_only: bool,
    /// By which request.
    pub by: By,
    /// Where to send from.
    pub local: Option<SipListen>,
    /// What goes into Via and Contact.
    pub advertise: Option<Advertise>,
    /// Further ranges that may be sent to.
    pub allow_targets: Vec<IpNet>,
    /// Name servers; the system's where empty.
    pub dns: Vec<SocketAddr>,
    /// So long may it take.
    pub patience: Duration,
    /// The one transport to use; what URI and DNS say where absent.
    pub transport: Option<Transport>,
    /// The roots to trust, PEM; the public ones where absent.
    pub tls_roots: Option<String>,
    /// The client certificate to show.
    pub tls_identity: Option<TlsIdentity>,
    /// Whether a wildcard is good for one label.
    pub tls_wildcard: bool,
}

/// Why nothing is asked.
#[derive(Debug)]
pub enum Unasked {
    /// The command line is wrong.
    Usage(String),
    /// Refused before anything is sent.
    Refused(Box<Finding>),
    /// A file cannot be used.
    File(String),
}

impl Ask {
    /// Reads the flags.
    pub fn of(args: &VerifyArgs) -> Result<Ask, Unasked> {
        let mut faults: Vec<Why> = Vec::new();
        judge(Field::Uri, "SIP-URI", Some(&args.uri), &mut faults);
        for registrar in &args.registrar {
            judge(Field::Uri, "--registrar", Some(registrar), &mut faults);
        }
        judge(Field::Uri, "--aor", args.aor.as_ref(), &mut faults);
        judge(Field::Username, "--user", args.user.as_ref(), &mut faults);
        judge(Field::Username, "--auth-user", args.auth_user.as_ref(), &mut faults);
        judge(Field::Realm, "--realm", args.realm.as_ref(), &mut faults);
        judge(Field::Algorithm, "--algorithm", args.algorithm.as_ref(), &mut faults);
        judge(Field::Username, "--proxy-user", args.proxy_user.as_ref(), &mut faults);
        judge(Field::Realm, "--proxy-realm", args.proxy_realm.as_ref(), &mut faults);
        for algorithm in &args.allow_algorithm {
            judge(Field::Algorithm, "--allow-algorithm", Some(algorithm), &mut faults);
        }
        if !faults.is_empty() {
            return Err(Unasked::Refused(Box::new(Finding::unasked(faults))));
        }
        transport(args)?;
        let proxy = args.proxy_user.clone().zip(args.proxy_realm.clone()).map(|(username, realm)| Proxy { username, realm });
        if proxy.as_ref().is_some_and(|proxy| proxy.realm == "*") {
            return Err(Unasked::Usage("--proxy-realm names one realm: what a proxy's digest may go to is not learned on the way".into()));
        }
        let tls_roots = args.tls_roots.as_deref().map(roots).transpose().map_err(Unasked::File)?;
        let whole = Uri::parse(&args.uri).map_err(|error| Unasked::Usage(error.to_string()))?;
        let aor = args.aor.as_deref().map(Uri::parse).transpose().map_err(|error| Unasked::Usage(error.to_string()))?;
        let user = user(args, &whole, aor.as_ref())?;
        let address_of_record = args.aor.clone().unwrap_or_else(|| format!("sip:{}@{}", escaped(&user), whole.host));
        let allowed: Vec<&'static str> = args.allow_algorithm.iter().filter_map(|name| base(name)).collect();
        let ask = Ask {
            registrars: std::iter::once(hop(&whole)).chain(args.registrar.iter().cloned()).collect(),
            address_of_record,
            username: args.auth_user.clone().unwrap_or(user),
            realm: args.realm.clone().filter(|realm| realm != "*"),
            algorithm: args.algorithm.as_deref().and_then(|name| Algorithm::from_spelling(name.trim())).map(Algorithm::as_str),
            proxy,
            allowed: (!allowed.is_empty()).then_some(allowed),
            challenge_only: args.challenge_only,
            by: args.by,
            local: args.local,
            advertise: args.advertise,
            allow_targets: args.allow_target.clone(),
            dns: args.dns.clone(),
            patience: Duration::from_secs(args.timeout),
            transport: args.transport,
            tls_roots,
            tls_identity: args.tls_identity.clone(),
            tls_wildcard: args.tls_wildcard,
        };
        ask.policy()?;
        Ok(ask)
    }

    /// Whether it goes over a connection for certain, whatever DNS says.
    pub fn is_connected(&self) -> bool {
        let named = |registrar: &String| match Uri::parse(registrar) {
            Ok(uri) => uri.scheme == Scheme::Sips || uri.transport().is_some_and(|name| !name.eq_ignore_ascii_case("udp")),
            Err(_) => false,
        };
        match self.transport {
            Some(transport) => transport != Transport::Udp,
            None => self.registrars.iter().all(named),
        }
    }

    /// Refuses an algorithm that is insisted on and forbidden in one command.
    fn policy(&self) -> Result<(), Unasked> {
        let (Some(algorithm), Some(allowed)) = (self.algorithm, &self.allowed) else { return Ok(()) };
        if allowed.contains(&algorithm.trim_end_matches("-sess")) {
            return Ok(());
        }
        let list = allowed.join(", ");
        let diagnosis = Diagnosis::new(Code::AlgorithmNotAllowed)
            .summary(format!("--algorithm asks for {algorithm}, but --allow-algorithm allows {list} only."))
            .remedy(format!("Add --allow-algorithm {algorithm}, or ask for an algorithm that is allowed."))
            .check(Check::compared("algorithm.allowed", false, list, algorithm));
        Err(Unasked::Refused(Box::new(Finding::refused(diagnosis))))
    }

    /// Judges the form of the account's password, and of the proxy's.
    pub fn judge_passwords(&self, passwords: &Passwords, accept_whitespace: bool) -> Result<(), Unasked> {
        judge_password("password", "The password", &passwords.account, accept_whitespace)?;
        let proxys = passwords.proxy.as_ref();
        proxys.map_or(Ok(()), |password| judge_password("--proxy-user", "The proxy's password", password, accept_whitespace))
    }
}

fn judge_password(flag: &'static str, name: &str, password: &SecretString, accept_whitespace: bool) -> Result<(), Unasked> {
    form_rules::password(name, password.expose_secret(), accept_whitespace).map_err(|breach| {
        let spaced = breach.code == Code::Whitespace.as_str();
        let why = Why::form(flag, breach);
        let why = if spaced { why.remedy("Remove that character; if the password really has it, give --accept-whitespace.") } else { why };
        let why = if why.code == Code::PasswordEmpty.as_str() {
            why.remedy("Give a password, or --challenge-only to ask without one.")
        } else {
            why
        };
        Unasked::Refused(Box::new(Finding::unasked(vec![why])))
    })
}

fn judge(field: Field, flag: &'static str, text: Option<&String>, faults: &mut Vec<Why>) {
    if let Some(Err(breach)) = text.map(|text| field.judge(flag, text)) {
        faults.push(Why::form(flag, breach));
    }
}

/// Refuses a flag and a URI that do not agree.
fn transport(args: &VerifyArgs) -> Result<(), Unasked> {
    let Some(flag) = args.transport else { return Ok(()) };
    for text in std::iter::once(&args.uri).chain(&args.registrar) {
        let Ok(uri) = Uri::parse(text) else { continue };
        let secure = uri.scheme == Scheme::Sips;
        if secure && !flag.is_secure() {
            return Err(Unasked::Usage(format!("{text:?} demands TLS, and --transport says {}: give tls or wss", flag.as_str())));
        }
        if let Some(named) = uri.transport().filter(|name| Transport::of_uri(name, secure) != Some(flag)) {
            return Err(Unasked::Usage(format!("--transport says {} and {text:?} says {named}: give one of them", flag.as_str())));
        }
    }
    Ok(())
}

/// Reads a file of roots.
fn roots(path: &Path) -> Result<String, String> {
    const BYTES_MAX: u64 = 256 * 1024;
    let wrong = |why: String| format!("the file {} of --tls-roots {why}", path.display());
    let file = std::fs::File::open(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let mut text = String::new();
    let read = file.take(BYTES_MAX + 1).read_to_string(&mut text).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    if read as u64 > BYTES_MAX {
        return Err(wrong("is too large: 256 KB of certificates are enough".to_owned()));
    }
    edge::check_roots(&text).map_err(wrong)?;
    Ok(text)
}

/// Who registers: the flag, else the user part of one of the URIs.
fn user(args: &VerifyArgs, whole: &Uri<'_>, aor: Option<&Uri<'_>>) -> Result<String, Unasked> {
    let written = aor.and_then(|aor| aor.user).or(whole.user).map(unescaped);
    if let (Some(flag), Some(own)) = (&args.user, whole.user.map(unescaped))
        && *flag != own
    {
        return Err(Unasked::Usage(format!(
            "--user says {flag:?} and SIP-URI says {own:?}: give one of them, or --auth-user for the digest user name"
        )));
    }
    args.user.clone().or(written).ok_or_else(|| Unasked::Usage("who registers? Give --user USER, or --aor sip:USER@DOMAIN".into()))
}

/// The next hop that a URI names, without its user part.
fn hop(uri: &Uri<'_>) -> String {
    let port = uri.port.map(|port| format!(":{port}")).unwrap_or_default();
    let params = if uri.params.is_empty() { String::new() } else { format!(";{}", uri.params) };
    let scheme = if uri.scheme == Scheme::Sips { "sips" } else { "sip" };
    format!("{scheme}:{}{port}{params}", uri.host)
}

fn base(name: &str) -> Option<&'static str> {
    let algorithm = Algorithm::from_spelling(name.trim())?;
    Some(Algorithm { session: false, ..algorithm }.as_str())
}

/// Escapes what a user part may not have (RFC 3261 25.1).
fn escaped(user: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&b);
    let mut out = String::with_capacity(user.len());
    for b in user.bytes() {
        if plain(b) { out.push(char::from(b)) } else { out.push_str(&format!("%{b:02X}")) }
    }
    out
}

fn unescaped(user: &str) -> String {
    let mut bytes = Vec::with_capacity(user.len());
    let mut rest = user.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| first == b'%').and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| user.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn ask(words: &[&str]) -> Result<Ask, Unasked> {
        let cli = Cli::try_parse_from(["trunkline", "verify"].iter().chain(words)).unwrap_or_else(|error| panic!("{error}"));
        let Command::Verify(args) = cli.command else { panic!("another command") };
        Ask::of(&args)
    }

    #[test]
    fn who_registers_and_where_follow_from_few_words() {
        for (words, registrar, aor, username) in [
            (&["sip:lab", "--user", "6221"][..], "sip:lab", "sip:6221@lab", "6221"),
            (&["sip:6221@lab:5070;transport=udp"], "sip:lab:5070;transport=udp", "sip:6221@lab", "6221"),
            (&["sip:[::1]:5070", "--user", "a b@c"], "sip:[::1]:5070", "sip:a%20b%40c@[::1]", "a b@c"),
            (&["sip:sbc", "--aor", "sip:%2B62@ims.test"], "sip:sbc", "sip:%2B62@ims.test", "+62"),
            (&["sip:sbc", "--aor", "sip:62@ims.test", "--user", "62@ims.test"], "sip:sbc", "sip:62@ims.test", "62@ims.test"),
            (&["sip:sbc", "--user", "62", "--auth-user", "jkt"], "sip:sbc", "sip:62@sbc", "jkt"),
        ] {
            let ask = ask(words).unwrap_or_else(|unasked| panic!("{words:?}: {unasked:?}"));
            assert_eq!((ask.registrars[0].as_str(), ask.address_of_record.as_str(), ask.username.as_str()), (registrar, aor, username));
        }
        let several = ask(&["sip:a", "--registrar", "sip:b:5070", "--user", "u", "--realm", "*", "--allow-algorithm", "sha256"]).unwrap();
        assert_eq!((several.registrars.len(), several.realm, several.allowed), (2, None, Some(vec!["SHA-256"])));
    }

    #[test]
    fn the_transport_is_what_flag_and_uri_say() {
        for (words, registrar, connected) in [
            (&["sips:lab", "--user", "u"][..], "sips:lab", true),
            (&["sip:lab;transport=tcp", "--user", "u"], "sip:lab;transport=tcp", true),
            (&["sips:lab;transport=tcp", "--user", "u", "--transport", "tls"], "sips:lab;transport=tcp", true),
            (&["sips:lab;transport=ws", "--user", "u", "--transport", "wss"], "sips:lab;transport=ws", true),
            (&["sip:lab", "--user", "u", "--transport", "wss"], "sip:lab", true),
            (&["sip:lab", "--user", "u", "--transport", "udp"], "sip:lab", false),
            (&["sip:lab", "--user", "u"], "sip:lab", false),
            (&["sips:a", "--registrar", "sip:b", "--user", "u"], "sips:a", false),
        ] {
            let ask = ask(words).unwrap_or_else(|unasked| panic!("{words:?}: {unasked:?}"));
            assert_eq!((ask.registrars[0].as_str(), ask.is_connected()), (registrar, connected), "{words:?}");
        }
    }

    #[test]
    fn what_cannot_be_asked_is_told_from_what_cannot_be_right() {
        for (words, says) in [
            (&["sip:lab"][..], "--user"),
            (&["sip:a@lab", "--user", "b"], "--auth-user"),
            (&["sips:lab", "--user", "u", "--transport", "tcp"], "demands TLS"),
            (&["sip:lab;transport=tcp", "--user", "u", "--transport", "tls"], "give one of them"),
            (&["sip:lab", "--user", "u", "--registrar", "sip:b;transport=udp", "--transport", "ws"], "give one of them"),
            (&["sip:lab", "--user", "u", "--proxy-user", "b", "--proxy-realm", "*"], "--proxy-realm names one realm"),
        ] {
            assert!(matches!(ask(words), Err(Unasked::Usage(text)) if text.contains(says)), "{words:?}");
        }
        for (words, code) in [
            (&["lab", "--user", "u"][..], "registration.registrar.malformed"),
            (&["sip:lab", "--user", ""], "registration.username.malformed"),
            (&["sip:lab", "--user", "u\u{a0}"], "registration.whitespace"),
            (&["sip:lab", "--user", "u", "--realm", "sip:lab"], "registration.realm.malformed"),
            (&["sip:lab", "--user", "u", "--proxy-user", "", "--proxy-realm", "edge"], "registration.username.malformed"),
            (&["sip:lab", "--user", "u", "--proxy-user", "b", "--proxy-realm", "sip:edge"], "registration.realm.malformed"),
            (&["sip:lab", "--user", "u", "--algorithm", "SHA-1"], "registration.algorithm.unknown"),
            (&["sip:lab", "--user", "u", "--algorithm", "MD5", "--allow-algorithm", "SHA-256"], "sip.algorithm.not_allowed"),
        ] {
            let Err(Unasked::Refused(finding)) = ask(words) else { panic!("{words:?}") };
            assert_eq!(finding.whys[0].code, code, "{words:?}");
        }
    }
}
