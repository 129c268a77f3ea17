use std::collections::BTreeSet;

/// The permission that clients of the platform know for all of telephony.
const SUPERSET: &str = "telephony:plugin:all";

/// What a caller may do. `*` as a part stands for any; `*` alone for everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions(BTreeSet<String>);

impl Permissions {
    /// Tells whether this permission is granted.
    pub fn allows(&self, wanted: &str) -> bool {
        self.0.iter().any(|granted| covers(granted, wanted))
    }

    /// Iterates over what is granted, as it was granted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl<S: Into<String>> FromIterator<S> for Permissions {
    fn from_iter<I: IntoIterator<Item = S>>(permissions: I) -> Self {
        Permissions(permissions.into_iter().map(Into::into).collect())
    }
}

fn covers(granted: &str, wanted: &str) -> bool {
    if granted == "*" || granted == wanted {
        return true;
    }
    if granted == SUPERSET {
        return wanted.starts_with("telephony:");
    }
    if wanted == SUPERSET {
        // It stands for more than its three parts say.
        return granted == "telephony:*";
    }
    let mut wanted = wanted.split(':');
    let mut granted = granted.split(':').peekable();
    while let Some(part) = granted.next() {
        let Some(wanted) = wanted.next() else { return false };
        if part == "*" {
            // A trailing star covers all that follows.
            if granted.peek().is_none() {
                return true;
            }
        } else if part != wanted {
            return false;
        }
    }
    wanted.next().is_none()
}

/// Checks the form of a permission: `*`, or up to three parts of letters with `:` between, the later ones perhaps `*`.
pub fn is_permission(text: &str) -> bool {
    if text == "*" {
        return true;
    }
    let parts: Vec<&str> = text.split(':').collect();
    let word = |part: &str| !part.is_empty() && part.len() <= 64 && part.bytes().all(|b| b.is_ascii_alphanumeric());
    (2..=3).contains(&parts.len()) && word(parts[0]) && parts[1..].iter().all(|part| *part == "*" || word(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_cover_parts_and_the_superset_covers_telephony() {
        for (granted, wanted, covered) in [
            ("telephony:trunk:view", "telephony:trunk:view", true),
            ("telephony:trunk:view", "telephony:trunk:edit", false),
            ("telephony:trunk:*", "telephony:trunk:edit", true),
            ("telephony:*", "telephony:trunk:edit", true),
            ("telephony:*:view", "telephony:trunk:view", true),
            ("telephony:*:view", "telephony:trunk:edit", false),
            ("telephony:plugin:all", "telephony:trunkCredential:edit", true),
            ("telephony:plugin:all", "oauth:client:add", false),
            ("telephony:plugin:*", "telephony:plugin:all", false),
            ("telephony:*", "telephony:plugin:all", true),
            ("telephony:trunk:*", "telephony:*", false),
            ("telephony:*:view", "*", false),
            ("*", "oauth:client:add", true),
            ("telephony:trunk", "telephony:trunk:view", false),
        ] {
            assert_eq!(Permissions::from_iter([granted]).allows(wanted), covered, "{granted} {wanted}");
        }
    }

    #[test]
    fn a_permission_has_a_form() {
        assert!(["*", "telephony:*", "telephony:trunk:view", "audits:*:view"].into_iter().all(is_permission));
        assert!(!["", "telephony", "*:view", "a:b:c:d", "a::b", "a b:c"].into_iter().any(is_permission));
    }
}
