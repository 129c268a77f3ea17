//! What data lie on, made to fail: a file system that is full, and calls that the system answers with an error.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::server::{Launch, Server};

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Nothing,
    /// ENOSPC of every write.
    Full,
    /// EIO of every write.
    Write,
    /// EIO of fsync and fdatasync.
    Sync,
}

/// Calls of a server below its data directory that fail at will: a library of ours stands between it and the system.
pub struct Faults {
    folder: TempDir,
    control: File,
}

impl Faults {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a directory");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/durability/faults.c");
        let mut build = Command::new("gcc");
        build.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(folder.path().join("faults.so")).arg(source).arg("-ldl");
        let output = build.output().expect("gcc, which cargo links with too");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let control = File::options().create(true).truncate(true).write(true).open(folder.path().join("control")).expect("a file");
        let faults = Self { folder, control };
        faults.set(Fault::Nothing);
        faults
    }

    /// A server that meets them.
    pub fn under(&self, launch: Launch) -> Launch {
        let path = |name: &str| self.folder.path().join(name).to_str().expect("a name").to_owned();
        let below = launch.data().to_str().expect("a name").to_owned();
        launch.env("LD_PRELOAD", &path("faults.so")).env("FAULTS_CONTROL", &path("control")).env("FAULTS_BELOW", &below)
    }

    /// From now on.
    pub fn set(&self, fault: Fault) {
        let byte = match fault {
            Fault::Nothing => 0,
            Fault::Full => 1,
            Fault::Write => 2,
            Fault::Sync => 3,
        };
        self.control.write_all_at(&[byte], 0).expect("written");
    }
}

/// A file that takes what room is left on the file system of a server that was started [on one of its own](Launch::on_disk_of).
pub struct Fill(PathBuf);

impl Fill {
    pub fn up(server: &Server) -> Self {
        // The server's own view of the files: its mounts are not ours.
        let root = format!("/proc/{}/root{}", server.id(), server.launch().data().display());
        let path = Path::new(&root).join("fill");
        let mut file = File::create(&path).expect("a file on its disk");
        for size in [65_536, 4_096, 1] {
            loop {
                match file.write(&vec![1; size]) {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
        Self(path)
    }

    /// Room again.
    pub fn remove(self) {
        fs::remove_file(self.0).expect("removed");
    }
}
