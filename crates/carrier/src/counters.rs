/// How often what was seen. Retransmissions count as such and as nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// REGISTER requests with a Contact to bind.
    pub registers: u64,
    /// REGISTER requests without a Contact.
    pub queries: u64,
    /// REGISTER requests that remove.
    pub removals: u64,
    /// OPTIONS requests.
    pub options: u64,
    /// Requests of other methods.
    pub others: u64,
    /// Challenges sent because there was no digest.
    pub challenged: u64,
    /// Right digests over a good nonce.
    pub digests_right: u64,
    /// Wrong digests.
    pub digests_wrong: u64,
    /// Right digests over a nonce that is not good.
    pub digests_stale: u64,
    /// Authorization headers that cannot be read, or answer no challenge of ours.
    pub digests_unreadable: u64,
    /// REGISTER requests answered by 2xx.
    pub accepted: u64,
    /// REGISTER requests answered otherwise, challenges excepted.
    pub refused: u64,
    /// Retransmissions, answered as before.
    pub retransmissions: u64,
    /// Datagrams dropped by temperament: methods not answered, addresses blocked.
    pub dropped: u64,
    /// Datagrams lost to the weather, in either direction.
    pub lost: u64,
    /// Datagrams that are no SIP request.
    pub malformed: u64,
    /// Calls that were answered 480.
    pub calls_answered: u64,
    /// Connections that were ready for messages.
    pub connections: u64,
    /// Connections that were refused, or whose handshake failed.
    pub turned_away: u64,
    /// Pings (CRLF CRLF) on connections.
    pub pings: u64,
    /// Answers that were cut in the middle, their connection closed.
    pub cut: u64,
}
