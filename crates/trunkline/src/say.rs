use std::io::{self, Write};

/// Writes a line to standard output. A reader that has gone away is no reason to end.
pub fn say(line: impl AsRef<str>) {
    let _ = writeln!(io::stdout().lock(), "{}", line.as_ref());
}
