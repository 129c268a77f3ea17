use crate::auth_params::AuthParams;
use crate::{FieldError, Name, lex};

/// The Authentication-Info header of a 2xx (RFC 7616 3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AuthenticationInfo<'a> {
    nextnonce: Option<&'a [u8]>,
    qop: Option<&'a [u8]>,
    rspauth: Option<&'a [u8]>,
    cnonce: Option<&'a [u8]>,
    nc: Option<&'a [u8]>,
}

impl<'a> AuthenticationInfo<'a> {
    /// Parses a header value.
    pub fn parse(value: &'a [u8]) -> Result<AuthenticationInfo<'a>, FieldError> {
        let mut info = AuthenticationInfo::default();
        for param in AuthParams::new(value) {
            let param = param.map_err(|_| FieldError::Malformed(Name::AuthenticationInfo))?;
            let slot = match param.name {
                name if name.eq_ignore_ascii_case(b"nextnonce") => &mut info.nextnonce,
                name if name.eq_ignore_ascii_case(b"qop") => &mut info.qop,
                name if name.eq_ignore_ascii_case(b"rspauth") => &mut info.rspauth,
                name if name.eq_ignore_ascii_case(b"cnonce") => &mut info.cnonce,
                name if name.eq_ignore_ascii_case(b"nc") => &mut info.nc,
                _ => continue,
            };
            if slot.replace(param.value).is_some() {
                return Err(FieldError::Repeated(Name::AuthenticationInfo));
            }
        }
        // It is sent back literally.
        if !info.nextnonce.is_none_or(lex::survives_quotes) {
            return Err(FieldError::Malformed(Name::AuthenticationInfo));
        }
        Ok(info)
    }

    /// The nonce to be used next, as sent between its quotes; an empty one is none.
    pub fn nextnonce(&self) -> Option<&'a [u8]> {
        self.nextnonce.filter(|nonce| !nonce.is_empty())
    }

    /// The quality of protection that `rspauth` was computed with.
    pub fn qop(&self) -> Option<&'a [u8]> {
        self.qop
    }

    /// The server's proof that it knows the secret.
    pub fn rspauth(&self) -> Option<&'a [u8]> {
        self.rspauth
    }

    /// The client's nonce that `rspauth` was computed with.
    pub fn cnonce(&self) -> Option<&'a [u8]> {
        self.cnonce
    }

    /// The nonce count that `rspauth` was computed with, eight hexadecimal digits.
    pub fn nc(&self) -> Option<&'a [u8]> {
        self.nc
    }
}
