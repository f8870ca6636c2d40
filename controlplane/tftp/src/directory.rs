//! Serves the files of some directories.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use rustix::fs::{Mode, OFlags, ResolveFlags};

use crate::{FileName, FileRequest, FileSource, Refusal, Served};

/// No firmware image comes near this.
const MAX_FILE: u64 = 64 << 20;
/// Smaller files are read anew for everybody: that costs less than to keep book of them.
const WORTH_SHARING: u64 = 64 << 10;
/// A listing younger than this may miss a file that came within the same tick of the clock.
const SETTLED: Duration = Duration::from_secs(2);

/// The files below some directories, asked in order. Names match case-insensitively where no file
/// has the exact one; a device's own trust list falls back to the one for everybody.
#[derive(Debug)]
pub struct Directory {
    roots: Vec<PathBuf>,
    open: Mutex<HashMap<PathBuf, Shared>>,
    listings: Mutex<HashMap<PathBuf, Listing>>,
}

/// A file that somebody is fetching just now.
#[derive(Debug)]
struct Shared {
    stamp: Stamp,
    bytes: Weak<[u8]>,
}

/// What changes when a file changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

/// The names in a directory by their lower-case form.
#[derive(Debug)]
struct Listing {
    modified: SystemTime,
    names: HashMap<String, String>,
}

impl Directory {
    /// Serves what is below `roots`.
    pub fn new(roots: impl IntoIterator<Item = PathBuf>) -> Self {
        let roots = roots.into_iter().collect();
        Self { roots, open: Mutex::default(), listings: Mutex::default() }
    }

    /// The file with this name, from the first directory that has it.
    pub fn read(&self, name: &FileName) -> Result<Arc<[u8]>, Refusal> {
        for root in &self.roots {
            let read = |spelling: &str| self.read_as(root, spelling, name);
            if let Some(bytes) = read(name.as_str())? {
                return Ok(bytes);
            }
            if let Some(other) = self.other_spelling(root, name)
                && let Some(bytes) = read(&other)?
            {
                return Ok(bytes);
            }
        }
        Err(Refusal::NotFound)
    }

    /// The file with this name in exactly this spelling, from the first directory that has it.
    pub fn read_exact(&self, name: &FileName) -> Result<Arc<[u8]>, Refusal> {
        let read = |root: &PathBuf| self.read_as(root, name.as_str(), name).transpose();
        self.roots.iter().find_map(read).unwrap_or(Err(Refusal::NotFound))
    }

    fn read_as(
        &self,
        root: &Path,
        spelling: &str,
        name: &FileName,
    ) -> Result<Option<Arc<[u8]>>, Refusal> {
        match self.read_beneath(root, spelling) {
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(Refusal::Failed(format!("{name}: {error}"))),
            Ok(bytes) => Ok(Some(bytes)),
        }
    }

    /// Opens without leaving `root`, not even by a symbolic link.
    fn read_beneath(&self, root: &Path, name: &str) -> io::Result<Arc<[u8]>> {
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let directory = rustix::fs::open(root, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = rustix::fs::openat2(&directory, name, flags, Mode::empty(), beneath)?;
        let file = File::from(file);
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        if metadata.len() > MAX_FILE {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let stamp = Stamp {
            inode: metadata.ino(),
            size: metadata.len(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        };
        self.shared(root.join(name), stamp, file)
    }

    /// A thousand phones that fetch one image share one copy of it.
    fn shared(&self, path: PathBuf, stamp: Stamp, file: File) -> io::Result<Arc<[u8]>> {
        if stamp.size < WORTH_SHARING {
            return read_all(file, stamp.size);
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // A dead entry still holds its memory.
        open.retain(|_, shared| shared.bytes.strong_count() > 0);
        if let Some(shared) = open.get(&path).filter(|shared| shared.stamp == stamp)
            && let Some(bytes) = shared.bytes.upgrade()
        {
            return Ok(bytes);
        }
        let bytes = read_all(file, stamp.size)?;
        open.insert(path, Shared { stamp, bytes: Arc::downgrade(&bytes) });
        Ok(bytes)
    }

    /// The name as the directories spell it, if that differs from what was asked.
    fn other_spelling(&self, root: &Path, name: &FileName) -> Option<String> {
        let mut path = root.to_owned();
        let mut spelling = String::new();
        for part in name.parts() {
            let real = self.spelling_in(&path, &part.to_lowercase())?;
            path.push(&real);
            if !spelling.is_empty() {
                spelling.push('/');
            }
            spelling.push_str(&real);
        }
        (spelling != name.as_str()).then_some(spelling)
    }

    fn spelling_in(&self, directory: &Path, lower: &str) -> Option<String> {
        let modified = fs::metadata(directory).ok()?.modified().ok()?;
        let mut listings = self.listings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listing) = listings.get(directory).filter(|it| it.modified == modified) {
            return listing.names.get(lower).cloned();
        }
        let names: HashMap<String, String> = fs::read_dir(directory)
            .ok()?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .map(|name| (name.to_lowercase(), name))
            .collect();
        let found = names.get(lower).cloned();
        if modified.elapsed().is_ok_and(|age| age > SETTLED) {
            listings.insert(directory.to_owned(), Listing { modified, names });
        }
        found
    }
}

fn read_all(file: File, size: u64) -> io::Result<Arc<[u8]>> {
    let mut bytes = Vec::with_capacity(size as usize);
    file.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

fn is_absence(error: &io::Error) -> bool {
    use io::ErrorKind::{IsADirectory, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | IsADirectory)
}

impl FileSource for Directory {
    fn open(&self, request: &FileRequest) -> Result<Served, Refusal> {
        let name = &request.name;
        if name.as_str().ends_with(durable::LEFTOVER_SUFFIX) {
            return Err(Refusal::NotFound);
        }
        match (self.read(name), name.generic_trust_list()) {
            (Err(Refusal::NotFound), Some(generic)) => {
                Ok(Served::plain(self.read(&generic)?, "trust list for every device"))
            }
            (bytes, _) => Ok(Served::plain(bytes?, "static file")),
        }
    }
}
