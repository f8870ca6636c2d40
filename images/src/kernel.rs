//! One file that UEFI starts: the kernel, its first root file system and its command line, signed
//! together, so that none of them can be exchanged.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::layout::Release;
use crate::signing::Signer;
use crate::tool::{run, say, tool};
use crate::tree::Tree;

const STUB: &str = "usr/lib/systemd/boot/efi/linuxx64.efi.stub";

/// What the kernel is told. Who sits at the console cannot add to it.
const COMMAND_LINE: &str = "console=tty0 console=ttyS0,115200 quiet panic=10 ro \
    systemd.volatile=no lockdown=integrity module.sig_enforce=1 random.trust_cpu=on";

/// Makes and signs it.
pub fn unify(
    tree: &Tree,
    initramfs: &[u8],
    dir: &Path,
    release: &Release,
    signer: &Signer,
) -> Result<PathBuf> {
    say("kernel: unified and signed");
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let part = |name: &str| dir.join(name);
    fs::write(part("initramfs"), initramfs).context("cannot write the initramfs")?;
    fs::write(part("cmdline"), COMMAND_LINE).context("cannot write the command line")?;
    let stub = tree.root().join(STUB);
    let sections = [
        (".osrel", tree.root().join("usr/lib/os-release")),
        (".cmdline", part("cmdline")),
        (".initrd", part("initramfs")),
        (".linux", tree.kernel().to_owned()),
    ];
    let mut address = behind(&stub)?;
    let mut objcopy = tool("objcopy");
    for (name, file) in &sections {
        objcopy.arg("--add-section").arg(format!("{name}={}", file.display()));
        objcopy.arg("--change-section-vma").arg(format!("{name}={address:#x}"));
        let size = fs::metadata(file).with_context(|| file.display().to_string())?.len();
        address = (address + size).next_multiple_of(PAGE);
    }
    let unsigned = part("unsigned.efi");
    run(objcopy.arg(&stub).arg(&unsigned))?;
    set_time(&unsigned, release.epoch)?;
    let unified = part(&format!("ringfence-{}.efi", release.version));
    signer.sign(&unsigned, &unified, release)?;
    Ok(unified)
}

/// Makes a PE file bear this time instead of that of its making. Nobody looks at its checksum, which
/// is left out.
fn set_time(program: &Path, epoch: u64) -> Result<()> {
    let mut octets = fs::read(program).context("cannot read the kernel")?;
    let header = octets.get(0x3c..0x40).and_then(|at| at.try_into().ok()).map(u32::from_le_bytes);
    let header = header.map_or(usize::MAX, |at| at as usize);
    let time = (epoch as u32).to_le_bytes();
    for (at, value) in [(8, time), (24 + 64, [0; 4])] {
        let place = header.checked_add(at).and_then(|at| octets.get_mut(at..at + 4));
        place.context("the kernel is no PE file")?.copy_from_slice(&value);
    }
    fs::write(program, octets).context("cannot write the kernel")
}

/// Sections begin at pages.
const PAGE: u64 = 4096;

/// The first page behind all sections of a program.
fn behind(program: &Path) -> Result<u64> {
    let table = run(tool("objdump").args(["--section-headers", "--wide"]).arg(program))?;
    let ends = table.lines().filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        words.first()?.parse::<u32>().ok()?;
        let size = u64::from_str_radix(words.get(2)?, 16).ok()?;
        let address = u64::from_str_radix(words.get(3)?, 16).ok()?;
        Some(address + size)
    });
    let end = ends.max().with_context(|| format!("{} has no sections", program.display()))?;
    Ok(end.next_multiple_of(PAGE))
}
