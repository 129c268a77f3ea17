//! The nouns: what an operator configures, parsed once into types that cannot be wrong.

pub mod algorithm;
pub mod carrier;
pub mod client;
pub mod contact;
pub mod digest_policy;
pub mod edge;
pub mod header;
pub mod id;
pub mod meta;
pub mod organization;
pub mod reach;
pub mod reference;
pub mod role;
pub mod scope;
pub mod site;
pub mod time_zone;
pub mod trunk;
pub mod uri;
mod webhook;

pub use carrier::{Carrier, CarrierSettings};
pub use client::{Client, ClientSettings, RoleGrant};
pub use contact::ContactSettings;
pub use digest_policy::DigestPolicySetting;
pub use edge::{Edge, Presence};
pub use header::ExtraHeader;
pub use meta::Meta;
pub use organization::{Organization, OrganizationSettings};
pub use reach::{Place, Reach};
pub use reference::Reference;
pub use role::{Role, RoleSettings};
pub use scope::Scope;
pub use site::{Site, SiteSettings};
pub use time_zone::ZoneName;
pub use trunk::{Trunk, TrunkSettings};
pub use uri::{AddressOfRecord, SipUri};
pub use webhook::{Webhook, WebhookHealth, WebhookSettings};
