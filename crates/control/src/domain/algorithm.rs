/// Digest algorithms by IANA name, strongest first. A name stands for its `-sess` form too.
pub const ALGORITHMS: [&str; 3] = ["SHA-512-256", "SHA-256", "MD5"];

/// Returns the IANA name of a known spelling: `sha256`, `SHA256`, `SHA512-256`, `SHA-512/256`, `md5`; `-sess` is kept.
pub fn iana(spelling: &str) -> Option<&'static str> {
    let mut plain = spelling.to_ascii_uppercase();
    plain.retain(|c| !matches!(c, '-' | '_' | '/'));
    match plain.as_str() {
        "MD5" => Some("MD5"),
        "MD5SESS" => Some("MD5-sess"),
        "SHA256" => Some("SHA-256"),
        "SHA256SESS" => Some("SHA-256-sess"),
        "SHA512256" => Some("SHA-512-256"),
        "SHA512256SESS" => Some("SHA-512-256-sess"),
        _ => None,
    }
}

/// Returns the name without `-sess`.
pub fn base(name: &str) -> &str {
    name.strip_suffix("-sess").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spellings_of_sheets_become_iana_names() {
        for (spelling, name) in [
            ("sha256", "SHA-256"),
            ("SHA256", "SHA-256"),
            ("Sha-256-SESS", "SHA-256-sess"),
            ("SHA512-256", "SHA-512-256"),
            ("SHA-512/256", "SHA-512-256"),
            ("md5", "MD5"),
        ] {
            assert_eq!(iana(spelling), Some(name));
        }
        for unknown in ["", "SHA-512", "SHA1", "MD55", "AKAv1-MD5"] {
            assert_eq!(iana(unknown), None, "{unknown}");
        }
    }
}
