//! Lines of a body that streams, each of a bounded length.

use axum::body::{Body, Bytes};
use http_body_util::BodyExt;
use zeroize::Zeroizing;

use crate::problem::Problem;

/// Longest line.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// Cuts a streaming body into lines.
#[derive(Debug)]
pub struct Lines {
    body: Body,
    rest: Zeroizing<Vec<u8>>,
    chunk: Bytes,
    number: u64,
    /// What is left of a line that is too long is skipped.
    skipping: bool,
    ended: bool,
}

/// One line that is not blank.
#[derive(Debug)]
pub struct Line {
    /// Counts all lines from 1, blank ones too.
    pub number: u64,
    /// Its text, JSON, or why it cannot be had.
    pub text: Result<Zeroizing<Vec<u8>>, Problem>,
}

impl Lines {
    /// Begins with a body.
    pub fn new(body: Body) -> Self {
        Lines { body, rest: Zeroizing::default(), chunk: Bytes::new(), number: 0, skipping: false, ended: false }
    }

    /// Returns the next line; `None` at the end. Safe to be given up and called again.
    ///
    /// # Errors
    /// 400 where the connection ends within the body.
    pub async fn next(&mut self) -> Result<Option<Line>, Problem> {
        loop {
            if let Some(line) = self.cut() {
                return Ok(Some(line));
            }
            if self.ended {
                return Ok(None);
            }
            match self.body.frame().await {
                None => self.ended = true,
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.chunk = data;
                    }
                }
                Some(Err(_)) => {
                    self.ended = true;
                    self.rest.clear();
                    return Err(Problem::bad_request("The body ended early; the line under way was not applied."));
                }
            }
        }
    }

    /// Cuts the next line that is not blank out of what is there.
    fn cut(&mut self) -> Option<Line> {
        loop {
            let Some(end) = self.chunk.iter().position(|byte| *byte == b'\n') else {
                let chunk = std::mem::take(&mut self.chunk);
                self.put(&chunk);
                // The last line may lack its end.
                let last = self.ended && (self.skipping || !self.rest.is_empty());
                return if last { self.take() } else { None };
            };
            let head = self.chunk.split_to(end + 1);
            self.put(&head[..end]);
            if let Some(line) = self.take() {
                return Some(line);
            }
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        if self.skipping || self.rest.len() + bytes.len() > LINE_BYTES_MAX {
            self.skipping = true;
            self.rest.clear();
        } else {
            self.rest.extend_from_slice(bytes);
        }
    }

    fn take(&mut self) -> Option<Line> {
        self.number += 1;
        let text = std::mem::take(&mut self.rest);
        if std::mem::take(&mut self.skipping) {
            return Some(Line { number: self.number, text: Err(too_long()) });
        }
        let blank = text.iter().all(u8::is_ascii_whitespace);
        // The line holds a password; it is wiped when it has been read.
        (!blank).then_some(Line { number: self.number, text: Ok(text) })
    }
}

/// 413 for one line.
pub fn too_long() -> Problem {
    Problem::too_large(LINE_BYTES_MAX).message(format!("The line is longer than {LINE_BYTES_MAX} bytes; it was not applied."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(chunks: &[&str]) -> Body {
        let chunks: Vec<Result<Bytes, std::convert::Infallible>> =
            chunks.iter().map(|chunk| Ok(Bytes::from((*chunk).to_owned()))).collect();
        Body::from_stream(futures_util::stream::iter(chunks))
    }

    async fn all(chunks: &[&str]) -> Vec<(u64, Option<String>)> {
        let mut lines = Lines::new(body(chunks));
        let mut all = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            all.push((line.number, line.text.ok().map(|text| String::from_utf8(text.to_vec()).unwrap())));
        }
        all
    }

    #[tokio::test]
    async fn lines_are_cut_wherever_the_chunks_end() {
        let wanted = [(1, Some("a".to_owned())), (2, Some("bc\r".to_owned())), (4, Some("d".to_owned()))];
        assert_eq!(all(&["a\nb", "c\r\n", "\nd"]).await, wanted);
        assert_eq!(all(&["a\nbc\r\n\nd\n"]).await, wanted);
        assert_eq!(all(&[]).await, []);
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_skipped_to_its_end() {
        let long = "x".repeat(LINE_BYTES_MAX);
        assert_eq!(all(&[&long, "\nb\n"]).await, [(1, Some(long.clone())), (2, Some("b".to_owned()))]);
        assert_eq!(all(&[&long, "y", "z\nb\n"]).await, [(1, None), (2, Some("b".to_owned()))]);
        assert_eq!(all(&["a\n", &long, "y"]).await, [(1, Some("a".to_owned())), (2, None)]);
    }
}
