//! Looking at a binding every 20 ms.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::kamailio::{Binding, Kamailio};

/// What a poll every 20 ms saw.
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

/// Polls Kamailio for a user's binding every 20 ms while `act` runs.
pub fn watched(kamailio: &Kamailio, user: &str, act: impl FnOnce()) -> Watch {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut watch = Watch { looks: Vec::new(), longest_gap: Duration::ZERO };
            let mut last = Instant::now();
            while !done.load(Ordering::Relaxed) {
                watch.looks.push(kamailio.lookup(user));
                watch.longest_gap = watch.longest_gap.max(last.elapsed());
                last = Instant::now();
                thread::sleep(Duration::from_millis(20));
            }
            watch
        });
        {
            // Also when `act` panics: the scope would wait for the watch for ever.
            let _end = End(&done);
            act();
        }
        watch.join().expect("the watch")
    })
}

struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
