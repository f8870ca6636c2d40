//! The root file system: what is left of Debian, our programs, our settings, and the list of it all.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::layout::Release;
use crate::sbom;
use crate::signing::Signer;
use crate::tool::{run, say, tool};

/// Our programs, and where they go.
const PROGRAMS: &[(&str, &str)] = &[
    ("ringfence", "usr/bin"),
    ("ringfence-setup", "usr/bin"),
    ("ringfence-update", "usr/bin"),
    ("ringfence-datad", "usr/sbin"),
    ("ringfence-controld", "usr/sbin"),
    ("ringfence-legacytls", "usr/sbin"),
    ("ringfence-phone", "usr/bin"),
    ("ringfence-pktgen", "usr/bin"),
];

/// Drivers of what no appliance has.
const NO_DRIVERS: &[&str] = &[
    "sound",
    "drivers/gpu",
    "drivers/media",
    "drivers/staging",
    "drivers/net/wireless",
    "drivers/iio",
    "drivers/comedi",
    "drivers/infiniband",
    "drivers/isdn",
    "drivers/bluetooth",
    "net/bluetooth",
    "net/wireless",
    "net/mac80211",
    "drivers/hwmon",
    "drivers/input/touchscreen",
];

/// What the root file system has no use for: the kernel lies beside it, and packages are not
/// installed one by one.
const NOT_HERE: &[&str] = &[
    "boot",
    "var/cache/apt",
    "var/lib/apt",
    "var/log",
    "etc/machine-id",
    "etc/hostname",
    "etc/resolv.conf",
    "etc/ssh/ssh_host_rsa_key",
    "etc/ssh/ssh_host_rsa_key.pub",
    "etc/ssh/ssh_host_ecdsa_key",
    "etc/ssh/ssh_host_ecdsa_key.pub",
    "etc/ssh/ssh_host_ed25519_key",
    "etc/ssh/ssh_host_ed25519_key.pub",
];

/// The root file system as a directory.
pub struct Tree {
    root: PathBuf,
    kernel: PathBuf,
    kernel_version: String,
}

impl Tree {
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The kernel's own file.
    pub fn kernel(&self) -> &Path {
        &self.kernel
    }

    /// Where its modules are.
    pub fn modules(&self) -> PathBuf {
        self.root.join("usr/lib/modules").join(&self.kernel_version)
    }

    /// What is in it, as SPDX.
    pub fn sbom(&self) -> PathBuf {
        self.root.join("usr/share/ringfence/sbom.spdx.json")
    }
}

/// Unpacks the base into `dir` and makes the appliance's root of it.
pub fn assemble(
    base: &Path,
    programs: &Path,
    files: &Path,
    dir: &Path,
    release: &Release,
    signer: &Signer,
) -> Result<Tree> {
    say("root file system: our programs and settings");
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("cannot empty {}", dir.display()))?;
    }
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    run(tool("tar")
        .arg("--extract")
        .arg("--numeric-owner")
        .arg("--file")
        .arg(base)
        .arg("--directory")
        .arg(dir))?;
    let (kernel, kernel_version) = take_kernel(dir)?;
    for name in NOT_HERE {
        remove(&dir.join(name))?;
    }
    for name in NO_DRIVERS {
        remove(&dir.join("usr/lib/modules").join(&kernel_version).join("kernel").join(name))?;
    }
    run(tool("depmod").arg("--basedir").arg(dir).arg(&kernel_version))?;
    for (program, place) in PROGRAMS {
        install(&programs.join(program), &dir.join(place).join(program))?;
    }
    run(tool("cp")
        .args(["--recursive", "--no-dereference", "--preserve=mode,links"])
        .arg(files.join("."))
        .arg(dir))?;
    name_release(dir, release)?;
    let tree = Tree { root: dir.to_owned(), kernel, kernel_version };
    settle(&tree)?;
    sbom::write(&tree, release)?;
    // Whose updates it takes.
    fs::copy(signer.certificate(), dir.join("usr/share/ringfence/image.crt"))
        .context("cannot copy the certificate")?;
    Ok(tree)
}

/// The kernel goes beside the tree: it is loaded from elsewhere.
fn take_kernel(dir: &Path) -> Result<(PathBuf, String)> {
    let boot = fs::read_dir(dir.join("boot")).context("the base has no /boot")?;
    let names = boot.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let version = names.filter_map(|name| name.strip_prefix("vmlinuz-").map(str::to_owned)).max();
    let version = version.context("the base has no kernel")?;
    let kernel = dir.with_extension("vmlinuz");
    fs::copy(dir.join("boot").join(format!("vmlinuz-{version}")), &kernel)
        .context("cannot copy the kernel")?;
    Ok((kernel, version))
}

fn install(program: &Path, place: &Path) -> Result<()> {
    ensure!(program.is_file(), "{} is not there: build it first", program.display());
    run(tool("install").args(["-D", "--strip", "--mode=755"]).arg(program).arg(place)).map(drop)
}

fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() && !path.is_symlink() {
        fs::remove_dir_all(path)
    } else if path.exists() || path.is_symlink() {
        fs::remove_file(path)
    } else {
        return Ok(());
    };
    removed.with_context(|| format!("cannot remove {}", path.display()))
}

/// Says in `os-release` whose system this is.
fn name_release(dir: &Path, release: &Release) -> Result<()> {
    let version = &release.version;
    let text = format!(
        "NAME=\"ringfence\"\nPRETTY_NAME=\"ringfence appliance {version}\"\nID=ringfence\nID_LIKE=debian\n\
         VERSION_ID={version}\nIMAGE_ID=ringfence\nIMAGE_VERSION={version}\n"
    );
    fs::write(dir.join("usr/lib/os-release"), text).context("cannot write os-release")
}

/// What systemd and the account files need to be told once, when the tree is whole.
fn settle(tree: &Tree) -> Result<()> {
    let root = tree.root();
    for name in ["boot", "efi", "data", "var/log", "proc", "sys", "dev", "run", "tmp"] {
        fs::create_dir_all(root.join(name)).with_context(|| format!("cannot make /{name}"))?;
    }
    // No clock is believed that says less than when this was built.
    fs::write(root.join("usr/lib/clock-epoch"), "").context("cannot write clock-epoch")?;
    // Empty: systemd makes one at the first boot.
    fs::write(root.join("etc/machine-id"), "uninitialized\n").context("cannot write machine-id")?;
    let resolved = root.join("etc/resolv.conf");
    std::os::unix::fs::symlink("../run/systemd/resolve/stub-resolv.conf", resolved)
        .context("cannot point to the resolver")?;
    run(tool("systemd-sysusers").arg("--root").arg(root))?;
    run(tool("systemctl").arg("--root").arg(root).arg("preset-all"))?;
    run(tool("chroot").arg(root).args(["passwd", "--lock", "root"])).map(drop)
}
