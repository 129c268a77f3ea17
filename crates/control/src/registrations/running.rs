//! Credentials that are being set right now: one at a time for a trunk, the same ones joined.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use link::{Generation, UnixMicros};
use tokio::sync::watch;

use crate::problem::Problem;

/// What tells one request for a trunk's credentials from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The digest user name.
    pub username: String,
    /// The realm that was asked for.
    pub realm: Option<String>,
    /// The algorithm that was asked for.
    pub algorithm: Option<String>,
    /// The keyed MAC of user name and secret.
    pub mac: String,
    /// They are kept beside the active ones.
    pub standby: bool,
    /// They wait for this time.
    pub at: Option<UnixMicros>,
}

/// How far it is.
#[derive(Clone, Debug)]
pub enum Progress {
    /// Nothing is written yet.
    Checking,
    /// The carrier is being asked about this version.
    Verifying(u32),
    /// It is decided.
    Settled(Settled),
}

/// How it ended.
#[derive(Clone, Debug)]
pub enum Settled {
    /// It was so already.
    Unchanged,
    /// The version is active.
    Promoted {
        /// The version.
        version: u32,
        /// What the edges are to run; absent where no edge has to do anything for it.
        generation: Option<Generation>,
        /// No version was active before.
        first: bool,
    },
    /// The version is kept beside the active one.
    Kept {
        /// The trunk has no active version.
        first: bool,
    },
    /// Nothing was changed.
    Refused(Problem),
}

/// Who holds a trunk's turn.
#[derive(Clone, Debug, Default)]
pub struct Running {
    by_trunk: Arc<Mutex<HashMap<String, Ongoing>>>,
}

/// What others see of a turn.
#[derive(Clone, Debug)]
pub struct Ongoing {
    identity: Identity,
    /// How far it is; closed when the turn ends.
    pub progress: watch::Receiver<Progress>,
}

/// A turn: nobody else sets this trunk's credentials until it is dropped.
#[derive(Debug)]
pub struct Turn {
    by_trunk: Arc<Mutex<HashMap<String, Ongoing>>>,
    trunk: String,
    progress: watch::Sender<Progress>,
}

/// What one finds who wants a turn.
#[derive(Debug)]
pub enum Entry {
    /// It is one's own.
    Mine(Turn),
    /// The same is being done already.
    Same(Ongoing),
    /// Something else is being done.
    Other(Ongoing),
}

impl Running {
    /// Takes the turn for a trunk, if it is free.
    pub fn enter(&self, trunk: &str, identity: Identity) -> Entry {
        let mut by_trunk = lock(&self.by_trunk);
        if let Some(ongoing) = by_trunk.get(trunk) {
            return if ongoing.identity == identity { Entry::Same(ongoing.clone()) } else { Entry::Other(ongoing.clone()) };
        }
        let (progress, receiver) = watch::channel(Progress::Checking);
        by_trunk.insert(trunk.to_owned(), Ongoing { identity, progress: receiver });
        Entry::Mine(Turn { by_trunk: Arc::clone(&self.by_trunk), trunk: trunk.to_owned(), progress })
    }
}

impl Turn {
    /// Tells the others how far it is.
    pub fn tell(&self, progress: Progress) {
        self.progress.send_replace(progress);
    }

    /// Watches this very turn.
    pub fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        lock(&self.by_trunk).remove(&self.trunk);
    }
}

impl Ongoing {
    /// Waits until the turn is over.
    pub async fn over(mut self) {
        while self.progress.changed().await.is_ok() {}
    }
}

fn lock(by_trunk: &Mutex<HashMap<String, Ongoing>>) -> MutexGuard<'_, HashMap<String, Ongoing>> {
    by_trunk.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(mac: &str) -> Identity {
        Identity { username: "u".into(), realm: None, algorithm: None, mac: mac.into(), standby: false, at: None }
    }

    #[tokio::test]
    async fn the_same_is_joined_something_else_waits_and_the_turn_ends_with_its_owner() {
        let running = Running::default();
        let Entry::Mine(turn) = running.enter("t1", identity("a")) else { panic!("the trunk was free") };
        let Entry::Same(mut same) = running.enter("t1", identity("a")) else { panic!("the same") };
        let Entry::Other(other) = running.enter("t1", identity("b")) else { panic!("another secret") };
        assert!(matches!(running.enter("t2", identity("b")), Entry::Mine(_)));
        turn.tell(Progress::Verifying(7));
        same.progress.changed().await.unwrap();
        assert!(matches!(*same.progress.borrow(), Progress::Verifying(7)));
        turn.tell(Progress::Settled(Settled::Unchanged));
        drop(turn);
        other.over().await;
        assert!(matches!(*same.progress.borrow_and_update(), Progress::Settled(Settled::Unchanged)));
        assert!(matches!(running.enter("t1", identity("b")), Entry::Mine(_)));
    }
}
