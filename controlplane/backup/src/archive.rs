//! The form of an archive.
//!
//! ```text
//! ringfence-backup 1⏎
//! {"format":1,"cluster":"…",…}⏎           the header, in clear
//! age-encryption.org/v1 …                  the body: tar, compressed, encrypted
//! signature ‖ length of it (u16, big-endian) ‖ "rfbkend\n"
//! ```
//!
//! The signature (RSASSA-PKCS1-v1_5 or ECDSA, SHA-256) is over a context and the SHA-256 of all
//! before it. What was cut off has no end; what was altered does not verify; what was altered and
//! signed by another one has another certificate, and its header differs from the one inside.
//!
//! In the tar: `header.json`, `database.jsonl`, `rooms/ROOM/FILE`, `keys.age` (a tar of key files,
//! encrypted by itself).

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use pki::signer::Signer;
use pki::{Certificate, Hash, Identity};
use sha2::{Digest, Sha256};

use crate::fault::Fault;
use crate::header::{FORMAT, Header};
use crate::lock::{Lock, Shut, Unlock};

const MAGIC: &str = "ringfence-backup 1\n";
const END: &[u8] = b"rfbkend\n";
const CONTEXT: &[u8] = b"ringfence backup signature\0";
/// Longest header, and longest signature.
const MAX_HEADER: u64 = 64 << 10;
const MAX_SIGNATURE: u16 = 2048;
/// Longest file in an archive but for the database.
const MAX_FILE: u64 = 256 << 20;

/// Names inside.
pub(crate) const HEADER: &str = "header.json";
pub(crate) const DATABASE: &str = "database.jsonl";
pub(crate) const ROOMS: &str = "rooms";
pub(crate) const KEYS: &str = "keys.age";

/// An archive that is whole and signed; by whom, its header says.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    body: (u64, u64),
    /// What it says of itself.
    pub header: Header,
    /// The certificate whose key signed it.
    pub signer: Certificate,
    /// SHA-256 of it, which tells it from all others, in hexadecimal.
    pub id: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// Writes an archive to a new file and flushes it. `fill` puts in what belongs inside.
pub(crate) fn write(
    path: &Path,
    header: &Header,
    lock: &Lock,
    signer: &Identity,
    fill: impl FnOnce(&mut Contents<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let failed = Fault::at(path);
    let mut file = new_private_file(path).map_err(&failed)?;
    let json = serde_json::to_vec(header).expect("headers have string keys");
    let mut output = Hashing { inner: &mut file, digest: Sha256::new() };
    output.write_all(MAGIC.as_bytes()).map_err(&failed)?;
    output.write_all(&json).map_err(&failed)?;
    output.write_all(b"\n").map_err(&failed)?;

    let encrypted = lock.close(&mut output).map_err(&failed)?;
    let compressed = zstd::Encoder::new(encrypted, 3).map_err(&failed)?;
    let mut builder = tar::Builder::new(compressed);
    let mut contents =
        Contents { append: &mut |name, size, content| append(&mut builder, name, size, content) };
    contents.add(HEADER, &json)?;
    fill(&mut contents)?;
    let finish = || builder.into_inner()?.finish()?.finish();
    finish().map_err(&failed)?;

    let digest = output.digest.finalize();
    let refused = |error: pki::SignError| Fault::Failed {
        place: path.display().to_string(),
        detail: error.to_string(),
    };
    let signature = signer.sign(Hash::Sha256, &[CONTEXT, &digest].concat()).map_err(refused)?;
    let length = u16::try_from(signature.len()).expect("signatures are short").to_be_bytes();
    file.write_all(&[&signature, &length[..], END].concat()).map_err(&failed)?;
    file.sync_all().map_err(&failed)
}

/// What an archive is filled through.
pub(crate) struct Contents<'a> {
    append: &'a mut dyn FnMut(&str, u64, &mut dyn Read) -> io::Result<()>,
}

impl Contents<'_> {
    /// Adds a file.
    pub fn add(&mut self, name: &str, content: &[u8]) -> Result<(), Fault> {
        self.add_from(name, content.len() as u64, &mut &*content)
    }

    /// Adds a file of a known size.
    pub fn add_from(&mut self, name: &str, size: u64, content: &mut dyn Read) -> Result<(), Fault> {
        (self.append)(name, size, content).map_err(Fault::at(Path::new(name)))
    }
}

