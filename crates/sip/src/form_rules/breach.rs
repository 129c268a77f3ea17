use std::fmt;

/// A broken rule of form: the code of the catalogue, and words that name positions and code points, never the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The API's code, such as `registration.realm.malformed`.
    pub code: &'static str,
    /// What is wrong, in a sentence.
    pub summary: String,
    /// What to do; the catalogue's own words where absent.
    pub remedy: Option<&'static str>,
}

impl Breach {
    pub(super) fn new(code: &'static str, summary: impl Into<String>) -> Self {
        Breach { code, summary: summary.into(), remedy: None }
    }

    pub(super) fn remedy(self, remedy: &'static str) -> Self {
        Breach { remedy: Some(remedy), ..self }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary)
    }
}

impl std::error::Error for Breach {}
