use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::{Border, CertificateKind, Challenge, Refusal};

/// How a carrier behaves. The default is a friendly one: MD5 with qop auth, nonces good for 300 s, grants what is asked for.
///
/// Rows of `carriers.md` are applied by name ([`Temperament::with`]) and combine; a field set by hand wins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Temperament {
    /// Whether REGISTER is challenged at all (C22).
    pub challenges_register: bool,
    /// The challenge headers, in the order in which they are sent (C1-C10).
    pub challenges: Vec<Challenge>,
    /// Sends 401 without any challenge header.
    pub forgets_challenge: bool,
    /// Challenges as a proxy: 407, Proxy-Authenticate (C16).
    pub proxy: bool,
    /// A proxy before the registrar that authenticates for itself (C16).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub border: Option<Border>,
    /// Seconds for which a nonce is good.
    pub nonce_life: u32,
    /// A nonce is good for one answer only (C12).
    pub nonce_once: bool,
    /// What a nonce is bound to (C17).
    pub nonce_bound_to: NonceBound,
    /// Says `stale=true` when a right digest came over a nonce that is no longer good (C11); a bare new challenge otherwise (C12).
    pub tells_stale: bool,
    /// Says `stale=true` for ever, whatever the nonce.
    pub stale_for_ever: bool,
    /// Sends `Authentication-Info: nextnonce` with each 2xx to a digest (C15).
    pub nextnonce: bool,
    /// Repeats the nonce in the 401 to a wrong digest (C13) rather than issuing a new one (C14).
    pub repeats_nonce: bool,
    /// Computes the first half of SHA-512 in place of SHA-512/256 (C20).
    pub truncated_sha512: bool,
    /// Refuses a digest whose `uri` is not the Request-URI byte for byte (C23).
    pub compares_uri: bool,
    /// The answer to a wrong digest: 401 with a challenge, or a refusal such as 403 (F2).
    pub wrong_digest: u16,
    /// What a user without an account gets: a challenge like any other where absent, else this code before a challenge (F3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown_user: Option<u16>,
    /// Final answers in place of a registration; the first that fits is spoken (F1-F14, B11).
    pub refusals: Vec<Refusal>,
    /// The code that a CSeq gets that does not rise (RFC 3261 10.3 leaves it open).
    pub cseq_code: u16,
    /// Demands a rising CSeq of every REGISTER of a Call-ID, not of binding updates only (B8).
    pub cseq_strict: bool,
    /// Seconds below which an expiry is refused with 423 (F4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_expires: Option<u32>,
    /// The Min-Expires header of a 423: the truth where absent, left out where empty, else this text (F5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_expires_says: Option<String>,
    /// Seconds that are granted whatever was asked (B1, B4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grants: Option<u32>,
    /// The most that is granted (B1).
    pub grants_at_most: u32,
    /// Where a 200 says what was granted (B1).
    pub grant_shown: GrantShown,
    /// How a 200 lists our binding (B2, B3).
    pub lists: Listing,
    /// Contacts that a 200 lists before ours, as header values (B2).
    pub lists_also: Vec<String>,
    /// A new Contact replaces all others of the account (B5).
    pub one_binding: bool,
    /// So many bindings per account; one more is refused with 403 (B6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binding_limit: Option<u32>,
    /// So many accounts bound from one source address and port; one more is refused with 403 (B6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port_limit: Option<u32>,
    /// Further header lines of a 200, such as Service-Route (B9).
    pub ok_headers: Vec<String>,
    /// What its Server header says, in every answer.
    pub server: String,
    /// Option tags that a REGISTER with a Contact must offer in Supported or Require, else 421 (B10).
    pub demands: Vec<String>,
    /// Where requests seem to come from: goes into `received`, `rport` and natted Contacts, as behind an address translator (N5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sees: Option<SocketAddr>,
    /// Sends a 2xx before each answer that is forged in branch, Call-ID or From tag, in turn (N11).
    pub forges: bool,
    /// Sends an INVITE to each newly bound Contact (N13).
    pub calls: bool,
    /// The answer to OPTIONS.
    pub options_code: u16,
    /// Methods that are not answered at all (N3).
    pub drops: Vec<String>,
    /// Sends 100 Trying before a final answer (F10).
    pub trying: bool,
    /// Probability of losing a datagram, in either direction (N4).
    pub loss: f64,
    /// Probability of sending a response twice (N4).
    pub duplicates: f64,
    /// Milliseconds before a response is sent, at least (N4).
    pub delay_min: u32,
    /// Milliseconds before a response is sent, at most (N4).
    pub delay_max: u32,
    /// Drops requests above so many bytes that come over UDP (N6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datagram_bytes_max: Option<u32>,
    /// Resets every connection as soon as it is made (N6).
    pub refuses_connections: bool,
    /// Writes what it has to say on a stream in pieces of so many bytes; a WebSocket message in fragments (N7).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub piece_bytes: Option<u32>,
    /// Milliseconds for which answers on a connection are gathered, to go in one write (N7).
    pub gathers: u32,
    /// Glues CRLFs to every answer on a stream: two before, one after (N7).
    pub glues: bool,
    /// Cuts so many answers in the middle, and closes their connections there (N7).
    pub cuts: u32,
    /// Seconds after which a connection is closed, whatever happens on it (N7).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closes_after: Option<u32>,
    /// Seconds without a message or a ping after which a connection is closed (RFC 5626 4.4.1).
    pub closes_idle: u32,
    /// Forgets the bindings that a connection made when it ends (RFC 5626 6).
    pub unbinds_closed: bool,
    /// The certificate that is shown (N8); one that was given in the configuration is shown whatever stands here.
    pub certificate: CertificateKind,
    /// Demands a client certificate (N8).
    pub demands_certificate: bool,
    /// Seconds after which a connection is stale: it answers 403 to everything (N9).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_after: Option<u32>,
    /// Requests after which a connection is stale (N9).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_after_requests: Option<u32>,
    /// Whether pings (CRLF CRLF) are answered (RFC 5626 4.4.1).
    pub answers_pings: bool,
    /// What it says to a WebSocket handshake.
    pub websocket: WebSocketManner,
    /// Refused digests running after which an address gets no answer to anything (N10).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocks_after: Option<u32>,
    /// Seconds for which it gets none.
    pub blocks_for: u32,
}

