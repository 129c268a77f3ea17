use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// So many questions at once, where none was asked for long.
const BURST: u32 = 4;
/// And then one in so long: tokens with made-up key ids must not make Trunkline ask for each. A new key of the provider waits no longer,
/// however many of those come: whoever asks gets all keys.
const APART: Duration = Duration::from_secs(5);
/// A key id that the provider does not show is not asked for again so soon.
const REMEMBERED: Duration = Duration::from_secs(15);
/// So many of them; there are hardly more questions than that in the time.
const REMEMBERED_MAX: usize = 64;

/// When the provider may be asked for its keys, and which ids it was asked about in vain.
#[derive(Default)]
pub struct Questions {
    spent: u32,
    /// When the last of the spent ones came back.
    counted: Option<Instant>,
    hasher: RandomState,
    in_vain: VecDeque<(u64, Instant)>,
}

impl Questions {
    /// Takes a question, or tells how long until there is one.
    pub fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let counted = *self.counted.get_or_insert(now);
        let back = u32::try_from(now.duration_since(counted).as_secs() / APART.as_secs()).unwrap_or(u32::MAX);
        let counted = if back >= self.spent { now } else { counted + APART * back };
        self.spent = self.spent.saturating_sub(back);
        self.counted = Some(counted);
        if self.spent >= BURST {
            return Err(APART.saturating_sub(now.duration_since(counted)));
        }
        self.spent += 1;
        Ok(())
    }

    /// Remembers that the provider does not show such a key.
    pub fn in_vain(&mut self, kid: Option<&str>, now: Instant) {
        let kid = self.hasher.hash_one(kid);
        self.in_vain.retain(|(of, since)| *of != kid && now.duration_since(*since) < REMEMBERED);
        if self.in_vain.len() >= REMEMBERED_MAX {
            self.in_vain.pop_front();
        }
        self.in_vain.push_back((kid, now));
    }

    /// Tells whether the provider did not show such a key a moment ago.
    pub fn was_in_vain(&self, kid: Option<&str>, now: Instant) -> bool {
        let kid = self.hasher.hash_one(kid);
        self.in_vain.iter().any(|(of, since)| *of == kid && now.duration_since(*since) < REMEMBERED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_waits_five_seconds_at_most_however_many_made_up_ids_come() {
        let (mut questions, start) = (Questions::default(), Instant::now());
        let mut asked = 0;
        // A made-up id every 100 ms for ten minutes.
        for tick in 0..6_000 {
            let now = start + Duration::from_millis(100) * tick;
            match questions.take(now) {
                Ok(()) => asked += 1,
                Err(wait) => assert!(wait <= APART, "{wait:?}"),
            }
        }
        assert_eq!(asked, 4 + 119);
        let later = start + Duration::from_secs(600);
        assert_eq!(questions.take(later + APART), Ok(()));
    }

    #[test]
    fn after_a_silence_there_are_four_questions_and_no_more() {
        let (mut questions, start) = (Questions::default(), Instant::now());
        for now in [start, start + Duration::from_secs(3600)] {
            for _ in 0..BURST {
                assert_eq!(questions.take(now), Ok(()));
            }
            assert_eq!(questions.take(now), Err(APART));
            assert_eq!(questions.take(now + Duration::from_secs(2)), Err(Duration::from_secs(3)));
        }
    }

    #[test]
    fn an_id_that_is_not_shown_is_remembered_for_a_while_and_a_flood_of_them_takes_no_memory() {
        let (mut questions, start) = (Questions::default(), Instant::now());
        questions.in_vain(Some("a"), start);
        assert!(questions.was_in_vain(Some("a"), start + Duration::from_secs(14)));
        assert!(!questions.was_in_vain(Some("a"), start + REMEMBERED));
        assert!(!questions.was_in_vain(Some("b"), start) && !questions.was_in_vain(None, start));
        for n in 0..1_000 {
            questions.in_vain(Some(&n.to_string()), start);
        }
        assert_eq!(questions.in_vain.len(), REMEMBERED_MAX);
        assert!(questions.was_in_vain(Some("999"), start));
    }
}
