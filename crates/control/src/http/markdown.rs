//! The little Markdown that our own pages use, as HTML: headings, paragraphs, lists, tables, code, emphasis, links.

use std::fmt::Write as _;

const STYLE: &str = "body{max-width:46rem;margin:2rem auto;padding:0 1rem;font:1rem/1.55 system-ui,sans-serif;color:#1d2433;background:#fff}\
    code,pre{font:.9em ui-monospace,monospace;background:#f2f4f8;border-radius:3px}code{padding:.1em .3em}pre{padding:.8em;overflow:auto}\
    pre code{padding:0}table{border-collapse:collapse}td,th{border:1px solid #ccd3e0;padding:.3em .6em;text-align:left}a{color:#0b57a4}\
    @media(prefers-color-scheme:dark){body{color:#dfe4ee;background:#151a23}code,pre{background:#232a37}td,th{border-color:#3a4456}a{color:#7ab7ff}}";

/// Renders a whole page.
pub(super) fn page(title: &str, text: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{} - Trunkline</title><style>{STYLE}</style></head><body>\n{}</body></html>\n",
        escape(title),
        blocks(text)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn blocks(text: &str) -> String {
    let mut html = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            continue;
        }
        if trimmed.starts_with("```") {
            let code: Vec<&str> = lines.by_ref().take_while(|line| !line.trim_start().starts_with("```")).collect();
            let _ = writeln!(html, "<pre><code>{}</code></pre>", escape(&code.join("\n")));
            continue;
        }
        let level = trimmed.bytes().take_while(|b| *b == b'#').count();
        if (1..=6).contains(&level) && trimmed[level..].starts_with(' ') {
            let _ = writeln!(html, "<h{level}>{}</h{level}>", inline(trimmed[level..].trim()));
            continue;
        }
        let mut block = vec![line];
        while let Some(next) = lines.next_if(|next| continues(next)) {
            block.push(next);
        }
        if trimmed.starts_with('|') {
            table(&mut html, &block);
        } else if bullet(trimmed).is_some() || number(trimmed).is_some() {
            list(&mut html, &block);
        } else {
            let text = block.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
            let _ = writeln!(html, "<p>{}</p>", inline(&text));
        }
    }
    html
}

/// Tells whether a line belongs to the block before it.
fn continues(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#') && !line.starts_with("```")
}

fn bullet(line: &str) -> Option<&str> {
    line.strip_prefix("- ").or_else(|| line.strip_prefix("* "))
}

fn number(line: &str) -> Option<&str> {
    let (digits, rest) = line.split_once(". ")?;
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some(rest)
}

fn list(html: &mut String, block: &[&str]) {
    let ordered = block.first().is_some_and(|line| number(line.trim()).is_some());
    let tag = if ordered { "ol" } else { "ul" };
    let mut items: Vec<String> = Vec::new();
    for line in block {
        let line = line.trim();
        match (bullet(line).or_else(|| number(line)), items.last_mut()) {
            (Some(text), _) => items.push(text.to_owned()),
            (None, Some(item)) => {
                item.push(' ');
                item.push_str(line);
            }
            (None, None) => items.push(line.to_owned()),
        }
    }
    let _ = write!(html, "<{tag}>");
    for item in items {
        let _ = write!(html, "<li>{}</li>", inline(&item));
    }
    let _ = writeln!(html, "</{tag}>");
}

fn table(html: &mut String, block: &[&str]) {
    html.push_str("<table>");
    for (index, line) in block.iter().enumerate() {
        let line = line.trim();
        let line = line.strip_prefix('|').unwrap_or(line);
        let line = line.strip_suffix('|').unwrap_or(line);
        if line.bytes().all(|b| b"-:| ".contains(&b)) {
            continue;
        }
        let tag = if index == 0 { "th" } else { "td" };
        html.push_str("<tr>");
        for cell in cells(line) {
            let _ = write!(html, "<{tag}>{}</{tag}>", inline(cell.trim()));
        }
        html.push_str("</tr>");
    }
    html.push_str("</table>\n");
}