/// A tar of small files, encrypted by itself.
pub(crate) fn bundle(
    files: &[(String, zeroize::Zeroizing<Vec<u8>>)],
    lock: &Lock,
) -> io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(lock.close(Vec::new())?);
    for (name, content) in files {
        append(&mut builder, name, content.len() as u64, &mut &***content)?;
    }
    builder.into_inner()?.finish()
}

fn append<W: Write>(
    builder: &mut tar::Builder<W>,
    name: &str,
    size: u64,
    content: &mut dyn Read,
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o600);
    builder.append_data(&mut header, name, content)
}

impl Archive {
    /// Opens a file and checks that it is an archive, whole and as it was signed.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        let failed = Fault::at(path);
        let name = shown(path);
        let mut file = BufReader::new(File::open(path).map_err(&failed)?);
        let header = read_header(&mut file, &name, &failed)?;
        let begin = file.stream_position().map_err(&failed)?;
        let bytes = file.seek(SeekFrom::End(0)).map_err(&failed)?;
        let incomplete = || Fault::Incomplete(name.clone());

        let foot = 2 + END.len() as u64;
        if bytes < begin + foot {
            return Err(incomplete());
        }
        file.seek(SeekFrom::Start(bytes - foot)).map_err(&failed)?;
        let mut length = [0; 2];
        let mut end = [0; END.len()];
        file.read_exact(&mut length).and_then(|()| file.read_exact(&mut end)).map_err(&failed)?;
        let length = u16::from_be_bytes(length);
        let signed = (bytes - foot).checked_sub(length.into()).filter(|signed| *signed > begin);
        let Some(signed) = signed.filter(|_| end == END && length <= MAX_SIGNATURE) else {
            return Err(incomplete());
        };
        file.seek(SeekFrom::Start(signed)).map_err(&failed)?;
        let mut signature = vec![0; length.into()];
        file.read_exact(&mut signature).map_err(&failed)?;

        file.seek(SeekFrom::Start(0)).map_err(&failed)?;
        let mut digest = Hashing { inner: io::sink(), digest: Sha256::new() };
        io::copy(&mut file.take(signed), &mut digest).map_err(&failed)?;
        let digest = digest.digest.finalize();
        let damaged =
            |detail: &str| Fault::Damaged { file: name.clone(), detail: detail.to_owned() };
        let signer = header.certificate().ok_or_else(|| damaged("it names no signer"))?;
        let message = [CONTEXT, &digest].concat();
        if !signer.public_key().verify(Hash::Sha256, &message, &signature) {
            return Err(damaged("its signature does not verify"));
        }
        let id = pki::certificate::hex(&digest);
        Ok(Self { path: path.to_owned(), body: (begin, signed - begin), header, signer, id, bytes })
    }

    /// Decrypts all of it into an empty directory, each file flushed: afterwards nothing of it can
    /// turn out to be wrong but what is in the files. `step` hears how many files came out.
    pub fn unpack(
        &self,
        unlock: &Unlock,
        into: &Path,
        step: &mut dyn FnMut(u64),
    ) -> Result<(), Fault> {
        let failed = Fault::at(&self.path);
        let mut file = File::open(&self.path).map_err(&failed)?;
        file.seek(SeekFrom::Start(self.body.0)).map_err(&failed)?;
        let body = BufReader::new(file).take(self.body.1);
        let opened = unlock.open(body).map_err(|shut| self.shut(shut))?;
        let altered = |error: io::Error| self.damaged(error.to_string());
        let mut tar = tar::Archive::new(zstd::Decoder::new(opened).map_err(altered)?);
        let mut count = 0;
        for entry in tar.entries().map_err(altered)? {
            let mut entry = entry.map_err(altered)?;
            let name = entry.path().map_err(altered)?.to_string_lossy().into_owned();
            let size = entry.size();
            if !is_ours(&name) || !entry.header().entry_type().is_file() {
                return Err(self.damaged(format!("{name:?} does not belong into it")));
            }
            if size > MAX_FILE && name != DATABASE {
                return Err(self.damaged(format!("{name:?} is too long")));
            }
            let to = into.join(&name);
            save(&mut entry, &to).map_err(|error| self.came_out(error, &to))?;
            count += 1;
            step(count);
        }
        // The end of the encrypted stream is part of what is checked.
        io::copy(&mut tar.into_inner(), &mut io::sink()).map_err(altered)?;
        let inside = durable::read(&into.join(HEADER), MAX_HEADER).map_err(Fault::at(into))?;
        let inside = inside.and_then(|json| serde_json::from_slice::<Header>(&json).ok());
        match inside.as_ref() == Some(&self.header) {
            true => Ok(()),
            false => Err(self.damaged("its head is not that of its body".into())),
        }
    }

    /// Decrypts the key files of an archive that was unpacked into `from`.
    pub(crate) fn unpack_keys(
        &self,
        unlock: &Unlock,
        from: &Path,
        into: &Path,
    ) -> Result<(), Fault> {
        let file = match File::open(from.join(KEYS)) {
            Ok(file) => BufReader::new(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Fault::WithoutKeys(self.name()));
            }
            Err(error) => return Err(Fault::at(from)(error)),
        };
        let opened = unlock.open(file).map_err(|shut| match shut {
            Shut::Locked(_) => Fault::KeysLocked(self.name()),
            Shut::Damaged(detail) => self.damaged(detail),
        })?;
        let altered = |error: io::Error| self.damaged(error.to_string());
        let mut tar = tar::Archive::new(opened);
        for entry in tar.entries().map_err(altered)? {
            let mut entry = entry.map_err(altered)?;
            let name = entry.path().map_err(altered)?.to_string_lossy().into_owned();
            if !is_plain(&name) || entry.size() > MAX_FILE {
                return Err(self.damaged("a key has no plain name".into()));
            }
            save(&mut entry, &into.join(name)).map_err(altered)?;
        }
        io::copy(&mut tar.into_inner(), &mut io::sink()).map_err(altered).map(drop)
    }

    /// What it is called.
    pub fn name(&self) -> String {
        shown(&self.path)
    }

    fn shut(&self, shut: Shut) -> Fault {
        match shut {
            Shut::Locked(lock) => Fault::WrongKey { file: self.name(), lock },
            Shut::Damaged(detail) => self.damaged(detail),
        }
    }

    fn damaged(&self, detail: String) -> Fault {
        Fault::Damaged { file: self.name(), detail }
    }

    /// Writing failed, or reading did: the disk is full, or the archive is damaged.
    fn came_out(&self, error: io::Error, to: &Path) -> Fault {
        match error.raw_os_error() {
            Some(_) => Fault::at(to)(error),
            None => self.damaged(error.to_string()),
        }
    }
}

