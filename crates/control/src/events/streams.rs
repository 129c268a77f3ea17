use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// So many streams are open at a time.
pub const ALL_MAX: usize = 512;
/// So many of one client.
pub const OF_ONE_MAX: usize = 32;

/// The open streams: how many, and the word that ends them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Streams {
    open: Arc<Mutex<HashMap<String, usize>>>,
    ending: watch::Sender<bool>,
}

/// A place among the open streams; free again when it is dropped.
#[derive(Debug)]
pub struct Place {
    open: Arc<Mutex<HashMap<String, usize>>>,
    client: String,
}

impl Default for Streams {
    fn default() -> Self {
        Streams { open: Arc::default(), ending: watch::channel(false).0 }
    }
}

impl Streams {
    /// Takes a place, if one is free.
    pub fn enter(&self, client: &str) -> Option<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = open.values().sum();
        let own = open.get(client).copied().unwrap_or(0);
        if all >= ALL_MAX || own >= OF_ONE_MAX {
            return None;
        }
        open.insert(client.to_owned(), own + 1);
        Some(Place { open: Arc::clone(&self.open), client: client.to_owned() })
    }

    /// Ends all streams, and those that begin after it.
    pub fn end(&self) {
        self.ending.send_replace(true);
    }

    /// Becomes true at the end.
    pub fn ending(&self) -> watch::Receiver<bool> {
        self.ending.subscribe()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = open.get_mut(&self.client) {
            *own -= 1;
            if *own == 0 {
                open.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_for_one_and_for_all_and_free_again() {
        let streams = Streams::default();
        let mut own: Vec<_> = (0..OF_ONE_MAX).map(|_| streams.enter("a").expect("a place")).collect();
        assert!(streams.enter("a").is_none());
        let mut others = Vec::new();
        for n in 0..ALL_MAX - OF_ONE_MAX {
            others.push(streams.enter(&n.to_string()).expect("a place"));
        }
        assert!(streams.enter("b").is_none());
        own.pop();
        assert!(streams.enter("b").is_some());
        drop((own, others));
        assert!(streams.open.lock().unwrap().is_empty());
    }
}
