use super::clock::{date_and_time, span, time_of_day};
use super::exchange::exchanges;
use super::facts::{facts, over, seen_anew, sent_again};
use super::message::{Message, call_ids};
use super::params::{challenges, value};
use super::question::{Asked, question};
use super::text::{clean, pad, wrap};
use crate::{Attempt, AttemptKind};

/// Columns of a line: what a ticket and a mail take without breaking it anew.
const WIDTH: usize = 78;
/// The column of labels.
const LABELS: usize = 18;

/// Writes an attempt as a text for the carrier's support: what was sent when from which address, what came back, and what we ask. It holds
/// no secret. Ends with a line end.
pub fn report(attempt: &Attempt) -> String {
    let read: Vec<Message> = attempt.messages.iter().map(|message| Message::read(&message.bytes)).collect();
    // An OPTIONS is addressed to the registrar itself.
    let registers = read.iter().filter(|message| message.method() == "REGISTER");
    let account = registers.chain(&read).find_map(|message| message.header("to")).map(address).unwrap_or_default();
    let account = if account.is_empty() { "our account" } else { account };
    let username = read.iter().find_map(username);
    let answer = read.iter().rev().find_map(Message::status).map(|(code, reason)| format!("{code} {reason}").trim_end().to_owned());
    let public = attempt.public_address.as_deref();
    let from = public.or(attempt.source_address.as_deref()).unwrap_or("our edge");
    let last = attempt.messages.last().map(|message| message.remote.as_str());
    let to = last.or(attempt.targets.first().map(String::as_str)).unwrap_or(&attempt.registrar);
    let mut page = Page { lines: Vec::new() };

    page.text(0, &format!("SIP registration of {account}: {}", outcome(attempt, answer.as_deref())));
    page.blank();
    page.text(0, "A record of one exchange with your registrar, made on our side. All times are UTC. Digest responses are left out.");
    page.blank();
    page.field("What", purpose(attempt.kind));
    page.field("When", &format!("{}, for {}", date_and_time(attempt.started_at), span(attempt.ended_at - attempt.started_at)));
    page.field("Your registrar", &format!("{} ({})", attempt.registrar, over(attempt)));
    page.field("Its addresses", &if attempt.targets.is_empty() { "none found".to_owned() } else { attempt.targets.join(", ") });
    page.field(
        "Our address",
        &match (public, &attempt.source_address) {
            (Some(public), Some(own)) if public != own => format!("{public} as your side saw it ({own} on our side)"),
            (Some(public), _) => format!("{public} as your side saw it"),
            (None, Some(own)) => format!("{own} on our side; your side told us no other"),
            (None, None) => "not known".to_owned(),
        },
    );
    page.field("Account", account);
    if let Some(username) = username {
        page.field("User name", username);
    }
    for (call_id, method) in call_ids(&read) {
        match method {
            "REGISTER" => page.field("Call-ID", call_id),
            other => page.field("", &format!("{call_id} (of {other})")),
        }
    }
    page.blank();
    page.text(0, "What was sent and what came back");
    page.messages(attempt, &read);
    if let Some(diagnosis) = &attempt.diagnosis {
        page.blank();
        page.text(0, "What we make of it");
        page.text(2, &diagnosis.summary);
    }
    if !attempt.changes.is_empty() {
        page.blank();
        page.text(0, "What is otherwise than before");
        for change in &attempt.changes {
            page.text(2, &format!("{}: it was {}, it is {}", change.what, change.before, change.after));
        }
    }
    page.blank();
    page.text(0, "Our question");
    page.text(2, &question(attempt, &Asked { account, username, from, to, answer: answer.as_deref() }));
    page.lines.push(String::new());
    page.lines.join("\n")
}

struct Page {
    lines: Vec<String>,
}

impl Page {
    fn blank(&mut self) {
        self.lines.push(String::new());
    }

    fn text(&mut self, indent: usize, text: &str) {
        let lead = " ".repeat(indent);
        self.lines.extend(wrap(&clean(text), WIDTH - indent).into_iter().map(|line| format!("{lead}{line}")));
    }

    fn field(&mut self, label: &str, text: &str) {
        for (place, line) in wrap(&clean(text), WIDTH - LABELS - 2).into_iter().enumerate() {
            self.lines.push(format!("  {}{line}", pad(if place == 0 { label } else { "" }, LABELS)));
        }
    }

    fn item(&mut self, number: usize, text: &str) {
        let number = format!("  {number}. ");
        for (place, line) in wrap(&clean(text), WIDTH - number.len()).into_iter().enumerate() {
            self.lines.push(format!("{}{line}", pad(if place == 0 { &number } else { "" }, number.len())));
        }
    }

