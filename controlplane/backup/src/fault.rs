//! What can go wrong.

use std::fmt;
use std::io;
use std::path::Path;

use lang::Language;
use messages::{Explain, Message, backup};

/// Why there is no backup, or why it was not restored. What runs is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The file is something else.
    NotABackup(String),
    /// Its end is missing.
    Incomplete(String),
    /// It is not as it was signed.
    Damaged {
        /// Which file.
        file: String,
        /// What is wrong.
        detail: String,
    },
    /// A newer release made it.
    Newer {
        /// Which file.
        file: String,
        /// The release that made it.
        release: String,
    },
    /// The passphrase or key does not fit.
    WrongKey {
        /// Which file.
        file: String,
        /// What it is locked with.
        lock: &'static str,
    },
    /// The recovery passphrase or key does not fit.
    KeysLocked(String),
    /// There are no private keys in it.
    WithoutKeys(String),
    /// Nobody here knows the certificate that it is signed with.
    UnknownSigner {
        /// Which file.
        file: String,
        /// Whose certificate it says it is.
        subject: String,
        /// SHA-256 of the certificate.
        print: String,
    },
    /// It is of another cluster.
    AnotherCluster {
        /// Which file.
        file: String,
        /// Whose it is.
        theirs: String,
        /// The cluster here.
        ours: String,
    },
    /// It does not know this node.
    WithoutNode {
        /// Which file.
        file: String,
        /// This node.
        node: String,
        /// The nodes it knows.
        nodes: String,
    },
    /// The database here cannot be written.
    Replica(String),
    /// There is no cluster yet.
    Nothing,
    /// Neither passphrase nor recipient.
    WithoutLock,
    /// It is no key.
    NotAKey(String),
    /// Another one is under way.
    Busy,
    /// No such archive on the shelf.
    Unknown {
        /// Its name.
        name: String,
        /// The shelf.
        shelf: String,
    },
    /// Disk or network.
    Failed {
        /// Where.
        place: String,
        /// What was said.
        detail: String,
    },
    /// The database.
    Store(store::Error),
}

impl Fault {
    /// What went wrong with a file or directory.
    pub fn at(path: &Path) -> impl Fn(io::Error) -> Self {
        move |error| Self::Failed { place: path.display().to_string(), detail: error.to_string() }
    }
}

impl From<store::Error> for Fault {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl Explain for Fault {
    fn message(&self) -> &'static Message {
        match self {
            Self::NotABackup(_) => &backup::BACKUP_NOT_ONE,
            Self::Incomplete(_) => &backup::BACKUP_INCOMPLETE,
            Self::Damaged { .. } => &backup::BACKUP_DAMAGED,
            Self::Newer { .. } => &backup::BACKUP_NEWER,
            Self::WrongKey { .. } => &backup::BACKUP_WRONG_KEY,
            Self::KeysLocked(_) => &backup::BACKUP_KEYS_LOCKED,
            Self::WithoutKeys(_) => &backup::BACKUP_WITHOUT_KEYS,
            Self::UnknownSigner { .. } => &backup::BACKUP_UNKNOWN_SIGNER,
            Self::AnotherCluster { .. } => &backup::BACKUP_OF_ANOTHER_CLUSTER,
            Self::WithoutNode { .. } => &backup::BACKUP_WITHOUT_NODE,
            Self::Replica(_) => &backup::BACKUP_ON_A_REPLICA,
            Self::Nothing => &backup::BACKUP_OF_NOTHING,
            Self::WithoutLock => &backup::BACKUP_WITHOUT_LOCK,
            Self::NotAKey(_) => &backup::BACKUP_KEY_NOT_ONE,
            Self::Busy => &backup::BACKUP_BUSY,
            Self::Unknown { .. } => &backup::BACKUP_UNKNOWN,
            Self::Failed { .. } => &backup::BACKUP_FAILED,
            Self::Store(_) => &backup::BACKUP_DATABASE,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        match self.clone() {
            Self::NotABackup(file)
            | Self::Incomplete(file)
            | Self::KeysLocked(file)
            | Self::WithoutKeys(file) => vec![("file", file)],
            Self::Damaged { file, detail } => vec![("file", file), ("detail", detail)],
            Self::Newer { file, release } => vec![("file", file), ("release", release)],
            Self::WrongKey { file, lock } => vec![("file", file), ("lock", lock.into())],
            Self::UnknownSigner { file, subject, print } => {
                vec![("file", file), ("subject", subject), ("print", print)]
            }
            Self::AnotherCluster { file, theirs, ours } => {
                vec![("file", file), ("theirs", theirs), ("ours", ours)]
            }
            Self::WithoutNode { file, node, nodes } => {
                vec![("file", file), ("node", node), ("nodes", nodes)]
            }
            Self::Replica(node) => vec![("node", node)],
            Self::Nothing | Self::WithoutLock | Self::Busy => Vec::new(),
            Self::NotAKey(given) => vec![("given", given)],
            Self::Unknown { name, shelf } => vec![("name", name), ("shelf", shelf)],
            Self::Failed { place, detail } => vec![("place", place), ("detail", detail)],
            Self::Store(error) => vec![("detail", error.to_string())],
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = self.explain(Language::English);
        write!(f, "{}: {}", said.text, said.cause)
    }
}

impl std::error::Error for Fault {}
