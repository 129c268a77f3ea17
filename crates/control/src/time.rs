//! Times of the API: RFC 3339 in UTC outside, microseconds since the Unix epoch inside.

use jiff::Timestamp;
use link::UnixMicros;

/// Reads the clock.
pub fn now() -> UnixMicros {
    Timestamp::now().as_microsecond()
}

/// Writes RFC 3339 in UTC with milliseconds, as the platform's clients expect it.
pub fn rfc3339(at: UnixMicros) -> String {
    let at = Timestamp::from_microsecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{at:.3}")
}

/// Reads RFC 3339 with any offset.
pub fn parse(text: &str) -> Option<UnixMicros> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_microsecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_in_utc() {
        assert_eq!(rfc3339(1_000_000), "1970-01-01T00:00:01.000Z");
        assert_eq!(parse("1970-01-01T07:00:01+07:00"), Some(1_000_000));
        assert_eq!(parse("yesterday"), None);
    }
}
