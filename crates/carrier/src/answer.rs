use crate::Refusal;
use crate::phrase::phrase;

/// A final answer before it is written down; no code is silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) code: Option<u16>,
    pub(crate) reason: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Answer {
    pub(crate) fn of(code: u16) -> Answer {
        Answer { code: Some(code), reason: phrase(code).into(), headers: Vec::new() }
    }

    pub(crate) fn saying(code: u16, reason: &str) -> Answer {
        Answer { reason: reason.into(), ..Answer::of(code) }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Answer {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds header lines as a temperament writes them; one without a colon is left out.
    pub(crate) fn lines(mut self, lines: &[String]) -> Answer {
        let split = lines.iter().filter_map(|line| line.split_once(':'));
        self.headers.extend(split.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())));
        self
    }
}

impl From<&Refusal> for Answer {
    fn from(refusal: &Refusal) -> Self {
        let code = refusal.code;
        let reason = refusal.reason.clone().unwrap_or_else(|| code.map_or("", phrase).into());
        Answer { code, reason, headers: Vec::new() }.lines(&refusal.headers)
    }
}
