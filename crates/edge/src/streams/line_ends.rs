/// What CRLFs between messages mean (RFC 5626 3.5.1): two are a keep-alive of the other side, one is the answer to ours.
///
/// They come split and glued, so they are counted one by one.
#[derive(Debug, Default)]
pub(super) struct LineEnds {
    /// One stands alone so far.
    half: bool,
}

/// What a CRLF was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineEnd {
    /// The answer to a keep-alive of ours.
    Pong,
    /// The second of two: to be answered.
    Ping,
    /// The first of two perhaps, or padding.
    Half,
}

impl LineEnds {
    /// Takes a CRLF; `due` takes an answer, if one is due.
    pub(super) fn take(&mut self, due: impl FnOnce() -> bool) -> LineEnd {
        if self.half {
            self.half = false;
            LineEnd::Ping
        } else if due() {
            LineEnd::Pong
        } else {
            self.half = true;
            LineEnd::Half
        }
    }

    /// A message came: what stood alone before it was padding.
    pub(super) fn reset(&mut self) {
        self.half = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pings_and_pongs_are_told_apart_however_they_are_glued() {
        let mut ends = LineEnds::default();
        let mut due = 0_u32;
        let mut take = |due: &mut u32| ends.take(|| std::mem::replace(due, due.saturating_sub(1)) > 0);
        assert_eq!([take(&mut due), take(&mut due)], [LineEnd::Half, LineEnd::Ping]);
        due = 1;
        assert_eq!(take(&mut due), LineEnd::Pong);
        due = 1;
        let glued = [take(&mut due), take(&mut due), take(&mut due)];
        assert_eq!(glued, [LineEnd::Pong, LineEnd::Half, LineEnd::Ping], "one answer and one keep-alive, in whatever order they were sent");
    }
}
