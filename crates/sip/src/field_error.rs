use thiserror::Error;

use crate::Name;

/// Why a header's value cannot be used. The message around it may still be sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FieldError {
    /// The header is not there.
    #[error("{0} is missing")]
    Missing(Name),
    /// A header that may stand once stands twice, with different values.
    #[error("{0} is given twice")]
    Repeated(Name),
    /// The value does not follow the header's grammar.
    #[error("{0} is malformed")]
    Malformed(Name),
    /// A number does not fit the range that the RFC gives it.
    #[error("{0} is out of range")]
    OutOfRange(Name),
}

impl FieldError {
    /// The header that the error is about.
    pub fn name(&self) -> Name {
        match *self {
            FieldError::Missing(name) | FieldError::Repeated(name) | FieldError::Malformed(name) | FieldError::OutOfRange(name) => name,
        }
    }
}
