//! The printed walk: one `curl` command for each step, what it will show before it, what a test may expect after it.

use std::fmt::Write as _;

use super::cast::{NEW_PASSWORD, REALM, TRUNK, USER};

const REGISTRATIONS: &str = "/api/v2/trunks/voice/registrations";

/// One step of the story.
struct Step {
    says: &'static str,
    method: &'static str,
    path: String,
    body: Option<String>,
    /// The status to expect.
    status: u16,
    /// What the answer contains.
    contains: &'static str,
}

/// The whole walk. After each command stands `# expect STATUS TEXT`: the status it is answered with, and what the answer contains.
pub fn text(base: &str, client: &str, secret: &str) -> String {
    let mut out =
        String::from("\nThe story. Each command runs as it stands, in this order, in one shell; # expect says how it is answered.\n");
    let mut line = |text: &str| {
        let _ = writeln!(out, "{text}");
    };
    line("\n# A token of the administrator, for the commands below.");
    line(&format!(
        "TOKEN=$(curl -sS -u '{client}:{secret}' -d grant_type=client_credentials {base}/oauth/token | sed 's/.*\"access_token\": *\"\\([^\"]*\\)\".*/\\1/')"
    ));
    line("# expect TOKEN");
    for (place, step) in steps().iter().enumerate() {
        line(&format!("\n# {}. {}", place + 1, step.says));
        line(&step.command(base));
        line(&format!("# expect {} {}", step.status, step.contains));
    }
    line("\nCtrl-C ends the demo, and everything that belongs to it.");
    out
}

impl Step {
    fn command(&self, base: &str) -> String {
        let mut command = String::from("curl -sS -w '\\n%{http_code}\\n' -H \"Authorization: Bearer $TOKEN\"");
        if !matches!(self.method, "GET" | "POST") {
            command += &format!(" -X {}", self.method);
        }
        let target = format!("'{base}{}'", self.path);
        match &self.body {
            Some(body) => command + &format!(" -H 'Content-Type: application/json' \\\n  {target} \\\n  -d '{body}'"),
            None => command + &format!(" \\\n  {target}"),
        }
    }
}

fn steps() -> Vec<Step> {
    let registration = format!("{REGISTRATIONS}/{TRUNK}");
    let set = |says, credentials: String, status, contains| Step {
        says,
        method: "POST",
        path: REGISTRATIONS.into(),
        body: Some(format!(r#"{{"trunkId": "{TRUNK}", "credentials": {{{credentials}}}}}"#)),
        status,
        contains,
    };
    let get = |says, path: String, contains| Step { says, method: "GET", path, body: None, status: 200, contains };
    let sheet = format!(r#""username": "{USER}", "password": "{NEW_PASSWORD}", "realm": "{REALM}", "algorithm": "MD5""#);
    vec![
        set(
            "What the carrier's sheet says, refused: the organisation allows SHA-256 only, and diagnosis.remedy has the exact override.",
            sheet.clone(),
            422,
            "sip.algorithm.not_allowed",
        ),
        get(
            "Nothing has changed: the old credentials (activeVersion 1) are active, their binding at the carrier runs, and lastRejected names the refusal.",
            registration.clone(),
            r#""bound":true"#,
        ),
        Step {
            says: "The override, for this trunk alone.",
            method: "PATCH",
            path: format!("/api/v2/trunks/voice/{TRUNK}"),
            body: Some(r#"{"digestPolicy": {"allowed": ["MD5"]}}"#.into()),
            status: 200,
            contains: r#""MD5""#,
        },
        set(
            "The same call again: tried at the carrier from the Jakarta edge, accepted, promoted, registered. The binding was never gone.",
            sheet,
            200,
            "REGISTERED",
        ),
        set(
            "A wrong password: one digest, refused by the carrier, and the diagnosis says so.",
            format!(r#""username": "{USER}", "password": "a-slip-of-the-pen", "realm": "{REALM}", "algorithm": "MD5""#),
            422,
            "sip.credentials.rejected",
        ),
        get("The binding is alive, with the credentials that were accepted; lastRejected names the slip.", registration, r#""bound":true"#),
        set(
            "Another realm than the carrier's: refused at the challenge, both shown, no digest sent (credentialSent is false).",
            format!(r#""username": "{USER}", "password": "{NEW_PASSWORD}", "realm": "carrier.co.id", "algorithm": "MD5""#),
            422,
            "sip.realm.mismatch",
        ),
        Step {
            says: "Realm and algorithms, learned from the carrier without sending a digest.",
            method: "POST",
            path: format!("{REGISTRATIONS}/{TRUNK}/verify"),
            body: Some(r#"{"challengeOnly": true}"#.into()),
            status: 200,
            contains: "LEARNED",
        },
        get("All sixteen trunks, still registered.", format!("{REGISTRATIONS}?bound=true&pageSize=50"), r#""total":16"#),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_followed_by_what_to_expect_and_quotes_are_safe() {
        let text = text("http://127.0.0.1:8080", "demo", "00ff");
        let commands = text.lines().filter(|line| line.starts_with("curl ") || line.starts_with("TOKEN=")).count();
        assert_eq!(commands, text.lines().filter(|line| line.starts_with("# expect ")).count());
        assert_eq!(commands, 1 + steps().len());
        for step in steps() {
            let body = step.body.unwrap_or_default();
            assert!(!body.contains('\'') && !step.path.contains('\''), "{}", step.says);
            assert!(body.is_empty() || serde_json::from_str::<serde_json::Value>(&body).is_ok(), "{body}");
        }
    }
}
