use std::str;

use crate::{FieldError, Name, NameAddr, Uri, UriError, lex, seconds};

/// One Contact (RFC 3261 20.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact<'a> {
    address: Option<NameAddr<'a>>,
}

impl<'a> Contact<'a> {
    /// Parses one element of a Contact list, `*` included.
    pub fn parse(element: &'a [u8]) -> Result<Contact<'a>, FieldError> {
        match lex::trim(element) {
            b"*" => Ok(Contact { address: None }),
            element => Ok(Contact { address: Some(NameAddr::parse(Name::Contact, element)?) }),
        }
    }

    /// Whether this is `*`, which stands for all bindings (RFC 3261 10.2.2).
    pub fn is_any(&self) -> bool {
        self.address.is_none()
    }

    /// The address, unless this is `*`.
    pub fn address(&self) -> Option<NameAddr<'a>> {
        self.address
    }

    /// The URI as written; `*` for all bindings.
    pub fn uri(&self) -> &'a str {
        self.address.map_or("*", |address| address.uri)
    }

    /// The URI, parsed.
    pub fn parsed(&self) -> Result<Uri<'a>, UriError> {
        Uri::parse(self.uri())
    }

    /// The granted or asked seconds of `expires`; beyond 32 bits it is `u32::MAX`.
    ///
    /// A malformed value is `None`, as if absent, so that Expires decides: RFC 3261 10.2.1.1 would take it for 3600,
    /// which a client could only wait out to its harm.
    pub fn expires(&self) -> Option<u32> {
        seconds::clamped(self.param("expires")??.as_bytes())
    }

    /// The preference `q` in thousandths, 0 to 1000 (RFC 3261 25.1 qvalue); `None` if absent or malformed.
    pub fn q(&self) -> Option<u16> {
        thousandths(self.param("q")??.as_bytes())
    }

    /// A header parameter: absent, without a value, or with one; a quoted value comes without quotes.
    pub fn param(&self, name: &str) -> Option<Option<&'a str>> {
        self.address?.param(name)
    }
}

fn thousandths(value: &[u8]) -> Option<u16> {
    let (whole, fraction) = match value.iter().position(|&b| b == b'.') {
        Some(dot) => (value.get(..dot)?, value.get(dot + 1..)?),
        None => (value, &[][..]),
    };
    if whole.len() > 1 || fraction.len() > 3 || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let mut total = 0u16;
    let digits = whole.iter().chain(fraction).chain(b"000").copied();
    for digit in digits.take(whole.len() + 3) {
        let digit = digit.is_ascii_digit().then_some(digit)?;
        total = total.checked_mul(10)?.checked_add(u16::from(digit.checked_sub(b'0')?))?;
    }
    (total <= 1000).then_some(total)
}
