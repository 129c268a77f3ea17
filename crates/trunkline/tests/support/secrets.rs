//! Looking for secrets where none may be.

use std::fs;
use std::path::Path;

use super::digest::Algorithm;

/// A password and everything that is as good as it.
pub struct Secret {
    forms: Vec<String>,
}

impl Secret {
    /// The forms of a password that would let a reader register with it.
    pub fn new(username: &str, realm: &str, password: &str) -> Self {
        let mut forms = vec![password.to_owned(), super::api::base64(password.as_bytes())];
        forms.extend([Algorithm::Md5, Algorithm::Sha256, Algorithm::Sha512t256].map(|algorithm| algorithm.ha1(username, realm, password)));
        forms.extend([hex(password.as_bytes()), bytes_as_numbers(password.as_bytes())]);
        Self { forms }
    }

    /// Panics if a text holds any form of it, naming where, in letters of either case.
    #[track_caller]
    pub fn must_not_be_in(&self, place: &str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
        for form in &self.forms {
            assert!(!text.contains(&form.to_ascii_lowercase()), "{place} holds the secret, as {form}");
        }
    }

    /// As [`Secret::must_not_be_in`], for every file under a folder; gives how many files it read.
    #[track_caller]
    pub fn must_not_be_under(&self, folder: &Path) -> usize {
        let mut read = 0;
        for entry in fs::read_dir(folder).expect("folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                read += self.must_not_be_under(&path);
            } else if path.is_file() {
                self.must_not_be_in(&path.display().to_string(), &fs::read(&path).expect("file"));
                read += 1;
            }
        }
        read
    }
}

/// Whether an ASCII text is among bytes.
pub fn contains(bytes: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(bytes).contains(text)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As the derived `Debug` of a byte string prints it.
fn bytes_as_numbers(bytes: &[u8]) -> String {
    bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")
}
