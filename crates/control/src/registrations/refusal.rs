//! The error body for credentials that were refused.

use axum::http::StatusCode;
use diagnosis::{Code, Diagnosis};

use crate::domain::Trunk;
use crate::problem::Problem;

/// The words that operators already know; everything after them is what they were missing.
pub fn message(trunk: &str) -> String {
    format!("Invalid SIP credentials provided for trunk ID: {trunk}")
}

/// Makes the error body of a diagnosis about a trunk's credentials.
pub fn refusal(trunk: &Trunk, mut diagnosis: Diagnosis) -> Problem {
    let (code, summary) = (diagnosis.code, diagnosis.summary.clone());
    if diagnosis.evidence.credential_sent.is_none() && code.status() == 422 {
        diagnosis.evidence.credential_sent = Some(false);
    }
    let mut problem = Problem::from(diagnosis).entity(&trunk.meta.id, Some(trunk.meta.name.clone()));
    if problem.status() == StatusCode::UNPROCESSABLE_ENTITY {
        problem = problem.message(message(&trunk.meta.id));
    } else if summary.is_empty() {
        problem = problem.message(code.meaning());
    }
    problem.detail(code.as_str(), field(code).map(str::to_owned))
}

/// The field of the request that a cause speaks of.
pub fn field(code: Code) -> Option<&'static str> {
    match code {
        Code::RealmMismatch => Some("credentials.realm"),
        Code::AlgorithmNotAllowed | Code::AlgorithmNotOffered | Code::AlgorithmUnsupported => Some("credentials.algorithm"),
        Code::AlgorithmNoHa1 => Some("credentials.ha1"),
        Code::CredentialsRejected => Some("credentials.password"),
        Code::ProxyCredentialsRejected => Some("proxyCredentials.password"),
        Code::ProxyCredentialsRequired => Some("proxyCredentials"),
        _ => None,
    }
}

/// 503: no edge of the trunk's site is online.
pub fn edge_offline(trunk: &Trunk) -> Problem {
    let diagnosis = Diagnosis::new(Code::EdgeOffline)
        .summary(format!("No edge of site {} is online, so the carrier could not be asked.", trunk.site))
        .remedy(format!(
            "Bring an edge of site {} up; nothing was changed. \"verify\": \"static\" stores the credentials without asking.",
            trunk.site
        ));
    refusal(trunk, diagnosis).retry_after(5)
}

/// 409: the trunk is held.
pub fn held(trunk: &Trunk) -> Problem {
    let path = format!("POST /api/v2/trunks/voice/registrations/{}/actions/release-hold", trunk.meta.id);
    let diagnosis = Diagnosis::new(Code::Held).remedy(format!("Set new credentials, or release the hold: {path}."));
    refusal(trunk, diagnosis)
}

/// What an order that got no answer leaves behind.
pub fn indeterminate(summary: &str) -> Diagnosis {
    Diagnosis::new(Code::Indeterminate).summary(summary)
}

#[cfg(test)]
mod tests {
    use super::super::assignment::tests::settings;
    use super::*;

    #[test]
    fn a_refusal_keeps_the_words_that_operators_know_and_names_the_field() {
        let trunk = settings().trunk;
        let body = refusal(&trunk, Diagnosis::new(Code::RealmMismatch)).body();
        assert_eq!(body["message"], "Invalid SIP credentials provided for trunk ID: t1");
        assert_eq!(body["entityId"], "t1");
        assert_eq!(body["details"][0]["fieldName"], "credentials.realm");
        assert_eq!(body["diagnosis"]["credentialSent"], false);
    }

    #[test]
    fn what_is_no_refusal_of_credentials_has_words_of_its_own() {
        let trunk = settings().trunk;
        for (problem, status) in [(edge_offline(&trunk), 503), (held(&trunk), 409)] {
            let body = problem.body();
            assert_eq!(body["status"], status);
            assert!(!body["message"].as_str().unwrap().contains("Invalid SIP credentials"), "{body}");
        }
    }
}
