//! The file for each name that a phone asks for.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use md5::{Digest, Md5};
use pki::Identity;
use store::Store;
use tftp::{Directory, FileName, FileRequest, FileSource, Location, Refusal, Served};
use tlv::{FileKind, SignedFile};

use crate::signing::{FileSigner, SigningError};
use crate::snapshot::{Snapshot, Snapshots};

/// Memory for signed files. When it is full they are all signed anew.
const MEMORY: usize = 64 << 20;

/// More than there are cores: two names seldom share a lock.
const SIGNED_AT_ONCE: usize = 64;

const DEFAULT_FILE: &str = "XMLDefault.cnf.xml";
const CONFIGURATION: &str = ".cnf.xml";

/// Everything a phone can fetch from this node.
pub struct Provisioning {
    snapshots: Snapshots,
    /// The first takes what is signed.
    locations: Vec<Location>,
    files: Directory,
    /// Why not, if the node's key cannot sign files.
    signer: Result<FileSigner, SigningError>,
    clock: fn() -> SystemTime,
    memory: Mutex<Memory>,
    /// Held while a file is looked for and signed, by its name: whoever asks for the same one at
    /// the same time waits for it instead of signing it too.
    signing: [Mutex<()>; SIGNED_AT_ONCE],
}

#[derive(Default)]
struct Memory {
    signed: HashMap<String, Remembered>,
    bytes: usize,
}

struct Remembered {
    plain: Arc<[u8]>,
    signed: Arc<[u8]>,
}

impl Provisioning {
    /// Serves what `store` says and what lies in `locations`, signed by `identity` in mixed mode.
    pub fn new(
        store: Arc<Store>,
        node: &str,
        locations: Vec<Location>,
        identity: Arc<Identity>,
        clock: fn() -> SystemTime,
    ) -> store::Result<Self> {
        let files = Directory::new(locations.iter().map(|location| location.path().to_owned()));
        let snapshots = Snapshots::new(store, node)?;
        let signer = FileSigner::new(identity);
        let (memory, signing) = (Mutex::default(), [const { Mutex::new(()) }; SIGNED_AT_ONCE]);
        Ok(Self { snapshots, locations, files, signer, clock, memory, signing })
    }

    /// What the store says now.
    pub fn newest(&self) -> Arc<Snapshot> {
        self.snapshots.newest()
    }

    /// The file under its plain name.
    fn plain(&self, name: &FileName, snapshot: &Snapshot) -> Result<Served, Refusal> {
        if let Some(device) = name.as_str().strip_suffix(CONFIGURATION)
            && let Some(xml) = snapshot.configuration(&device.to_ascii_uppercase())
        {
            return Ok(Served::plain(xml.into_bytes(), "built from the database"));
        }
        if name.as_str().eq_ignore_ascii_case(DEFAULT_FILE) {
            let xml = snapshot.default_configuration();
            return Ok(Served::plain(xml.into_bytes(), "built from the database"));
        }
        Ok(Served::plain(self.files.read(name)?, "static file"))
    }

    /// The signed form of `plain` under the name that the phone asked for.
    fn signed(
        &self,
        asked: &FileName,
        plain: Served,
        snapshot: &Snapshot,
    ) -> Result<Served, Refusal> {
        let failed = |error: &dyn ToString| Refusal::Failed(error.to_string());
        let signer = self.signer.as_ref().map_err(|error| failed(error))?;
        let served = |bytes, rule: &'static str| Served {
            bytes,
            rule: rule.into(),
            signer: Some(signer.name().into()),
            ctl_version: None,
        };
        let lane = BuildHasherDefault::<DefaultHasher>::default().hash_one(asked.as_str());
        let lane = &self.signing[lane as usize % SIGNED_AT_ONCE];
        let _turn = lane.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = match snapshot.caching() {
            true => self.remembered(asked, &plain.bytes),
            false => self
                .files
                .read_exact(asked)
                .ok()
                .filter(|file| signer.made(file, asked.as_str(), &plain.bytes)),
        };
        if let Some(kept) = kept {
            return Ok(served(kept, "signed before"));
        }
        let now = (self.clock)();
        let file = signer
            .sign(FileKind::Provisioning, asked.as_str(), &plain.bytes, now)
            .map_err(|error| failed(&error))?;
        let signed = file.to_bytes();
        if snapshot.caching() {
            self.remember(asked, plain.bytes, Arc::clone(&signed));
        } else if let Some(location) = self.locations.first() {
            location.publish_derived(asked, &signed).map_err(|error| failed(&error))?;
        }
        Ok(served(signed, "signed now"))
    }

    /// A file that came with its signature, from a manufacturer. One of ours is left over from a
    /// file that is gone.
    fn signed_elsewhere(&self, request: &FileRequest) -> Result<Served, Refusal> {
        let served = self.files.open(request)?;
        match self.signer.as_ref().is_ok_and(|signer| signer.signed(&served.bytes)) {
            true => Err(Refusal::NotFound),
            false => Ok(served),
        }
    }

    fn remembered(&self, asked: &FileName, plain: &[u8]) -> Option<Arc<[u8]>> {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let remembered = memory.signed.get(asked.as_str())?;
        (*remembered.plain == *plain).then(|| Arc::clone(&remembered.signed))
    }

    fn remember(&self, asked: &FileName, plain: Arc<[u8]>, signed: Arc<[u8]>) {
        let size = plain.len() + signed.len();
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.bytes + size > MEMORY {
            *memory = Memory::default();
        }
        if size <= MEMORY {
            let new = Remembered { plain, signed };
            let old = memory.signed.insert(asked.as_str().to_owned(), new);
            memory.bytes += size;
            memory.bytes -= old.map_or(0, |old| old.plain.len() + old.signed.len());
        }
    }
}

impl FileSource for Provisioning {
    fn open(&self, request: &FileRequest) -> Result<Served, Refusal> {
        let name = &request.name;
        let snapshot = self.snapshots.newest();
        let is_list =
            |name: &str| name.len() > 4 && name[name.len() - 4..].eq_ignore_ascii_case(".tlv");
        if is_list(name.as_str()) {
            let list = self.files.open(request)?;
            let md5: String = Md5::digest(&list.bytes).iter().map(|b| format!("{b:02x}")).collect();
            return Ok(Served { ctl_version: Some(md5.into()), ..list });
        }
        let inner = SignedFile::inner_name(name.as_str())
            .and_then(|inner| FileName::parse(inner.as_bytes()).ok());
        let Some(inner) = inner else { return self.plain(name, &snapshot) };
        match self.plain(&inner, &snapshot) {
            Ok(plain) if snapshot.signs() => self.signed(name, plain, &snapshot),
            // What was signed while the cluster was in mixed mode is history.
            Ok(_) => Err(Refusal::NotFound),
            Err(Refusal::NotFound) => self.signed_elsewhere(request),
            Err(refusal) => Err(refusal),
        }
    }
}
