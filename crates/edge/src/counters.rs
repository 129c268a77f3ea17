/// What an edge has counted since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// REGISTER requests, retransmissions not counted.
    pub registers: u64,
    /// Retransmitted requests.
    pub retransmissions: u64,
    /// Datagrams that are no SIP, or belong to nothing of ours.
    pub strangers: u64,
    /// Registrations that are bound now.
    pub bound: u64,
    /// Datagrams that came in, and messages on connections.
    pub received: u64,
    /// Datagrams that went out, and messages handed to connections.
    pub sent: u64,
    /// Datagrams that were given up because the socket took none for too long.
    pub overrun: u64,
    /// Datagrams that the system refused to send.
    pub send_failed: u64,
    /// ICMP errors that came back.
    pub icmp: u64,
    /// Destinations that the gate refused.
    pub gated: u64,
    /// Requests from carriers that nobody here answers.
    pub unrouted: u64,
    /// Names looked up.
    pub resolved: u64,
    /// Names that led nowhere.
    pub resolve_failed: u64,
    /// Reports that the control plane has not taken and that were given up.
    pub reports_lost: u64,
    /// Attempts that were not told, because too many came at once or the control plane did not take them.
    pub attempts_lost: u64,
    /// Records written to the state file.
    pub saved: u64,
    /// Times that the state file could not be written.
    pub save_failed: u64,
    /// Connections that are open now.
    pub connections_open: u64,
    /// Connections that came to be open.
    pub connections_opened: u64,
    /// Connections that could not be opened.
    pub connections_failed: u64,
}
