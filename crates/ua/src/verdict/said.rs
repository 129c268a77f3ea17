//! What a carrier says in words beside its code, and what the operator knows about that.

use diagnosis::{Note, Place, Said};
use sip::Message;

use super::{End, Observation};
use crate::Profile;
use crate::challenge::printable;

/// So many Warning and Reason headers are kept of an answer.
const HEADERS_MAX: usize = 8;
/// So much is kept of each, in characters.
const SHOWN_MAX: usize = 256;

/// Takes the Warning (RFC 3261 20.43) and Reason (RFC 3326) headers of an answer, without what looks like credentials.
pub(crate) fn headers(message: &Message<'_>) -> Vec<Said> {
    let place = |name: &[u8]| match () {
        () if name.eq_ignore_ascii_case(b"Warning") => Some(Place::Warning),
        () if name.eq_ignore_ascii_case(b"Reason") => Some(Place::Reason),
        () => None,
    };
    let said = |(name, value): (&[u8], &[u8])| {
        let redacted = sip::redact(value);
        let text: String = printable(String::from_utf8_lossy(&redacted).trim()).chars().take(SHOWN_MAX).collect();
        Some(Said { place: place(name)?, text }).filter(|said| !said.text.is_empty())
    };
    message.all().filter_map(said).take(HEADERS_MAX).collect()
}

/// Returns the notes of a profile that fit what was said, in the profile's order, each once.
pub(crate) fn notes(profile: &Profile, seen: &Observation, end: &End) -> Vec<Note> {
    let phrase = seen.sip.iter().map(|sip| (Place::Phrase, sip.reason.as_str()));
    let headers = match end {
        End::Final(answer) => answer.headers.as_slice(),
        End::Unresolved(_) | End::NotSent(_) | End::Disconnected(_) | End::Silence | End::Challenge(_) | End::StaleLoop | End::Unproven => {
            &[]
        }
        End::BindingMissing { .. } | End::GrantedNothing | End::BudgetSpent { .. } => &[],
    };
    let said: Vec<(Place, &str)> = phrase.chain(headers.iter().map(|said| (said.place, said.text.as_str()))).collect();
    let fits = |note: &diagnosis::PhraseNote| {
        let (place, _) = said.iter().find(|(place, text)| note.fits(*place, text))?;
        Some(Note { pattern: note.pattern().to_owned(), place: *place, note: note.note().to_owned() })
    };
    profile.phrase_notes.iter().filter_map(fits).collect()
}
