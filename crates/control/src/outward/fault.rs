use std::fmt;
use std::net::IpAddr;

/// Why a call did not get an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutwardFault {
    /// The URL cannot be used.
    Url(&'static str),
    /// An address that may not be called.
    Forbidden(IpAddr),
    /// A port that may not be called.
    Port(u16),
    /// Without TLS to where that is not allowed.
    Plain(IpAddr),
    /// The name leads nowhere.
    Name(String),
    /// No connection.
    Connect(String),
    /// No TLS.
    Tls(String),
    /// The other side speaks no HTTP, or ends early.
    Http(String),
    /// It took too long.
    Timeout,
}

impl fmt::Display for OutwardFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OutwardFault::Url(what) => f.write_str(what),
            OutwardFault::Forbidden(ip) => {
                write!(
                    f,
                    "{ip} is not on the public Internet. Start the server with --allow-webhook-target for its range if it may be called."
                )
            }
            OutwardFault::Port(port) => {
                write!(
                    f,
                    "Port {port} belongs to another service. Use 443, or one above 1023, or allow the range with --allow-webhook-target."
                )
            }
            OutwardFault::Plain(ip) => {
                write!(f, "{ip} is called without TLS, which only ranges of --allow-webhook-target may be. Use https.")
            }
            OutwardFault::Name(what) => write!(f, "The name is not found: {what}."),
            OutwardFault::Connect(what) => write!(f, "No connection: {what}."),
            OutwardFault::Tls(what) => write!(f, "No TLS connection: {what}."),
            OutwardFault::Http(what) => write!(f, "The other side does not answer as HTTP: {what}."),
            OutwardFault::Timeout => f.write_str("No answer in time."),
        }
    }
}

impl std::error::Error for OutwardFault {}
