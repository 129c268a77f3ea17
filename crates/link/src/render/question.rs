use diagnosis::{Code, Stage};

use crate::Attempt;

/// What the carrier's support is asked, in their terms.
pub struct Asked<'a> {
    /// The address-of-record.
    pub account: &'a str,
    /// The digest user name, where a digest was sent.
    pub username: Option<&'a str>,
    /// Our address as the carrier sees it, or our own where that is not known.
    pub from: &'a str,
    /// The registrar's address, or its name where it leads nowhere.
    pub to: &'a str,
    /// Code and reason phrase of the last answer.
    pub answer: Option<&'a str>,
}

/// Returns the question that an attempt leaves for the carrier's support.
pub fn question(attempt: &Attempt, asked: &Asked<'_>) -> String {
    let Asked { account, from, to, .. } = asked;
    let Some(code) = attempt.diagnosis.as_ref().map(|diagnosis| diagnosis.code).filter(|_| !attempt.accepted) else {
        if attempt.changes.is_empty() {
            return "None: this was accepted. It is the record that you may want to compare with yours.".to_owned();
        }
        return "Was this change intended, and does it hold for all your nodes? If so we adopt it; if not, please undo it.".to_owned();
    };
    let answer = asked.answer.unwrap_or("nothing");
    if let Some(question) = of_code(code, asked, answer) {
        return question;
    }
    match code.stage() {
        Stage::Network => format!(
            "Do our requests from {from} reach {to}? Please look for the Call-ID above at the times above, on the firewall and on the registrar, and tell us where they stop."
        ),
        Stage::Challenge => format!(
            "Please look up the Call-ID above: is {account} set up on the node that answered, and is the challenge that it sent the one that you expect for it?"
        ),
        Stage::Digest => format!(
            "Why was the digest for {account} refused with {answer}? Please look up the Call-ID above and tell us which check failed."
        ),
        Stage::Binding => format!(
            "Why was the binding of {account} not granted as asked ({answer})? Please tell us what our REGISTER has to look like instead."
        ),
        Stage::Carrier => format!("What was wrong at {to} at the time above, and until when do we have to expect it?"),
        Stage::Form | Stage::Policy | Stage::Warning => {
            format!(
                "Which digest algorithms can {account} be challenged with? Please tell us whether SHA-256 (RFC 8760) can be switched on."
            )
        }
    }
}

fn of_code(code: Code, asked: &Asked<'_>, answer: &str) -> Option<String> {
    let Asked { account, username, from, to, .. } = asked;
    let user = username.unwrap_or(account);
    let question = match code {
        Code::CredentialsRejected | Code::BothRejected => format!(
            "Is {account} active, and is the password that your registrar holds for user name {user} still the one that you gave us? Your registrar refused the digest over the nonce that it had just sent. Please look up the Call-ID above and tell us which check failed: user name, realm, password, or the account itself."
        ),
        Code::ProxyCredentialsRejected => format!(
            "Is the password that the proxy before {to} holds for user name {user} still the one that you gave us? It answered {answer} to the digest over the nonce that it had just sent, so your registrar was never asked."
        ),
        Code::ForbiddenAfterAuth => format!(
            "Your registrar answered {answer} to the digest of {user}. Is the password wrong, or may {account} not register from {from}? Please look up the Call-ID above and tell us which."
        ),
        Code::ForbiddenBeforeChallenge => format!(
            "Is our address {from} on your allow-list for {account}, and is that account set up on the node that answered? You answered {answer} without asking for a digest, so the password was never looked at."
        ),
        Code::UserUnknown => format!(
            "Is {account} set up on the registrar {to}, spelt exactly so? If it is to register elsewhere, or under another name, please tell us where and how."
        ),
        Code::RealmMismatch => {
            format!(
                "Which realm is right for {account}: the one that your registrar challenges (above), or the one on our sheet? Please confirm it in writing."
            )
        }
        Code::AlgorithmNotOffered | Code::AlgorithmUnsupported | Code::AlgorithmNotAllowed | Code::DowngradeRefused => {
            format!(
                "Which digest algorithms can {account} be challenged with? The offer is above; please tell us whether SHA-256 (RFC 8760) can be switched on."
            )
        }
        Code::Timeout | Code::RegisterIgnored | Code::BlockSuspected => format!(
            "Does REGISTER from {from} reach {to}, and is it dropped or blocked on your side? Please look for the Call-ID above at the times above; if our address is blocked, please release it and tell us what led to it."
        ),
        Code::SuspectTruncatedSha512 => format!(
            "Do you compute SHA-512-256 as FIPS 180-4 defines it (its own initial values), or do you cut SHA-512 short? Our digest for {user} is the former; RFC 8760 asks for it."
        ),
        Code::BindingLimit => {
            format!("How many bindings may {account} have, and which are registered now? Please remove those that are not at {from}.")
        }
        _ => return None,
    };
    Some(question)
}

#[cfg(test)]
mod tests {
    use diagnosis::{ALL, Diagnosis};

    use super::super::samples;
    use super::*;

    #[test]
    fn every_cause_leaves_a_question_with_the_values_at_hand() {
        let asked =
            Asked { account: "sip:u@lab", username: Some("u"), from: "198.51.100.7:5060", to: "203.0.113.9:5060", answer: Some("403 No") };
        for &code in ALL {
            let attempt = Attempt { diagnosis: Some(Box::new(Diagnosis::new(code))), ..samples::rejected() };
            let text = question(&attempt, &asked);
            assert!(text.contains('?') && text.ends_with(['.', '?']), "{code}: {text}");
            let named = ["sip:u@lab", "198.51.100.7:5060", "203.0.113.9:5060", " u "].iter().any(|value| text.contains(value));
            assert!(named, "{code}: {text}");
        }
    }

    #[test]
    fn what_was_accepted_leaves_one_only_where_something_changed() {
        let asked = Asked { account: "a", username: None, from: "f", to: "t", answer: None };
        assert!(question(&samples::drifted(), &asked).starts_with("Was this change intended"));
        let plain = Attempt { changes: Vec::new(), ..samples::drifted() };
        assert!(question(&plain, &asked).starts_with("None"));
    }
}
