/// Makes answers that a stranger could make who has seen some of a request, and not all of it.
#[derive(Debug, Default)]
pub(crate) struct Forgeries(usize);

/// What a forgery gets wrong, in turn: the branch, the Call-ID, the From tag.
const WRONG: [&str; 3] = ["branch=z9hG4bK", "Call-ID: ", "tag="];

impl Forgeries {
    /// A 200 in place of that answer, with one character wrong where it counts.
    pub(crate) fn of(&mut self, answer: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(answer);
        let rest = text.split_once("\r\n").map_or("", |(_, rest)| rest);
        let mut forged = format!("SIP/2.0 200 OK\r\n{rest}");
        let wrong = WRONG[self.0 % WRONG.len()];
        self.0 += 1;
        if let Some(at) = forged.find(wrong).map(|at| at + wrong.len()) {
            let other = if forged[at..].starts_with('0') { "1" } else { "0" };
            // Tokens are ASCII; anything else is left as it came.
            if forged.is_char_boundary(at + 1) {
                forged.replace_range(at..at + 1, other);
            }
        }
        forged.into_bytes()
    }
}
