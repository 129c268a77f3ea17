use std::fmt::Write as _;

use super::{Rule, TABLE};

/// Examples beyond so many characters are told by their length.
const SHOWN_MAX: usize = 60;

/// Writes the table in Markdown: `docs/guide/form-rules.md`, byte for byte.
pub fn page() -> String {
    let mut out = String::from(HEAD);
    for of in TABLE {
        let _ = write!(out, "\n## {}\n\nIn the API: `{}`. {}\n\n", of.title, of.field.name().replace(", ", "`, `"), of.what);
        out.push_str("| | rule | passes | is refused, with code |\n|---|---|---|---|\n");
        for rule in of.rules {
            let _ = writeln!(out, "| {} | {} | {} | {} |", rule.aspect, rule.says.replace('|', "\\|"), valid(rule), invalid(rule));
        }
    }
    out
}

const HEAD: &str = "# Rules of form

What a valid user name, password, realm, algorithm, HA1 and URI is. These rules are judged before any carrier is asked, by the API (400) and by `trunkline verify` (exit code 10) alike.
What passes them may still be wrong at the carrier; what breaks them cannot be right.

This page is written from the table in `crates/sip/src/form_rules/table.rs`, and every example in it is run through the checks themselves: `cargo test -p sip form_rules`.
Invisible characters are shown as `\\u{a0}`, by their code point.
";

fn valid(rule: &Rule) -> String {
    rule.valid.iter().map(|text| shown(text)).collect::<Vec<_>>().join(", ")
}

fn invalid(rule: &Rule) -> String {
    let mut codes: Vec<&str> = Vec::new();
    for (_, code) in rule.invalid {
        if !codes.contains(code) {
            codes.push(code);
        }
    }
    let of = |code: &&str| {
        let texts = rule.invalid.iter().filter(|(_, of)| of == code).map(|(text, _)| shown(text)).collect::<Vec<_>>().join(", ");
        format!("{texts}: `{code}`")
    };
    codes.iter().map(of).collect::<Vec<_>>().join("; ")
}

/// An example in Markdown's quotes, what cannot be seen by its code point.
fn shown(text: &str) -> String {
    let count = text.chars().count();
    if count == 0 {
        return "(empty)".to_owned();
    }
    if count > SHOWN_MAX + 20 {
        let first = text.chars().next().unwrap_or_default();
        let start = if text.chars().all(|c| c == first) { first.to_string() } else { text.chars().take(16).collect() };
        return format!("`{start}…` ({} bytes)", text.len());
    }
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '|' => out.push_str("\\|"),
            ' ' if text.starts_with(' ') || text.ends_with(' ') => out.push_str("\\u{20}"),
            '\u{21}'..='\u{7e}' | ' ' => out.push(c),
            _ if c.is_alphanumeric() => out.push(c),
            _ => {
                let _ = write!(out, "{}", c.escape_unicode());
            }
        }
    }
    format!("`{out}`")
}
