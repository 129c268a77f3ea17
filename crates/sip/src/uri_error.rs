use thiserror::Error;

/// Why a text is not a SIP URI. Positions count bytes from the start of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UriError {
    /// A telephone URI (RFC 3966): it names a number, not a place to register at.
    #[error("a tel: URI has no host; write sip:number@host")]
    Tel,
    /// Neither `sip:` nor `sips:`.
    #[error("the URI does not start with sip: or sips:")]
    Scheme,
    /// An `@` with nothing before it, or a character that a user may not have unescaped.
    #[error("the user part is empty or has a character that must be escaped, at byte {at}")]
    User {
        /// Where.
        at: usize,
    },
    /// A character that a password may not have unescaped.
    #[error("the password has a character that must be escaped, at byte {at}")]
    Password {
        /// Where.
        at: usize,
    },
    /// Neither a host name nor an IPv4 address nor an IPv6 address in brackets.
    #[error("the host is neither a name nor an IPv4 address nor an IPv6 address in brackets")]
    Host,
    /// Not a number between 1 and 65535.
    #[error("the port is not a number between 1 and 65535")]
    Port,
    /// An empty parameter, or a character that a parameter may not have unescaped.
    #[error("a parameter is empty or has a character that must be escaped, at byte {at}")]
    Parameter {
        /// Where.
        at: usize,
    },
    /// A parameter given twice (RFC 3261 19.1.1).
    #[error("a parameter is given twice, at byte {at}")]
    RepeatedParameter {
        /// Where the second one starts.
        at: usize,
    },
    /// A header that is not `name=value`, or has a character that must be escaped.
    #[error("a header is not name=value or has a character that must be escaped, at byte {at}")]
    Header {
        /// Where.
        at: usize,
    },
}
