//! What a 2xx to a REGISTER says for requests on the trunk: Service-Route (RFC 3608) and P-Associated-URI (RFC 7315 4.1).

use sip::{Message, Name};

use crate::challenge::printable;

/// More header lines than any carrier sends; what is beyond is left out.
const LINES_MAX: usize = 8;
/// A longer line is left out: a route cut short would lead elsewhere.
const LINE_BYTES_MAX: usize = 512;

/// Header values as they came, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    /// Service-Route: the preloaded Route of requests on the trunk. Path is none of it: it is for requests to us (RFC 3327 5.1).
    pub service: Vec<String>,
    /// P-Associated-URI: which identities belong to the account.
    pub associated: Vec<String>,
}

/// Returns what the latest 2xx says; it replaces what was kept, also by nothing (RFC 3608 6.1).
pub fn routes(message: &Message<'_>) -> Option<Box<Routes>> {
    let lines = |name: Name| -> Vec<String> {
        let whole = message.headers(name).take(LINES_MAX).filter(|value| value.len() <= LINE_BYTES_MAX);
        whole.map(|value| printable(&String::from_utf8_lossy(value))).collect()
    };
    let routes = Routes { service: lines(Name::ServiceRoute), associated: lines(Name::PAssociatedUri) };
    (routes != Routes::default()).then(|| Box::new(routes))
}
