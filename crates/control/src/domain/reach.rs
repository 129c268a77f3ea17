use std::collections::BTreeSet;

use super::{Scope, Trunk};

/// Where a permission is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// A site, by its id.
    Site(&'a str),
    /// A carrier, by its id.
    Carrier(&'a str),
    /// An edge, and the site that it serves; none where it serves every site without an edge of its own.
    Edge(&'a str, Option<&'a str>),
    /// A trunk.
    Trunk {
        /// Its id.
        id: &'a str,
        /// Its site's.
        site: &'a str,
        /// Its carrier's.
        carrier: &'a str,
    },
}

impl<'a> Place<'a> {
    /// Returns where a trunk is.
    pub fn trunk(trunk: &'a Trunk) -> Self {
        Place::Trunk { id: &trunk.meta.id, site: &trunk.site, carrier: &trunk.carrier }
    }

    /// Returns what it is, and its id.
    pub fn named(self) -> (&'static str, &'a str) {
        match self {
            Place::Site(id) => ("site", id),
            Place::Carrier(id) => ("carrier", id),
            Place::Edge(id, _) => ("edge", id),
            Place::Trunk { id, .. } => ("trunk", id),
        }
    }
}

/// All that several scopes cover together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    everywhere: bool,
    /// Sites as wholes.
    pub sites: BTreeSet<String>,
    /// Carriers as wholes.
    pub carriers: BTreeSet<String>,
    /// Single trunks.
    pub trunks: BTreeSet<String>,
}

impl Reach {
    /// Adds what a scope covers.
    pub fn add(&mut self, scope: &Scope) {
        match scope {
            Scope::Organization => self.everywhere = true,
            Scope::Site(id) => drop(self.sites.insert(id.clone())),
            Scope::Carrier(id) => drop(self.carriers.insert(id.clone())),
            Scope::Trunks(ids) => self.trunks.extend(ids.iter().cloned()),
        }
    }

    /// Tells whether it is the whole organisation.
    pub fn is_everywhere(&self) -> bool {
        self.everywhere
    }

    /// Tells whether it is nothing at all.
    pub fn is_nothing(&self) -> bool {
        !self.everywhere && self.sites.is_empty() && self.carriers.is_empty() && self.trunks.is_empty()
    }

    /// Tells whether it holds there.
    pub fn covers(&self, place: &Place<'_>) -> bool {
        self.everywhere
            || match *place {
                Place::Site(id) => self.sites.contains(id),
                Place::Carrier(id) => self.carriers.contains(id),
                Place::Edge(_, site) => site.is_some_and(|site| self.sites.contains(site)),
                Place::Trunk { id, site, carrier } => {
                    self.sites.contains(site) || self.carriers.contains(carrier) || self.trunks.contains(id)
                }
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_what_lies_in_it_and_nothing_beside() {
        let trunk = Place::Trunk { id: "t", site: "s", carrier: "c" };
        let edge = Place::Edge("e", Some("s"));
        let of = |scope: Scope| {
            let mut reach = Reach::default();
            reach.add(&scope);
            [trunk, Place::Site("s"), Place::Carrier("c"), edge, Place::Edge("e", None)].map(|place| reach.covers(&place))
        };
        assert_eq!(of(Scope::Organization), [true; 5]);
        assert_eq!(of(Scope::Site("s".into())), [true, true, false, true, false]);
        assert_eq!(of(Scope::Carrier("c".into())), [true, false, true, false, false]);
        assert_eq!(of(Scope::Trunks(["t".to_owned()].into())), [true, false, false, false, false]);
        // The same word as another kind's id covers nothing of it.
        for other in [Scope::Site("t".into()), Scope::Site("c".into()), Scope::Carrier("s".into()), Scope::Trunks(["s".to_owned()].into())]
        {
            assert_eq!(of(other.clone()), [false; 5], "{other:?}");
        }
        assert!(Reach::default().is_nothing());
    }
}
