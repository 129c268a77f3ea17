//! The result in a terminal: steps, ladder, verdict, evidence, remedy.

use diagnosis::{Check, Code};
use link::render::{self, Glyphs, Style};
use link::{Attempt, Drift};

use super::ask::Ask;
use super::finding::{Finding, Word};
use super::paint::{Paint, Tone, printable};
use super::steps::{Step, Went, offers, steps};

/// Says what is asked, before it is.
pub fn head(ask: &Ask, local: &[String], paint: &Paint) -> String {
    let what = if ask.challenge_only { "asks for the challenge of" } else { "tries the credentials of" };
    let title = format!("{what} {}", ask.address_of_record);
    let mut out = format!("{} {title}\n", paint.tone(Tone::Strong, "trunkline verify"));
    // A connection has a port of its own.
    let from: Vec<&str> = local.iter().map(|local| if ask.is_connected() { address(local) } else { local }).collect();
    let over = ask.transport.map(|transport| format!(" over {}", transport.as_str().to_uppercase())).unwrap_or_default();
    let by = format!("at {}{over} from {}", ask.registrars.join(", then "), from.join(" and "));
    out.push_str(&paint.tone(Tone::Quiet, &by));
    out.push('\n');
    out
}

/// Tells what came out.
pub fn result(finding: &Finding, ask: &Ask, with_ladder: bool, paint: &Paint) -> String {
    let mut out = String::from("\n");
    for step in steps(finding, ask) {
        out.push_str(&one_step(&step, paint));
    }
    if let Some(attempt) = finding.attempt.as_ref().filter(|attempt| with_ladder && !attempt.messages.is_empty()) {
        out.push('\n');
        out.push_str(&ladder(attempt, paint));
    }
    out.push('\n');
    out.push_str(&verdict(finding, paint));
    out.push_str(&evidence(finding, paint));
    out
}

/// Tells what was refused before anything was sent.
pub fn refusal(finding: &Finding, paint: &Paint) -> String {
    verdict(finding, paint)
}

/// The address of a socket, `udp:ADDR:PORT`.
fn address(local: &str) -> &str {
    let bare = local.strip_prefix("udp:").unwrap_or(local);
    bare.rsplit_once(':').map_or(bare, |(address, _)| address)
}

fn one_step(step: &Step, paint: &Paint) -> String {
    let sign = match step.went {
        Went::Well => paint.tick(),
        Went::Badly => paint.cross(),
        Went::Open => paint.dash(),
    };
    let text = if step.went == Went::Open { paint.tone(Tone::Quiet, &step.text) } else { printable(&step.text) };
    format!("  {sign} {:<10} {text}\n", step.name)
}

/// The ladder without what the verdict says below it.
fn ladder(attempt: &Attempt, paint: &Paint) -> String {
    let bare = Attempt { diagnosis: None, negotiated: None, changes: Vec::<Drift>::new(), ..attempt.clone() };
    let glyphs = if paint.unicode { Glyphs::Unicode } else { Glyphs::Ascii };
    let drawn = render::ladder(&bare, Style { width: paint.columns, glyphs });
    // The title is the verdict's, too.
    let mut out = String::new();
    // An answer's arrow has its tone.
    let mut arrow = Tone::Plain;
    for line in drawn.lines().skip(1) {
        let tone = match answer_of(line) {
            Some(200..=299) => Tone::Good,
            Some(401 | 407) => Tone::Warn,
            Some(300..) => Tone::Bad,
            Some(_) | None => std::mem::replace(&mut arrow, Tone::Plain),
        };
        if answer_of(line).is_some() {
            arrow = tone;
        }
        out.push_str(&paint.tone(tone, line));
        out.push('\n');
    }
    out
}

/// The status of a ladder's line that shows an answer.
fn answer_of(line: &str) -> Option<u16> {
    line.split_once("SIP/2.0 ")?.1.get(..3)?.parse().ok()
}

fn verdict(finding: &Finding, paint: &Paint) -> String {
    let Some(why) = finding.whys.first() else { return good(finding, paint) };
    let word = paint.tone(Tone::Bad, finding.word.as_str());
    let code = paint.tone(Tone::Strong, why.code);
    let mut out =
        format!("{word}  {code}  {}\n\n", paint.tone(Tone::Quiet, &format!("stage {}, decided by: {}", why.stage, why.initiator)));
    for why in &finding.whys {
        let flag = why.flag.map(|flag| format!("{flag}: ")).filter(|_| finding.whys.len() > 1).unwrap_or_default();
        out.push_str(&paint.labelled("Why", Tone::Strong, &format!("{flag}{}", why.summary)));
        if !why.remedy.is_empty() {
            out.push_str(&paint.labelled("Remedy", Tone::Strong, &why.remedy));
        }
    }
    if let Some(hint) = finding.hint() {
        out.push_str(&paint.labelled("Here", Tone::Strong, &hint));
    }
    if why.code.parse::<Code>().is_ok() {
        out.push_str(&paint.labelled("More", Tone::Quiet, &format!("docs/diagnoses/{}.md", why.code)));
    }
    if why.flag.is_some() {
        out.push_str(&paint.labelled("", Tone::Quiet, "Nothing was sent. The rules of form: docs/guide/form-rules.md"));
    }
    out
}

