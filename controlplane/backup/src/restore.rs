//! Taking an archive back.
//!
//! ```text
//!  archive ─ verify ─ decrypt ─ check ─▶ stage ─ ready ─▶ database ─▶ files ─▶ gone
//!            └────── nothing changes ──────┘    └─ goes on after any interruption ─┘
//! ```

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::SystemTime;

use durable::Readers;
use serde::{Deserialize, Serialize};
use store::{Author, Copied, Store};

use crate::archive::{Archive, DATABASE, ROOMS};
use crate::fault::Fault;
use crate::home::{self, Home};
use crate::lock::Unlock;
use crate::{Progress, Stage};

/// The note that all is staged and only to be taken over.
const READY: &str = "ready.json";
/// Decrypted keys on the stage.
const KEYS: &str = "keys";
const MAX_NOTE: u64 = 64 << 10;

/// What may be taken back, and how it is opened.
pub struct Restoring<'a> {
    /// The archive.
    pub archive: &'a Archive,
    /// What opens it.
    pub unlock: &'a Unlock,
    /// What opens its private keys; absent: those that are here stay.
    pub keys: Option<&'a Unlock>,
    /// This node's name.
    pub node: &'a str,
    /// Certificates that may have signed it: the node's own, those of the inventory, those that
    /// somebody compared. SHA-256 in hexadecimal.
    pub trusted: &'a [String],
    /// Who does it.
    pub author: &'a Author,
}

/// An archive of which all was checked, ready to be taken over.
pub struct Staged<'a> {
    home: &'a Home,
    ready: Ready,
}

#[derive(Serialize, Deserialize)]
struct Ready {
    /// The archive's name.
    name: String,
    author: Author,
    keys: bool,
}

/// What was taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The archive's name.
    pub name: String,
    /// What was in its database.
    pub copied: Copied,
    /// Whether keys were.
    pub keys: bool,
}

/// Looks whether an archive can be opened, and what is in its database. Nothing changes.
pub fn verify(
    archive: &Archive,
    unlock: &Unlock,
    home: &Home,
    progress: Progress<'_>,
) -> Result<Copied, Fault> {
    let stage = home.state.join("verifying");
    home::fresh_directory(&stage).map_err(Fault::at(&stage))?;
    let verified = unpack(archive, unlock, &stage, progress);
    home::remove_directory(&stage).map_err(Fault::at(&stage))?;
    verified
}

/// Checks all of an archive and unpacks it beside what runs, which is not touched.
pub fn stage<'a>(
    restoring: &Restoring<'_>,
    home: &'a Home,
    store: &Store,
    progress: Progress<'_>,
) -> Result<Staged<'a>, Fault> {
    let Restoring { archive, node, .. } = restoring;
    let file = archive.name();
    let print = archive.signer.fingerprint();
    if !restoring.trusted.contains(&print) {
        let subject = archive.signer.subject().to_string();
        return Err(Fault::UnknownSigner { file, subject, print });
    }
    if let Some(ours) = store.read(|view| view.cluster())?
        && ours.guid.as_str() != archive.header.cluster
    {
        let theirs = archive.header.cluster_name.clone();
        return Err(Fault::AnotherCluster { file, theirs, ours: ours.name });
    }
    let stage = home.stage();
    home::fresh_directory(&stage).map_err(Fault::at(&stage))?;
    let copied = unpack(archive, restoring.unlock, &stage, progress)?;
    // What is inside counts, not what stands outside.
    if copied.cluster.as_ref().map(|c| c.guid.as_str()) != Some(&*archive.header.cluster) {
        let detail = "its database is of another cluster than its head says".into();
        return Err(Fault::Damaged { file, detail });
    }
    if !copied.nodes.iter().any(|known| known.name == *node) {
        let nodes: Vec<_> = copied.nodes.into_iter().map(|node| node.name).collect();
        let (node, nodes) = ((*node).to_owned(), nodes.join(", "));
        return Err(Fault::WithoutNode { file, node, nodes });
    }
    if let Some(unlock) = restoring.keys {
        archive.unpack_keys(unlock, &stage, &stage.join(KEYS))?;
    }
    let author = restoring.author.clone();
    let ready = Ready { name: file, author, keys: restoring.keys.is_some() };
    let note = serde_json::to_vec(&ready).expect("its keys are strings");
    let path = stage.join(READY);
    durable::replace(&path, &note, Readers::Owner).map_err(Fault::at(&path))?;
    Ok(Staged { home, ready })
}

/// What was staged and not wholly taken over when the process ended: to be applied before
/// anything is started. Leftovers of archives that were not wholly staged are removed.
pub fn interrupted(home: &Home) -> Result<Option<Staged<'_>>, Fault> {
    let stage = home.stage();
    let note = durable::read(&stage.join(READY), MAX_NOTE).map_err(Fault::at(&stage))?;
    let ready = note.and_then(|note| serde_json::from_slice(&note).ok());
    if ready.is_none() {
        home::remove_directory(&stage).map_err(Fault::at(&stage))?;
    }
    Ok(ready.map(|ready| Staged { home, ready }))
}

impl Staged<'_> {
    /// Takes it over: the database in one transaction, then the files. Services must not run.
    pub fn apply(
        self,
        store: &Store,
        now: SystemTime,
        progress: Progress<'_>,
    ) -> Result<Restored, Fault> {
        let Self { home, ready } = self;
        let stage = home.stage();
        progress(Stage::Restoring, 0);
        let mut copy = open(&stage.join(DATABASE))?;
        let (author, name) = (&ready.author, &ready.name);
        let taken = store.take_back(&mut copy, author, now, name, |_| Ok(()));
        let copied = match taken {
            Ok(copied) => copied,
            // Nothing has changed, and nothing is to be tried again behind anybody's back.
            Err(error) => {
                discard(home)?;
                return Err(error.into());
            }
        };
        progress(Stage::Restoring, 1);
        let failed = Fault::at(&home.keys);
        if ready.keys {
            home::carry(&stage.join(KEYS), &home.keys, readers_of_key).map_err(&failed)?;
        }
        for (room, certificate, key) in &home.pairs {
            if !home.keys.join(key).exists() {
                durable::remove(&stage.join(ROOMS).join(room).join(certificate))
                    .map_err(&failed)?;
            }
        }
        for room in &home.rooms {
            let from = stage.join(ROOMS).join(room.name);
            home::carry(&from, &room.directory, |_| Readers::Everybody)
                .map_err(Fault::at(&room.directory))?;
        }
        discard(home)?;
        Ok(Restored { name: ready.name, copied, keys: ready.keys })
    }
}

/// Gives up what is staged.
fn discard(home: &Home) -> Result<(), Fault> {
    let stage = home.stage();
    // Without this note the rest is sweepings.
    durable::remove(&stage.join(READY)).map_err(Fault::at(&stage))?;
    home::remove_directory(&stage).map_err(Fault::at(&stage))
}

/// Certificates lie beside keys for everybody to read.
fn readers_of_key(name: &str) -> Readers {
    if name.ends_with(".cer") { Readers::Everybody } else { Readers::Owner }
}

fn unpack(
    archive: &Archive,
    unlock: &Unlock,
    stage: &Path,
    progress: Progress<'_>,
) -> Result<Copied, Fault> {
    archive.unpack(unlock, stage, &mut |files| progress(Stage::Checking, files))?;
    Ok(store::examine_copy(&mut open(&stage.join(DATABASE))?)?)
}

fn open(path: &Path) -> Result<BufReader<File>, Fault> {
    Ok(BufReader::new(File::open(path).map_err(Fault::at(path))?))
}
