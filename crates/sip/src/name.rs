use std::fmt;

macro_rules! names {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// The name of a header that this crate knows; long and compact forms are the same name (RFC 3261 7.3.3).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Name {
            /// Any other header: read it with [`Message::other`](crate::Message::other).
            Other,
            $(#[doc = concat!("`", $text, "`.")] $(#[$doc])* $variant,)*
        }

        impl Name {
            /// Every name but [`Name::Other`].
            pub const KNOWN: &'static [Name] = &[$(Name::$variant,)*];

            /// The long form, as the RFC that defines it writes it; empty for [`Name::Other`].
            pub const fn as_str(self) -> &'static str {
                match self {
                    Name::Other => "",
                    $(Name::$variant => $text,)*
                }
            }
        }
    };
}

names! {
    Accept = "Accept",
    AcceptContact = "Accept-Contact",
    Allow = "Allow",
    AllowEvents = "Allow-Events",
    AuthenticationInfo = "Authentication-Info",
    Authorization = "Authorization",
    CallId = "Call-ID",
    Contact = "Contact",
    ContentDisposition = "Content-Disposition",
    ContentEncoding = "Content-Encoding",
    ContentLength = "Content-Length",
    ContentType = "Content-Type",
    CSeq = "CSeq",
    Date = "Date",
    Event = "Event",
    Expires = "Expires",
    FlowTimer = "Flow-Timer",
    From = "From",
    Identity = "Identity",
    IdentityInfo = "Identity-Info",
    MaxForwards = "Max-Forwards",
    MinExpires = "Min-Expires",
    PAssociatedUri = "P-Associated-URI",
    Path = "Path",
    ProxyAuthenticate = "Proxy-Authenticate",
    ProxyAuthenticationInfo = "Proxy-Authentication-Info",
    ProxyAuthorization = "Proxy-Authorization",
    ProxyRequire = "Proxy-Require",
    Reason = "Reason",
    RecordRoute = "Record-Route",
    ReferTo = "Refer-To",
    ReferredBy = "Referred-By",
    RejectContact = "Reject-Contact",
    RequestDisposition = "Request-Disposition",
    Require = "Require",
    RetryAfter = "Retry-After",
    Route = "Route",
    SecurityServer = "Security-Server",
    Server = "Server",
    ServiceRoute = "Service-Route",
    SessionExpires = "Session-Expires",
    Subject = "Subject",
    Supported = "Supported",
    Timestamp = "Timestamp",
    To = "To",
    Unsupported = "Unsupported",
    UserAgent = "User-Agent",
    Via = "Via",
    Warning = "Warning",
    WwwAuthenticate = "WWW-Authenticate",
}

impl Name {
    /// Classifies a name as written, in either form and any case.
    pub fn of(written: &[u8]) -> Name {
        let Some(first) = written.first().map(u8::to_ascii_lowercase) else { return Name::Other };
        candidates(written.len(), first)
            .iter()
            .copied()
            .find(|name| written.len() == 1 || name.as_str().as_bytes().eq_ignore_ascii_case(written))
            .unwrap_or(Name::Other)
    }
}

/// What a name of this length and first letter can be: one comparison decides nearly always.
fn candidates(length: usize, first: u8) -> &'static [Name] {
    match (length, first) {
        (1, letter) => compact(letter),
        (2, b't') => &[Name::To],
        (3, b'v') => &[Name::Via],
        (4, b'f') => &[Name::From],
        (4, b'c') => &[Name::CSeq],
        (4, b'd') => &[Name::Date],
        (4, b'p') => &[Name::Path],
        (5, b'a') => &[Name::Allow],
        (5, b'e') => &[Name::Event],
        (5, b'r') => &[Name::Route],
        (6, b'a') => &[Name::Accept],
        (6, b'r') => &[Name::Reason],
        (6, b's') => &[Name::Server],
        (7, b'c') => &[Name::Contact, Name::CallId],
        (7, b'e') => &[Name::Expires],
        (7, b'r') => &[Name::Require],
        (7, b's') => &[Name::Subject],
        (7, b'w') => &[Name::Warning],
        (8, b'i') => &[Name::Identity],
        (8, b'r') => &[Name::ReferTo],
        (9, b's') => &[Name::Supported],
        (9, b't') => &[Name::Timestamp],
        (10, b'f') => &[Name::FlowTimer],
        (10, b'u') => &[Name::UserAgent],
        (11, b'm') => &[Name::MinExpires],
        (11, b'r') => &[Name::RetryAfter, Name::ReferredBy],
        (11, b'u') => &[Name::Unsupported],
        (12, b'a') => &[Name::AllowEvents],
        (12, b'c') => &[Name::ContentType],
        (12, b'm') => &[Name::MaxForwards],
        (12, b'r') => &[Name::RecordRoute],
        (13, b'a') => &[Name::Authorization],
        (13, b'i') => &[Name::IdentityInfo],
        (13, b'p') => &[Name::ProxyRequire],
        (13, b's') => &[Name::ServiceRoute],
        (14, b'a') => &[Name::AcceptContact],
        (14, b'c') => &[Name::ContentLength],
        (14, b'r') => &[Name::RejectContact],
        (15, b's') => &[Name::SessionExpires, Name::SecurityServer],
        (16, b'c') => &[Name::ContentEncoding],
        (16, b'p') => &[Name::PAssociatedUri],
        (16, b'w') => &[Name::WwwAuthenticate],
        (18, b'p') => &[Name::ProxyAuthenticate],
        (19, b'a') => &[Name::AuthenticationInfo],
        (19, b'c') => &[Name::ContentDisposition],
        (19, b'p') => &[Name::ProxyAuthorization],
        (19, b'r') => &[Name::RequestDisposition],
        (25, b'p') => &[Name::ProxyAuthenticationInfo],
        _ => &[],
    }
}

/// The compact forms of RFC 3261 20, 3265, 3515, 3841, 3892, 4028, 4474.
fn compact(letter: u8) -> &'static [Name] {
    match letter {
        b'a' => &[Name::AcceptContact],
        b'b' => &[Name::ReferredBy],
        b'c' => &[Name::ContentType],
        b'd' => &[Name::RequestDisposition],
        b'e' => &[Name::ContentEncoding],
        b'f' => &[Name::From],
        b'i' => &[Name::CallId],
        b'j' => &[Name::RejectContact],
        b'k' => &[Name::Supported],
        b'l' => &[Name::ContentLength],
        b'm' => &[Name::Contact],
        b'n' => &[Name::IdentityInfo],
        b'o' => &[Name::Event],
        b'r' => &[Name::ReferTo],
        b's' => &[Name::Subject],
        b't' => &[Name::To],
        b'u' => &[Name::AllowEvents],
        b'v' => &[Name::Via],
        b'x' => &[Name::SessionExpires],
        b'y' => &[Name::Identity],
        _ => &[],
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Other => f.write_str("header"),
            name => f.write_str(name.as_str()),
        }
    }
}