fn good(finding: &Finding, paint: &Paint) -> String {
    let word = paint.tone(Tone::Good, finding.word.as_str());
    let says = match finding.word {
        Word::Learned => "The carrier challenges, and its challenge can be answered. No digest was sent.",
        Word::Proved | Word::Refused => "The carrier accepts these credentials: it challenged, one digest was sent, it answered 2xx.",
    };
    let mut out = format!("{word}  {}\n\n", paint.tone(Tone::Strong, says));
    if let Some(agreed) = &finding.negotiated {
        let qop = agreed.qop.as_deref().map_or("no qop".to_owned(), |qop| format!("qop {qop}"));
        let label = if finding.word == Word::Learned { "Learned" } else { "Agreed" };
        let text = format!("realm {:?}, {}, {qop}; offered: {}", agreed.realm, agreed.algorithm, agreed.offered.join(", "));
        out.push_str(&paint.labelled(label, Tone::Strong, &text));
        if agreed.algorithm.starts_with("MD5") {
            out.push_str(&paint.labelled(
                "Warning",
                Tone::Warn,
                &format!("{} {}", Code::AlgorithmWeak.meaning(), Code::AlgorithmWeak.remedy()),
            ));
        }
    }
    out
}

fn evidence(finding: &Finding, paint: &Paint) -> String {
    let seen = &finding.evidence;
    let mut out = String::from("\n");
    for check in &seen.checks {
        let sign = if check.ok { paint.tick() } else { paint.cross() };
        out.push_str(&format!("  {sign} {}\n", compared(check)));
    }
    if !seen.checks.is_empty() {
        out.push('\n');
    }
    let mut row = |label: &str, text: &str| out.push_str(&paint.labelled(label, Tone::Plain, text));
    // What was agreed upon names the offer too.
    let told = finding.negotiated.is_some() && finding.whys.is_empty();
    for (place, offer) in offers(&seen.challenges).iter().enumerate().filter(|_| !told) {
        row(if place == 0 { "Offered" } else { "" }, offer);
    }
    if let Some(sip) = &seen.sip {
        row("Answer", format!("{} {}", sip.code, sip.reason).trim_end());
    }
    if let Some(seconds) = seen.retry_after {
        row("Wait", &format!("{seconds} s, says the carrier (Retry-After)"));
    }
    match (&seen.public_address, &seen.source_address) {
        (Some(public), Some(own)) if public == own => {
            row("Address", &format!("{public}: this is what the carrier saw, and what it must allow"))
        }
        (Some(public), own) => {
            let own = own.as_deref().map(|own| format!(" (sent from {own}, so there is NAT in between)")).unwrap_or_default();
            row("Address", &format!("{public}: this is what the carrier saw, and what it must allow{own}"));
        }
        (None, Some(own)) => {
            row("Address", &format!("{own}, as sent; no answer said which address the carrier saw, and that is the one it must allow"))
        }
        (None, None) => {}
    }
    out
}

fn compared(check: &Check) -> String {
    let name = words(&check.name);
    // A realm's spaces and quotes count.
    let value = |text: &String| if check.name == "realm.equal" { format!("{text:?}") } else { printable(text) };
    match (&check.expected, &check.actual, check.ok) {
        (Some(expected), Some(actual), true) if expected == "(learned)" => format!("the realm is learned: {}", value(actual)),
        (Some(expected), Some(actual), false) => format!("{name}: wanted {}, found {}", value(expected), value(actual)),
        (Some(expected), Some(actual), true) if expected == actual || expected == "(any)" => format!("{name}: {}", value(actual)),
        (Some(expected), Some(actual), true) => format!("{name}: {} of {}", value(actual), value(expected)),
        (Some(one), None, _) | (None, Some(one), _) => format!("{name}: {}", value(one)),
        (None, None, _) => name,
    }
}

