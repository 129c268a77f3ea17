//! The document as a page, in the Markdown that the other pages are written in.

use std::fmt::Write as _;
use std::sync::OnceLock;

use super::operation::Operation;

/// Lends the page; it is made once.
pub fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(make)
}

fn make() -> String {
    let operations = super::operations();
    let mut text = String::from(
        "# The API\n\nEvery operation, from the same table as [openapi.json](/openapi.json). Tokens come from `POST /oauth/token`; \
         what refusals mean stands in [the diagnoses](/docs/diagnoses).\n",
    );
    let mut tags: Vec<&str> = Vec::new();
    for operation in &operations {
        if !tags.contains(&operation.tag) {
            tags.push(operation.tag);
        }
    }
    for tag in tags {
        let _ = write!(text, "\n## {tag}\n");
        for operation in operations.iter().filter(|operation| operation.tag == tag) {
            one(&mut text, operation);
        }
    }
    text
}

fn one(text: &mut String, operation: &Operation) {
    // Writing to a String cannot fail.
    let _ = write!(text, "\n### `{} {}`\n\n{}", operation.method.to_uppercase(), operation.path, operation.summary);
    if operation.is_open() {
        text.push_str(" Needs no token.");
    } else if !operation.permissions.is_empty() {
        let named: Vec<String> = operation.permissions.iter().map(|permission| format!("`{permission}`")).collect();
        let _ = write!(text, " Needs {}.", named.join(", "));
    }
    let refusals: Vec<String> = operation.refusals().iter().map(u16::to_string).collect();
    let _ = writeln!(text, " Refuses with {}.", refusals.join(", "));
    let mut parameters = operation.parameters().peekable();
    if parameters.peek().is_some() {
        text.push_str("\n| parameter | in | |\n|---|---|---|\n");
        for (name, place, about) in parameters {
            let _ = writeln!(text, "| `{name}` | {place} | {about} |");
        }
    }
    if let Some(example) = operation.request_example() {
        let shown = example.as_str().map_or_else(|| serde_json::to_string_pretty(&example).unwrap_or_default(), str::to_owned);
        let _ = write!(text, "\n```\n{shown}\n```\n");
    }
}
