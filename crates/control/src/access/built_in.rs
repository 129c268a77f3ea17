use crate::domain::{Meta, Role, RoleSettings};

/// The role that may do everything.
pub const ADMINISTRATOR: &str = "organization-administrator";

/// What everyone may see who may see anything.
const VIEW: [&str; 6] = [
    "telephony:organization:view",
    "telephony:site:view",
    "telephony:edge:view",
    "telephony:carrier:view",
    "telephony:trunk:view",
    "telephony:trunkRegistration:view",
];

struct BuiltIn {
    id: &'static str,
    name: &'static str,
    description: &'static str,
    views: bool,
    permissions: &'static [&'static str],
}

const ALL: [BuiltIn; 5] = [
    BuiltIn {
        id: ADMINISTRATOR,
        name: "Organization Administrator",
        description: "Everything, clients and roles included.",
        views: false,
        permissions: &["*"],
    },
    BuiltIn {
        id: "trunk-administrator",
        name: "Trunk Administrator",
        description: "All of trunks, registrations, credentials and verification.",
        views: true,
        permissions: &["telephony:trunk:*", "telephony:trunkCredential:*", "telephony:trunkRegistration:*", "telephony:trace:view"],
    },
    BuiltIn {
        id: "trunk-operator",
        name: "Trunk Operator",
        description: "View; refresh, release-hold, verify with the active credentials; no credential write.",
        views: true,
        permissions: &["telephony:trunkRegistration:edit", "telephony:trunkRegistration:verify"],
    },
    BuiltIn { id: "trunk-viewer", name: "Trunk Viewer", description: "View.", views: true, permissions: &[] },
    BuiltIn {
        id: "auditor",
        name: "Auditor",
        description: "View, audits, traces.",
        views: true,
        permissions: &["audits:audit:view", "telephony:trace:view"],
    },
];

/// Returns the roles that are part of the product.
pub fn roles() -> Vec<Role> {
    ALL.iter().map(role).collect()
}

/// Returns one of them.
pub fn find(id: &str) -> Option<Role> {
    ALL.iter().find(|built_in| built_in.id == id).map(role)
}

fn role(built_in: &BuiltIn) -> Role {
    let views: &[&str] = if built_in.views { &VIEW } else { &[] };
    Role {
        meta: Meta { id: built_in.id.to_owned(), name: built_in.name.to_owned(), version: 1, created: 0, modified: 0, revision: 0 },
        built_in: true,
        settings: RoleSettings {
            description: Some(built_in.description.to_owned()),
            permissions: views.iter().chain(built_in.permissions).map(|permission| (*permission).to_owned()).collect(),
        },
    }
}
