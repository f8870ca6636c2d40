//! Putting a bundle onto a disk.

use std::io::{self, Read, Seek, SeekFrom, Write};

use openssl::x509::X509;
use sha2::{Digest, Sha256};

use crate::Version;
use crate::bundle::{self, BundleError, Manifest, Part};
use crate::place::{Place, Slot};

/// Largest kernel: both versions have to fit beside each other.
const MOST_KERNEL: u64 = 100 << 20;

/// Octets copied at a time.
const CHUNK: usize = 1 << 20;

/// Why an update does not happen. The appliance is as it was, but for an empty slot.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The bundle cannot be used.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// It is not newer than what runs.
    #[error(
        "version {offered} is not newer than {running}, which runs; older versions are refused"
    )]
    NotNewer {
        /// In the bundle.
        offered: Version,
        /// Running.
        running: Version,
    },
    /// It does not fit.
    #[error("{what} has {size} octets, of which {fits} fit")]
    TooLarge {
        /// Which part.
        what: &'static str,
        /// Of the part.
        size: u64,
        /// Of the place.
        fits: u64,
    },
    /// A part is not what the manifest says.
    #[error("{0} of the update is damaged: fetch it again")]
    Damaged(&'static str),
    /// What was written is not what is read.
    #[error("the disk gives back something else than was written: replace it")]
    Disk,
    /// There is no second slot.
    #[error("there is no slot beside the one that runs")]
    NoSlot,
    /// Reading or writing fails.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Installs. `progress` hears how many octets of the root are written.
pub fn install(
    from: &mut impl Read,
    certificate: &X509,
    place: &mut impl Place,
    mut progress: impl FnMut(u64, u64),
) -> Result<Version, InstallError> {
    let manifest = bundle::open(from, certificate)?;
    let slot = choose(&manifest, place)?;
    let kernel = kernel(from, &manifest.kernel)?;

    // From here on the slot is nobody's, until it is whole.
    place.label(slot.number, None)?;
    let running = place.running();
    place.keep_kernels(&[running])?;
    let root = &manifest.root;
    {
        let mut to = place.open(slot.number)?;
        let written = copy(from, &mut to, root.size, |done| progress(done, root.size))?;
        if written != root.sha256 {
            return Err(InstallError::Damaged("the root"));
        }
    }
    place.flush(slot.number)?;
    let mut back = place.open(slot.number)?;
    back.seek(SeekFrom::Start(0))?;
    if copy(&mut back, &mut io::sink(), root.size, |_| ())? != root.sha256 {
        return Err(InstallError::Disk);
    }
    drop(back);
    place.label(slot.number, Some(manifest.version))?;
    place.add_kernel(manifest.version, &kernel)?;
    Ok(manifest.version)
}

fn choose(manifest: &Manifest, place: &impl Place) -> Result<Slot, InstallError> {
    let (offered, running) = (manifest.version, place.running());
    if offered <= running {
        return Err(InstallError::NotNewer { offered, running });
    }
    let slots = place.slots()?;
    let other = slots.into_iter().find(|slot| slot.version != Some(running));
    let slot = other.ok_or(InstallError::NoSlot)?;
    let fits = |what, part: &Part, fits| {
        let too_large = InstallError::TooLarge { what, size: part.size, fits };
        if part.size <= fits { Ok(()) } else { Err(too_large) }
    };
    fits("the root", &manifest.root, slot.size)?;
    fits("the kernel", &manifest.kernel, MOST_KERNEL)?;
    Ok(slot)
}

fn kernel(from: &mut impl Read, part: &Part) -> Result<Vec<u8>, InstallError> {
    let mut kernel = Vec::new();
    if copy(from, &mut kernel, part.size, |_| ())? == part.sha256 {
        Ok(kernel)
    } else {
        Err(InstallError::Damaged("the kernel"))
    }
}

/// Copies so many octets; gives their SHA-256.
fn copy(
    from: &mut impl Read,
    to: &mut impl Write,
    size: u64,
    mut progress: impl FnMut(u64),
) -> io::Result<String> {
    let (mut hash, mut left) = (Sha256::new(), size);
    let mut chunk = vec![0; CHUNK];
    while left > 0 {
        let len = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
        from.read_exact(&mut chunk[..len])?;
        hash.update(&chunk[..len]);
        to.write_all(&chunk[..len])?;
        left -= len as u64;
        progress(size - left);
    }
    Ok(hex(&hash.finalize()))
}

/// SHA-256 as a manifest has it.
pub fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