/// A check's name in words, the name itself where there are none.
fn words(name: &str) -> String {
    match name {
        "reachable" => "the registrar answers",
        "resolved" => "the name has an address",
        "target.allowed" => "the address may be asked",
        "socket.family" => "there is a socket of the address's family",
        "register.answered" => "REGISTER is answered",
        "challenged" => "the carrier challenges",
        "challenge.readable" => "the challenge can be read",
        "realm.equal" => "the realm is the expected one",
        "algorithm.known" => "the algorithm is known",
        "algorithm.offered" => "the algorithm is offered",
        "algorithm.allowed" => "the algorithm is allowed",
        "algorithm.not_weaker" => "the algorithm is not weaker than before",
        "transport.usable" => "the transport may be used",
        "connection.kept" => "the connection is kept",
        "websocket.open" => "the WebSocket is open",
        "tls.name" => "the certificate is for the registrar's name",
        "tls.valid" => "the certificate is valid now",
        "tls.trusted" => "the certificate is signed by somebody trusted",
        "tls.client_certificate" => "our client certificate is taken",
        "tls.handshake" => "the TLS handshake succeeds",
        "qop.known" => "the quality of protection is known",
        "digest.accepted" => "the digest is accepted",
        "query.accepted" => "the query is accepted",
        "user.known" => "the user is known",
        other => return other.to_owned(),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use diagnosis::{Diagnosis, Evidence, SipStatus};
    use link::{AttemptKind, AttemptMessage, NO_CARRIER};

    use super::super::args::By;
    use super::*;

    fn ask() -> Ask {
        Ask {
            registrars: vec!["sip:127.0.0.1:5070".into()],
            address_of_record: "sip:u@lab".into(),
            username: "u".into(),
            realm: None,
            algorithm: None,
            proxy: None,
            allowed: None,
            challenge_only: false,
            by: By::Query,
            local: None,
            advertise: None,
            allow_targets: Vec::new(),
            dns: Vec::new(),
            patience: std::time::Duration::from_secs(40),
            transport: None,
            tls_roots: None,
            tls_identity: None,
            tls_wildcard: false,
        }
    }

    fn message(at: i64, sent: bool, start_line: &str) -> AttemptMessage {
        let bytes = format!("{start_line}\r\nCall-ID: c1\r\nCSeq: 1 REGISTER\r\nVia: SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bK1\r\n\r\n")
            .into_bytes();
        AttemptMessage { at, sent, local: "127.0.0.1:5080".into(), remote: "127.0.0.1:5070".into(), retransmissions: 0, bytes }
    }

    fn refused() -> Finding {
        let evidence = Evidence { sip: Some(SipStatus { code: 403, reason: "For\u{1b}[2Jbidden".into() }), ..Evidence::default() };
        let diagnosis = Diagnosis::new(Code::ForbiddenBeforeChallenge);
        let attempt = Attempt {
            id: "1".into(),
            trunk: None,
            carrier: NO_CARRIER.into(),
            edge: "e".into(),
            kind: AttemptKind::Verification,
            started_at: 1_000_000,
            ended_at: 1_040_000,
            registrar: "sip:127.0.0.1:5070".into(),
            targets: vec!["127.0.0.1:5070".into()],
            transport: "udp".into(),
            secured: None,
            source_address: Some("127.0.0.1:5080".into()),
            public_address: None,
            messages: vec![message(1_000_000, true, "REGISTER sip:lab SIP/2.0"), message(1_039_000, false, "SIP/2.0 403 Forbidden")],
            accepted: false,
            negotiated: None,
            diagnosis: Some(Box::new(diagnosis.clone())),
            changes: Vec::new(),
        };
        Finding { evidence, attempt: Some(attempt), ..Finding::unasked(vec![diagnosis.into()]) }
    }

    #[test]
    fn the_exchange_stands_between_the_steps_and_the_verdict_and_says_nothing_twice() {
        let shown = result(&refused(), &ask(), true, &Paint::plain(96));
        let places =
            ["answered by 403 after 39 ms", "│ REGISTER sip:lab", "SIP/2.0 403 Forbidden", "REFUSED  sip.forbidden.before_challenge"];
        let found: Vec<usize> = places.iter().map(|text| shown.find(text).unwrap_or_else(|| panic!("{text}: {shown}"))).collect();
        assert!(found.is_sorted(), "{shown}");
        assert_eq!(shown.matches("sip.forbidden.before_challenge").count(), 2, "the verdict and its page: {shown}");
        let without = result(&refused(), &ask(), false, &Paint::plain(96));
        assert!(!without.contains('│') && without.contains("answered by 403"), "{without}");
    }

    #[test]
    fn what_a_carrier_writes_moves_no_terminal() {
        assert!(!result(&refused(), &ask(), true, &Paint::plain(96)).contains('\u{1b}'));
    }
}
