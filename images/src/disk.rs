//! The disk: an EFI system partition, two root slots (the second is empty), what is kept.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::layout::{DATA, DATA_SIZE, EMPTY, ESP_SIZE, FIRST, MIB, Release, SLOT_SIZE};
use crate::signing::Signer;
use crate::slot::Slot;
use crate::tool::{run, say, tool};
use crate::tree::Tree;

const LOADER: &str = "usr/lib/systemd/boot/efi/systemd-bootx64.efi";

/// How often a new kernel is tried before the one before it is started again.
pub const TRIES: u32 = 3;

/// Types of partitions (UEFI; Discoverable Partitions Specification).
const TYPE_ESP: &str = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";
const TYPE_ROOT: &str = "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709";
const TYPE_DATA: &str = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";

/// Writes `ringfence.raw` and `ringfence.qcow2`.
pub fn write(
    tree: &Tree,
    slot: &Slot,
    kernel: &Path,
    out: &Path,
    release: &Release,
    signer: &Signer,
) -> Result<()> {
    say("disk: partitions");
    let raw = out.join("ringfence.raw");
    let starts =
        [FIRST, FIRST + ESP_SIZE, FIRST + ESP_SIZE + SLOT_SIZE, FIRST + ESP_SIZE + 2 * SLOT_SIZE];
    let size = starts[3] + DATA_SIZE + MIB;
    let disk = File::create(&raw).with_context(|| format!("cannot write {}", raw.display()))?;
    disk.set_len(size).context("no room for the disk")?;
    partition(&raw, starts, out, release)?;
    let esp = esp(tree, kernel, out, release, signer)?;
    let data = data(out, release)?;
    for (content, start) in [(&esp, starts[0]), (&slot.file, starts[1]), (&data, starts[3])] {
        place(content, &raw, start)?;
    }
    say("disk: qcow2");
    let qcow2 = out.join("ringfence.qcow2");
    run(tool("qemu-img").args(["convert", "-c", "-O", "qcow2"]).arg(&raw).arg(&qcow2))?;
    let squeezed = fs::metadata(&qcow2).context("qemu-img wrote nothing")?.len();
    say(&format!(
        "{}: {} MiB; {}: {} MiB",
        raw.display(),
        size / MIB,
        qcow2.display(),
        squeezed.div_ceil(MIB)
    ));
    Ok(())
}

fn partition(raw: &Path, starts: [u64; 4], out: &Path, release: &Release) -> Result<()> {
    let line = |number: usize, size: u64, kind: &str, name: &str| {
        let uuid = release.uuid(&format!("partition {number}"));
        format!(
            "start={}, size={}, type={kind}, uuid={uuid}, name=\"{name}\"\n",
            starts[number] / 512,
            size / 512
        )
    };
    let script = [
        format!("label: gpt\nlabel-id: {}\n", release.uuid("disk")),
        line(0, ESP_SIZE, TYPE_ESP, "ringfence-esp"),
        line(1, SLOT_SIZE, TYPE_ROOT, &release.slot()),
        line(2, SLOT_SIZE, TYPE_ROOT, EMPTY),
        line(3, DATA_SIZE, TYPE_DATA, DATA),
    ];
    let file = out.join("partitions");
    fs::write(&file, script.concat()).context("cannot write the table of partitions")?;
    let script = File::open(&file).context("the table of partitions is gone")?;
    run(tool("sfdisk").arg("--quiet").arg(raw).stdin(script)).map(drop)
}

/// The boot loader, its settings and the kernel, as a FAT file system.
fn esp(
    tree: &Tree,
    kernel: &Path,
    out: &Path,
    release: &Release,
    signer: &Signer,
) -> Result<PathBuf> {
    let esp = out.join("esp");
    let file = File::create(&esp).context("cannot write the EFI system partition")?;
    file.set_len(ESP_SIZE).context("no room for the EFI system partition")?;
    let serial = release.uuid("esp")[..8].to_owned();
    run(tool("mkfs.vfat")
        .args(["-F", "32", "-n", "RINGFENCE", "--invariant", "-i", &serial])
        .arg(&esp))?;
    let loader = out.join("systemd-bootx64.efi");
    signer.sign(&tree.root().join(LOADER), &loader, release)?;
    let settings = out.join("loader.conf");
    fs::write(&settings, "timeout 0\neditor no\nauto-entries no\nauto-firmware no\n")
        .context("cannot write the boot loader's settings")?;
    let name = format!("ringfence-{}+{TRIES}.efi", release.version);
    let files: [(&Path, &str); 4] = [
        (&loader, "EFI/BOOT/BOOTX64.EFI"),
        (&loader, "EFI/systemd/systemd-bootx64.efi"),
        (&settings, "loader/loader.conf"),
        (kernel, &format!("EFI/Linux/{name}")),
    ];
    for directory in ["EFI", "EFI/BOOT", "EFI/systemd", "EFI/Linux", "loader", "ringfence"] {
        run(mtool("mmd", &esp, release).arg(format!("::{directory}")))?;
    }
    for (file, place) in files {
        touch(file, release)?;
        run(mtool("mcopy", &esp, release).arg("-m").arg(file).arg(format!("::{place}")))?;
    }
    Ok(esp)
}

fn mtool(name: &str, esp: &Path, release: &Release) -> std::process::Command {
    let mut command = tool(name);
    command.env("SOURCE_DATE_EPOCH", release.epoch.to_string()).env("TZ", "UTC");
    command.arg("-i").arg(esp);
    command
}

/// What is kept between boots: nothing yet.
fn data(out: &Path, release: &Release) -> Result<PathBuf> {
    let data = out.join("data");
    let file = File::create(&data).context("cannot write the data partition")?;
    file.set_len(DATA_SIZE).context("no room for the data partition")?;
    let mut mkfs = tool("mkfs.ext4");
    mkfs.env("E2FSPROGS_FAKE_TIME", release.epoch.to_string());
    mkfs.args(["-q", "-F", "-L", DATA, "-U", &release.uuid("data"), "-b", "4096", "-m", "1", "-E"]);
    mkfs.arg(format!(
        "hash_seed={},lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0",
        release.uuid("hash")
    ));
    run(mkfs.arg(&data))?;
    Ok(data)
}

fn touch(file: &Path, release: &Release) -> Result<()> {
    run(tool("touch").arg("--date").arg(format!("@{}", release.epoch)).arg(file)).map(drop)
}

fn place(content: &Path, disk: &Path, start: u64) -> Result<()> {
    let copy = || -> io::Result<()> {
        let mut disk = OpenOptions::new().write(true).open(disk)?;
        disk.seek(SeekFrom::Start(start))?;
        io::copy(&mut File::open(content)?, &mut disk)?;
        disk.sync_all()
    };
    copy().with_context(|| format!("cannot write {} into {}", content.display(), disk.display()))
}
