//! The digest as RFC 2617 3.2.2 has it, by code of its own.

use md5::{Digest as _, Md5};

use super::FastConfig;

/// What an Authorization says, as far as it is looked at.
pub(super) struct Parameters<'a> {
    pub(super) nonce: &'a str,
    pub(super) nc: &'a str,
    pub(super) response: &'a str,
    username: &'a str,
    uri: &'a str,
    cnonce: &'a str,
}

impl<'a> Parameters<'a> {
    /// Reads a header value; nothing if it is no Digest.
    pub(super) fn read(value: &'a [u8]) -> Option<Self> {
        let mut rest = str::from_utf8(value).ok()?.strip_prefix("Digest ")?;
        let mut found = Parameters { nonce: "", nc: "", response: "", username: "", uri: "", cnonce: "" };
        while let Some((name, after)) = rest.split_once('=') {
            let (value, after) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None => after.split_once(',').map_or((after, ""), |(value, after)| (value, after)),
            };
            match name.trim_start_matches([' ', ',']) {
                "nonce" => found.nonce = value,
                "nc" => found.nc = value,
                "response" => found.response = value,
                "username" => found.username = value,
                "uri" => found.uri = value,
                "cnonce" => found.cnonce = value,
                _ => {}
            }
            rest = after;
        }
        Some(found)
    }
}

/// The response that is right for the user.
pub(super) fn response(config: &FastConfig, user: &str, given: &Parameters<'_>) -> [u8; 32] {
    // Another's name has another digest.
    let name = if given.username == user { user } else { "" };
    let ha1 = hex(&[name, ":", &config.realm, ":", &config.password]);
    let ha2 = hex(&["REGISTER:", given.uri]);
    let text = |digest: &'_ [u8; 32]| -> String { digest.iter().map(|&digit| char::from(digit)).collect() };
    hex(&[&text(&ha1), ":", given.nonce, ":", given.nc, ":", given.cnonce, ":auth:", &text(&ha2)])
}

fn hex(parts: &[&str]) -> [u8; 32] {
    let mut hash = Md5::new();
    parts.iter().for_each(|part| hash.update(part.as_bytes()));
    let mut digits = [0; 32];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(hash.finalize()) {
        pair.copy_from_slice(&[b"0123456789abcdef"[usize::from(byte >> 4)], b"0123456789abcdef"[usize::from(byte & 15)]]);
    }
    digits
}
