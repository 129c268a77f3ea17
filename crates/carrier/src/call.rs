use crate::Transport;

/// An INVITE to a bound Contact (RFC 3261 13.2), as a carrier with a call for it sends one.
pub(crate) fn invite(contact: &str, transport: Transport, token: &str) -> Vec<u8> {
    let transport = transport.name().to_ascii_uppercase();
    format!(
        "INVITE {contact} SIP/2.0\r\nVia: SIP/2.0/{transport} caller.invalid;rport;branch=z9hG4bK{token}\r\nMax-Forwards: 70\r\n\
         From: <sip:caller@caller.invalid>;tag={token}\r\nTo: <{contact}>\r\nCall-ID: {token}@caller.invalid\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:caller@caller.invalid>\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}
