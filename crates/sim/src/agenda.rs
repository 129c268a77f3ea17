//! What is to happen when.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use ua::Instant;

/// What is to happen, the earliest first; of the same instant, what was noted first.
#[derive(Debug)]
pub struct Agenda<T> {
    heap: BinaryHeap<Entry<T>>,
    order: u64,
}

#[derive(Debug)]
struct Entry<T> {
    at: Instant,
    order: u64,
    what: T,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Agenda { heap: BinaryHeap::new(), order: 0 }
    }
}

impl<T> Agenda<T> {
    /// Notes something.
    pub fn note(&mut self, at: Instant, what: T) {
        self.order += 1;
        self.heap.push(Entry { at, order: self.order, what });
    }

    /// Returns when the next thing happens.
    pub fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|entry| entry.at)
    }

    /// Takes the next thing.
    pub fn take(&mut self) -> Option<T> {
        self.heap.pop().map(|entry| entry.what)
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    /// A heap gives the greatest, so the earliest is that.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first_and_of_one_instant_the_first_noted() {
        let mut agenda = Agenda::default();
        for (at, what) in [(5, 'a'), (3, 'b'), (5, 'c'), (4, 'd')] {
            agenda.note(Instant::from_micros(at), what);
        }
        assert_eq!(agenda.next_at(), Some(Instant::from_micros(3)));
        assert_eq!(std::iter::from_fn(|| agenda.take()).collect::<String>(), "bdac");
    }
}
