//! The situations, grouped by who finds out and when.

use super::situation::{Ask, At, PASSWORD, REALM, Seen, Situation, Stream};
use crate::support::digest::{Algorithm, is_right};
use crate::support::udp::{self, Peer, has_digest};

const fn s(case: &'static str, code: &'static str, says: &'static str, act: &'static str) -> Situation {
    Situation::new(case, code, says, act)
}

const FIX_REALM: &str = "set the realm that the carrier offers, or leave it out";
const READ_CHALLENGE: &str = "show the header to the carrier's support";
const RIGHT_PASSWORD: &str = "set the user name and password of the carrier's sheet";
const RENEW: &str = r#"{"verifyBy": "renew"}"#;

/// All of them.
pub const TABLE: &[Situation] = &[
    // The form: no carrier is asked.
    s("the user name is empty", "registration.username.malformed", "user name", "copy the user name from the sheet")
        .credentials(r#"{"username": ""}"#)
        .seen(Seen::Refused(400)),
    s("the password is empty", "registration.password.empty", "password", "give the password")
        .credentials(r#"{"password": ""}"#)
        .seen(Seen::Refused(400)),
    s("the realm is written as a SIP URI", "registration.realm.malformed", "realm", "give the bare realm, or leave it out")
        .credentials(r#"{"realm": "sip:lab.test"}"#)
        .seen(Seen::Refused(400)),
    s("the password was copied with a no-break space", "registration.whitespace", "U+00A0", "remove what copying left")
        .credentials("{\"password\": \"first-Secret-7\u{a0}\"}")
        .seen(Seen::Refused(400)),
    s("the password was copied with a line feed", "registration.whitespace", "U+000A", "remove what copying left")
        .credentials(r#"{"password": "first-Secret-7\n"}"#)
        .seen(Seen::Refused(400)),
    s("the sheet says SHA-3", "registration.algorithm.unknown", "SHA-256", "choose MD5, SHA-256 or SHA-512-256")
        .credentials(r#"{"algorithm": "SHA3-256"}"#)
        .seen(Seen::Refused(400)),
    s("an HA1 has the wrong length", "registration.ha1.malformed", "32", "give the hexadecimal digest of its algorithm")
        .credentials(r#"{"password": null, "realm": "lab.test", "ha1": {"MD5": "abc"}}"#)
        .seen(Seen::Refused(400)),
    s("an HA1 comes without a realm", "registration.ha1.realm_required", "realm", "name the realm that the HA1 was made for")
        .credentials(r#"{"password": null, "ha1": {"MD5": "0123456789abcdef0123456789abcdef"}}"#)
        .seen(Seen::Refused(400)),
    s("a field is misspelt", "registration.field.unknown", "algorithm", "correct the field's name")
        .credentials(r#"{"algoritm": "MD5"}"#)
        .seen(Seen::Refused(400)),
    s("a registrar is no SIP URI", "registration.registrar.malformed", "sip:", "write it as a SIP URI")
        .ask(Ask::Post("/api/v2/carriers", r#"{"id": "bad-uri", "name": "Bad", "registrars": ["http://carrier.example"]}"#))
        .seen(Seen::Refused(400)),
    // Policy: ours.
    s(
        "MD5 alone is offered and the policy forbids it",
        "sip.algorithm.not_allowed",
        "MD5",
        "allow the algorithm, or have a stronger one offered",
    )
    .profile(r#"{"digestPolicy": {"allowed": ["SHA-256", "SHA-512-256"]}}"#),
    s("a forbidden algorithm is asked for", "sip.algorithm.not_allowed", "MD5", "allow the algorithm, or have a stronger one offered")
        .profile(r#"{"digestPolicy": {"allowed": ["SHA-256", "SHA-512-256"]}}"#)
        .credentials(r#"{"algorithm": "MD5"}"#),
    s("the carrier falls back from SHA-256 to MD5", "sip.algorithm.downgrade.refused", "SHA-256", "ask the carrier why")
        .at(At::Peer(weakens))
        .trunk(r#"{"digestPolicy": {"allowed": ["MD5", "SHA-256"], "onDowngrade": "refuse"}}"#)
        .ask(Ask::Refreshed)
        .seen(Seen::Present),
    s("three passwords were refused in ten minutes", "registration.budget_spent", "", "wait, and get the right password")
        .ask(Ask::Wrong(4))
        .seen(Seen::Refused(429)),
    s("the active password was refused twice", "registration.held", "", "set new credentials, or release the hold")
        .at(At::Peer(forgets_the_password))
        .profile(r#"{"nonceReuse": "never"}"#)
        .ask(Ask::Held)
        .seen(Seen::Refused(409)),
    s("no edge serves the trunk's site", "edge.offline", "edge", "bring an edge of the site up").ask(Ask::Offline).seen(Seen::Refused(503)),
    // The network.
    s(
        "the registrar's name does not exist",
        "network.dns.failed",
        "registrar.carrier.invalid",
        "correct the name, or the edge's name servers",
    )
    .at(At::Uri("sip:registrar.carrier.invalid;transport=udp")),
    s("the registrar's address is private", "network.target.forbidden", "10.66.0.9", "allow the range, if it is meant")
        .at(At::Uri("sip:10.66.0.9:5060;transport=udp")),
    s("the registrar's port belongs to another service", "network.port.forbidden", "53", "use the carrier's SIP port").at(At::Nobody(53)),
    s("the registrar has IPv6 only, the edge has not", "network.family.unsupported", "2600::9", "give the edge a socket of that family")
        .at(At::Uri("sip:[2600::9]:5060;transport=udp")),
    s("nothing listens at the registrar's port", "network.refused", "5062", "correct port and transport").at(At::Nobody(5062)),
    s("nothing comes back at all", "network.timeout", "", "check the firewall and the carrier's list of addresses").at(At::Silent),
    s("nothing listens at the registrar's TCP port", "network.refused", "5063", "correct port and transport")
        .at(At::Uri("sip:127.0.0.1:5063;transport=tcp")),
    s("a TLS port is asked in plain TCP", "network.connection.lost", "TCP", "make port and transport agree").speaks("tls", "tcp", ""),
    s("every connection is reset", "network.connection.lost", "", "make port and transport agree").speaks(
        "tcp",
        "tcp",
        "refuses_connections = true",
    ),
    s("a port of plain TCP is asked for TLS", "tls.handshake.failed", "TLS", "ask the carrier which TLS it speaks at which port")
        .speaks("tcp", "tls", ""),
    s("the web server knows no SIP WebSocket", "network.websocket.refused", "403", "ask for the URI of the SIP WebSocket").speaks(
        "ws",
        "ws",
        "websocket = \"refuses\"",
    ),
    s("the web server does not agree to the subprotocol sip", "network.websocket.refused", "sip", "ask for the URI of the SIP WebSocket")
        .speaks("ws", "ws", "websocket = \"no-protocol\""),
    s("the certificate is of a private authority", "tls.certificate.untrusted", "tls.roots", "add the carrier's root to the profile")
        .at(At::Stream(Stream { speaks: "tls", asked: "tls", rows: &["N8"], more: "", trusted: false })),
    s("the certificate is signed by itself", "tls.certificate.untrusted", "itself", "add the carrier's root to the profile")
        .tls(&["N8-self"]),
    s(
        "the certificate is of another authority than was named",
        "tls.certificate.untrusted",
        "tls.roots",
        "add the carrier's root to the profile",
    )
    .tls(&["N8-other"]),
    s("the intermediate certificate is not sent", "tls.certificate.untrusted", "issued by", "add the carrier's root to the profile")
        .tls(&["N8-chain"]),
    s("the certificate has expired", "tls.certificate.expired", "2002", "have the carrier renew it, or set the clock").tls(&["N8-expired"]),
    s("the certificate is not valid yet", "tls.certificate.expired", "2090", "have the carrier renew it, or set the clock")
        .tls(&["N8-early"]),
    s("the certificate is for another name", "tls.name.mismatch", "wrong.invalid", "name the host that the certificate is for")
        .tls(&["N8-name"]),
    s(
        "the carrier demands a client certificate",
        "tls.client_certificate.required",
        "clientCertificate",
        "give the edge a certificate, and name it in the profile",
    )
    .tls(&["N8-client"]),
    s("the password is wrong, over TLS", "sip.credentials.rejected", "alice", RIGHT_PASSWORD)
        .tls(&[])
        .credentials(r#"{"password": "wrong-1"}"#),
    s("OPTIONS answers, REGISTER is dropped", "network.register.ignored", "OPTIONS", "ask whether account and address are provisioned")
        .lab(&["N3"]),
    s(
        "the carrier goes silent after refused digests",
        "network.block.suspected",
        "",
        "ask the carrier to unblock the address; stop trying",
    )
    .at(At::Lab(&[], "blocks_after = 2"))
    .ask(Ask::AfterFailuresOfOthers),
    // The challenge: before a digest is sent.
    s("the realm is another one", "sip.realm.mismatch", "sip-1.pb", FIX_REALM)
        .lab(&["C8"])
        .credentials(r#"{"realm": "ims.carrier.co.id"}"#),
    s("the realm differs in case", "sip.realm.mismatch", "case", FIX_REALM).credentials(r#"{"realm": "Lab.Test"}"#),
    s("the realm differs in white space", "sip.realm.mismatch", "white space", FIX_REALM)
        .at(At::Lab(&[], r#"challenges = [{ realm = "Carrier  IMS" }]"#))
        .credentials(r#"{"realm": "Carrier IMS"}"#),
    s("the domain was given for the realm", "sip.realm.mismatch", "domain", FIX_REALM).lab(&["C8"]).credentials(r#"{"realm": "lab.test"}"#),
    s(
        "MD2 alone is offered",
        "sip.algorithm.unsupported",
        "MD2",
        "ask for a registered one; where the literal text means one, add it to algorithmAliases",
    )
    .lab(&["C3-unknown"]),
    s(
        "SHA-512-256 is spelt SHA512-256",
        "sip.algorithm.unsupported",
        "SHA512-256",
        "ask for a registered one; where the literal text means one, add it to algorithmAliases",
    )
    .lab(&["C5-512"]),
    s("the sheet says SHA-256, the carrier offers MD5", "sip.algorithm.not_offered", "MD5", "ask for an offered algorithm")
        .credentials(r#"{"algorithm": "SHA-256"}"#),
    s("an MD5 HA1 meets a SHA-256 carrier", "sip.algorithm.no_ha1", "SHA-256", "give the HA1 of an offered algorithm")
        .lab(&["C2"])
        .credentials(r#"{"password": null, "realm": "lab.test", "ha1": {"MD5": "0123456789abcdef0123456789abcdef"}}"#),
    s("the challenge has no realm", "sip.challenge.malformed", "realm", READ_CHALLENGE).lab(&["C19-no-realm"]),
    s("the challenge has no nonce", "sip.challenge.malformed", "nonce", READ_CHALLENGE).lab(&["C19-no-nonce"]),
    s("the challenge has two realms", "sip.challenge.malformed", "realm", READ_CHALLENGE).lab(&["C19-duplicate"]),
    s("the challenge has unbalanced quotes", "sip.challenge.malformed", "", READ_CHALLENGE).lab(&["C19-quotes"]),
    s("401 comes without a challenge", "sip.challenge.missing", "401", "show the answer to the carrier's support").lab(&["C19-missing"]),
    s("qop is auth-conf only", "sip.qop.unsupported", "", "show the challenge to the carrier's support")
        .at(At::Lab(&[], r#"challenges = [{ qop = "auth-conf" }]"#)),
    s("a proxy on the way challenges a realm of its own", "sip.proxy.credentials_required", "edge.proxy.test", "set proxyCredentials")
        .at(At::Peer(behind_a_proxy))
        .credentials(r#"{"realm": "lab.test"}"#),
    s(
        "the password for the proxy is wrong",
        "sip.proxy.credentials_rejected",
        "border",
        "set user name and password of proxyCredentials as the sheet has them",
    )
    .lab(&["C16-own"])
    .beside(r#"{"proxyCredentials": {"username": "border", "realm": "edge.proxy", "password": "wrong-1"}}"#),
    s("403 before a challenge", "sip.forbidden.before_challenge", "403", "ask whether address and account are provisioned").lab(&["F1"]),
    s(
        "403 with the cause in its phrase",
        "sip.forbidden.before_challenge",
        "IP 7 not whitelisted",
        "ask whether address and account are provisioned",
    )
    .at(At::Lab(&[], r#"refusals = [{ code = 403, reason = "IP 7 not whitelisted [E-1107]" }]"#)),
    s("404 for the user", "sip.user.unknown", "alice", "correct user and domain of the address-of-record").lab(&["F3-all"]),
    s("604 for the user", "sip.user.unknown", "604", "correct user and domain of the address-of-record")
        .at(At::Lab(&[], "refusals = [{ code = 604 }]")),
    // The digest.
    s("the password is wrong", "sip.credentials.rejected", "password", RIGHT_PASSWORD).credentials(r#"{"password": "wrong-1"}"#),
    s("the password is wrong, the nonce comes again", "sip.credentials.rejected", "password", RIGHT_PASSWORD)
        .lab(&["C13"])
        .credentials(r#"{"password": "wrong-1"}"#),
    s("403 to the digest", "sip.forbidden.after_auth", "403", "check the password, then ask whether the account is barred")
        .lab(&["F2"])
        .credentials(r#"{"password": "wrong-1"}"#),
    s("the carrier asks for no digest", "sip.credentials.unproven", "acceptUnproven", "accept it unproven, if the carrier goes by address")
        .lab(&["C22"]),
    s("the query is refused after the digest", "sip.verify.ambiguous", "renew", "verify by renewal").lab(&["B11-400-after"]),
    s(
        "queries are refused, and the trunk is out of service",
        "sip.verify.needs_binding",
        "static",
        "promote without asking, or put the trunk in service",
    )
    .lab(&["B11"])
    .trunk(r#"{"inService": false}"#),
    s("every nonce is called stale", "sip.nonce.stale_loop", "stale", "tell the carrier that its nodes share no nonces")
        .lab(&["C11-for-ever"]),
    s(
        "the carrier computes a truncated SHA-512",
        "sip.digest.suspect_truncated_sha512",
        "truncatedSha512",
        "set truncatedSha512, or use another algorithm",
    )
    .lab(&["C20"]),
    s("the digest is never answered", "verification.indeterminate", "", "verify again once the carrier answers")
        .at(At::Peer(swallows_digests)),
    // The binding.
    s("423 without a usable Min-Expires", "sip.interval.too_brief", "423", "set a longer expires").lab(&["F5-zero"]).profile(RENEW),
    s("the carrier redirects", "sip.redirected", "other.example", "list the host in redirectHosts, if the carrier confirms it")
        .lab(&["F8"]),
    s("others are bound, ours is not", "sip.binding.missing", "", "ask who else uses the account")
        .lab(&["B3"])
        .ask(Ask::Look)
        .seen(Seen::Present),
    s("the carrier grants nothing", "sip.binding.missing", "", "ask who else uses the account")
        .lab(&["B4a-zero"])
        .ask(Ask::Look)
        .seen(Seen::Present),
    s("the account has all the bindings that it may", "sip.binding.limit", "", "remove other devices from the account")
        .at(At::Lab(&[], r#"refusals = [{ code = 403, reason = "Registration limit exceeded", when = "after-digest", of = "binding" }]"#))
        .ask(Ask::Look)
        .seen(Seen::Present),
    s("no CSeq is high enough", "sip.cseq.rejected", "CSeq", "have the carrier clear the old binding")
        .at(At::Lab(&[], r#"refusals = [{ code = 500, reason = "CSeq out of order", of = "binding" }]"#))
        .ask(Ask::Look)
        .seen(Seen::Present),
    s("420 demands an extension", "sip.extension.required", "path", "enable the extension in the profile").lab(&["F9"]),
    s("421 demands outbound", "sip.extension.required", "outbound", "enable the extension in the profile").lab(&["F9-421"]),
    s("494 demands a security agreement", "sip.security_agreement.required", "494", "ask for an access without it").lab(&["F9-494"]),
    s("another 4xx", "sip.request.rejected", "480", "show code and phrase to the carrier's support").lab(&["F14"]),
    // The carrier.
    s("503 with Retry-After", "carrier.unavailable", "503", "nothing; it is tried again").lab(&["F6"]),
    s("500", "carrier.unavailable", "500", "nothing; it is tried again").lab(&["F6-500"]),
    s("429", "carrier.rate_limited", "429", "lower the carrier's pacing").at(At::Lab(&[], "refusals = [{ code = 429 }]")),
    s("603 Decline", "carrier.declined", "603", "ask the carrier about the account").lab(&["F13"]),
    // Registered, with something to know.
    s("MD5 is what the carrier asks for", "sip.algorithm.weak", "", "ask for SHA-256").ask(Ask::Look).seen(Seen::Warned),
    s("registered without a digest", "registration.unauthenticated", "", "ask whether the carrier goes by address")
        .lab(&["C22"])
        .ask(Ask::Look)
        .seen(Seen::Warned),
    s("the 200 lists no Contact", "sip.binding.unlisted", "", "know it, should calls fail").lab(&["B3a"]).ask(Ask::Look).seen(Seen::Warned),
    s("15 s are granted", "sip.interval.unsustainable", "", "ask for an expiry of 60 s or more")
        .lab(&["B4a"])
        .ask(Ask::Look)
        .seen(Seen::Warned),
    s("at least two hours are demanded", "sip.interval.long", "", "ask for a shorter minimum")
        .at(At::Lab(&[], "min_expires = 7200"))
        .ask(Ask::Look)
        .seen(Seen::Warned),
    s("host and port of the Contact were rewritten", "sip.contact.rewritten", "", "advertise the public address, or set natRewrite")
        .at(At::Peer(rewrites_contacts))
        .ask(Ask::Look)
        .seen(Seen::Warned),
];

/// SHA-256 until somebody is registered, MD5 after that.
fn weakens() -> Peer {
    let mut bound = false;
    Peer::registrar(move |request| {
        if is_right(request, Algorithm::Sha256, PASSWORD) && !bound {
            bound = udp::header(request, "Contact").is_some();
            return Some(udp::granted(request, 600));
        }
        Some(udp::challenge(request, REALM, if bound { "MD5" } else { "SHA-256" }, "n1"))
    })
}

/// Knows the password until somebody is registered.
fn forgets_the_password() -> Peer {
    let (mut bound, mut nonces) = (false, 0);
    Peer::registrar(move |request| {
        if has_digest(request) && !bound {
            bound = udp::header(request, "Contact").is_some();
            return Some(udp::granted(request, 600));
        }
        nonces += 1;
        Some(udp::challenge(request, REALM, "MD5", &format!("n{nonces}")))
    })
}

fn behind_a_proxy() -> Peer {
    Peer::registrar(|request| {
        let challenge = "Proxy-Authenticate: Digest realm=\"edge.proxy.test\", nonce=\"n1\", qop=\"auth\", algorithm=MD5\r\n";
        Some(udp::reply(request, 407, "Proxy Authentication Required", challenge))
    })
}

fn swallows_digests() -> Peer {
    Peer::registrar(|request| (!has_digest(request)).then(|| udp::challenge(request, REALM, "MD5", "n1")))
}

/// Grants a Contact of the same user at an address of its own choice.
fn rewrites_contacts() -> Peer {
    Peer::registrar(|request| {
        if !has_digest(request) {
            return Some(udp::challenge(request, REALM, "MD5", "n1"));
        }
        let contact = udp::header(request, "Contact").map(|_| "Contact: <sip:alice@192.0.2.9:40000>;expires=600\r\n");
        Some(udp::reply(request, 200, "OK", contact.unwrap_or_default()))
    })
}
