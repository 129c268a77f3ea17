//! A hashed hierarchical timer wheel: arming, moving and disarming a timer takes constant time, whatever their number.

use std::collections::VecDeque;

use crate::Instant;

/// A tick is 1,024 microseconds: finer than any timer of SIP.
const TICK_BITS: u32 = 10;
/// Each level has 64 slots, one bit each in a word.
const LEVEL_BITS: u32 = 6;
const SLOTS: usize = 1 << LEVEL_BITS;
/// 64^6 ticks are over two years; what is due later waits in the last slot and is sorted again.
const LEVELS: usize = 6;
/// All slots of the last level but that of now.
const REACH: u64 = (SLOTS as u64 - 1) << (LEVEL_BITS * (LEVELS as u32 - 1));
const NONE: u32 = u32::MAX;

/// Names an armed timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerKey {
    index: u32,
    tenant: u32,
}

struct Node<T> {
    due: u64,
    previous: u32,
    next: u32,
    /// The slot it hangs in; `NONE` where it is free.
    slot: u32,
    tenant: u32,
    token: Option<T>,
}

/// Timers that each carry a token.
pub struct Wheel<T> {
    nodes: Vec<Node<T>>,
    free: Vec<u32>,
    heads: Box<[u32; SLOTS * LEVELS]>,
    occupied: [u64; LEVELS],
    elapsed: u64,
    fired: VecDeque<T>,
}

impl<T> Default for Wheel<T> {
    fn default() -> Self {
        Wheel {
            nodes: Vec::new(),
            free: Vec::new(),
            heads: Box::new([NONE; SLOTS * LEVELS]),
            occupied: [0; LEVELS],
            elapsed: 0,
            fired: VecDeque::new(),
        }
    }
}

impl<T> Wheel<T> {
    /// Arms a timer. It never fires early, and at most a tick late; one in the past fires at the next `pop`.
    pub fn arm(&mut self, due: Instant, token: T) -> TimerKey {
        let due = due.micros().div_ceil(1 << TICK_BITS).max(self.elapsed + 1);
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                let index = u32::try_from(self.nodes.len()).ok().filter(|&index| index != NONE).expect("fewer than 2^32 timers");
                self.nodes.push(Node { due: 0, previous: NONE, next: NONE, slot: NONE, tenant: 0, token: None });
                index
            }
        };
        let node = &mut self.nodes[index as usize];
        node.due = due;
        node.token = Some(token);
        let tenant = node.tenant;
        self.hang(index);
        TimerKey { index, tenant }
    }

    /// Disarms a timer; one that has fired is left alone.
    pub fn disarm(&mut self, key: TimerKey) -> Option<T> {
        let node = self.nodes.get(key.index as usize)?;
        if node.tenant != key.tenant || node.slot == NONE {
            return None;
        }
        self.unhang(key.index);
        self.let_go(key.index)
    }

    /// Returns a token whose time has come.
    pub fn pop(&mut self, now: Instant) -> Option<T> {
        let now = now.micros() >> TICK_BITS;
        while self.fired.is_empty() {
            let Some((level, slot, at)) = self.next_slot().filter(|&(_, _, at)| at <= now) else {
                self.elapsed = self.elapsed.max(now);
                return None;
            };
            self.elapsed = self.elapsed.max(at);
            self.turn(level, slot);
        }
        self.fired.pop_front()
    }

    /// Returns a time at which `pop` is worth calling: no later than the first timer's tick.
    pub fn wake(&self) -> Option<Instant> {
        if !self.fired.is_empty() {
            return Some(Instant::from_micros(self.elapsed << TICK_BITS));
        }
        self.next_slot().map(|(_, _, at)| Instant::from_micros(at << TICK_BITS))
    }

    /// Empties a slot whose time has come: fires what is due, sorts the rest into finer slots.
    fn turn(&mut self, level: usize, slot: usize) {
        let place = level * SLOTS + slot;
        let mut index = std::mem::replace(&mut self.heads[place], NONE);
        self.occupied[level] &= !(1 << slot);
        while index != NONE {
            let node = &mut self.nodes[index as usize];
            let next = node.next;
            node.slot = NONE;
            if node.due <= self.elapsed {
                if let Some(token) = self.let_go(index) {
                    self.fired.push_back(token);
                }
            } else {
                self.hang(index);
            }
            index = next;
        }
    }

    fn let_go(&mut self, index: u32) -> Option<T> {
        let node = &mut self.nodes[index as usize];
        node.tenant = node.tenant.wrapping_add(1);
        node.slot = NONE;
        self.free.push(index);
        node.token.take()
    }

    fn hang(&mut self, index: u32) {
        // No further than the wheel reaches: a whole turn away it would hang in the slot of now, and be taken down and hung there for ever.
        let due = self.nodes[index as usize].due.min(self.elapsed.saturating_add(REACH));
        let (level, slot) = place_of(self.elapsed, due);
        let place = level * SLOTS + slot;
        let head = std::mem::replace(&mut self.heads[place], index);
        let node = &mut self.nodes[index as usize];
        node.previous = NONE;
        node.next = head;
        node.slot = u32::try_from(place).unwrap_or(NONE);
        if head != NONE {
            self.nodes[head as usize].previous = index;
        }
        self.occupied[level] |= 1 << slot;
    }

    fn unhang(&mut self, index: u32) {
        let Node { previous, next, slot, .. } = self.nodes[index as usize];
        if next != NONE {
            self.nodes[next as usize].previous = previous;
        }
        if previous != NONE {
            self.nodes[previous as usize].next = next;
        } else {
            self.heads[slot as usize] = next;
            if next == NONE {
                self.occupied[slot as usize / SLOTS] &= !(1 << (slot as usize % SLOTS));
            }
        }
    }

    /// Finds the slot whose time comes first: (level, slot, tick).
    fn next_slot(&self) -> Option<(usize, usize, u64)> {
        (0..LEVELS).find_map(|level| {
            let occupied = self.occupied[level];
            if occupied == 0 {
                return None;
            }
            let shift = LEVEL_BITS * u32::try_from(level).unwrap_or(0);
            let here = (self.elapsed >> shift) & (SLOTS as u64 - 1);
            let ahead = u64::from(occupied.rotate_right(u32::try_from(here).unwrap_or(0)).trailing_zeros());
            let slot = (here + ahead) % SLOTS as u64;
            let round = self.elapsed >> (shift + LEVEL_BITS) << (shift + LEVEL_BITS);
            // A slot behind us belongs to the next round: only the last level, whose far timers wrap, has any.
            let round = if slot < here { round + (1 << (shift + LEVEL_BITS)) } else { round };
            Some((level, usize::try_from(slot).unwrap_or(0), (round + (slot << shift)).max(self.elapsed)))
        })
    }
}

