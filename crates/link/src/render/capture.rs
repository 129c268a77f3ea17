use super::facts::sent_again;
use super::packet::datagram;
use crate::{Attempt, AttemptMessage};

/// Block types (draft-ietf-opsawg-pcapng 4).
const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;

/// Each packet begins with its IP header (tcpdump.org/linktypes: LINKTYPE_RAW).
const RAW_IP: u16 = 101;

/// Option codes.
const COMMENT: u16 = 1;
const INTERFACE_NAME: u16 = 2;
const APPLICATION: u16 = 4;
const RESOLUTION: u16 = 9;

/// Writes an attempt as a pcapng file with its addresses, ports and times, for Wireshark and its kin. The messages are the redacted ones.
///
/// Every message stands in one UDP datagram, whatever carried it: what a TCP or TLS connection carried is told in a comment. A message
/// whose addresses cannot be read is left out.
pub fn pcapng(attempt: &Attempt) -> Vec<u8> {
    let mut file = Vec::new();
    let about = format!("Trunkline attempt {} of edge {} at carrier {}; digests are redacted", attempt.id, attempt.edge, attempt.carrier);
    let comment = if attempt.transport == "udp" { about } else { format!("{about}; carried by {}, shown as UDP", attempt.transport) };
    let mut section = Vec::new();
    section.extend(0x1a2b_3c4d_u32.to_le_bytes());
    // Version 1.0, of unknown length.
    section.extend([1, 0, 0, 0]);
    section.extend((-1_i64).to_le_bytes());
    options(&mut section, &[(COMMENT, comment.as_bytes()), (APPLICATION, b"Trunkline")]);
    block(&mut file, SECTION_HEADER, &section);

    let mut interface = Vec::new();
    interface.extend(RAW_IP.to_le_bytes());
    // Reserved, and no limit to a packet's length.
    interface.extend([0; 6]);
    // Microseconds.
    options(&mut interface, &[(INTERFACE_NAME, attempt.edge.as_bytes()), (RESOLUTION, &[6])]);
    block(&mut file, INTERFACE_DESCRIPTION, &interface);

    for message in &attempt.messages {
        if let Some(packet) = packet(message) {
            block(&mut file, ENHANCED_PACKET, &packet);
        }
    }
    file
}

fn packet(message: &AttemptMessage) -> Option<Vec<u8>> {
    let (local, remote) = (message.local.parse().ok()?, message.remote.parse().ok()?);
    let (from, to) = if message.sent { (local, remote) } else { (remote, local) };
    let datagram = datagram(from, to, &message.bytes)?;
    let length = u32::try_from(datagram.len()).ok()?;
    let at = u64::try_from(message.at).unwrap_or(0);
    let (high, low) = (u32::try_from(at >> 32).unwrap_or(u32::MAX), u32::try_from(at & 0xffff_ffff).unwrap_or(u32::MAX));
    let mut body = Vec::with_capacity(datagram.len() + 64);
    // Of the first interface; captured and original length.
    for number in [0, high, low, length, length] {
        body.extend(number.to_le_bytes());
    }
    padded(&mut body, &datagram);
    if let Some(again) = sent_again(message.retransmissions) {
        options(&mut body, &[(COMMENT, again.as_bytes())]);
    }
    Some(body)
}

/// A block has its type, its length on both sides of its body, and its body in words of 32 bits.
fn block(file: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let length = u32::try_from(body.len() + 12).unwrap_or(u32::MAX).to_le_bytes();
    file.extend(kind.to_le_bytes());
    file.extend(length);
    file.extend(body);
    file.extend(length);
}

fn options(body: &mut Vec<u8>, options: &[(u16, &[u8])]) {
    for (code, value) in options {
        let value = value.get(..value.len().min(usize::from(u16::MAX))).unwrap_or_default();
        body.extend(code.to_le_bytes());
        body.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
        padded(body, value);
    }
    // The end of options.
    body.extend([0; 4]);
}

fn padded(body: &mut Vec<u8>, bytes: &[u8]) {
    body.extend(bytes);
    body.extend(std::iter::repeat_n(0, bytes.len().next_multiple_of(4) - bytes.len()));
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    /// The types of a file's blocks, whose lengths agree.
    fn blocks(file: &[u8]) -> Vec<u32> {
        let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        let (mut at, mut kinds) = (0, Vec::new());
        while at < file.len() {
            let length = word(at + 4);
            assert_eq!(length % 4, 0);
            let end = at + usize::try_from(length).unwrap();
            assert_eq!(word(end - 4), length);
            kinds.push(word(at));
            at = end;
        }
        assert_eq!(at, file.len());
        kinds
    }

    #[test]
    fn a_file_is_a_section_an_interface_and_a_block_for_each_message() {
        for attempt in samples::all() {
            let kinds = blocks(&pcapng(&attempt));
            assert_eq!(kinds[..2], [SECTION_HEADER, INTERFACE_DESCRIPTION]);
            assert_eq!(kinds.len(), 2 + attempt.messages.len());
            assert!(kinds[2..].iter().all(|kind| *kind == ENHANCED_PACKET));
        }
    }

    #[test]
    fn a_message_whose_addresses_cannot_be_read_is_left_out() {
        let mut attempt = samples::rejected();
        attempt.messages[0].local = "somewhere".into();
        assert_eq!(blocks(&pcapng(&attempt)).len(), 2 + attempt.messages.len() - 1);
    }

    #[test]
    fn other_transports_are_told_in_a_comment() {
        let attempt = Attempt { transport: "tls".into(), ..samples::rejected() };
        let file = pcapng(&attempt);
        assert!(file.windows(15).any(|window| window == b"carried by tls,"));
    }
}
