//! What is wrong with the form of a request. Holds positions and code points, never a value that may be secret.

use axum::http::StatusCode;
use diagnosis::{Code, Diagnosis};
use sip::form_rules::Breach;

use crate::problem::Problem;

/// One fault of a request's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field's path, such as `credentials.realm`.
    pub field: String,
    kind: Kind,
    /// What is wrong, with the position where that is told.
    pub summary: String,
    /// What to do; the catalogue's words where absent.
    pub remedy: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Registration(Code),
    Value,
}

impl Fault {
    /// A fault with a code of the catalogue.
    pub fn new(code: Code, field: impl Into<String>, summary: impl Into<String>) -> Self {
        Fault { field: field.into(), kind: Kind::Registration(code), summary: summary.into(), remedy: None }
    }

    /// `invalid.value`: a field that is not as documented.
    pub fn value(field: impl Into<String>, summary: impl Into<String>) -> Self {
        Fault { field: field.into(), kind: Kind::Value, summary: summary.into(), remedy: None }
    }

    /// A rule of form that is broken.
    pub fn breach(field: impl Into<String>, breach: &Breach) -> Self {
        let fault = match breach.code.parse() {
            Ok(code) => Fault::new(code, field, &breach.summary),
            Err(_) => Fault::value(field, &breach.summary),
        };
        Fault { remedy: breach.remedy.map(str::to_owned), ..fault }
    }

    /// Says what to do.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Returns the code that the API tells.
    pub fn code(&self) -> &'static str {
        match self.kind {
            Kind::Registration(code) => code.as_str(),
            Kind::Value => "invalid.value",
        }
    }

    fn diagnosis(&self) -> Option<Diagnosis> {
        match self.kind {
            Kind::Registration(code) => {
                let diagnosis = Diagnosis::new(code).summary(&self.summary);
                Some(match &self.remedy {
                    Some(remedy) => diagnosis.remedy(remedy),
                    None => diagnosis,
                })
            }
            Kind::Value => None,
        }
    }
}

/// Makes the error body: the first fault gives code and words, `details` lists them all.
///
/// # Panics
/// Without any fault: then there is nothing to refuse.
pub fn problem(faults: Vec<Fault>) -> Problem {
    let first = faults.first().expect("a refused form has a fault");
    let problem = match first.diagnosis() {
        Some(diagnosis) => Problem::from(diagnosis),
        None => Problem::new(StatusCode::BAD_REQUEST, first.code(), first.summary.clone()),
    };
    faults.into_iter().fold(problem, |problem, fault| problem.detail(fault.code(), Some(fault.field)))
}