fn read_header(
    file: &mut impl BufRead,
    name: &str,
    failed: &impl Fn(io::Error) -> Fault,
) -> Result<Header, Fault> {
    let mut line = || -> Result<Vec<u8>, Fault> {
        let mut line = Vec::new();
        file.take(MAX_HEADER).read_until(b'\n', &mut line).map_err(failed)?;
        Ok(line)
    };
    let magic = line()?;
    if magic != MAGIC.as_bytes() {
        let cut = !magic.is_empty() && MAGIC.as_bytes().starts_with(&magic);
        let other = if cut { Fault::Incomplete } else { Fault::NotABackup };
        return Err(other(name.to_owned()));
    }
    let json = line()?;
    if !json.ends_with(b"\n") {
        return Err(Fault::Incomplete(name.to_owned()));
    }
    /// What every form of header has.
    #[derive(serde::Deserialize)]
    struct Any {
        format: u32,
        release: String,
    }
    let damaged = |error: serde_json::Error| Fault::Damaged {
        file: name.to_owned(),
        detail: format!("its head cannot be read: {error}"),
    };
    let Any { format, release } = serde_json::from_slice(&json).map_err(damaged)?;
    if format > FORMAT {
        return Err(Fault::Newer { file: name.to_owned(), release });
    }
    serde_json::from_slice(&json).map_err(damaged)
}

/// Whether a name inside is one that this program writes: nothing that leads elsewhere.
fn is_ours(name: &str) -> bool {
    match name.split('/').collect::<Vec<_>>()[..] {
        [HEADER | DATABASE | KEYS] => true,
        [ROOMS, room, file] => is_plain(room) && is_plain(file),
        _ => false,
    }
}

/// Whether a file may have this name.
pub(crate) fn is_plain(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    !name.is_empty() && name.len() <= 200 && !name.starts_with('.') && name.chars().all(allowed)
}

fn save(content: &mut impl Read, to: &Path) -> io::Result<()> {
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut file = new_private_file(to)?;
    io::copy(content, &mut file)?;
    file.sync_all()
}

/// A new file that its owner alone can read.
pub(crate) fn new_private_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

fn shown(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Hashes what goes through.
struct Hashing<W> {
    inner: W,
    digest: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
