use super::Permissions;
use crate::domain::{Place, Reach, Scope};
use crate::problem::Problem;

/// What a caller may do, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants(Vec<Grant>);

/// The permissions of a role within a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What.
    pub permissions: Permissions,
    /// Where.
    pub scope: Scope,
}

impl Grants {
    /// Returns where a permission holds.
    pub fn reach(&self, permission: &str) -> Reach {
        self.reach_where(|grant| grant.permissions.allows(permission))
    }

    /// Returns what is covered by any grant: what the caller may know of.
    pub fn known(&self) -> Reach {
        self.reach_where(|_| true)
    }

    fn reach_where(&self, holds: impl Fn(&Grant) -> bool) -> Reach {
        self.0.iter().filter(|grant| holds(grant)).fold(Reach::default(), |mut reach, grant| {
            reach.add(&grant.scope);
            reach
        })
    }

    /// Tells whether a permission holds in the whole organisation.
    pub fn everywhere(&self, permission: &str) -> bool {
        self.reach(permission).is_everywhere()
    }

    /// Tells whether a permission holds there.
    pub fn on(&self, permission: &str, place: &Place<'_>) -> bool {
        self.reach(permission).covers(place)
    }

    /// Tells whether a permission holds in all of a scope, as far as that can be told without looking at trunks.
    pub fn within(&self, permission: &str, scope: &Scope) -> bool {
        let reach = self.reach(permission);
        reach.is_everywhere()
            || match scope {
                Scope::Organization => false,
                Scope::Site(id) => reach.sites.contains(id),
                Scope::Carrier(id) => reach.carriers.contains(id),
                Scope::Trunks(ids) => ids.is_subset(&reach.trunks),
            }
    }

    /// Iterates over the permissions of all grants; some may stand more than once.
    pub fn permissions(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|grant| grant.permissions.iter())
    }

    /// Refuses what does not hold in the whole organisation, and names all of it.
    ///
    /// # Errors
    /// 403 `missing.permissions`.
    pub fn require(&self, permissions: &[&str]) -> Result<(), Problem> {
        let missing: Vec<&str> = permissions.iter().copied().filter(|permission| !self.everywhere(permission)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let scoped = missing.iter().any(|permission| !self.reach(permission).is_nothing());
        let problem = Problem::missing_permissions(missing.iter().copied());
        if !scoped {
            return Err(problem);
        }
        let message = format!(
            "Missing permissions: {}. The caller has them within a scope; this needs them for the whole organization.",
            missing.join(", ")
        );
        Err(problem.message(message))
    }

    /// Refuses what holds nowhere, before anything is looked up.
    ///
    /// # Errors
    /// 403 `missing.permissions`.
    pub fn require_somewhere(&self, permissions: &[&str]) -> Result<(), Problem> {
        let missing: Vec<&str> = permissions.iter().copied().filter(|permission| self.reach(permission).is_nothing()).collect();
        if missing.is_empty() { Ok(()) } else { Err(Problem::missing_permissions(missing)) }
    }
}

impl FromIterator<Grant> for Grants {
    fn from_iter<I: IntoIterator<Item = Grant>>(grants: I) -> Self {
        Grants(grants.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(all: &[(&str, Scope)]) -> Grants {
        all.iter().map(|(permission, scope)| Grant { permissions: Permissions::from_iter([*permission]), scope: scope.clone() }).collect()
    }

    #[test]
    fn each_permission_has_its_own_reach() {
        let grants = grants(&[
            ("telephony:trunk:view", Scope::Organization),
            ("telephony:trunk:*", Scope::Site("jakarta".into())),
            ("telephony:trunkCredential:edit", Scope::Trunks(["t1".to_owned()].into())),
        ]);
        let at = |site| Place::Trunk { id: "t1", site, carrier: "c" };
        assert!(grants.everywhere("telephony:trunk:view"));
        assert!(!grants.everywhere("telephony:trunk:edit"));
        assert!(grants.on("telephony:trunk:edit", &at("jakarta")));
        assert!(!grants.on("telephony:trunk:edit", &at("tokyo")));
        assert!(grants.on("telephony:trunkCredential:edit", &at("tokyo")));
        assert!(grants.reach("telephony:trace:view").is_nothing());
    }

    #[test]
    fn nobody_has_more_within_a_scope_than_in_what_encloses_it() {
        let grants = grants(&[("a:b:c", Scope::Site("s".into())), ("a:b:c", Scope::Trunks(["t1".to_owned(), "t2".to_owned()].into()))]);
        for (scope, within) in [
            (Scope::Organization, false),
            (Scope::Site("s".into()), true),
            (Scope::Site("r".into()), false),
            (Scope::Carrier("s".into()), false),
            (Scope::Trunks(["t1".to_owned()].into()), true),
            (Scope::Trunks(["t1".to_owned(), "t3".to_owned()].into()), false),
        ] {
            assert_eq!(grants.within("a:b:c", &scope), within, "{scope:?}");
        }
    }

    #[test]
    fn a_refusal_says_where_it_would_have_to_hold() {
        let grants = grants(&[("a:b:c", Scope::Site("s".into()))]);
        assert!(grants.require(&["a:b:c"]).unwrap_err().to_string().contains("whole organization"));
        assert!(!grants.require(&["x:y:z"]).unwrap_err().to_string().contains("whole organization"));
        assert!(grants.require_somewhere(&["a:b:c"]).is_ok());
        assert!(grants.require_somewhere(&["a:b:c", "x:y:z"]).is_err());
    }
}
