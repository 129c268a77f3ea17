use std::io::{self, Write};

/// Writes a line to standard output. A reader that has gone away is no reason to end.
pub fn say(line: impl AsRef<str>) {
    let _ = writeln!(io::stdout().lock(), "{}", line.as_ref());
}

/// Writes a text that brings its own line ends.
pub fn say_raw(text: impl AsRef<str>) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_ref().as_bytes()).and_then(|()| out.flush());
}
