use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::command;
use crate::StartError;
use crate::encoding::{base64, hex, unbase64, unhex};

/// The environment variable that may hold the master key.
pub const VARIABLE: &str = "TRUNKLINE_MASTER_KEY";

/// Where the master key comes from.
#[derive(Debug)]
pub enum MasterKeySource {
    /// A file of mode 0600, made at the first start.
    File(PathBuf),
    /// The value of `TRUNKLINE_MASTER_KEY`: base64 or hexadecimal.
    Env(SecretString),
    /// What a program prints: the way to a KMS or a vault. The program and its arguments; no shell is between.
    Command(Vec<String>),
}

/// The key from which all others come. Debug prints nothing.
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

impl fmt::Display for MasterKeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MasterKeySource::File(path) => write!(f, "the file {}", path.display()),
            MasterKeySource::Env(_) => write!(f, "the variable {VARIABLE}"),
            MasterKeySource::Command(words) => write!(f, "the command {:?}", words.first().map_or("", String::as_str)),
        }
    }
}

impl MasterKeySource {
    /// Reads the key; makes its file where it is absent and `first_start` says that nothing was sealed yet.
    pub(crate) fn load(&self, first_start: bool) -> Result<MasterKey, StartError> {
        match self {
            MasterKeySource::Env(text) => self.parse(text.expose_secret()),
            MasterKeySource::Command(words) => {
                let failed = |what| StartError::MasterKeyCommand { command: words.first().cloned().unwrap_or_default(), what };
                self.parse(&command::output(words).map_err(failed)?)
            }
            MasterKeySource::File(path) => match File::open(path) {
                Ok(file) => self.read(path, file),
                Err(error) if error.kind() == io::ErrorKind::NotFound && first_start => create(path),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StartError::MasterKeyLost { path: path.clone() }),
                Err(error) => Err(StartError::MasterKeyFile { path: path.clone(), error }),
            },
        }
    }

    /// Returns where the next key of a file lies while the keys are wrapped anew.
    pub(super) fn next_file(path: &Path) -> PathBuf {
        let mut next = path.as_os_str().to_owned();
        next.push(".next");
        PathBuf::from(next)
    }

    pub(super) fn read(&self, path: &Path, file: File) -> Result<MasterKey, StartError> {
        let unusable = |error| StartError::MasterKeyFile { path: path.to_owned(), error };
        let mode = file.metadata().map_err(unusable)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(StartError::MasterKeyExposed { path: path.to_owned(), mode });
        }
        let mut text = Zeroizing::new(String::new());
        match file.take(1024).read_to_string(&mut text) {
            Ok(_) => self.parse(&text),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(self.malformed()),
            Err(error) => Err(unusable(error)),
        }
    }

    fn parse(&self, text: &str) -> Result<MasterKey, StartError> {
        let text = text.trim();
        let bytes = if text.len() == 64 { unhex(text) } else { unbase64(text) };
        let bytes = Zeroizing::new(bytes.ok_or_else(|| self.malformed())?);
        let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| self.malformed())?;
        Ok(MasterKey(Zeroizing::new(key)))
    }

    pub(super) fn malformed(&self) -> StartError {
        StartError::MasterKeyMalformed { source_name: self.to_string() }
    }
}

impl MasterKey {
    /// Returns what tells this key from another and says nothing of it.
    pub(super) fn check(&self) -> String {
        hex(&self.derive("check")[..])
    }

    /// Derives a key for one purpose: HMAC-SHA256 under the master key, one block of HKDF-Expand.
    pub(super) fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(mac(&self.0, &[b"trunkline/1/", purpose.as_bytes()]))
    }
}

/// HMAC-SHA256 over the parts, one after the other.
pub(crate) fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes a key of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes 32 bytes");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Writes a fresh key so that a crash leaves either the whole file or none.
pub(super) fn create(path: &Path) -> Result<MasterKey, StartError> {
    let unusable = |error| StartError::MasterKeyFile { path: path.to_owned(), error };
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(&mut key[..]).map_err(|error| unusable(io::Error::other(error.to_string())))?;
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft).map_err(unusable)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(unusable)?;
    let text = Zeroizing::new(base64(&key[..]));
    file.write_all(text.as_bytes()).and_then(|()| file.write_all(b"\n")).and_then(|()| file.sync_all()).map_err(unusable)?;
    put(&draft, path)?;
    Ok(MasterKey(key))
}

/// Puts a file in the place of another so that it is there after a loss of power.
pub(super) fn put(from: &Path, to: &Path) -> Result<(), StartError> {
    let unusable = |error| StartError::MasterKeyFile { path: to.to_owned(), error };
    std::fs::rename(from, to).map_err(unusable)?;
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|folder| folder.sync_all()).map_err(unusable)
}