    fn messages(&mut self, attempt: &Attempt, read: &[Message]) {
        if attempt.messages.is_empty() {
            self.text(2, "Nothing was sent.");
        }
        let exchanges = exchanges(attempt);
        let mut asked = exchanges.iter();
        let mut seen = None;
        for (place, (message, read)) in attempt.messages.iter().zip(read).enumerate() {
            let local = if message.sent { attempt.public_address.as_ref().unwrap_or(&message.local) } else { &message.local };
            let (number, time) = (place + 1, time_of_day(message.at));
            self.item(number, &format!("{time} {} {}", if message.sent { "sent" } else { "received" }, read.start_line()));
            self.text(
                5,
                &match message.sent {
                    true => format!("from {local} to {}", message.remote),
                    false => format!("from {}", message.remote),
                },
            );
            if !message.sent
                && let Some(cseq) = read.header("cseq")
            {
                self.text(5, &format!("CSeq {cseq}"));
            }
            let seen = if message.sent { None } else { seen_anew(read, &mut seen) };
            for fact in facts(read).into_iter().chain(seen) {
                self.text(5, &fact);
            }
            if let Some(again) = sent_again(message.retransmissions) {
                self.text(5, &again);
            }
            let exchange = if message.sent && read.status().is_none() { asked.next() } else { None };
            match exchange.map(|exchange| exchange.round_trip()) {
                Some(Some(round_trip)) => self.text(5, &format!("answered after {}", span(round_trip))),
                Some(None) => self.text(5, "not answered"),
                None => {}
            }
        }
    }
}

fn outcome(attempt: &Attempt, answer: Option<&str>) -> String {
    match (attempt.accepted, answer) {
        (true, _) => "accepted".to_owned(),
        (false, Some(answer)) => format!("refused, last answer {answer}"),
        (false, None) if attempt.messages.is_empty() => "your registrar was not reached".to_owned(),
        (false, None) => "no answer".to_owned(),
    }
}

fn purpose(kind: AttemptKind) -> &'static str {
    match kind {
        AttemptKind::FirstRegistration => "a first registration",
        AttemptKind::Refresh => "the renewal of a binding",
        AttemptKind::Removal => "the removal of a binding",
        AttemptKind::Verification => "credentials were tried",
    }
}

/// The URI of a To header.
fn address(header: &str) -> &str {
    match header.split_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or(rest),
        None => header.split(';').next().unwrap_or(header).trim(),
    }
}

fn username(message: &Message) -> Option<&str> {
    let line = message.header("authorization").or_else(|| message.header("proxy-authorization"))?;
    let (_, params) = challenges(line).into_iter().next()?;
    value(&params, "username")
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::super::text::width;
    use super::*;

    #[test]
    fn the_carriers_support_reads_what_happened_and_what_we_ask() {
        let written = report(&samples::rejected());
        let expected = include_str!("samples/report.txt");
        assert_eq!(written, expected, "\n{written}");
    }

    #[test]
    fn every_report_fits_a_ticket_and_ends_with_a_question() {
        for attempt in samples::all() {
            let written = report(&attempt);
            assert!(written.lines().all(|line| width(line) <= WIDTH && !line.contains(char::is_control)), "{written}");
            assert!(written.contains("\nOur question\n"), "{written}");
        }
    }

    #[test]
    fn an_options_before_the_register_is_not_taken_for_the_account() {
        let mut attempt = samples::rejected();
        let mut options = attempt.messages[0].clone();
        options.bytes = b"OPTIONS sip:r SIP/2.0\r\nTo: <sip:r>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\n\r\n".to_vec();
        attempt.messages.insert(0, options);
        let written = report(&attempt);
        assert!(written.contains("Account           sip:6221500004@ims.carrier.co.id\n"), "{written}");
        assert!(written.contains("Call-ID           7f3a9c@10.8.0.4\n                    o (of OPTIONS)\n"), "{written}");
    }

    #[test]
    fn a_long_start_line_goes_on_below_its_beginning() {
        let mut attempt = samples::rejected();
        attempt.messages[1].bytes = format!("SIP/2.0 403 {}\r\n\r\n", "Nomor diblokir ".repeat(6)).into_bytes();
        let written = report(&attempt);
        let mut lines = written.lines().skip_while(|line| !line.starts_with("  2. "));
        let next = lines.nth(1).expect("it is too long for one line");
        assert!(next.starts_with("     ") && (next.contains("Nomor") || next.contains("diblokir")), "{written}");
    }

    #[test]
    fn no_report_tells_a_digest_even_where_nobody_redacted_it() {
        let written = report(&samples::unredacted());
        assert!(samples::SECRETS.iter().all(|secret| !written.contains(secret)), "{written}");
    }

    #[test]
    fn what_was_never_sent_and_never_answered_is_said() {
        assert!(report(&samples::nowhere()).contains("Nothing was sent."));
        let silent = report(&samples::silent());
        assert!(silent.contains("no answer") && silent.contains("not answered") && silent.contains("sent again 10 times"), "{silent}");
    }
}