impl Default for Temperament {
    fn default() -> Self {
        Temperament {
            challenges_register: true,
            challenges: vec![Challenge::default()],
            forgets_challenge: false,
            proxy: false,
            border: None,
            nonce_life: 300,
            nonce_once: false,
            nonce_bound_to: NonceBound::Nothing,
            tells_stale: true,
            stale_for_ever: false,
            nextnonce: false,
            repeats_nonce: false,
            truncated_sha512: false,
            compares_uri: true,
            wrong_digest: 401,
            unknown_user: None,
            refusals: Vec::new(),
            cseq_code: 500,
            cseq_strict: false,
            min_expires: None,
            min_expires_says: None,
            grants: None,
            grants_at_most: 86_400,
            grant_shown: GrantShown::Both,
            lists: Listing::AsSent,
            lists_also: Vec::new(),
            one_binding: false,
            binding_limit: None,
            port_limit: None,
            ok_headers: Vec::new(),
            server: "trunkline-lab-carrier".into(),
            demands: Vec::new(),
            sees: None,
            forges: false,
            calls: false,
            options_code: 200,
            drops: Vec::new(),
            trying: false,
            loss: 0.0,
            duplicates: 0.0,
            delay_min: 0,
            delay_max: 0,
            datagram_bytes_max: None,
            refuses_connections: false,
            piece_bytes: None,
            gathers: 0,
            glues: false,
            cuts: 0,
            closes_after: None,
            closes_idle: 7200,
            unbinds_closed: false,
            certificate: CertificateKind::Good,
            demands_certificate: false,
            stale_after: None,
            stale_after_requests: None,
            answers_pings: true,
            websocket: WebSocketManner::Accepts,
            blocks_after: None,
            blocks_for: 600,
        }
    }
}

/// What a nonce is bound to: shown from elsewhere, it is not good (C17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NonceBound {
    /// Good wherever it comes from.
    Nothing,
    /// Good from the address and port that it was issued to.
    Port,
    /// Good within the Call-ID that it was issued in.
    CallId,
}

/// Where a 200 says how long a binding runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrantShown {
    /// In the Contact's `expires` parameter.
    Contact,
    /// In the Expires header.
    Expires,
    /// In both.
    Both,
}

/// How a 200 lists our binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Listing {
    /// As it was sent.
    AsSent,
    /// With host and port replaced by where the request came from, as border controllers do.
    Natted,
    /// Scheme and host in upper case, parameters in another order, one more parameter.
    Shouted,
    /// Not at all, though others are (B3).
    OthersOnly,
    /// No Contact at all (B3a).
    Nothing,
}

/// What is said to a WebSocket handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WebSocketManner {
    /// Accepted, with the subprotocol `sip` (RFC 7118 4.1).
    Accepts,
    /// Accepted, without a subprotocol.
    NoProtocol,
    /// 403.
    Refuses,
}