/// Sorts a tick by the highest digit (base 64) in which it differs from now.
fn place_of(elapsed: u64, due: u64) -> (usize, usize) {
    let differs = (elapsed ^ due) | 1;
    let digit = ((63 - differs.leading_zeros()) / LEVEL_BITS).min(LEVELS as u32 - 1);
    let slot = (due >> (digit * LEVEL_BITS)) & (SLOTS as u64 - 1);
    (digit as usize, usize::try_from(slot).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn ms(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    #[test]
    fn timers_fire_in_order_and_not_before_their_time() {
        let mut wheel = Wheel::default();
        for due in [32_000, 500, 5, 3_600_000, 90_000_000] {
            wheel.arm(ms(due), due);
        }
        let mut seen = Vec::new();
        while let Some(at) = wheel.wake() {
            while let Some(due) = wheel.pop(at) {
                assert!(at >= ms(due), "{due} fired at {at:?}");
                assert!(at <= ms(due) + Duration::from_millis(3), "{due} fired at {at:?}");
                seen.push(due);
            }
        }
        assert_eq!(seen, [5, 500, 32_000, 3_600_000, 90_000_000]);
    }

    #[test]
    fn a_disarmed_timer_stays_silent_and_its_key_does_no_harm() {
        let mut wheel = Wheel::default();
        let first = wheel.arm(ms(10), "first");
        assert_eq!(wheel.disarm(first), Some("first"));
        let second = wheel.arm(ms(10), "second");
        assert_eq!(wheel.disarm(first), None);
        assert_eq!(wheel.pop(ms(20)), Some("second"));
        assert_eq!(wheel.disarm(second), None);
        assert_eq!(wheel.wake(), None);
    }

    #[test]
    fn a_timer_turns_of_the_wheel_away_waits_and_does_not_turn_in_a_circle() {
        // Carriers have granted 2^32 - 1 seconds.
        for turns in 1..4u64 {
            for (start, more) in [(0u64, 0u64), (5, 1), (1 << 31, 1 << 20), ((1 << 36) - 1, 77)] {
                let mut wheel = Wheel::default();
                let (start, due) = (start << TICK_BITS, (start + (turns << 36) + more) << TICK_BITS);
                assert_eq!(wheel.pop(Instant::from_micros(start)), None);
                wheel.arm(Instant::from_micros(due), "far");
                assert_eq!(wheel.pop(Instant::from_micros(start + 1_000_000)), None);
                let mut wakes = 0;
                let fired = loop {
                    let at = wheel.wake().expect("it is armed");
                    wakes += 1;
                    assert!(wakes < 1000, "it turns in a circle");
                    if wheel.pop(at).is_some() {
                        break at;
                    }
                };
                assert_eq!(fired.micros(), due);
            }
        }
    }

    proptest! {
        #[test]
        fn a_wheel_agrees_with_a_sorted_list(steps in prop::collection::vec((0u64..200_000_000, 0u64..3_000_000, any::<bool>()), 1..200)) {
            let mut wheel = Wheel::default();
            let mut list: Vec<(u64, usize)> = Vec::new();
            let mut keys = Vec::new();
            let mut now = 0u64;
            for (n, (delay, pass, disarm)) in steps.into_iter().enumerate() {
                keys.push((n, wheel.arm(Instant::from_micros(now + delay), n)));
                list.push((now + delay, n));
                if disarm {
                    let (victim, key) = keys[n / 2];
                    let was = list.iter().position(|&(_, m)| m == victim).map(|at| list.remove(at).1);
                    prop_assert_eq!(wheel.disarm(key), was);
                }
                now += pass;
                // A timer may be a tick late, so those within a tick are left to either side.
                while let Some(m) = wheel.pop(Instant::from_micros(now)) {
                    let at = list.iter().position(|&(_, k)| k == m);
                    prop_assert!(at.is_some_and(|at| list[at].0 <= now));
                    list.remove(at.unwrap());
                }
                prop_assert!(list.iter().all(|&(due, _)| due + 2048 > now), "late: {:?} at {}", list, now);
            }
        }
    }
}
