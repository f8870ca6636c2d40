//! Making an archive while everything runs.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use pki::Identity;
use store::Store;

use crate::archive::{self, Contents, DATABASE, KEYS, ROOMS};
use crate::fault::Fault;
use crate::header::{FORMAT, Header, encode, timestamp};
use crate::home::{self, Home};
use crate::lock::Lock;
use crate::{Progress, Stage};

/// What an archive is made of.
pub struct Making<'a> {
    /// The database.
    pub store: &'a Store,
    /// The node's directories.
    pub home: &'a Home,
    /// The node's name.
    pub node: &'a str,
    /// The release of this program.
    pub release: &'a str,
    /// What it is encrypted under.
    pub lock: &'a Lock,
    /// What private keys are encrypted under; absent: they are left out.
    pub keys: Option<&'a Lock>,
    /// What signs it.
    pub signer: &'a Identity,
    /// Reports that are written into it, by file name.
    pub reports: Vec<(String, Vec<u8>)>,
    /// See [`Header::sequence`].
    pub sequence: u64,
    /// The time.
    pub now: SystemTime,
}

/// Makes an archive in the node's own directory; it is to be put on a shelf from there, and what
/// is left there is removed by the next one.
pub fn create(making: &Making<'_>, progress: Progress<'_>) -> Result<(PathBuf, Header), Fault> {
    let workshop = making.home.workshop();
    home::fresh_directory(&workshop).map_err(Fault::at(&workshop))?;
    let copy = workshop.join(DATABASE);
    let mut out = BufWriter::new(archive::new_private_file(&copy).map_err(Fault::at(&copy))?);
    let mut rows = |rows| progress(Stage::Database, rows);
    let copied = making.store.copy(&mut out, &mut rows)?;
    out.flush().map_err(Fault::at(&copy))?;
    let cluster = copied.cluster.ok_or(Fault::Nothing)?;
    let header = Header {
        format: FORMAT,
        release: making.release.to_owned(),
        schema: copied.schema,
        cluster: cluster.guid.to_string(),
        cluster_name: cluster.name,
        node: making.node.to_owned(),
        created: timestamp(making.now),
        sequence: making.sequence,
        revision: copied.revision.0,
        keys: making.keys.is_some(),
        signer: encode(making.signer.certificate()),
    };
    let path = workshop.join(header.file_name());
    archive::write(&path, &header, making.lock, making.signer, |contents| {
        fill(contents, making, &copy, progress)
    })?;
    fs::remove_file(&copy).map_err(Fault::at(&copy))?;
    Ok((path, header))
}

fn fill(
    contents: &mut Contents<'_>,
    making: &Making<'_>,
    copy: &PathBuf,
    progress: Progress<'_>,
) -> Result<(), Fault> {
    let database = File::open(copy).map_err(Fault::at(copy))?;
    let size = database.metadata().map_err(Fault::at(copy))?.len();
    contents.add_from(DATABASE, size, &mut BufReader::new(database))?;
    let mut count = 1;
    let mut step = || {
        count += 1;
        progress(Stage::Encrypting, count);
    };
    for room in &making.home.rooms {
        for (name, path) in home::files(&room.directory).map_err(Fault::at(&room.directory))? {
            if let Some(content) = home::read(&path).map_err(Fault::at(&path))? {
                contents.add(&format!("{ROOMS}/{}/{name}", room.name), &content)?;
                step();
            }
        }
    }
    for (name, content) in &making.reports {
        contents.add(&format!("{ROOMS}/{REPORTS}/{name}"), content)?;
        step();
    }
    if let Some(lock) = making.keys {
        let keys = &making.home.keys;
        let mut files = Vec::new();
        for (name, path) in home::files(keys).map_err(Fault::at(keys))? {
            if let Some(content) = home::read(&path).map_err(Fault::at(&path))? {
                files.push((name, content));
            }
        }
        contents.add(KEYS, &archive::bundle(&files, lock).map_err(Fault::at(keys))?)?;
        step();
    }
    Ok(())
}

/// The room of what was written for people; it is not restored.
const REPORTS: &str = "reports";
