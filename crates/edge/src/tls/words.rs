//! What a certificate says of itself, fit to be shown: it comes from whoever answered.

use x509_parser::prelude::{ASN1Time, X509Name};

/// Longer names are cut.
const LENGTH_MAX: usize = 200;

/// Returns a name fit to be shown.
pub(super) fn clean(text: &str) -> String {
    let mut clean: String = text.chars().map(|char| if char.is_control() { '?' } else { char }).take(LENGTH_MAX + 1).collect();
    if clean.chars().count() > LENGTH_MAX {
        clean.pop();
        clean.push('…');
    }
    clean
}

pub(super) fn name(name: &X509Name<'_>) -> String {
    let text = clean(&name.to_string());
    if text.is_empty() { "nobody".to_owned() } else { format!("\"{text}\"") }
}

/// Returns a time as RFC 3339 has it.
pub(super) fn time(time: &ASN1Time) -> String {
    let time = time.to_datetime();
    let (month, day) = (u8::from(time.month()), time.day());
    format!("{:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", time.year(), time.hour(), time.minute(), time.second())
}
