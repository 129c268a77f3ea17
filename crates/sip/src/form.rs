//! Rules of form for what a caller types, judged before anything is sent. Pure functions; what they report names
//! positions and code points, never the value. Positions count characters, from 1.

use std::fmt;

use thiserror::Error;

/// The longest user name, in bytes.
pub const USERNAME_BYTES_MAX: usize = 255;

/// The longest realm, in bytes.
pub const REALM_BYTES_MAX: usize = 255;

/// Why a user name or a realm cannot be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FormFault {
    /// Nothing there.
    #[error("empty")]
    Empty,
    /// Longer than anything that a carrier issues.
    #[error("{bytes} bytes long, more than {max}")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        max: usize,
    },
    /// A control character, line ends and NUL among them.
    #[error("U+{:04X} control character at position {position}", u32::from(*code_point))]
    Control {
        /// Which.
        code_point: char,
        /// Where.
        position: usize,
    },
    /// A realm with a quotation mark: the quotes around it on a sheet or in a trace are not part of it.
    #[error("quotation mark at position {position}; the quotes around a realm are not part of it")]
    Quote {
        /// Where.
        position: usize,
    },
    /// A realm that starts as a URI does.
    #[error("starts with {0:?}: a realm is a plain name, not a URI")]
    SchemePrefix(&'static str),
}

/// Judges a user name: not empty, at most 255 bytes, no control characters.
pub fn username(text: &str) -> Result<(), FormFault> {
    common(text, USERNAME_BYTES_MAX)
}

/// Judges a realm: not empty, at most 255 bytes, no control characters, no quotation marks, not a URI.
pub fn realm(text: &str) -> Result<(), FormFault> {
    common(text, REALM_BYTES_MAX)?;
    for prefix in ["sips:", "sip:"] {
        if text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)) {
            return Err(FormFault::SchemePrefix(prefix));
        }
    }
    match (1..).zip(text.chars()).find(|(_, c)| is_quote(*c)) {
        Some((position, _)) => Err(FormFault::Quote { position }),
        None => Ok(()),
    }
}

fn common(text: &str, max: usize) -> Result<(), FormFault> {
    if text.is_empty() {
        return Err(FormFault::Empty);
    }
    if text.len() > max {
        return Err(FormFault::TooLong { bytes: text.len(), max });
    }
    match (1..).zip(text.chars()).find(|(_, c)| c.is_control()) {
        Some((position, code_point)) => Err(FormFault::Control { code_point, position }),
        None => Ok(()),
    }
}

/// An apostrophe is left to names; the others only ever enclose something.
fn is_quote(c: char) -> bool {
    c == '"' || is_smart_quote(c)
}

fn is_smart_quote(c: char) -> bool {
    matches!(c, '\u{2018}'..='\u{201F}' | '\u{00AB}' | '\u{00BB}' | '\u{2039}' | '\u{203A}' | '\u{FF02}' | '\u{FF07}')
}

/// A character that copying from a sheet, a mail or a chat leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Artifact {
    /// What it is.
    pub kind: ArtifactKind,
    /// The character; it is one of those that [`contains_copy_artifacts`] lists, so it tells nothing of a secret.
    pub code_point: char,
    /// Where, in characters from 1.
    pub position: usize,
}

/// The kinds of [`Artifact`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArtifactKind {
    /// White space before the value.
    LeadingSpace,
    /// White space behind the value.
    TrailingSpace,
    /// A space that does not break a line, or is wider or narrower than the common one.
    OddSpace,
    /// A character that is not seen at all.
    ZeroWidth,
    /// A byte order mark.
    ByteOrderMark,
    /// A typographic quotation mark.
    SmartQuote,
}

/// Finds the first trace of copying: white space before or behind, no-break and other odd spaces, zero-width
/// characters, byte order marks, smart quotes. For a password the caller may insist that it is meant so.
pub fn contains_copy_artifacts(text: &str) -> Option<Artifact> {
    let count = text.chars().count();
    let after_text = count - text.chars().rev().take_while(|c| c.is_whitespace()).count();
    let mut leading = true;
    for (position, c) in (1..).zip(text.chars()) {
        leading &= c.is_whitespace();
        let kind = match c {
            _ if is_odd_space(c) => ArtifactKind::OddSpace,
            _ if is_zero_width(c) => ArtifactKind::ZeroWidth,
            '\u{FEFF}' => ArtifactKind::ByteOrderMark,
            _ if is_smart_quote(c) => ArtifactKind::SmartQuote,
            _ if leading => ArtifactKind::LeadingSpace,
            _ if position > after_text => ArtifactKind::TrailingSpace,
            _ => continue,
        };
        return Some(Artifact { kind, code_point: c, position });
    }
    None
}

fn is_odd_space(c: char) -> bool {
    matches!(c, '\u{00A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}')
}

fn is_zero_width(c: char) -> bool {
    matches!(c, '\u{00AD}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}')
}

impl Artifact {
    /// What the character is called.
    pub fn description(&self) -> &'static str {
        match (self.kind, self.code_point) {
            (ArtifactKind::LeadingSpace, _) => "leading white space",
            (ArtifactKind::TrailingSpace, _) => "trailing white space",
            (ArtifactKind::OddSpace, '\u{00A0}') => "no-break space",
            (ArtifactKind::OddSpace, '\u{202F}') => "narrow no-break space",
            (ArtifactKind::OddSpace, '\u{3000}') => "ideographic space",
            (ArtifactKind::OddSpace, _) => "typographic space",
            (ArtifactKind::ZeroWidth, '\u{200B}') => "zero-width space",
            (ArtifactKind::ZeroWidth, '\u{200C}') => "zero-width non-joiner",
            (ArtifactKind::ZeroWidth, '\u{200D}') => "zero-width joiner",
            (ArtifactKind::ZeroWidth, '\u{2060}') => "word joiner",
            (ArtifactKind::ZeroWidth, '\u{00AD}') => "soft hyphen",
            (ArtifactKind::ZeroWidth, _) => "invisible formatting character",
            (ArtifactKind::ByteOrderMark, _) => "byte order mark",
            (ArtifactKind::SmartQuote, _) => "typographic quotation mark",
        }
    }
}

impl fmt::Display for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "U+{:04X} {} at position {}", u32::from(self.code_point), self.description(), self.position)
    }
}
