use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::StartError;

/// Keeps other processes out of a data directory for as long as it lives.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "the lock is held by the open file")] File);

/// Makes the directory if it is absent, and locks it.
pub(crate) fn take(dir: &Path) -> Result<Lock, StartError> {
    let fault = |source| StartError::Data { path: dir.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(fault)?;
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(dir.join("lock")).map_err(fault)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(StartError::DataInUse(dir.to_owned())),
        Err(TryLockError::Error(source)) => Err(fault(source)),
    }
}
