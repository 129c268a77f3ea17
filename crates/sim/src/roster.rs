//! What trunks are called, and where they belong.

use std::sync::Arc;

use crate::Plan;

/// The trunks of a plan, in turn at its carriers.
#[derive(Clone, Copy, Debug)]
pub struct Roster {
    /// So many trunks.
    pub trunks: usize,
    carriers: usize,
}

impl Roster {
    /// Lists a plan's trunks.
    pub fn new(plan: &Plan) -> Self {
        Roster { trunks: plan.trunks as usize, carriers: plan.carriers as usize }
    }

    /// Returns a trunk's carrier.
    pub fn carrier(&self, trunk: usize) -> usize {
        trunk % self.carriers
    }

    /// Returns a trunk's id.
    pub fn id(&self, trunk: usize) -> Arc<str> {
        format!("t{trunk}").into()
    }

    /// Returns the user of a trunk's address-of-record.
    pub fn user(&self, trunk: usize) -> String {
        format!("62{trunk:07}")
    }

    /// Returns a trunk's digest user name.
    pub fn username(&self, trunk: usize) -> String {
        format!("auth-{trunk}")
    }

    /// Finds a trunk by its id.
    pub fn by_id(&self, id: &str) -> Option<usize> {
        id.strip_prefix('t')?.parse().ok().filter(|&trunk| trunk < self.trunks)
    }

    /// Finds a trunk by the user of its address-of-record.
    pub fn by_user(&self, user: &str) -> Option<usize> {
        user.strip_prefix("62")?.parse().ok().filter(|&trunk| trunk < self.trunks)
    }
}
