use super::clock::{date_and_time, since, span};
use super::exchange::{Exchange, exchanges};
use super::facts::{facts, over, seen_anew, sent_again};
use super::message::{Message, call_ids};
use super::text::{clean, cut, pad, right, width, wrap};
use crate::{Attempt, AttemptKind, AttemptMessage, NO_CARRIER};

/// Narrower than this nothing can be read any more; a narrower terminal gets this all the same.
const WIDTH_MIN: usize = 48;
/// The column of times.
const TIMES: usize = 10;
/// More Call-IDs than that of one exchange are not named at its head.
const CALL_IDS: usize = 3;
/// The column of labels at the foot.
const LABELS: usize = 11;

/// How a ladder is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns of a line.
    pub width: usize,
    /// With what.
    pub glyphs: Glyphs,
}

impl Default for Style {
    /// As wide as a mail.
    fn default() -> Self {
        Style { width: 96, glyphs: Glyphs::Unicode }
    }
}

/// What a ladder is drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyphs {
    /// Lines and arrows.
    Unicode,
    /// For terminals and tickets that know nothing else.
    Ascii,
}

struct Pen {
    rail: char,
    line: &'static str,
    to: &'static str,
    from: &'static str,
    dots: &'static str,
    cross: &'static str,
    ellipsis: &'static str,
    dot: &'static str,
    becomes: &'static str,
}

impl Glyphs {
    fn pen(self) -> Pen {
        match self {
            Glyphs::Unicode => {
                Pen {
                    rail: '│', line: "─", to: "▶", from: "◀", dots: "┄", cross: "✗", ellipsis: "…", dot: "·", becomes: "→"
                }
            }
            Glyphs::Ascii => {
                Pen { rail: '|', line: "-", to: ">", from: "<", dots: ".", cross: "x", ellipsis: "~", dot: "-", becomes: "->" }
            }
        }
    }
}

/// Draws an attempt as a ladder: time on the left, then the edge, then the carrier, the diagnosis at the foot. Ends with a line end.
pub fn ladder(attempt: &Attempt, style: Style) -> String {
    let mut drawing = Drawing { pen: style.glyphs.pen(), width: style.width.max(WIDTH_MIN), lines: Vec::new() };
    drawing.head(attempt);
    drawing.rungs(attempt);
    drawing.foot(attempt);
    let mut text = drawing.lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n");
    text.push('\n');
    text
}

/// Names what an attempt was for.
pub fn purpose(kind: AttemptKind) -> &'static str {
    match kind {
        AttemptKind::FirstRegistration => "First registration",
        AttemptKind::Refresh => "Refresh",
        AttemptKind::Removal => "Removal",
        AttemptKind::Verification => "Verification",
    }
}

struct Drawing {
    pen: Pen,
    width: usize,
    lines: Vec<String>,
}

impl Drawing {
    /// Columns between the two rails.
    fn lane(&self) -> usize {
        self.width - TIMES - 3
    }

    fn head(&mut self, attempt: &Attempt) {
        let outcome = match (&attempt.diagnosis, attempt.accepted) {
            (Some(diagnosis), false) => diagnosis.code.as_str(),
            (None, false) => "not accepted",
            (_, true) => "accepted",
        };
        let place = if attempt.carrier == NO_CARRIER { &attempt.registrar } else { &attempt.carrier };
        self.paragraph(&clean(&format!("{} at {place}: {outcome}", purpose(attempt.kind))));
        let mut about = Vec::new();
        about.extend(attempt.trunk.as_ref().map(|trunk| format!("trunk {trunk}")));
        about.push(format!("attempt {}", attempt.id));
        about.push(date_and_time(attempt.started_at));
        about.push(span(attempt.ended_at - attempt.started_at));
        self.packed(&about);
        let read: Vec<Message> = attempt.messages.iter().map(|message| Message::read(&message.bytes)).collect();
        let ids = call_ids(&read);
        let registers = ids.iter().filter(|(_, method)| *method == "REGISTER").count().max(1);
        for (call_id, _) in ids.iter().take(registers.min(CALL_IDS)) {
            self.paragraph(&format!("Call-ID {call_id}"));
        }
        self.lines.push(String::new());
        let first = attempt.messages.first();
        let target = first.map(|message| message.remote.clone()).or_else(|| attempt.targets.first().cloned());
        let local = attempt.source_address.clone().or_else(|| first.map(|message| message.local.clone()));
        let public = attempt.public_address.as_ref().map(|address| format!("seen as {address}"));
        self.ends(&format!("edge {}", attempt.edge), &attempt.registrar);
        self.ends(&local.unwrap_or_default(), &target.unwrap_or_else(|| "no address".to_owned()));
        self.ends(&public.unwrap_or_default(), &over(attempt));
        self.rail("", "");
    }

