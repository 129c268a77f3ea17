//! Times of the API: RFC 3339 in UTC outside, microseconds since the Unix epoch inside.

use std::time::Duration;

use jiff::Timestamp;
use link::UnixMicros;
use tokio::sync::watch;

/// What time it is for what happens at a time: the system's, or what a test says.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<watch::Receiver<UnixMicros>>);

/// The system's clock may be set while one waits; so long at most until it is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

impl Clock {
    /// A clock that goes when it is told to; the sender says what time it is.
    pub fn set(at: UnixMicros) -> (Self, watch::Sender<UnixMicros>) {
        let (hand, face) = watch::channel(at);
        (Clock(Some(face)), hand)
    }

    /// Reads it.
    pub fn now(&self) -> UnixMicros {
        self.0.as_ref().map_or_else(now, |face| *face.borrow())
    }

    /// Waits until it is this late.
    pub async fn until(&self, at: UnixMicros) {
        match &self.0 {
            Some(face) => {
                let mut face = face.clone();
                if face.wait_for(|now| *now >= at).await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
            None => loop {
                let left = Duration::from_micros(u64::try_from(at - now()).unwrap_or(0));
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(LOOK_AGAIN)).await;
            },
        }
    }
}

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
