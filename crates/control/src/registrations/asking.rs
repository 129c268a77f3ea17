//! How many verifications are under way at a carrier: each holds a place at the edge and one of the carrier's few.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::problem::Problem;

/// So many at a time. At a carrier that answers nothing each takes half a minute; more of them would only wait for their turn in its pacing
/// until nobody waits for them any more.
pub const AT_A_CARRIER: usize = 100;
/// After so long a place may be free.
const AGAIN_SECONDS: u32 = 5;

/// The verifications that single requests have under way, by carrier. Bulk imports and rotations have bounds of their own.
#[derive(Clone, Debug, Default)]
pub struct Asking {
    by_carrier: Arc<Mutex<HashMap<String, usize>>>,
}

/// One of a carrier's places; free again when it is dropped.
#[derive(Debug)]
pub struct Place {
    by_carrier: Arc<Mutex<HashMap<String, usize>>>,
    carrier: String,
}

impl Asking {
    /// Takes a place at a carrier, by its id; where there is no profile of it, by where it is asked.
    ///
    /// # Errors
    /// 429 `too.many.requests` where none is free.
    pub fn take(&self, carrier: &str) -> Result<Place, Problem> {
        let mut by_carrier = lock(&self.by_carrier);
        let count = by_carrier.entry(carrier.to_owned()).or_default();
        if *count >= AT_A_CARRIER {
            let message = format!(
                "{AT_A_CARRIER} verifications are under way at carrier {carrier:?}. Wait for Retry-After, or use a bulk import or rotation."
            );
            return Err(Problem::too_many_requests(AGAIN_SECONDS, message));
        }
        *count += 1;
        Ok(Place { by_carrier: Arc::clone(&self.by_carrier), carrier: carrier.to_owned() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_carrier = lock(&self.by_carrier);
        if let Some(count) = by_carrier.get_mut(&self.carrier) {
            *count -= 1;
            if *count == 0 {
                by_carrier.remove(&self.carrier);
            }
        }
    }
}

fn lock(by_carrier: &Mutex<HashMap<String, usize>>) -> MutexGuard<'_, HashMap<String, usize>> {
    by_carrier.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_a_carriers_own_and_free_again_when_they_are_left() {
        let asking = Asking::default();
        let mut places: Vec<Place> = (0..AT_A_CARRIER).map(|_| asking.take("c1").expect("free")).collect();
        assert_eq!(asking.take("c1").expect_err("all are taken").status().as_u16(), 429);
        let elsewhere = asking.take("c2").expect("another carrier's");
        places.pop();
        places.push(asking.take("c1").expect("free again"));
        drop((places, elsewhere));
        assert!(lock(&asking.by_carrier).is_empty());
    }
}
