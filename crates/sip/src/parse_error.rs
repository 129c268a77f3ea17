use thiserror::Error;

/// Why a datagram is not a SIP message. Positions count bytes from the start of the datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ParseError {
    /// Nothing but line ends: a keep-alive (RFC 5626 3.5.1), not a message.
    #[error("no message, only line ends")]
    Empty,
    /// The message is longer than [`MESSAGE_BYTES_MAX`](crate::MESSAGE_BYTES_MAX).
    #[error("longer than {} bytes", crate::MESSAGE_BYTES_MAX)]
    TooLong,
    /// The first line is neither a Request-Line nor a Status-Line (RFC 3261 7.1, 7.2).
    #[error("the first line is neither a request line nor a status line")]
    StartLine,
    /// The first line names a version other than SIP/2.0.
    #[error("the version is not SIP/2.0")]
    Version,
    /// The status code is not three digits between 100 and 699.
    #[error("the status code is not between 100 and 699")]
    StatusCode,
    /// A line feed without a carriage return before it.
    #[error("bare line feed at byte {at}")]
    BareLineFeed {
        /// Where the line feed is.
        at: usize,
    },
    /// A carriage return without a line feed after it.
    #[error("bare carriage return at byte {at}")]
    BareCarriageReturn {
        /// Where the carriage return is.
        at: usize,
    },
    /// The message ends before the empty line that closes its headers.
    #[error("the headers are not closed by an empty line")]
    Unterminated,
    /// A header line is not `name: value`.
    #[error("the line at byte {at} is not a header")]
    Header {
        /// Where the line starts.
        at: usize,
    },
    /// More header lines than [`HEADERS_MAX`](crate::HEADERS_MAX).
    #[error("more than {} header lines", crate::HEADERS_MAX)]
    TooManyHeaders,
    /// Content-Length is not a plain decimal number, or does not fit.
    #[error("Content-Length is not a number of bytes")]
    ContentLength,
    /// Two Content-Length headers that differ.
    #[error("two different Content-Length headers")]
    ContentLengthConflict,
    /// The body is shorter than Content-Length says (RFC 3261 18.3).
    #[error("Content-Length says {declared} bytes, the body has {present}")]
    BodyTruncated {
        /// What Content-Length says.
        declared: usize,
        /// What is there.
        present: usize,
    },
}
