use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Makes foreign text fit for a terminal and a ticket: control characters and those that turn the direction of writing become `?`.
pub fn clean(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    text.chars()
        .map(|c| {
            if c == '\t' {
                ' '
            } else if c.is_control() || turns(c) {
                '?'
            } else {
                c
            }
        })
        .collect()
}

/// Returns how many columns a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Cuts a text to so many columns and marks the cut.
pub fn cut(text: &str, columns: usize, mark: &str) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(width(mark));
    let (head, _) = split(text, room);
    format!("{head}{mark}")
}

/// Fills a text up to so many columns.
pub fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Puts a text to the right end of so many columns.
pub fn right(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Breaks a text between words so that no line is wider; a word that is wider by itself is broken within.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for mut word in text.split(' ').filter(|word| !word.is_empty()) {
        if !line.is_empty() && width(&line) + 1 + width(word) <= columns {
            line.push(' ');
        } else if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        while line.is_empty() && width(word) > columns {
            let (head, rest) = split(word, columns);
            lines.push(head.to_owned());
            word = rest;
        }
        line.push_str(word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// Splits after at most so many columns, but after at least one character.
fn split(text: &str, columns: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > columns && at > 0 {
            return text.split_at(at);
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_steer_a_terminal_is_replaced() {
        assert_eq!(clean("a\u{1b}[31mb\tc\r\n\u{202e}d é"), "a?[31mb c???d é");
    }

    #[test]
    fn lines_are_broken_between_words_and_within_long_ones() {
        for (text, columns, lines) in [
            ("one two three", 7, &["one two", "three"][..]),
            ("one two", 40, &["one two"][..]),
            ("abcdefgh ij", 3, &["abc", "def", "gh", "ij"][..]),
            ("登録 拒否", 4, &["登録", "拒否"][..]),
            ("登", 1, &["登"][..]),
            ("", 5, &[""][..]),
        ] {
            assert_eq!(wrap(text, columns), lines, "{text}");
        }
    }

    #[test]
    fn a_cut_is_marked_and_columns_are_counted_not_bytes() {
        assert_eq!(cut("REGISTER sip:a", 9, "…"), "REGISTER…");
        assert_eq!(cut("short", 9, "…"), "short");
        assert_eq!(cut("登録登録", 5, "…"), "登録…");
        assert_eq!(pad("登", 4), "登  ");
        assert_eq!(right("é", 3), "  é");
    }
}
