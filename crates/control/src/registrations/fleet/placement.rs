//! Which edge serves which site.

use std::collections::BTreeMap;
use std::sync::Arc;

use link::Sites;

use super::edge::AttachedEdge;

/// The attached edges, and which sites have an edge of their own.
#[derive(Debug, Default)]
pub struct Placement {
    attached: BTreeMap<String, Arc<AttachedEdge>>,
    /// Sites that had an edge of their own since the start: while that is away, no other takes its trunks, for it still holds them.
    owned: BTreeMap<String, String>,
}

impl Placement {
    /// Takes in an edge; one of the same id is replaced and returned.
    pub fn attach(&mut self, edge: Arc<AttachedEdge>) -> Option<Arc<AttachedEdge>> {
        if let Sites::One(site) = &edge.hello.sites {
            self.owned.insert(site.clone(), edge.id().to_owned());
        }
        self.attached.insert(edge.id().to_owned(), edge)
    }

    /// Lets go of an edge, if it is still this very one.
    pub fn detach(&mut self, edge: &Arc<AttachedEdge>) -> bool {
        let same = self.attached.get(edge.id()).is_some_and(|attached| Arc::ptr_eq(attached, edge));
        if same {
            self.attached.remove(edge.id());
        }
        same
    }

    /// Returns the edge that serves a site: its own, else one that serves sites without.
    pub fn serving(&self, site: &str) -> Option<&Arc<AttachedEdge>> {
        // By the order of ids, so that every look gives the same; several edges of one site share its trunks when shards are there.
        let own = self.attached.values().find(|edge| matches!(&edge.hello.sites, Sites::One(own) if own == site));
        if own.is_some() || self.owned.contains_key(site) {
            return own;
        }
        self.attached.values().find(|edge| edge.hello.sites == Sites::Unserved)
    }

    /// Returns an attached edge.
    pub fn edge(&self, id: &str) -> Option<&Arc<AttachedEdge>> {
        self.attached.get(id)
    }

    /// Returns the attached edges in the order of their ids.
    pub fn edges(&self) -> impl Iterator<Item = &Arc<AttachedEdge>> {
        self.attached.values()
    }
}

#[cfg(test)]
mod tests {
    use link::{Hello, pair};

    use super::*;

    fn edge(id: &str, sites: Sites) -> Arc<AttachedEdge> {
        let hello = Hello { edge: id.into(), sites, version: "1".into(), local: Vec::new(), advertised: Vec::new() };
        let (control, _) = pair(hello);
        Arc::new(AttachedEdge::new(control.hello, control.key))
    }

    #[test]
    fn a_sites_own_edge_goes_before_one_that_serves_the_rest() {
        let mut placement = Placement::default();
        assert!(placement.serving("jakarta").is_none());
        placement.attach(edge("any", Sites::Unserved));
        assert_eq!(placement.serving("jakarta").unwrap().id(), "any");
        let own = edge("jkt", Sites::One("jakarta".into()));
        placement.attach(Arc::clone(&own));
        assert_eq!(placement.serving("jakarta").unwrap().id(), "jkt");
        assert_eq!(placement.serving("tokyo").unwrap().id(), "any");
        assert!(placement.detach(&own));
        assert!(placement.serving("jakarta").is_none(), "an edge that is away still holds its trunks");
    }

    #[test]
    fn an_edge_that_attaches_again_takes_its_own_place() {
        let mut placement = Placement::default();
        let (first, second) = (edge("e", Sites::Unserved), edge("e", Sites::Unserved));
        assert!(placement.attach(Arc::clone(&first)).is_none());
        assert!(placement.attach(Arc::clone(&second)).is_some());
        assert!(!placement.detach(&first));
        assert!(Arc::ptr_eq(placement.serving("s").unwrap(), &second));
    }
}
