//! What an operator knows about a carrier's words: patterns, and notes to them.

use std::fmt;

/// Where a carrier's words stand in its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub enum Place {
    /// The reason phrase of the status line (RFC 3261 7.2).
    Phrase,
    /// A Warning header (RFC 3261 20.43).
    Warning,
    /// A Reason header (RFC 3326).
    Reason,
}

impl Place {
    /// Returns the word before the colon of a pattern.
    pub fn as_str(self) -> &'static str {
        match self {
            Place::Phrase => "phrase",
            Place::Warning => "warning",
            Place::Reason => "reason",
        }
    }
}

/// A pattern over what a carrier says, and what the operator wants to be told when it fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhraseNote {
    text: Box<str>,
    place: Option<Place>,
    /// Lower-case; what `*` stood between.
    parts: Vec<Box<str>>,
    note: Box<str>,
}

impl PhraseNote {
    /// The longest pattern, in bytes.
    pub const PATTERN_BYTES_MAX: usize = 512;
    /// The longest note, in bytes.
    pub const NOTE_BYTES_MAX: usize = 512;
    /// So much of a carrier's words is looked at, in bytes: a cause stands at their beginning.
    pub const TEXT_BYTES_MAX: usize = 2048;

    /// Reads a pattern: a text that is found anywhere in the carrier's words, upper and lower case alike, in which `*` stands for any
    /// run of characters, `\*` for a star and `\\` for a backslash. `phrase:`, `warning:` or `reason:` before it names the only place to look at;
    /// without one all three are.
    ///
    /// # Errors
    /// A [`PhraseFault`] where there is nothing to find, or it is too long or of several lines.
    pub fn new(pattern: &str, note: &str) -> Result<Self, PhraseFault> {
        if pattern.len() > Self::PATTERN_BYTES_MAX {
            return Err(PhraseFault::PatternTooLong);
        }
        if note.trim().is_empty() || note.len() > Self::NOTE_BYTES_MAX {
            return Err(PhraseFault::NoteLength);
        }
        if pattern.chars().chain(note.chars()).any(char::is_control) {
            return Err(PhraseFault::Control);
        }
        let (place, rest) = placed(pattern);
        let parts = parts(rest)?;
        if parts.is_empty() {
            return Err(PhraseFault::Empty);
        }
        Ok(PhraseNote { text: pattern.into(), place, parts, note: note.into() })
    }

    /// Returns the pattern as it was given.
    pub fn pattern(&self) -> &str {
        &self.text
    }

    /// Returns the operator's text.
    pub fn note(&self) -> &str {
        &self.note
    }

    /// Tells whether it fits what the carrier says at a place. Takes time in proportion to the text.
    pub fn fits(&self, place: Place, text: &str) -> bool {
        if self.place.is_some_and(|only| only != place) {
            return false;
        }
        let lower = head(text).to_lowercase();
        // Each part where it first comes: if the rest fits behind a later place, it fits behind the first too.
        let mut rest = lower.as_str();
        self.parts.iter().all(|part| match rest.find(&**part) {
            Some(at) => {
                rest = rest.get(at + part.len()..).unwrap_or_default();
                true
            }
            None => false,
        })
    }
}

/// As much of a text as is looked at.
fn head(text: &str) -> &str {
    let mut end = text.len().min(PhraseNote::TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

fn placed(pattern: &str) -> (Option<Place>, &str) {
    let named = pattern.split_once(':').and_then(|(name, rest)| {
        let place =
            [Place::Phrase, Place::Warning, Place::Reason].into_iter().find(|place| place.as_str().eq_ignore_ascii_case(name.trim()))?;
        Some((place, rest.trim_start()))
    });
    named.map_or((None, pattern), |(place, rest)| (Some(place), rest))
}

fn parts(pattern: &str) -> Result<Vec<Box<str>>, PhraseFault> {
    let mut parts: Vec<Box<str>> = Vec::new();
    let mut part = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' => parts.push(std::mem::take(&mut part).to_lowercase().into()),
            '\\' => match chars.next() {
                Some(escaped @ ('*' | '\\')) => part.push(escaped),
                _ => return Err(PhraseFault::Escape),
            },
            other => part.push(other),
        }
    }
    parts.push(part.to_lowercase().into());
    // Blanks alone are in nearly every phrase: no cause is told by them.
    if parts.iter().all(|part| part.trim().is_empty()) {
        return Err(PhraseFault::Empty);
    }
    parts.retain(|part| !part.is_empty());
    Ok(parts)
}

