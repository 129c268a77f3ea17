use std::time::Duration;

/// When events are told, how long they are kept, and how long a reader is waited for.
#[derive(Clone, Debug, PartialEq)]
pub struct EventSettings {
    /// A binding that is not being refreshed is told of so long before it lapses.
    pub lapsing: Duration,
    /// A carrier is told of when such a share of its registrations fails, 0 to 1. It has recovered at half of that.
    pub failure_share: f64,
    /// And at least so many, or all.
    pub failing_at_least: u64,
    /// Between two signs of life of a stream; the reader's token is looked at again with each.
    pub heartbeat: Duration,
    /// A reader that takes nothing for so long is cut off.
    pub slow_reader: Duration,
}

impl Default for EventSettings {
    fn default() -> Self {
        EventSettings {
            lapsing: Duration::from_secs(300),
            failure_share: 0.2,
            failing_at_least: 3,
            heartbeat: Duration::from_secs(15),
            slow_reader: Duration::from_secs(30),
        }
    }
}
