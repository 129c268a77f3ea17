use std::net::SocketAddr;

use crate::{Border, CertificateKind, Challenge, GrantShown, Listing, NonceBound, Refusal, Temperament, Which};

/// A row of `carriers.md` as a temperament.
#[derive(Clone, Copy)]
pub struct Row {
    /// Its name: the row's number, with a suffix where a row has several faces.
    pub name: &'static str,
    /// What the carrier does.
    pub does: &'static str,
    apply: fn(&mut Temperament),
}

impl Temperament {
    /// The same temperament with the row of that name on top; `None` if there is no such row. Case does not matter.
    pub fn with(mut self, name: &str) -> Option<Temperament> {
        let row = ROWS.iter().find(|row| row.name.eq_ignore_ascii_case(name))?;
        (row.apply)(&mut self);
        Some(self)
    }
}

/// Names every temperament that can be had by name.
pub fn rows() -> &'static [Row] {
    ROWS
}

const fn row(name: &'static str, does: &'static str, apply: fn(&mut Temperament)) -> Row {
    Row { name, does, apply }
}

const ROWS: &[Row] = &[
    row("C1", "MD5, qop=\"auth\"", |t| t.challenges = vec![Challenge::default()]),
    row("C2", "SHA-256", |t| t.challenges = vec![Challenge::of("SHA-256")]),
    row("C2-512", "SHA-512-256", |t| t.challenges = vec![Challenge::of("SHA-512-256")]),
    row("C2-sess", "SHA-256-sess", |t| t.challenges = vec![Challenge::of("SHA-256-sess")]),
    row("C2-sess-no-qop", "MD5-sess without qop", |t| {
        t.challenges = vec![Challenge { qop: String::new(), ..Challenge::of("MD5-sess") }];
    }),
    row("C3", "MD2, MD5, SHA-256: the strongest last, an unknown one first", |t| {
        t.challenges = ["MD2", "MD5", "SHA-256"].map(Challenge::of).into();
    }),
    row("C3-nonces", "SHA-256 and MD5, each with a nonce of its own", |t| {
        t.challenges = ["SHA-256", "MD5"].map(|name| Challenge { own_nonce: true, ..Challenge::of(name) }).into();
    }),
    row("C3-unknown", "MD2 alone", |t| t.challenges = vec![Challenge::of("MD2")]),
    row("C4", "no algorithm parameter", |t| t.challenges = vec![Challenge::of("")]),
    row("C5", "algorithm=sha256", |t| t.challenges = vec![Challenge::of("sha256")]),
    row("C5-512", "algorithm=SHA512-256", |t| t.challenges = vec![Challenge::of("SHA512-256")]),
    row("C5-quoted", "algorithm=\"MD5\", a quoted token", |t| t.challenges = vec![Challenge::of("\"MD5\"")]),
    row("C5-case", "algorithm=md5", |t| t.challenges = vec![Challenge::of("md5")]),
    row("C6", "no qop (RFC 2069)", |t| t.challenges = vec![Challenge { qop: String::new(), ..Challenge::default() }]),
    row("C7", "qop=\"auth,auth-int\"", |t| t.challenges = vec![Challenge { qop: "auth,auth-int".into(), ..Challenge::default() }]),
    row("C7-int", "qop=\"auth-int\" only", |t| t.challenges = vec![Challenge { qop: "auth-int".into(), ..Challenge::default() }]),
    row("C8", "a realm that is not the domain (sip-1.pb); C9 is the same carrier", foreign_realm),
    row("C9", "a realm that is not the domain (sip-1.pb)", foreign_realm),
    row("C10", "two realms at once, a foreign one first", |t| {
        t.challenges = vec![Challenge { realm: Some("other.example".into()), ..Challenge::default() }, Challenge::default()];
    }),
    row("C11", "nonces live 5 s, stale=true beyond", |t| (t.nonce_life, t.tells_stale) = (5, true)),
    row("C11-for-ever", "stale=true for ever", |t| t.stale_for_ever = true),
    row("C12", "one-time nonces, a bare new challenge beyond", |t| (t.nonce_once, t.tells_stale) = (true, false)),
    row("C13", "a wrong digest: 401 with the same nonce", |t| t.repeats_nonce = true),
    row("C14", "a wrong digest: 401 with a new nonce, for ever", |t| t.repeats_nonce = false),
    row("C15", "one-time nonces, the next in Authentication-Info", |t| (t.nonce_once, t.nextnonce) = (true, true)),
    row("C16", "407 with Proxy-Authenticate", |t| t.proxy = true),
    row("C16-own", "a proxy (realm edge.proxy, user border, password b0rder) asks with 407, then the registrar with 401", |t| {
        t.border = Some(Border::default());
    }),
    row("C16-beside", "the same proxy, its challenge beside the registrar's in one 401", |t| {
        t.border = Some(Border { beside: true, ..Border::default() });
    }),
    row("C17", "a nonce is bound to the source port", |t| t.nonce_bound_to = NonceBound::Port),
    row("C17-call-id", "a nonce is bound to the Call-ID", |t| t.nonce_bound_to = NonceBound::CallId),
    row("C18", "SHA-256 with userhash=true, charset=UTF-8", |t| {
        t.challenges = vec![Challenge { userhash: true, charset: true, ..Challenge::of("SHA-256") }];
    }),
    row("C19-no-realm", "a challenge without realm", |t| raw(t, "Digest nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\"")),
    row("C19-no-nonce", "a challenge without nonce", |t| raw(t, "Digest realm=\"{realm}\", algorithm=MD5, qop=\"auth\"")),
    row("C19-duplicate", "a challenge with two realms in one header", |t| {
        raw(t, "Digest realm=\"{realm}\", realm=\"x\", nonce=\"{nonce}\", algorithm=MD5");
    }),
    row("C19-commas", "bare commas", |t| raw(t, "Digest ,,, realm=\"{realm}\",, nonce=\"{nonce}\" ,")),
    row("C19-quotes", "unbalanced quotes", |t| raw(t, "Digest realm=\"{realm}, nonce=\"{nonce}\", algorithm=MD5")),
    row("C19-4k", "a header of 4 KB", |t| {
        raw(t, &format!("Digest realm=\"{{realm}}\", nonce=\"{{nonce}}\", opaque=\"{}\", algorithm=MD5, qop=\"auth\"", "o".repeat(4096)));
    }),
    row("C19-scheme", "a scheme that is not Digest", |t| raw(t, "Basic realm=\"{realm}\"")),
    row("C19-missing", "401 without a challenge header", |t| t.forgets_challenge = true),
    row("C20", "SHA-512-256 computed as a truncated SHA-512", |t| {
        (t.challenges, t.truncated_sha512) = (vec![Challenge::of("SHA-512-256")], true);
    }),
    row("C21", "MD5 only, where more may have been pinned", |t| t.challenges = vec![Challenge::default()]),
    row("C21-no-qop", "SHA-256 without qop, where qop may have been seen before", |t| {
        t.challenges = vec![Challenge { qop: String::new(), ..Challenge::of("SHA-256") }];
    }),
    row("C22", "no challenge at all", |t| t.challenges_register = false),
    row("C23", "compares the digest uri with the Request-URI byte for byte (the default)", |t| t.compares_uri = true),
    row("F1", "403 before a challenge", |t| refuse(t, Refusal::before_digest(403))),
    row("F2", "403 to a wrong digest", |t| t.wrong_digest = 403),
    row("F2-right", "403 to a right digest", |t| refuse(t, Refusal::after_digest(403))),
    row("F3", "404 for a user without an account", |t| t.unknown_user = Some(404)),
    row("F3-all", "404 for every user", |t| refuse(t, Refusal::before_digest(404))),
    row("F4", "423 with Min-Expires 1800", |t| t.min_expires = Some(1800)),
    row("F5", "423 without Min-Expires", |t| brief(t, "")),
    row("F5-zero", "423 with Min-Expires 0", |t| brief(t, "0")),
    row("F5-smaller", "423 with a Min-Expires smaller than what was asked", |t| brief(t, "10")),
    row("F5-huge", "423 with Min-Expires 2^32", |t| brief(t, "4294967296")),
    row("F6", "503 with Retry-After 30", |t| refuse(t, Refusal::before_digest(503).header("Retry-After: 30"))),
    row("F6-500", "500", |t| refuse(t, Refusal::before_digest(500))),
    row("F7", "503 with Retry-After, comment and parameters", |t| {
        refuse(t, Refusal::before_digest(503).header("Retry-After: 120 (in maintenance);duration=3600"));
    }),
    row("F8", "301 to another host", |t| refuse(t, Refusal::before_digest(301).header("Contact: <sip:other.example:5060>"))),
    row("F9", "420 for path", |t| refuse(t, Refusal::before_digest(420).header("Unsupported: path"))),
    row("F9-421", "421 for outbound", |t| refuse(t, Refusal::before_digest(421).header("Require: outbound"))),
    row("F9-494", "494 Security Agreement Required", |t| {
        refuse(t, Refusal::before_digest(494).header("Security-Server: ipsec-3gpp;q=0.1"));
    }),
    row("F10", "100 Trying first, each final answer twice", |t| (t.trying, t.duplicates) = (true, 1.0)),
    row("F11", "403 whose reason phrase carries the cause", |t| {
        refuse(t, Refusal::before_digest(403).reason("Registration limit exceeded [E-1107] \u{2014} Nomor diblokir"));
    }),
    row("F12", "503 to REGISTER, while OPTIONS answers", |t| refuse(t, Refusal::before_digest(503))),
    row("F12-reverse", "503 to OPTIONS, while REGISTER answers", |t| t.options_code = 503),
    row("F13", "603 Decline", |t| refuse(t, Refusal::before_digest(603))),
    row("F14", "480 Temporarily Unavailable", |t| refuse(t, Refusal::before_digest(480))),
    row("F14-400", "400 Bad Request", |t| refuse(t, Refusal::before_digest(400))),
    row("F14-481", "481 after the digest", |t| refuse(t, Refusal::after_digest(481))),
    row("F15", "400 naming CSeq where it does not rise within a Call-ID", |t| (t.cseq_code, t.cseq_strict) = (400, true)),
    row("B1", "grants at most 120 s, said in Contact only", |t| (t.grants_at_most, t.grant_shown) = (120, GrantShown::Contact)),
    row("B1-expires", "grants at most 120 s, said in Expires only", |t| (t.grants_at_most, t.grant_shown) = (120, GrantShown::Expires)),
    row("B1-more", "grants 7200 s whatever was asked", |t| t.grants = Some(7200)),
    row("B2", "lists others before ours", others),
    row("B2-natted", "lists others, and ours with host and port rewritten", |t| {
        others(t);
        t.lists = Listing::Natted;
    }),
    row("B2-shouted", "lists others, and ours upper-cased, reordered, with one more parameter", |t| {
        others(t);
        t.lists = Listing::Shouted;
    }),
    row("B3", "lists others, not ours", |t| {
        others(t);
        t.lists = Listing::OthersOnly;
    }),
    row("B3a", "lists nothing", |t| t.lists = Listing::Nothing),
    row("B4", "grants 60 s", |t| t.grants = Some(60)),
    row("B4a", "grants 15 s", |t| t.grants = Some(15)),
    row("B4a-zero", "grants 0 s", |t| t.grants = Some(0)),
    row("B5", "one binding per account", |t| t.one_binding = true),
    row("B6", "two bindings per account at most", |t| t.binding_limit = Some(2)),
    row("B6-port", "four accounts from one source address and port at most", |t| t.port_limit = Some(4)),
    row("B7", "challenges the un-REGISTER like any other, a nonce each", |t| (t.nonce_once, t.challenges_register) = (true, true)),
    row("B8", "refuses every CSeq that does not rise within its Call-ID", |t| t.cseq_strict = true),
    row("B9", "Service-Route and P-Associated-URI in the 200", |t| {
        t.ok_headers = vec!["Service-Route: <sip:orig@scscf.example;lr>".into(), "P-Associated-URI: <tel:+6221500004>".into()];
    }),
    row("B10", "demands RFC 5626 outbound, answers with Flow-Timer", |t| {
        t.demands = vec!["outbound".into(), "path".into()];
        t.ok_headers.extend(["Require: outbound".into(), "Flow-Timer: 30".into()]);
    }),
    row("B10-silent", "as B10, and does not answer CRLF keep-alives", |t| {
        t.demands = vec!["outbound".into(), "path".into()];
        t.ok_headers.extend(["Require: outbound".into(), "Flow-Timer: 30".into()]);
        t.answers_pings = false;
    }),
    row("B10-gin", "demands RFC 6140 gin", |t| t.demands = vec!["gin".into(), "path".into()]),
    row("B11", "a query of bindings: 403 before a digest", |t| refuse(t, Refusal::before_digest(403).of(Which::Query))),
    row("B11-400", "a query of bindings: 400 before a digest", |t| refuse(t, Refusal::before_digest(400).of(Which::Query))),
    row("B11-405", "a query of bindings: 405 before a digest", |t| refuse(t, Refusal::before_digest(405).of(Which::Query))),
    row("B11-420", "a query of bindings: 420 before a digest", |t| refuse(t, Refusal::before_digest(420).of(Which::Query))),
    row("B11-501", "a query of bindings: 501 before a digest", |t| refuse(t, Refusal::before_digest(501).of(Which::Query))),
    row("B11-after", "a query of bindings: 403 after the digest", |t| refuse(t, Refusal::after_digest(403).of(Which::Query))),
    row("B11-400-after", "a query of bindings: 400 after the digest", |t| refuse(t, Refusal::after_digest(400).of(Which::Query))),
    row("B11-405-after", "a query of bindings: 405 after the digest", |t| refuse(t, Refusal::after_digest(405).of(Which::Query))),
    row("B11-silent", "a query of bindings: silence", |t| refuse(t, Refusal { of: Which::Query, ..Refusal::default() })),
    row("B12", "refuses a second Contact while the first is bound", |t| t.binding_limit = Some(1)),
    row("N1", "dead: answers nothing", |t| t.drops = vec!["REGISTER".into(), "OPTIONS".into()]),
    row("N3", "answers OPTIONS, drops REGISTER", |t| t.drops = vec!["REGISTER".into()]),
    row("N4", "loses 30 % of datagrams, duplicates 10 %, delays by up to 2 s", |t| {
        (t.loss, t.duplicates, t.delay_max) = (0.3, 0.1, 2000);
    }),
    row("N5", "behind an address translator: sees requests come from 203.0.113.7:40000", |t| {
        t.sees = Some(SocketAddr::from(([203, 0, 113, 7], 40_000)));
    }),
    row("N6", "drops requests above 1300 bytes that come over UDP", |t| t.datagram_bytes_max = Some(1300)),
    row("N6-refused", "resets every TCP connection", |t| t.refuses_connections = true),
    row("N7", "answers on a stream in pieces of 100 bytes, several in one write, CRLF glued to each", |t| {
        (t.piece_bytes, t.gathers, t.glues) = (Some(100), 20, true);
    }),
    row("N7-split", "answers on a stream in pieces of 7 bytes", |t| t.piece_bytes = Some(7)),
    row("N7-merged", "answers on a stream are gathered for 50 ms and go in one write", |t| t.gathers = 50),
    row("N7-glued", "CRLF CRLF before each answer on a stream, CRLF after it", |t| t.glues = true),
    row("N7-cut", "the first answer on a stream is cut in the middle, and its connection closed", |t| t.cuts = 1),
    row("N7-drops", "every connection is closed 10 s after it was made", |t| t.closes_after = Some(10)),
    row("N7-flow", "forgets the bindings of a connection that ends", |t| t.unbinds_closed = true),
    row("N8", "a certificate from a private authority (the default)", |t| t.certificate = CertificateKind::Good),
    row("N8-expired", "an expired certificate", |t| t.certificate = CertificateKind::Expired),
    row("N8-early", "a certificate that is not valid yet", |t| t.certificate = CertificateKind::NotYetValid),
    row("N8-name", "a certificate for another name", |t| t.certificate = CertificateKind::WrongName),
    row("N8-wildcard", "a wildcard certificate", |t| t.certificate = CertificateKind::Wildcard),
    row("N8-self", "a self-signed certificate", |t| t.certificate = CertificateKind::SelfSigned),
    row("N8-other", "a certificate from another authority than the lab's", |t| t.certificate = CertificateKind::OtherAuthority),
    row("N8-chain", "the intermediate certificate is not sent along", |t| t.certificate = CertificateKind::Incomplete),
    row("N8-common-name", "the name stands in the common name only", |t| t.certificate = CertificateKind::CommonName),
    row("N8-client", "demands a client certificate", |t| t.demands_certificate = true),
    row("N9", "a connection answers 403 to everything after 4 requests", |t| t.stale_after_requests = Some(4)),
    row("N9-aged", "a connection answers 403 to everything after 10 s", |t| t.stale_after = Some(10)),
    row("N10", "no answer to an address after 3 refused digests running", |t| t.blocks_after = Some(3)),
    row("N11", "forged answers come before each true one", |t| t.forges = true),
    row("N13", "calls each newly bound Contact", |t| t.calls = true),
];