/// Why a pattern or its note cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhraseFault {
    /// There is nothing to find in it.
    Empty,
    /// The pattern is longer than [`PhraseNote::PATTERN_BYTES_MAX`].
    PatternTooLong,
    /// The note is empty, or longer than [`PhraseNote::NOTE_BYTES_MAX`].
    NoteLength,
    /// One of them holds a control character.
    Control,
    /// A backslash before something other than a star or a backslash.
    Escape,
}

impl fmt::Display for PhraseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PhraseFault::Empty => f.write_str("the pattern has nothing to find: it would fit everything"),
            PhraseFault::PatternTooLong => write!(f, "the pattern is longer than {} bytes", PhraseNote::PATTERN_BYTES_MAX),
            PhraseFault::NoteLength => write!(f, "the note is 1 to {} bytes of text", PhraseNote::NOTE_BYTES_MAX),
            PhraseFault::Control => f.write_str("pattern and note are one line each, without control characters"),
            PhraseFault::Escape => f.write_str("a backslash stands before a star or a backslash only: \\* or \\\\"),
        }
    }
}

impl std::error::Error for PhraseFault {}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, place: Place, text: &str) -> bool {
        PhraseNote::new(pattern, "note").unwrap().fits(place, text)
    }

    #[test]
    fn a_pattern_is_found_anywhere_in_any_case_with_stars_for_what_varies() {
        for (pattern, text, fit) in [
            ("[q850;1]", "Verboten [Q850;1]", true),
            ("limit", "Registration LIMIT exceeded", true),
            ("limit*exceeded", "Registration limit (5) exceeded", true),
            ("limit*exceeded", "exceeded: registration limit", false),
            ("a*b*c", "xaxbxbxc", true),
            ("a*b*c", "xaxcxb", false),
            ("ab*ab", "ab", false),
            ("*limit*", "limit", true),
            (r"50\* of", "50* of 50", true),
            (r"50\* of", "501 of 50", false),
            (r"c:\\x", r"C:\X", true),
            ("zahl überschritten", "Zahl ÜBERSCHRITTEN", true),
            ("note: none", "Note: none", true),
            ("limit", "", false),
        ] {
            assert_eq!(fits(pattern, Place::Phrase, text), fit, "{pattern:?} in {text:?}");
        }
    }

    #[test]
    fn a_pattern_that_names_a_place_looks_there_only() {
        for (pattern, places) in [
            ("quota", &[Place::Phrase, Place::Warning, Place::Reason][..]),
            ("Warning: quota", &[Place::Warning]),
            ("reason:quota", &[Place::Reason]),
            ("PHRASE : quota", &[Place::Phrase]),
        ] {
            for place in [Place::Phrase, Place::Warning, Place::Reason] {
                assert_eq!(fits(pattern, place, "over quota"), places.contains(&place), "{pattern} {place:?}");
            }
        }
    }

    #[test]
    fn what_fits_everything_or_cannot_be_read_is_refused() {
        let long = "x".repeat(513);
        for (pattern, note, fault) in [
            ("", "n", PhraseFault::Empty),
            ("***", "n", PhraseFault::Empty),
            (" * ", "n", PhraseFault::Empty),
            ("warning:", "n", PhraseFault::Empty),
            (&long, "n", PhraseFault::PatternTooLong),
            ("a", " ", PhraseFault::NoteLength),
            ("a", &"x".repeat(513), PhraseFault::NoteLength),
            ("a\n", "n", PhraseFault::Control),
            ("a", "n\u{7}", PhraseFault::Control),
            (r"a\b", "n", PhraseFault::Escape),
            (r"a\", "n", PhraseFault::Escape),
        ] {
            assert_eq!(PhraseNote::new(pattern, note), Err(fault), "{pattern:?}");
        }
    }

    #[test]
    fn a_long_text_is_looked_at_up_to_a_limit_and_never_cut_within_a_character() {
        assert!(!fits("end", Place::Phrase, &format!("{}end", "é".repeat(1500))));
        assert!(fits("é", Place::Phrase, &format!("x{}", "é".repeat(1500))));
    }
}
