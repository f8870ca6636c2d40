//! The image as an update for appliances that run.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use openssl::pkey::PKey;
use sha2::{Digest, Sha256};
use update::bundle::{Manifest, Part, seal};
use update::install::hex;

use crate::layout::Release;
use crate::signing::Signer;
use crate::slot::Slot;
use crate::tool::say;

/// Writes `ringfence.update`.
pub fn write(
    slot: &Slot,
    kernel: &Path,
    out: &Path,
    release: &Release,
    signer: &Signer,
) -> Result<()> {
    say("update: signed");
    let key = fs::read(signer.key()).context("cannot read the key")?;
    let key = PKey::private_key_from_pem(&key).context("the key is no key")?;
    let manifest = Manifest {
        version: release.version.parse()?,
        kernel: part(kernel)?,
        root: part(&slot.file)?,
    };
    let file = File::create(out.join("ringfence.update")).context("cannot write the update")?;
    let mut to = BufWriter::new(file);
    seal(&mut to, &manifest, &key).context("cannot sign the update")?;
    for file in [kernel, &slot.file] {
        let copied = File::open(file).and_then(|mut from| io::copy(&mut from, &mut to));
        copied.with_context(|| format!("cannot copy {}", file.display()))?;
    }
    to.flush().context("cannot write the update")
}

fn part(file: &Path) -> Result<Part> {
    let content = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(Part { size: content.len() as u64, sha256: hex(&Sha256::digest(&content)) })
}
