use diagnosis::{Code, Diagnosis, Initiator, Stage};
use sip::form_rules::Breach;

/// Why it was refused, whoever refused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The code of the catalogue.
    pub code: &'static str,
    /// Where it was stopped.
    pub stage: Stage,
    /// Who decided.
    pub initiator: Initiator,
    /// Whether the same again may succeed later.
    pub retryable: bool,
    /// What is wrong.
    pub summary: String,
    /// What to do.
    pub remedy: String,
    /// The flag that is wrong, where it is one.
    pub flag: Option<&'static str>,
}

impl Why {
    /// A rule of form is broken by what this flag says.
    pub fn form(flag: &'static str, breach: Breach) -> Why {
        let known: Option<Code> = breach.code.parse().ok();
        let remedy = breach.remedy.or(known.map(Code::remedy)).unwrap_or_default().to_owned();
        Why {
            code: breach.code,
            stage: Stage::Form,
            initiator: Initiator::Platform,
            retryable: false,
            summary: breach.summary,
            remedy,
            flag: Some(flag),
        }
    }

    /// Replaces the remedy.
    #[must_use]
    pub fn remedy(self, remedy: impl Into<String>) -> Why {
        Why { remedy: remedy.into(), ..self }
    }
}

impl From<Diagnosis> for Why {
    fn from(from: Diagnosis) -> Why {
        Why {
            code: from.code.as_str(),
            stage: from.stage,
            initiator: from.initiator,
            retryable: from.retryable,
            summary: from.summary,
            remedy: from.remedy,
            flag: None,
        }
    }
}
