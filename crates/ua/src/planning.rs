//! What the planner needs of the user agent to follow its pace without its messages: the very code, for no arithmetic is right twice.

pub use crate::carrier::{Pace, Ticket, Urgency};
pub use crate::chance::Jitter;
pub use crate::registration::{back_off, patience, refresh_window};
pub use crate::slab::{Key, Slab};
pub use crate::slots::Slots;
pub use crate::wire::{T1, T2, TIMER_F};