    /// Writes what stands above the two rails.
    fn ends(&mut self, left: &str, far: &str) {
        let (left, far, room) = (clean(left), clean(far), self.lane() + 2);
        let lead = " ".repeat(TIMES + 1);
        if width(&left) + 2 + width(&far) <= room {
            self.lines.push(format!("{lead}{left}{}", right(&far, room - width(&left))));
        } else {
            self.lines.push(format!("{lead}{}", cut(&left, room, self.pen.ellipsis)));
            self.lines.push(format!("{lead}{}", right(&cut(&far, room, self.pen.ellipsis), room)));
        }
    }

    fn rungs(&mut self, attempt: &Attempt) {
        let exchanges = exchanges(attempt);
        let mut asked = exchanges.iter();
        let mut before: Option<&str> = None;
        let mut seen: Option<String> = None;
        for message in &attempt.messages {
            if before.is_some_and(|before| before != message.remote) {
                self.elsewhere(&message.remote);
            }
            before = Some(&message.remote);
            let read = Message::read(&message.bytes);
            let exchange = if message.sent && read.status().is_none() { asked.next() } else { None };
            let seen = if message.sent { None } else { seen_anew(&read, &mut seen) };
            self.rung(attempt, message, &read, exchange, seen);
        }
        if attempt.messages.is_empty() {
            self.rail("", &format!("  {} nothing was sent", self.pen.cross));
        }
    }

    /// Marks that the edge goes on to another address.
    fn elsewhere(&mut self, remote: &str) {
        let label = format!(" {} ", clean(remote));
        let dots = self.lane().saturating_sub(width(&label));
        let line = format!("{}{label}{}", self.pen.dots.repeat(dots / 2), self.pen.dots.repeat(dots - dots / 2));
        self.rail("", &cut(&line, self.lane(), self.pen.ellipsis));
        self.rail("", "");
    }

    fn rung(&mut self, attempt: &Attempt, message: &AttemptMessage, read: &Message, exchange: Option<&Exchange>, seen: Option<String>) {
        let lane = self.lane();
        let time = since(message.at - attempt.started_at, attempt.ended_at - attempt.started_at);
        let start_line = cut(read.start_line(), lane - 2, self.pen.ellipsis);
        let label = if message.sent { format!(" {start_line}") } else { right(&format!("{start_line} "), lane) };
        self.rail(&time, &label);
        let shaft = self.pen.line.repeat(lane - 1);
        let arrow = if message.sent { format!("{shaft}{}", self.pen.to) } else { format!("{}{shaft}", self.pen.from) };
        self.rail("", &arrow);
        for fact in facts(read).into_iter().chain(seen) {
            self.fact(&fact);
        }
        if let Some(again) = sent_again(message.retransmissions) {
            self.fact(&again);
        }
        if let Some(exchange) = exchange.filter(|exchange| exchange.answered_at.is_none()) {
            self.fact(&format!("{} no answer from {}", self.pen.cross, clean(&exchange.remote)));
        }
        self.rail("", "");
    }

    fn fact(&mut self, fact: &str) {
        for (place, line) in wrap(fact, self.lane() - 6).into_iter().enumerate() {
            self.rail("", &format!("{}{line}", if place == 0 { "   " } else { "     " }));
        }
    }

    fn rail(&mut self, time: &str, content: &str) {
        let rail = self.pen.rail;
        self.lines.push(format!("{} {rail}{}{rail}", right(time, TIMES), pad(content, self.lane())));
    }