fn foreign_realm(t: &mut Temperament) {
    t.challenges.iter_mut().for_each(|challenge| challenge.realm = Some("sip-1.pb".into()));
}

fn raw(t: &mut Temperament, text: &str) {
    t.challenges = vec![Challenge { raw: Some(text.into()), ..Challenge::default() }];
}

fn refuse(t: &mut Temperament, refusal: Refusal) {
    t.refusals.push(refusal);
}

fn brief(t: &mut Temperament, says: &str) {
    (t.min_expires, t.min_expires_says) = (Some(1800), Some(says.into()));
}

fn others(t: &mut Temperament) {
    t.lists_also = vec!["<sip:desk@192.0.2.77:5060>;expires=3000".into(), "\"Other\" <sip:other@192.0.2.78>;q=0.5;expires=7".into()];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_row_changes_something_or_names_the_default() {
        let defaults = ["C1", "C14", "C21", "C23", "N8"];
        for (i, row) in ROWS.iter().enumerate() {
            assert!(ROWS[..i].iter().all(|other| !other.name.eq_ignore_ascii_case(row.name)), "{} twice", row.name);
            let changed = Temperament::default().with(&row.name.to_lowercase()).unwrap() != Temperament::default();
            assert_eq!(changed, !defaults.contains(&row.name), "{}", row.name);
        }
        assert!(Temperament::default().with("C99").is_none());
    }

    #[test]
    fn the_guide_names_every_row() {
        let guide = include_str!("../../../docs/guide/lab-carrier.md");
        for row in ROWS {
            assert!(guide.contains(&format!("| {} |", row.name)), "{} is not in docs/guide/lab-carrier.md", row.name);
        }
    }
}
