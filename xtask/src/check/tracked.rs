//! No file of the repository names a path of somebody's machine or holds what looks like a secret.

use anyhow::Result;

use super::{Faults, sources};

/// Folders that exist on somebody's machine only. Put together here, so that this file does not name them.
const MACHINE: &[&str] = &[concat!("/ro", "ot"), concat!("/wo", "rk"), concat!("/ho", "me/")];

pub fn check() -> Result<Faults> {
    let mut faults = Faults::new();
    for path in sources::files()? {
        let Some(text) = sources::text(&path)? else { continue };
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let place = format!("{path}:{}", index + 1);
            if let Some(folder) = MACHINE.iter().find(|folder| names_folder(line, folder)) {
                faults.push(format!("{place} names a path of a machine ({folder})"));
            }
            if let Some(kind) = secret(line, lines.get(index + 1).unwrap_or(&"")) {
                faults.push(format!("{place} holds what looks like {kind}"));
            }
        }
    }
    Ok(faults)
}

/// Whether `folder` stands in the line as the beginning of an absolute path.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte);
        let before = at.checked_sub(1).and_then(|at| line.as_bytes().get(at)).copied();
        let after = line.as_bytes().get(at + folder.len()).copied();
        let begins = !before.is_some_and(|byte| word(byte) || byte == b'}');
        let ends = folder.ends_with('/') || !after.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        begins && ends
    })
}

const KEY_MARKER: &str = concat!("PRIVATE", " KEY-----");

fn has_key_body(text: &str) -> bool {
    let base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    text.split(|c| !base64(c)).any(|word| word.len() >= 32)
}

fn secret(line: &str, next: &str) -> Option<&'static str> {
    // The marker alone is what code looks for in others' input; a key has a body.
    if let Some((_, rest)) = line.split_once(KEY_MARKER)
        && [rest, next].iter().any(|text| has_key_body(text))
    {
        return Some("a private key");
    }
    let token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let known = [
        ("AKIA", 20, "an AWS key"),
        ("ghp_", 40, "a GitHub token"),
        ("github_pat_", 60, "a GitHub token"),
        (concat!("xox", "b-"), 20, "a Slack token"),
    ];
    line.split(|c: char| !c.is_ascii() || !(token(c as u8) || c == '-'))
        .find_map(|word| known.iter().find(|(prefix, length, _)| word.starts_with(prefix) && word.len() >= *length).map(|(.., kind)| *kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_path_is_found_and_a_longer_word_or_an_inner_folder_is_not() {
        let work = MACHINE[1];
        assert!(names_folder(&format!("see {work}/main"), work));
        assert!(names_folder(&format!("\"{work}\""), work));
        assert!(!names_folder(&format!("{work}space/x"), work));
        assert!(!names_folder(&format!("docs{work}/x"), work));
        assert!(!names_folder(&format!("https://example.com{work}"), work));
    }

    #[test]
    fn a_key_is_found_and_its_marker_alone_is_none() {
        let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ";
        let marker = format!("-----BEGIN {KEY_MARKER}");
        assert_eq!(secret(&marker, body), Some("a private key"));
        assert_eq!(secret(&format!("{marker}\\n{body}"), ""), Some("a private key"));
        assert_eq!(secret(&marker, "a word"), None);
        assert_eq!(secret(&format!("key={}{}", "AKIA", "ABCDEFGHIJKLMNOP"), ""), Some("an AWS key"));
        assert_eq!(secret("nothing here", ""), None);
    }
}
