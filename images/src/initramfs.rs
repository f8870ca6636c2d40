//! The first root file system: opens the slot that its kernel belongs to, and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use vm::cpio::Archive;

use crate::layout::{DATA, Release};
use crate::slot::Slot;
use crate::tool::{run, tool};
use crate::tree::Tree;

/// What opens it (see `init`).
const INIT: &str = include_str!("init");

/// Disks that a server or a virtual machine may have, and what lies on them.
const MODULES: &[&str] = &[
    "virtio_pci",
    "virtio_blk",
    "virtio_scsi",
    "sd_mod",
    "nvme",
    "ahci",
    "ata_piix",
    "xhci_pci",
    "usb_storage",
    "uas",
    "mmc_block",
    "sdhci_pci",
    "megaraid_sas",
    "mpt3sas",
    "hpsa",
    "smartpqi",
    "aacraid",
    "vmw_pvscsi",
    "hv_storvsc",
    "xen_blkfront",
    "dm_verity",
    "squashfs",
    "overlay",
    "ext4",
    "crc32c_generic",
    "crc32c_intel",
];

/// Packs it, for the kernel to unpack.
pub fn pack(tree: &Tree, slot: &Slot, release: &Release) -> Result<Vec<u8>> {
    let mut archive = Archive::default();
    for directory in ["proc", "sys", "dev", "run", "root", "tmp"] {
        archive.directory(directory);
    }
    archive.file("init", INIT.as_bytes());
    archive.file("slot", release.slot().as_bytes());
    archive.file("data", DATA.as_bytes());
    archive.file("table", slot.table.as_bytes());
    for path in programs(tree)? {
        let content = fs::read(tree.root().join(path.strip_prefix("/")?));
        archive
            .file(&path.to_string_lossy(), &content.with_context(|| path.display().to_string())?);
    }
    let modules = tree.modules();
    let table = fs::read_to_string(modules.join("modules.dep")).context("no table of modules")?;
    let mut order = String::new();
    for module in vm::load_order(&table, MODULES) {
        let name = format!("/modules/{}", module.rsplit('/').next().unwrap_or_default());
        let content = fs::read(modules.join(&module)).with_context(|| module.clone())?;
        archive.file(&name, &content);
        order.extend([&name, "\n"]);
    }
    archive.file("order", order.as_bytes());
    Ok(archive.finish())
}

/// The programs that `init` runs, with what they are linked with.
fn programs(tree: &Tree) -> Result<BTreeSet<PathBuf>> {
    let dmsetup = Path::new("/sbin/dmsetup");
    let listed = run(tool("chroot").arg(tree.root()).arg("ldd").arg(dmsetup))?;
    let libraries = listed.split_whitespace().filter(|word| word.starts_with('/'));
    let mut all: BTreeSet<_> = libraries.map(PathBuf::from).collect();
    all.extend([dmsetup.to_owned(), "/bin/busybox".into()]);
    Ok(all)
}
