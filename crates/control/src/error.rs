use std::io;
use std::path::PathBuf;

use crate::store::StoreError;

/// Why the control plane does not start, and the way out.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be made or written.
    #[error("the data directory {} cannot be written: {error}. Give --data a directory that this user may write, on a disk with room.", path.display())]
    DataNotWritable {
        /// The directory, or the file in it.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Another Trunkline serves from the same data directory.
    #[error("the data directory {} is in use by another process (its id is in {}/lock). Stop that one, or give --data another directory.", path.display(), path.display())]
    DataInUse {
        /// The directory.
        path: PathBuf,
    },
    /// Another program holds SQLite's lock.
    #[error("the database {} is locked by another program. End the program that has it open (fuser shows which), then start again.", path.display())]
    DatabaseLocked {
        /// The database's file.
        path: PathBuf,
    },
    /// The file is no database, or damaged.
    #[error("the database {} is damaged: {what}. Put it aside with its -wal and -shm files and restore the last backup.", path.display())]
    Damaged {
        /// The database's file.
        path: PathBuf,
        /// What SQLite says.
        what: String,
    },
    /// A newer Trunkline has changed the schema.
    #[error("the database has migration {migration}, which this release does not know. Start the release that wrote it, or a newer one.")]
    SchemaNewer {
        /// The unknown migration.
        migration: String,
    },
    /// A migration of the same name has another text.
    #[error(
        "the database was made by another build: its migration {migration} has another text. Start the build that made it, or a new data directory."
    )]
    SchemaForeign {
        /// The migration.
        migration: String,
    },
    /// The master key is not the one that sealed this database.
    #[error(
        "{source_name} is not the master key that sealed this database. Bring back the right key: without it the stored passwords cannot be read by anyone."
    )]
    MasterKeyWrong {
        /// The file or the variable.
        source_name: String,
    },
    /// The master key is gone, the database is not.
    #[error("the master key file {} is missing, and the database holds secrets that it sealed. Bring the file back from its backup.", path.display())]
    MasterKeyLost {
        /// Where it should be.
        path: PathBuf,
    },
    /// The master key is not the right one, and what may be the right one cannot be read.
    #[error(
        "{source_name} is not the master key that sealed this database, and {}, which may be it, cannot be used: {error} Nothing was removed.",
        path.display()
    )]
    MasterKeyBeside {
        /// The file.
        source_name: String,
        /// The file beside it.
        path: PathBuf,
        /// What is wrong with it.
        error: Box<StartError>,
    },
    /// The master key does not read as 32 bytes.
    #[error("{source_name} holds no master key: 32 bytes in base64 or hexadecimal are expected. `openssl rand -base64 32` makes one.")]
    MasterKeyMalformed {
        /// The file or the variable.
        source_name: String,
    },
    /// The master key's file can be read by others.
    #[error("the master key file {} can be read by other users (mode {mode:o}). Run chmod 600 on it.", path.display())]
    MasterKeyExposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The master key's file cannot be read or made.
    #[error("the master key file {} cannot be used: {error}. Give --master-key a file that this user may read.", path.display())]
    MasterKeyFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The command that gives the master key gives none.
    #[error("the master key's command {command:?} gives no key: {what}. Run it by hand to see why.")]
    MasterKeyCommand {
        /// The program.
        command: String,
        /// What went wrong.
        what: String,
    },
    /// The identity provider's settings contradict themselves.
    #[error("the identity provider cannot be used: {what}. Correct [oidc] in the configuration file.")]
    Oidc {
        /// What is wrong.
        what: String,
    },
    /// The bootstrap client's id or secret from the environment cannot be used.
    #[error("the bootstrap client cannot be made: {what}. Correct TRUNKLINE_BOOTSTRAP_CLIENT_ID and TRUNKLINE_BOOTSTRAP_CLIENT_SECRET.")]
    Bootstrap {
        /// What is wrong.
        what: String,
    },
    /// Anything else.
    #[error("the store does not open: {0}")]
    Store(#[from] StoreError),
}
