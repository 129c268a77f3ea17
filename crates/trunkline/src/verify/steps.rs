use diagnosis::{Challenge, Code, Evidence, Stage};
use link::AttemptMessage;
use link::render::{exchanges, over};

use super::args::By;
use super::ask::Ask;
use super::finding::{Finding, Word};

/// One step on the way from the name to the binding, and how it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub name: &'static str,
    /// How it went.
    pub went: Went,
    /// What is known of it.
    pub text: String,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Went {
    /// As it should.
    Well,
    /// It ended here.
    Badly,
    /// It was not taken, or decides nothing.
    Open,
}

/// Tells the steps of a verification.
pub fn steps(finding: &Finding, ask: &Ask) -> Vec<Step> {
    let view = View { finding, ask, seen: &finding.evidence, code: finding.whys.first().and_then(|why| why.code.parse().ok()) };
    let steps = [Some(view.resolve()), view.connect(), Some(view.reach()), Some(view.register()), Some(view.challenge())];
    steps.into_iter().flatten().chain([view.digest(), view.binding()]).collect()
}

struct View<'a> {
    finding: &'a Finding,
    ask: &'a Ask,
    seen: &'a Evidence,
    code: Option<Code>,
}

impl View<'_> {
    fn stage(&self) -> Option<Stage> {
        self.finding.whys.first().map(|why| why.stage)
    }

    /// Whether anything was sent.
    fn sent(&self) -> bool {
        self.finding.attempt.as_ref().map_or(self.seen.sip.is_some(), |attempt| !attempt.messages.is_empty())
    }

    /// Whether it was asked and nothing came back.
    fn silent(&self) -> bool {
        matches!(self.code, Some(Code::Refused | Code::Timeout | Code::RegisterIgnored | Code::BlockSuspected))
    }

    fn resolve(&self) -> Step {
        let targets = self.finding.attempt.as_ref().map(|attempt| attempt.targets.join(", ")).filter(|targets| !targets.is_empty());
        let place = targets.or_else(|| self.seen.registrar.as_deref().map(address));
        let first = self.ask.registrars.first().map_or("", String::as_str);
        let (went, text) = match self.code {
            Some(Code::DnsFailed) => (Went::Badly, format!("{first} leads to no address")),
            Some(Code::TargetForbidden | Code::PortForbidden) => {
                (Went::Badly, format!("{first} leads to an address or a port that is not asked"))
            }
            Some(Code::Unreachable | Code::FamilyUnsupported) if !self.sent() => {
                (Went::Badly, format!("{first} leads to an address that nothing is sent to from here"))
            }
            _ => match place {
                Some(place) => (Went::Well, place),
                None => (Went::Open, "not known".to_owned()),
            },
        };
        Step { name: "resolve", went, text }
    }

    /// How the connection came about, where there was to be one.
    fn connect(&self) -> Option<Step> {
        let attempt = self.finding.attempt.as_ref().filter(|attempt| attempt.transport != "udp")?;
        let failed = matches!(
            self.code,
            Some(
                Code::ConnectionLost
                    | Code::WebSocketRefused
                    | Code::TlsHandshakeFailed
                    | Code::TlsNameMismatch
                    | Code::TlsCertificateExpired
                    | Code::TlsCertificateUntrusted
                    | Code::TlsClientCertificateRequired
            )
        );
        let (went, text) = match (self.code, &attempt.secured) {
            (Some(code), _) if failed => (Went::Badly, code.meaning().to_owned()),
            (Some(Code::Refused), _) => (Went::Badly, "refused: nothing listens at that port".to_owned()),
            _ if !self.sent() => (Went::Open, "not opened".to_owned()),
            (Some(Code::Timeout | Code::Unreachable), None) if self.seen.sip.is_none() => {
                (Went::Badly, "no connection came about".to_owned())
            }
            (_, Some(_)) => (Went::Well, over(attempt)),
            (_, None) => (Went::Well, format!("{}, in the clear", over(attempt))),
        };
        Some(Step { name: "connect", went, text })
    }

    fn reach(&self) -> Step {
        let (went, text) = match (self.code, self.seen.options_reachable, self.seen.sip.is_some()) {
            (Some(Code::Refused), _, _) => (Went::Badly, "nothing listens at that port"),
            (_, Some(true), _) => (Went::Well, "OPTIONS is answered: reachable, which says nothing about credentials"),
            (_, Some(false), true) => (Went::Open, "OPTIONS is not answered, REGISTER is"),
            (_, Some(false), false) => (Went::Badly, "OPTIONS is not answered"),
            (_, None, true) => (Went::Well, "REGISTER is answered"),
            (_, None, false) if self.sent() || self.silent() => (Went::Badly, "nothing came back"),
            (_, None, false) => (Went::Open, "not asked"),
        };
        Step { name: "reach", went, text: text.to_owned() }
    }

    fn register(&self) -> Step {
        let first = self.finding.attempt.as_ref().and_then(|attempt| exchanges(attempt).into_iter().find(|one| one.method == "REGISTER"));
        let (went, text) = match (&first, &self.seen.sip) {
            (Some(first), _) => match (first.status, first.round_trip()) {
                (Some(status), Some(micros)) => (Went::Well, format!("answered by {status} after {}", span(micros))),
                (_, _) => (Went::Badly, "not answered".to_owned()),
            },
            (None, Some(_)) => (Went::Well, "answered".to_owned()),
            (None, None) if self.silent() => (Went::Badly, "not answered".to_owned()),
            (None, None) => (Went::Open, "not sent".to_owned()),
        };
        Step { name: "REGISTER", went, text }
    }

    /// Whether a binding was asked for, and whether one was granted.
    fn asked_to_bind(&self) -> Option<bool> {
        let attempt = self.finding.attempt.as_ref()?;
        let sent = attempt.messages.iter().filter(|message| message.sent && message.bytes.starts_with(b"REGISTER "));
        let of_registers = exchanges(attempt).into_iter().filter(|one| one.method == "REGISTER");
        let asked: Vec<_> = sent.zip(of_registers).filter(|(message, _)| has_contact(message)).map(|(_, one)| one.status).collect();
        (!asked.is_empty()).then(|| asked.iter().flatten().any(|status| (200..300).contains(status)))
    }

    fn challenge(&self) -> Step {
        let refused = matches!(self.stage(), Some(Stage::Challenge | Stage::Policy));
        let offers = offers(&self.seen.challenges).join("; ");
        let (went, text) = match (self.seen.challenges.is_empty(), &self.seen.sip) {
            (false, _) => (if refused { Went::Badly } else { Went::Well }, offers),
            (true, Some(sip)) if self.code == Some(Code::CredentialsUnproven) => {
                (Went::Badly, format!("none: {} without one", answer(sip)))
            }
            (true, Some(sip)) if refused => (Went::Badly, format!("none: refused by {}", answer(sip))),
            (true, Some(sip)) => (Went::Open, format!("none: {}", answer(sip))),
            (true, None) => (Went::Open, "none seen".to_owned()),
        };
        Step { name: "challenge", went, text }
    }

    fn digest(&self) -> Step {
        let sip = self.seen.sip.as_ref().map(answer);
        let (went, text) = match (self.seen.credential_sent, self.finding.word) {
            (Some(true), Word::Proved | Word::Learned) => (Went::Well, format!("accepted: {}", sip.unwrap_or_else(|| "2xx".to_owned()))),
            (Some(true), Word::Refused) if self.stage() == Some(Stage::Digest) => (
                Went::Badly,
                sip.filter(|_| self.code != Some(Code::Indeterminate))
                    .map_or("sent, and no answer came".to_owned(), |sip| format!("sent, and refused by {sip}")),
            ),
            (Some(true), Word::Refused) => (Went::Open, format!("sent, then {}", sip.unwrap_or_else(|| "silence".to_owned()))),
            (Some(false) | None, _) if self.ask.challenge_only => (Went::Open, "not sent: only the challenge was asked for".to_owned()),
            (Some(false) | None, _) => (Went::Open, "not sent: the password did not leave this machine".to_owned()),
        };
        Step { name: "digest", went, text }
    }

    fn binding(&self) -> Step {
        let (went, text) = match (self.stage(), self.asked_to_bind(), self.ask.by) {
            (Some(Stage::Binding), _, _) => (Went::Badly, "refused"),
            (_, Some(true), By::Renew) => (Went::Well, "bound, and removed again"),
            (_, Some(true), By::Query) => (Went::Well, "bound in the place of the query, which was refused, and removed again"),
            (_, Some(false), By::Query) => (Went::Open, "asked for in the place of the query, which was refused; none was granted"),
            (_, Some(false) | None, By::Renew) => (Went::Open, "not reached"),
            (_, None, By::Query) => (Went::Open, "none asked for: nothing is changed at the carrier"),
        };
        Step { name: "binding", went, text: text.to_owned() }
    }
}

