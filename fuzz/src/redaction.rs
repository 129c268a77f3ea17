//! Redaction: whatever the bytes are, a secret in credentials does not come through.

use sip::redact;

/// A digest response, as long as the shortest there is.
const RESPONSE: &str = "6629fae49393a05397450978507c4ef1";

/// Redacts the bytes as they are; then puts credentials at a place that they name and looks for the response.
pub fn run(data: &[u8]) {
    let redacted = redact(data);
    // What was redacted is fit to be redacted again.
    let _ = redact(&redacted);
    let Some((&at, text)) = data.split_first() else { return };
    let mut message = text.to_vec();
    let at = usize::from(at) % (message.len() + 1);
    let credentials = format!(
        "\r\nAuthorization: Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"sip:h\", response=\"{RESPONSE}\", cnonce=\"{RESPONSE}\"\r\n"
    );
    message.splice(at..at, credentials.bytes());
    let redacted = redact(&message);
    let hidden = |needle: &str| !redacted.windows(needle.len()).any(|window| window == needle.as_bytes());
    // The bytes may spell it themselves.
    if !text.windows(RESPONSE.len()).any(|window| window == RESPONSE.as_bytes()) {
        assert!(hidden(RESPONSE), "{}", String::from_utf8_lossy(&redacted));
    }
}
