//! What the state needs of a file system.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The name of the state file.
pub(crate) const STATE: &str = "state";

/// Makes a rename durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Returns where a damaged file is kept.
pub(crate) fn aside(path: &Path) -> PathBuf {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    path.with_extension(format!("damaged-{seconds}"))
}
