//! What every part of a request may want to know: its correlation id.

use std::future::Future;

tokio::task_local! {
    static CORRELATION: String;
}

/// Longest correlation id that is echoed.
pub const CORRELATION_CHARS_MAX: usize = 128;

/// Returns the correlation id of the request that this task answers.
pub fn correlation_id() -> Option<String> {
    CORRELATION.try_with(Clone::clone).ok()
}

/// Runs `work` under a correlation id.
pub async fn with_correlation<F: Future>(id: String, work: F) -> F::Output {
    CORRELATION.scope(id, work).await
}

/// Takes the caller's id where it is printable and short, and draws one elsewhere.
pub fn accept(given: Option<&str>) -> String {
    let sane = |id: &&str| {
        !id.is_empty() && id.len() <= CORRELATION_CHARS_MAX && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:+/=".contains(&b))
    };
    given.filter(sane).map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sane_correlation_id_is_echoed() {
        assert_eq!(accept(Some("abc-123")), "abc-123");
        for bad in ["", "a b", "a\"b", &"x".repeat(129)] {
            assert_ne!(accept(Some(bad)), bad);
        }
    }
}
