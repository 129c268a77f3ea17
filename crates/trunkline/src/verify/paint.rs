use std::io::IsTerminal;

use rustix::termios::tcgetwinsize;

use super::args::Color;

/// Columns where nobody says how many there are.
const COLUMNS: usize = 96;

/// Wider lines are hard to read.
const COLUMNS_MAX: usize = 110;

/// Below this nothing fits.
const COLUMNS_MIN: usize = 48;

/// Colours, signs and width for one stream.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    colours: bool,
    /// Whether the reader's characters go beyond ASCII.
    pub unicode: bool,
    /// Columns of a line.
    pub columns: usize,
}

/// A tone of voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It is as it should be.
    Good,
    /// It is not.
    Bad,
    /// It wants attention.
    Warn,
    /// It is there for reference.
    Quiet,
    /// It is what counts.
    Strong,
    /// It is what it is.
    Plain,
}

impl Paint {
    /// For standard output.
    pub fn of_stdout(color: Color) -> Paint {
        let stdout = std::io::stdout();
        let said = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let colours = match color {
            Color::Always => true,
            Color::Never => false,
            // https://no-color.org
            Color::Auto => stdout.is_terminal() && said("NO_COLOR").is_none() && said("TERM").as_deref() != Some("dumb"),
        };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(said).unwrap_or_default().to_ascii_uppercase();
        // A pipe's reader is a program or an editor; those know UTF-8.
        let unicode = !stdout.is_terminal() || locale.contains("UTF-8") || locale.contains("UTF8");
        let seen = tcgetwinsize(&stdout).ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0);
        let columns = seen.or_else(|| said("COLUMNS")?.parse().ok()).unwrap_or(COLUMNS).clamp(COLUMNS_MIN, COLUMNS_MAX);
        Paint { colours, unicode, columns }
    }

    /// Without colours, in so many columns.
    #[cfg(test)]
    pub fn plain(columns: usize) -> Paint {
        Paint { colours: false, unicode: true, columns }
    }

    /// Puts a text into a tone.
    pub fn tone(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            _ if !self.colours => return text.to_owned(),
            Tone::Plain => return text.to_owned(),
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Warn => "33",
            Tone::Quiet => "2",
            Tone::Strong => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// The sign of a good end.
    pub fn tick(&self) -> String {
        self.tone(Tone::Good, if self.unicode { "✓" } else { "+" })
    }

    /// The sign of a bad end.
    pub fn cross(&self) -> String {
        self.tone(Tone::Bad, if self.unicode { "✗" } else { "x" })
    }

    /// The sign of what was not reached, or decides nothing.
    pub fn dash(&self) -> String {
        self.tone(Tone::Quiet, if self.unicode { "·" } else { "-" })
    }

    /// Breaks a text into lines behind a label, in the columns that there are.
    pub fn labelled(&self, label: &str, tone: Tone, text: &str) -> String {
        const LABEL: usize = 11;
        let mut out = String::new();
        for (place, line) in wrap(text, self.columns.saturating_sub(LABEL).max(20)).into_iter().enumerate() {
            let lead = if place == 0 { self.tone(Tone::Quiet, &format!("{label:<LABEL$}")) } else { " ".repeat(LABEL) };
            out.push_str(&format!("{lead}{}\n", self.tone(tone, &line)));
        }
        out
    }
}

/// Breaks a text at spaces; a longer word stays whole, so that it can be copied.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in printable(text).split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// What a carrier wrote, without what would move a terminal.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_broken_at_spaces_only() {
        assert_eq!(wrap("a bb ccc dddddddd e", 5), ["a bb", "ccc", "dddddddd", "e"]);
        assert_eq!(wrap("a\u{1b}[2Jb\r\nc", 20), ["a [2Jb c"]);
        assert_eq!(
            Paint::plain(31).labelled("Remedy", Tone::Strong, "one two three four five six"),
            "Remedy     one two three four\n           five six\n"
        );
    }

    #[test]
    fn without_colours_nothing_is_added() {
        assert_eq!(Paint::plain(80).tone(Tone::Bad, "no"), "no");
        assert_eq!(Paint { colours: true, ..Paint::plain(80) }.tone(Tone::Bad, "no"), "\u{1b}[31mno\u{1b}[0m");
    }
}
