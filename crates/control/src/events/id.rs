use std::fmt;
use std::str::FromStr;

/// An event's id: the store's incarnation and the event's place in the order of all changes, as in `1-57`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventId {
    /// Rises when a backup is restored.
    pub incarnation: i64,
    /// Rises with every event and every change; other changes leave gaps.
    pub revision: i64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.incarnation, self.revision)
    }
}

impl FromStr for EventId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (incarnation, revision) = text.split_once('-').ok_or(())?;
        let number = |text: &str| {
            let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            if plain { text.parse().map_err(|_| ()) } else { Err(()) }
        };
        Ok(EventId { incarnation: number(incarnation)?, revision: number(revision)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_as_it_is_written_and_nothing_else_does() {
        let id = EventId { incarnation: 3, revision: 57 };
        assert_eq!("3-57".parse(), Ok(id));
        assert_eq!(id.to_string(), "3-57");
        for bad in ["", "3", "3-", "-57", "3-57-1", "+3-57", "3--57", "a-b", "3-99999999999999999999"] {
            assert_eq!(bad.parse::<EventId>(), Err(()), "{bad}");
        }
    }
}