/// The cells of a row; `\\|` is a bar within one.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut rest = line;
    while let Some(at) = rest.find('|') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        let cell = cells.last_mut().expect("never empty");
        match before.strip_suffix('\\') {
            Some(before) => {
                cell.push_str(before);
                cell.push('|');
            }
            None => {
                cell.push_str(before);
                cells.push(String::new());
            }
        }
        rest = after;
    }
    cells.last_mut().expect("never empty").push_str(rest);
    cells
}

/// Code, links and emphasis within a line; all else is text.
fn inline(text: &str) -> String {
    let mut html = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        rest = match span(rest) {
            Some((shown, tail)) => {
                html.push_str(&shown);
                tail
            }
            None => {
                let (one, tail) = rest.split_at(next.len_utf8());
                html.push_str(&escape(one));
                tail
            }
        };
    }
    html
}

/// Renders the span that the text begins with, if it does.
fn span(text: &str) -> Option<(String, &str)> {
    if let Some(rest) = text.strip_prefix('`') {
        let (code, tail) = rest.split_once('`')?;
        return Some((format!("<code>{}</code>", escape(code)), tail));
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (label, tail) = rest.split_once("](")?;
        let (target, tail) = tail.split_once(')')?;
        let target = link(target)?;
        return Some((format!("<a href=\"{}\">{}</a>", escape(&target), inline(label)), tail));
    }
    for (mark, tag) in [("**", "strong"), ("*", "em")] {
        if let Some(rest) = text.strip_prefix(mark) {
            let (inner, tail) = rest.split_once(mark)?;
            if inner.is_empty() || inner.starts_with(' ') || inner.ends_with(' ') {
                return None;
            }
            return Some((format!("<{tag}>{}</{tag}>", inline(inner)), tail));
        }
    }
    None
}

/// Returns where a link leads on this server: the pages are files beside each other in the sources. None for what is no link to follow.
fn link(target: &str) -> Option<String> {
    if target.starts_with("https://") || target.starts_with('/') || target.starts_with('#') {
        return Some(target.to_owned());
    }
    let page = target.strip_suffix(".md")?;
    let plain = page.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    plain.then(|| if page == "README" { "/docs/diagnoses".to_owned() } else { format!("/docs/diagnoses/{page}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_html_and_all_else_is_escaped() {
        let text = "# A `b`\n\nOne <two>\nthree **four**, [five](/six).\n\n- a\n- b\n  c\n\n1. x\n\n| h | i |\n|---|---|\n| 1 | `2\\|` |\n\n```\n<x>\n```\n[bad](javascript:x)";
        let html = blocks(text);
        for part in [
            "<h1>A <code>b</code></h1>",
            "<p>One &lt;two&gt; three <strong>four</strong>, <a href=\"/six\">five</a>.</p>",
            "<ul><li>a</li><li>b c</li></ul>",
            "<ol><li>x</li></ol>",
            "<table><tr><th>h</th><th>i</th></tr><tr><td>1</td><td><code>2|</code></td></tr></table>",
            "<pre><code>&lt;x&gt;</code></pre>",
        ] {
            assert!(html.contains(part), "{part} not in {html}");
        }
        assert!(!html.contains("href=\"javascript"));
    }

    #[test]
    fn spans_nest_and_lead_to_the_pages_of_this_server() {
        for (text, html) in [
            ("[`a.b`](a.b.md) *", "<a href=\"/docs/diagnoses/a.b\"><code>a.b</code></a> *"),
            ("*G* and 2 * 3 * 4", "<em>G</em> and 2 * 3 * 4"),
            ("**none *was* sent**", "<strong>none <em>was</em> sent</strong>"),
            ("`*x* <y>`", "<code>*x* &lt;y&gt;</code>"),
            ("[x](../y.md) [z] ` **", "[x](../y.md) [z] ` **"),
            ("é", "é"),
        ] {
            assert_eq!(inline(text), html);
        }
    }
}
