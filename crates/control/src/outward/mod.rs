//! Calls that the control plane makes to others: webhooks, and keys of identity providers. One door for all of them.
//!
//! A name is looked up, each address is judged, and the connection goes to the very address that was judged: a name that leads elsewhere the
//! next time leads nowhere. Redirects are not followed. Time and answer are bounded. No proxy of the environment is used.

mod fault;
mod gate;
mod send;
mod target;

pub use fault::OutwardFault;
pub use gate::Gate;
pub use send::Outward;
pub use target::Target;
