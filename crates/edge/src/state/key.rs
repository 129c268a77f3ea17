use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::KeyInit;
use zeroize::Zeroizing;

use super::file::sync_dir;
use crate::StartError;

/// The key of a state file. It never leaves the edge.
pub(crate) struct Key(Zeroizing<[u8; 32]>);

impl Key {
    pub(crate) fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }
}

/// Reads the key, or makes one where there is none.
pub(crate) fn load_or_make(path: &Path) -> Result<Key, StartError> {
    let fault = |why: String| StartError::Key { path: path.to_owned(), why };
    match fs::read(path).map(Zeroizing::new) {
        Ok(bytes) => {
            let bytes =
                <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| fault(format!("it has {} bytes in place of 32", bytes.len())))?;
            close(path);
            Ok(Key(Zeroizing::new(bytes)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut key = Zeroizing::new([0; 32]);
            getrandom::fill(&mut key[..]).map_err(|error| fault(format!("the system gives no entropy: {error}")))?;
            write(path, &key).map_err(|source| StartError::Data { path: path.parent().unwrap_or(path).to_owned(), source })?;
            Ok(Key(key))
        }
        Err(error) => Err(fault(error.to_string())),
    }
}

/// Whole or not at all: half a key would lose all that was sealed with it.
fn write(path: &Path, key: &[u8; 32]) -> io::Result<()> {
    let unfinished = path.with_extension("key.new");
    let _ = fs::remove_file(&unfinished);
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&unfinished)?;
    file.write_all(key)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    path.parent().map_or(Ok(()), sync_dir)
}

/// Others may not read the key; where they may, that ends here.
fn close(path: &Path) {
    let Ok(mode) = fs::metadata(path).map(|meta| meta.permissions().mode()) else { return };
    if mode & 0o077 != 0 {
        tracing::warn!(path = %path.display(), mode = format!("{:o}", mode & 0o777), "others could read the key of the edge's state; its mode is now 600");
        if let Err(error) = fs::set_permissions(path, Permissions::from_mode(0o600)) {
            tracing::warn!(path = %path.display(), %error, "the mode of the key cannot be changed");
        }
    }
}