/// Tells whether a message has a Contact, which asks for a binding.
fn has_contact(message: &AttemptMessage) -> bool {
    let text = String::from_utf8_lossy(&message.bytes);
    text.lines().take_while(|line| !line.is_empty()).any(|line| line.get(..8).is_some_and(|name| name.eq_ignore_ascii_case("contact:")))
}

/// Writes what a carrier offers, a line for each realm.
pub fn offers(challenges: &[Challenge]) -> Vec<String> {
    let mut lines: Vec<(&str, bool, Vec<&str>, Vec<&str>)> = Vec::new();
    for one in challenges {
        let place = lines.iter().position(|(realm, proxy, ..)| *realm == one.realm && *proxy == one.proxy);
        let place = place.unwrap_or_else(|| {
            lines.push((&one.realm, one.proxy, Vec::new(), Vec::new()));
            lines.len() - 1
        });
        let (_, _, algorithms, qops) = &mut lines[place];
        algorithms.push(&one.algorithm);
        for qop in one.qop.iter().map(String::as_str) {
            if !qops.contains(&qop) {
                qops.push(qop);
            }
        }
    }
    let line = |(realm, proxy, algorithms, qops): (&str, bool, Vec<&str>, Vec<&str>)| {
        let qop = if qops.is_empty() { "no qop".to_owned() } else { format!("qop {}", qops.join(" or ")) };
        let by = if proxy { ", by a proxy" } else { "" };
        format!("realm {realm:?}, {}, {qop}{by}", algorithms.join(" or "))
    };
    lines.into_iter().map(line).collect()
}

/// The bare address of a resolved next hop.
fn address(uri: &str) -> String {
    uri.trim_start_matches("sip:").split(';').next().unwrap_or_default().to_owned()
}

fn answer(sip: &diagnosis::SipStatus) -> String {
    format!("{} {}", sip.code, sip.reason).trim_end().to_owned()
}

fn span(micros: i64) -> String {
    if micros < 9_950 {
        format!("{}.{} ms", (micros + 50) / 1_000, (micros + 50) / 100 % 10)
    } else {
        format!("{} ms", (micros + 500) / 1_000)
    }
}
