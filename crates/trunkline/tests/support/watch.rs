//! Looking at a binding every 20 ms.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::kamailio::{Binding, Kamailio};

/// Between two looks.
const BETWEEN: Duration = Duration::from_millis(20);

/// What the looks saw.
pub struct Watch {
    /// Each look, in order.
    pub looks: Vec<Option<Binding>>,
    /// The longest time between two looks.
    pub longest_gap: Duration,
}

impl Watch {
    /// At how many looks there was no binding.
    pub fn missing(&self) -> usize {
        self.looks.iter().filter(|look| look.is_none()).count()
    }
}

/// Polls Kamailio for a user's binding: once before `act`, every 20 ms while it runs, and once after it.
pub fn watched(kamailio: &Kamailio, user: &str, act: impl FnOnce()) -> Watch {
    let done = AtomicBool::new(false);
    let mut watch = Watch { looks: Vec::new(), longest_gap: Duration::ZERO };
    let mut last = Instant::now();
    let mut look = |watch: &mut Watch| {
        watch.looks.push(kamailio.lookup(user));
        watch.longest_gap = watch.longest_gap.max(last.elapsed());
        last = Instant::now();
    };
    look(&mut watch);
    thread::scope(|scope| {
        let watching = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                look(&mut watch);
                thread::sleep(BETWEEN);
            }
            look(&mut watch);
            watch
        });
        {
            // Also when `act` panics: the scope would wait for the watch for ever.
            let _end = End(&done);
            act();
        }
        watching.join().expect("the watch")
    })
}

struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
