use super::{Kind, Subject};
use crate::access::Caller;
use crate::domain::{Place, Reach};
use crate::http::Query;
use crate::problem::Problem;
use crate::store::events::Told;

/// Which events a reader hears of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of these kinds.
    pub kinds: Vec<Kind>,
    /// About this trunk.
    pub trunk: Option<String>,
    /// About this site.
    pub site: Option<String>,
    /// About this carrier.
    pub carrier: Option<String>,
    /// Seen by this edge.
    pub edge: Option<String>,
}

impl Filter {
    /// Reads `kind`, `trunkId`, `site.id`, `carrier.id` and `edge.id`. Without `kind`: all kinds.
    ///
    /// # Errors
    /// 400 `invalid.value` for a kind that does not exist.
    pub fn take(query: &mut Query) -> Result<Self, Problem> {
        let kinds = match query.take("kind") {
            None => Kind::ALL.iter().map(|(kind, ..)| *kind).collect(),
            Some(words) => kinds("kind", words.split(','))?,
        };
        Ok(Filter {
            kinds,
            trunk: query.take("trunkId"),
            site: query.take("site.id"),
            carrier: query.take("carrier.id"),
            edge: query.take("edge.id"),
        })
    }

    /// Leaves what the caller may hear of.
    ///
    /// # Errors
    /// 403 `missing.permissions` where that is nothing.
    pub fn allowed(self, caller: &Caller) -> Result<Audience, Problem> {
        let mut groups: Vec<Group> = Vec::new();
        let mut refused = None;
        for (kind, _, permission) in Kind::ALL.iter().filter(|(kind, ..)| self.kinds.contains(kind)) {
            if let Some(group) = groups.iter_mut().find(|group| group.permission == *permission) {
                group.kinds.push(*kind);
                continue;
            }
            match caller.require_somewhere(permission) {
                Ok(reach) => groups.push(Group { permission, kinds: vec![*kind], reach }),
                Err(problem) => refused = refused.or(Some(problem)),
            }
        }
        match refused {
            Some(problem) if groups.is_empty() => Err(problem),
            Some(_) | None => Ok(Audience { filter: self, groups }),
        }
    }

    /// Tells whether an event is among them.
    pub fn fits(&self, told: &Told) -> bool {
        let same = |wanted: &Option<String>, is: &Option<String>| wanted.is_none() || wanted == is;
        self.kinds.iter().any(|kind| kind.word() == told.kind)
            && same(&self.trunk, &told.subject.trunk)
            && same(&self.site, &told.subject.site)
            && same(&self.carrier, &told.subject.carrier)
            && same(&self.edge, &told.subject.edge)
    }
}

/// A reader: what it wants to hear, and what of that it may.
#[derive(Clone, Debug)]
pub struct Audience {
    /// What it wants.
    pub filter: Filter,
    /// What it may.
    pub groups: Vec<Group>,
}

/// Kinds of events that need the same permission.
#[derive(Clone, Debug)]
pub struct Group {
    permission: &'static str,
    /// The kinds.
    pub kinds: Vec<Kind>,
    /// Where the reader has it.
    pub reach: Reach,
}

impl Audience {
    /// Tells whether the reader hears of an event. That something is missing in the log concerns everybody.
    pub fn hears(&self, told: &Told) -> bool {
        if told.kind == Kind::Lost.word() {
            return true;
        }
        let allowed = |group: &Group| group.kinds.iter().any(|kind| kind.word() == told.kind) && is_within(&told.subject, &group.reach);
        self.filter.fits(told) && self.groups.iter().any(allowed)
    }
}

/// What is about nothing in particular, only who sees everything sees.
fn is_within(subject: &Subject, reach: &Reach) -> bool {
    let Subject { trunk, site, carrier, edge } = subject;
    let place = match (trunk, carrier, edge) {
        (Some(trunk), ..) => {
            Place::Trunk { id: trunk, site: site.as_deref().unwrap_or_default(), carrier: carrier.as_deref().unwrap_or_default() }
        }
        (None, Some(carrier), _) => Place::Carrier(carrier),
        (None, None, Some(edge)) => Place::Edge(edge, site.as_deref()),
        (None, None, None) => return reach.is_everywhere(),
    };
    reach.covers(&place)
}

/// Reads words of kinds, and of whole groups: `credentials` stands for all that begin with `credentials.`.
///
/// # Errors
/// 400 `invalid.value` that names the field.
pub fn kinds<'a>(field: &'static str, words: impl Iterator<Item = &'a str>) -> Result<Vec<Kind>, Problem> {
    let mut kinds = Vec::new();
    for word in words {
        let is = |known: &str| known == word || known.split('.').next() == Some(word);
        let found: Vec<Kind> = Kind::ALL.iter().filter(|(_, known, _)| is(known)).map(|(kind, ..)| *kind).collect();
        if found.is_empty() {
            let known: Vec<&str> = Kind::ALL.iter().map(|(_, word, _)| *word).collect();
            let shown: String = word.chars().take(64).collect();
            return Err(Problem::invalid(field, format!("{field}: there is no kind of event {shown:?}; known are {}.", known.join(", "))));
        }
        kinds.extend(found.into_iter().filter(|kind| !kinds.contains(kind)).collect::<Vec<_>>());
    }
    Ok(kinds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_or_a_group_names_kinds_and_others_are_refused() {
        assert_eq!(kinds("kind", ["edge"].into_iter()).unwrap(), [Kind::EdgeOnline, Kind::EdgeOffline]);
        assert_eq!(kinds("kind", ["edge.online", "edge", "call.unrouted"].into_iter()).unwrap().len(), 3);
        for bad in ["", "edge.", "credential", "registration.stat"] {
            assert!(kinds("kind", [bad].into_iter()).is_err(), "{bad}");
        }
    }
}
