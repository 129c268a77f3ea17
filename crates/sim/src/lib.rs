//! A world for the registering user agent and the lab carrier: deterministic simulation by seed.
//!
//! - Time is virtual: an agenda of what happens when, and the endpoint's own timers. A simulated day takes seconds.
//! - The network loses, doubles, overtakes, delays and partitions; carriers are the very machines of `crates/carrier`; the edge restarts, in order
//!   and not; a control plane in small assigns, rotates passwords, rolls back and withdraws.
//! - A reference model of what a registration must be runs beside the machine and checks every [`Rule`] at every step.
//! - A run has two parts: things go wrong, then all is well and everything must be bound within a bound of time.
//! - The [`planner`] forecasts fleets of millions by the same pace and slots, without messages.
//! - The same [`Plan`] gives the same trace hash; a [`Report`] shows the last lines of each trunk that broke a rule.

mod act;
mod agenda;
mod chance;
mod chaos;
mod control;
mod forgery;
mod lab;
mod model;
mod network;
mod plan;
pub mod planner;
mod report;
mod roster;
mod seen;
mod sweep;
mod trace;
mod world;

pub use act::{Act, Cut, Rotation};
pub use forgery::{Forged, Forgery, forge};
pub use plan::{Plan, PlanError, Weather};
pub use report::{Lapses, Report, Rule, Violation};
pub use sweep::{Sweep, sweep};
pub use world::World;

/// Simulates a plan.
pub fn run(plan: Plan) -> Report {
    World::new(plan).run()
}
