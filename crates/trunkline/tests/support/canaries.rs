//! Many passwords at once, and the search for every one of them in every form that would give it away.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use aho_corasick::AhoCorasick;

use super::api::base64;
use super::digest::Algorithm;

const ALGORITHMS: [Algorithm; 3] = [Algorithm::Md5, Algorithm::Sha256, Algorithm::Sha512t256];

/// A password that is set somewhere and may be found nowhere.
#[derive(Clone, Debug)]
pub struct Canary {
    /// Whose it is.
    pub username: String,
    /// The password; every form of it differs from the others, as it holds what each form writes in another way.
    pub password: String,
}

impl Canary {
    /// The canary of a user name: 48 bits that stand nowhere else, and the characters that JSON, URLs and Rust escape.
    pub fn of(username: &str) -> Self {
        let core = &Algorithm::Sha256.hash(&format!("canary of {username}"))[..12];
        Self { username: username.to_owned(), password: format!("Kn-{core}-\"\\/é%+&<~") }
    }

    /// What no way of escaping changes.
    fn core(&self) -> &str {
        &self.password[..15]
    }

    /// Each form by its name.
    pub fn forms(&self, realms: &[&str]) -> Vec<(&'static str, Vec<u8>)> {
        let raw = self.password.as_bytes();
        let mut forms = vec![
            ("raw", raw.to_vec()),
            ("the part that nothing escapes", self.core().into()),
            ("hex", hex(raw).into()),
            ("HEX", hex(raw).to_uppercase().into()),
            ("URL-encoded", percent(raw, false).into()),
            ("URL-encoded, lower case", percent(raw, true).into()),
            ("JSON", json(&self.password, false, false).into()),
            ("JSON, ASCII only", json(&self.password, true, false).into()),
            ("JSON, slash escaped", json(&self.password, true, true).into()),
            ("debug", format!("{:?}", self.password).trim_matches('"').into()),
            ("numbers", raw.iter().map(u8::to_string).collect::<Vec<_>>().join(", ").into()),
            ("numbers, dense", raw.iter().map(u8::to_string).collect::<Vec<_>>().join(",").into()),
            ("UTF-16", self.password.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ];
        for (name, url, shift) in [
            ("base64", false, 0),
            ("base64, shifted by 1", false, 1),
            ("base64, shifted by 2", false, 2),
            ("base64url", true, 0),
            ("base64url, shifted by 1", true, 1),
            ("base64url, shifted by 2", true, 2),
        ] {
            forms.push((name, base64_within(raw, shift, url).into()));
        }
        for (realm, algorithm) in realms.iter().flat_map(|realm| ALGORITHMS.map(|algorithm| (realm, algorithm))) {
            let ha1 = algorithm.ha1(&self.username, realm, &self.password);
            let bytes = unhex(&ha1);
            for shift in 0..3 {
                forms.push(("HA1, base64", base64_within(&bytes, shift, false).into()));
            }
            forms.extend([("HA1, HEX", ha1.to_uppercase().into()), ("HA1", ha1.into()), ("HA1, bytes", bytes)]);
        }
        forms
    }
}

/// A form of a canary where none may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Whose password.
    pub username: String,
    /// Which form.
    pub form: &'static str,
    /// What was searched.
    pub place: String,
}

/// Looks for all forms of all canaries in one pass, and counts what it has read.
pub struct Searcher {
    automaton: AhoCorasick,
    patterns: Vec<(String, &'static str)>,
    read: BTreeMap<String, (usize, usize)>,
    hits: Vec<Hit>,
}

/// So many hits are told.
const HITS_MAX: usize = 20;

impl Searcher {
    /// For these canaries, which may have been hashed for these realms.
    pub fn new(canaries: &[Canary], realms: &[&str]) -> Self {
        let (mut patterns, mut texts) = (Vec::new(), Vec::new());
        for canary in canaries {
            for (form, text) in canary.forms(realms) {
                patterns.push((canary.username.clone(), form));
                texts.push(text);
            }
        }
        let automaton = AhoCorasick::new(&texts).expect("patterns");
        Self { automaton, patterns, read: BTreeMap::new(), hits: Vec::new() }
    }

    /// How many patterns it looks for.
    pub fn patterns(&self) -> usize {
        self.patterns.len()
    }

    /// What it finds among bytes. Overlapping forms are all found.
    pub fn find(&self, bytes: &[u8]) -> Vec<(&str, &'static str)> {
        let found = self.automaton.try_find_overlapping_iter(bytes).expect("a standard automaton");
        found.map(|found| &self.patterns[found.pattern().as_usize()]).map(|(name, form)| (name.as_str(), *form)).collect()
    }

    /// Searches a piece of a kind of place, such as "answers of the API".
    pub fn search(&mut self, kind: &str, place: &str, bytes: &[u8]) {
        let read = self.read.entry(kind.to_owned()).or_default();
        *read = (read.0 + 1, read.1 + bytes.len());
        let room = HITS_MAX.saturating_sub(self.hits.len());
        let hits: Vec<Hit> = self
            .find(bytes)
            .into_iter()
            .take(room)
            .map(|(username, form)| Hit { username: username.to_owned(), form, place: place.to_owned() })
            .collect();
        self.hits.extend(hits);
    }

    /// Searches every file under a folder.
    pub fn search_under(&mut self, kind: &str, folder: &Path) {
        for entry in fs::read_dir(folder).expect("folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                self.search_under(kind, &path);
            } else if path.is_file() {
                let name = entry.file_name().to_string_lossy().into_owned();
                self.search(kind, &name, &fs::read(&path).expect("file"));
            }
        }
    }

    /// What was read: kind, pieces, bytes.
    pub fn read(&self) -> impl Iterator<Item = (&str, usize, usize)> {
        self.read.iter().map(|(kind, (pieces, bytes))| (kind.as_str(), *pieces, *bytes))
    }

    /// What was found.
    pub fn hits(&self) -> &[Hit] {
        &self.hits
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex")).collect()
}

/// RFC 3986 2.1.
fn percent(bytes: &[u8], lower: bool) -> String {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let escaped = |byte: u8| if lower { format!("%{byte:02x}") } else { format!("%{byte:02X}") };
    bytes.iter().map(|&byte| if unreserved(byte) { char::from(byte).to_string() } else { escaped(byte) }).collect()
}

/// RFC 8259 7, without the outer quotes.
fn json(text: &str, ascii: bool, slash: bool) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '"' | '\\' => escaped.extend(['\\', letter]),
            '/' if slash => escaped.push_str("\\/"),
            _ if ascii && !letter.is_ascii() => {
                escaped.extend(letter.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
            }
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// What of bytes can be seen in a base64 text in which `shift` other bytes (mod 3) stand before them: digits that depend on these bytes alone.
fn base64_within(bytes: &[u8], shift: usize, url: bool) -> String {
    let text = base64(&[&vec![0; shift][..], bytes].concat());
    let first = (shift * 8).div_ceil(6);
    let whole = (shift + bytes.len()) * 8 / 6;
    let text = &text[first..whole];
    if url { text.replace('+', "-").replace('/', "_") } else { text.to_owned() }
}
