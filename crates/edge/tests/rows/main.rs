//! Every row of `docs/design/carriers.md` that a registrar plays, on the wire: the real edge on one side, the lab carrier with that
//! temperament on the other. What is asserted is what the operator sees (status, verdict) and what the carrier saw (its counters, its log).

mod bindings;
mod challenges;
mod finals;
mod network;
mod stage;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod tls;