    fn foot(&mut self, attempt: &Attempt) {
        self.lines.push(String::new());
        if let Some(negotiated) = &attempt.negotiated {
            let qop = negotiated.qop.as_deref().unwrap_or("none");
            let text =
                format!("realm \"{}\", {}, qop {qop}; offered {}", negotiated.realm, negotiated.algorithm, negotiated.offered.join(", "));
            self.labelled("Agreed", &text);
        }
        for change in &attempt.changes {
            self.labelled("Changed", &format!("{}: {} {} {}", change.what, change.before, self.pen.becomes, change.after));
        }
        if let Some(diagnosis) = &attempt.diagnosis {
            self.labelled("Diagnosis", &format!("{} (stage {}, decided by: {})", diagnosis.code, diagnosis.stage, diagnosis.initiator));
            self.labelled("", &diagnosis.summary);
            self.labelled("Remedy", &diagnosis.remedy);
        }
        let round_trips: Vec<String> = exchanges(attempt).iter().filter_map(Exchange::round_trip).map(span).collect();
        let took = span(attempt.ended_at - attempt.started_at);
        match round_trips.as_slice() {
            [] => self.labelled("Took", &took),
            [one] => self.labelled("Took", &format!("{took}; round trip {one}")),
            many => self.labelled("Took", &format!("{took}; round trips {}", many.join(", "))),
        }
    }

    fn labelled(&mut self, label: &str, text: &str) {
        for (place, line) in wrap(&clean(text), self.width - LABELS).into_iter().enumerate() {
            self.lines.push(format!("{}{line}", pad(if place == 0 { label } else { "" }, LABELS)));
        }
    }

    /// Writes parts with dots between, broken between parts only where those fit.
    fn packed(&mut self, parts: &[String]) {
        let dot = format!(" {} ", self.pen.dot);
        let mut line = String::new();
        for part in parts.iter().map(|part| clean(part)) {
            if line.is_empty() {
                line = part;
            } else if width(&line) + width(&dot) + width(&part) <= self.width {
                line = format!("{line}{dot}{part}");
            } else {
                self.paragraph(&std::mem::replace(&mut line, part));
            }
        }
        self.paragraph(&line);
    }

    fn paragraph(&mut self, text: &str) {
        self.lines.extend(wrap(text, self.width));
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn a_refused_digest_reads_as_it_happened() {
        let drawn = ladder(&samples::rejected(), Style { width: 84, glyphs: Glyphs::Unicode });
        let expected = include_str!("samples/rejected.txt");
        assert_eq!(drawn, expected, "\n{drawn}");
    }

    #[test]
    fn silence_of_two_addresses_reads_as_it_happened() {
        let drawn = ladder(&samples::silent(), Style { width: 72, glyphs: Glyphs::Ascii });
        let expected = include_str!("samples/silent.txt");
        assert_eq!(drawn, expected, "\n{drawn}");
        assert!(drawn.is_ascii());
    }

    #[test]
    fn no_line_is_wider_than_it_may_be() {
        for attempt in samples::all() {
            for columns in [0, 48, 60, 80, 120, 200] {
                for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
                    let drawn = ladder(&attempt, Style { width: columns, glyphs });
                    for line in drawn.lines() {
                        assert!(width(line) <= columns.max(WIDTH_MIN), "{columns}: {line}");
                        assert!(!line.contains(char::is_control), "{line:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn both_rails_stand_straight() {
        let drawn = ladder(&samples::rejected(), Style::default());
        let rungs: Vec<&str> = drawn.lines().filter(|line| line.contains('│')).collect();
        assert!(rungs.len() > 8);
        assert!(rungs.iter().all(|line| width(line) == Style::default().width && line.matches('│').count() == 2), "{drawn}");
    }

    #[test]
    fn no_digest_is_drawn_even_where_nobody_redacted_it() {
        for attempt in [samples::unredacted()] {
            let drawn = ladder(&attempt, Style::default());
            for secret in samples::SECRETS {
                assert!(!drawn.contains(secret), "{secret}: {drawn}");
            }
        }
    }
}
