//! Files that are the old or the new one after any crash.
//!
//! A file that others read (a trust list, a token, a private key) is never written in place. The
//! new content goes to a temporary file beside it, is flushed, takes the name by `rename(2)`, and
//! the directory is flushed: whoever looks after a crash or a power cut, at whatever moment it
//! came, finds one of the two states whole.
//!
//! Invariants:
//! - No function returns success before the new state would survive a power cut, except
//!   [`replace_unflushed`].
//! - A file that holds secrets has its final mode before its first byte.
//! - Temporary files left by a crash carry [`LEFTOVER_SUFFIX`]; readers of directories skip them,
//!   and the next write of the same file replaces them.
//!
//! This crate must not know what is in the files.

#![forbid(unsafe_code)]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// Ending of the temporary files.
pub const LEFTOVER_SUFFIX: &str = ".partial";

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Everybody on the machine: 0644.
    Everybody,
    /// Its owner only: 0600.
    Owner,
}

impl Readers {
    fn mode(self) -> u32 {
        match self {
            Self::Everybody => 0o644,
            Self::Owner => 0o600,
        }
    }
}

/// Puts `content` in the place of whatever is at `path`, as a whole. The directory must exist.
pub fn replace(path: &Path, content: &[u8], readers: Readers) -> io::Result<()> {
    let partial = write_partial(path, content, readers, Flush::Now)?;
    fs::rename(&partial, path)?;
    flush_directory(path)
}

/// Like [`replace`], but leaves the flushing to the system: for files that can be made again and
/// that are verified before they are used. After a power cut such a file may be there in part.
pub fn replace_unflushed(path: &Path, content: &[u8], readers: Readers) -> io::Result<()> {
    let partial = write_partial(path, content, readers, Flush::Later)?;
    fs::rename(&partial, path)
}

/// Writes a file that must not exist yet: [`io::ErrorKind::AlreadyExists`] otherwise, and the
/// existing one is untouched.
pub fn create(path: &Path, content: &[u8], readers: Readers) -> io::Result<()> {
    let partial = write_partial(path, content, readers, Flush::Now)?;
    let linked = fs::hard_link(&partial, path);
    fs::remove_file(&partial)?;
    linked?;
    flush_directory(path)
}

/// Removes a file. Whether it was there is the answer; one that is not there is no error.
pub fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => flush_directory(path).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reads a file of at most `limit` bytes; a missing one is `None`, a longer one
/// [`io::ErrorKind::FileTooLarge`].
pub fn read(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut content = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, limit + 1), &mut content)?;
    if content.len() as u64 > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(Some(content))
}

/// An exclusive right among processes that ask for the same file, given back on drop (also by a
/// crash: the kernel does it).
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the right. The file at `path` is made if need be and stays empty.
    pub fn wait(path: &Path) -> io::Result<Self> {
        let file = Self::open(path)?;
        flock(&file, FlockOperation::LockExclusive)?;
        Ok(Self { _file: file })
    }

    /// Takes the right if nobody has it.
    pub fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = Self::open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn open(path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)
    }
}

#[derive(PartialEq)]
enum Flush {
    Now,
    Later,
}

fn write_partial(
    path: &Path,
    content: &[u8],
    readers: Readers,
    flush: Flush,
) -> io::Result<PathBuf> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(LEFTOVER_SUFFIX);
    let partial = path.with_file_name(name);
    // What a crash left may be somebody else's hard link or have another mode: begin afresh.
    match fs::remove_file(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(readers.mode()).open(&partial)?;
    // The umask may have taken bits away.
    file.set_permissions(fs::Permissions::from_mode(readers.mode()))?;
    file.write_all(content)?;
    if flush == Flush::Now {
        file.sync_all()?;
    }
    Ok(partial)
}

fn flush_directory(of: &Path) -> io::Result<()> {
    let directory = match of.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_has_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.pem");
        replace(&path, b"first", Readers::Everybody).unwrap();
        assert_eq!(mode(&path), 0o644);
        replace(&path, b"second", Readers::Owner).unwrap();
        assert_eq!((fs::read(&path).unwrap().as_slice(), mode(&path)), (&b"second"[..], 0o600));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_crash_left_is_swept_away() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("list");
        fs::write(dir.path().join("list.partial"), b"torn").unwrap();
        replace(&path, b"whole", Readers::Everybody).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn creating_never_overwrites() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("identity");
        create(&path, b"first", Readers::Owner).unwrap();
        let again = create(&path, b"second", Readers::Owner).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert!(remove(&path).unwrap());
        assert!(!remove(&path).unwrap());
    }

    #[test]
    fn reading_is_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        assert_eq!(read(&path, 4).unwrap(), None);
        fs::write(&path, b"four").unwrap();
        assert_eq!(read(&path, 4).unwrap().as_deref(), Some(&b"four"[..]));
        assert_eq!(read(&path, 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn one_holder_of_a_lock() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = Lock::take(&path).unwrap();
        assert!(held.is_some());
        assert!(Lock::take(&path).unwrap().is_none());
        drop(held);
        Lock::wait(&path).unwrap();
    }
}
