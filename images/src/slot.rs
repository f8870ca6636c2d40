//! One root partition: a file system that is only read, and the tree of hashes that each of its
//! blocks is checked by when it is read (dm-verity).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::layout::{MIB, Release, SLOT_SIZE};
use crate::tool::{run, say, tool};
use crate::tree::Tree;

/// Octets of a block, of data and of hashes.
const BLOCK: u64 = 4096;

/// The partition's content and what proves it.
pub struct Slot {
    /// The file system with the tree of hashes behind it.
    pub file: PathBuf,
    /// What the device mapper is told, with `@` where the partition's device belongs.
    pub table: String,
}

/// Packs the tree.
pub fn seal(tree: &Tree, dir: &Path, release: &Release) -> Result<Slot> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let file = dir.join("root");
    if file.exists() {
        fs::remove_file(&file).context("cannot replace the root partition")?;
    }
    say("root partition: squashfs");
    let epoch = release.epoch.to_string();
    let mut mksquashfs = tool("mksquashfs");
    mksquashfs.arg(tree.root()).arg(&file).args(["-noappend", "-no-progress", "-quiet"]);
    mksquashfs.args(["-comp", "zstd", "-Xcompression-level", "15", "-b", "256K", "-no-exports"]);
    run(mksquashfs.args(["-mkfs-time", &epoch, "-all-time", &epoch]))?;

    say("root partition: hashes");
    let size = fs::metadata(&file).context("no root partition was written")?.len();
    ensure!(size % BLOCK == 0, "squashfs is not padded to blocks");
    let salt = release.uuid("salt").replace('-', "");
    let mut veritysetup = tool("veritysetup");
    veritysetup.arg("format").arg(&file).arg(&file).arg(format!("--hash-offset={size}"));
    veritysetup.arg(format!("--salt={salt}")).arg(format!("--uuid={}", release.uuid("verity")));
    let told = run(veritysetup
        .args(["--data-block-size=4096", "--hash-block-size=4096", "--hash=sha256"])
        .arg(format!("--data-blocks={}", size / BLOCK)))?;
    let root_hash = told.lines().find_map(|line| line.strip_prefix("Root hash:"));
    let root_hash = root_hash.context("veritysetup gives no root hash")?.trim().to_owned();

    let sealed = fs::metadata(&file).context("the root partition is gone")?.len();
    ensure!(
        sealed <= SLOT_SIZE,
        "the root partition has {} MiB; a slot has {} MiB",
        sealed.div_ceil(MIB),
        SLOT_SIZE / MIB
    );
    // The first block behind the data is veritysetup's header; the hashes come after it.
    let (blocks, sectors) = (size / BLOCK, size / 512);
    let first_hash = blocks + 1;
    let table = format!(
        "0 {sectors} verity 1 @ @ {BLOCK} {BLOCK} {blocks} {first_hash} sha256 {root_hash} {salt} \
         1 panic_on_corruption"
    );
    Ok(Slot { file, table })
}
