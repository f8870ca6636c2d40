//! Debian, from its packages.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::layout::Release;
use crate::tool::{run, say, tool};

const SUITE: &str = "bookworm";

/// What the appliance needs of Debian, and what for.
const PACKAGES: &[(&str, &str)] = &[
    ("linux-image-amd64", "the kernel, with the drivers of servers' network cards"),
    ("busybox-static", "opens the root partition before there is one"),
    ("dmsetup", "does so too"),
    ("systemd-sysv", "starts everything"),
    ("systemd-boot", "chooses the kernel, and counts failed starts"),
    ("systemd-resolved", "names"),
    ("udev", "devices"),
    ("dbus", "what networkctl and timedatectl speak"),
    ("chrony", "the time, which certificates depend on"),
    ("nftables", "the firewall"),
    ("openssh-server", "administration from afar; off until it is switched on"),
    ("charon-systemd", "IKE"),
    ("strongswan-swanctl", "its configuration"),
    ("libstrongswan-standard-plugins", "its ciphers"),
    ("libcharon-extra-plugins", "its other half"),
    ("libssl3", "TLS of old telephones; signatures"),
    ("libpcsclite1", "security tokens"),
    ("opensc-pkcs11", "security tokens"),
    ("ca-certificates", "certification authorities"),
    ("sudo", "the administrator's way to become root"),
    ("iproute2", "the network, by hand"),
    ("iputils-ping", "the network, by hand"),
    ("ethtool", "queues and offloads of network cards"),
    ("e2fsprogs", "the data partition"),
    ("dosfstools", "the EFI system partition"),
    ("fdisk", "names the slots"),
    ("kmod", "modules"),
    ("less", "reading"),
    ("nano", "writing"),
];

/// Left out of every package. Licences stay.
const WITHOUT: &[&str] = &[
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/doc/*",
    "/usr/share/lintian/*",
];
const BUT: &str = "/usr/share/doc/*/copyright";

/// The archive of a root file system with these packages. It is kept: who wants newer packages
/// deletes it.
pub fn fetch(release: &Release, dir: &Path) -> Result<PathBuf> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let archive = dir.join(format!("{SUITE}.tar"));
    let list = dir.join("packages");
    let names: Vec<_> = PACKAGES.iter().map(|(name, _)| *name).collect();
    let wanted = names.join(",");
    if archive.is_file() && fs::read_to_string(&list).is_ok_and(|had| had == wanted) {
        return Ok(archive);
    }
    say(&format!("{} packages and what they need, from Debian {SUITE}", PACKAGES.len()));
    let unfinished = dir.join("unfinished.tar");
    let mut mmdebstrap = tool("mmdebstrap");
    mmdebstrap.env("SOURCE_DATE_EPOCH", release.epoch.to_string());
    // dpkg's triggers would make initial file systems that nobody boots from.
    mmdebstrap.env("INITRD", "No");
    mmdebstrap.args(["--mode=root", "--variant=minbase", "--quiet"]);
    mmdebstrap.arg(format!("--include={wanted}"));
    for path in WITHOUT {
        mmdebstrap.arg(format!("--dpkgopt=path-exclude={path}"));
    }
    mmdebstrap.arg(format!("--dpkgopt=path-include={BUT}"));
    run(mmdebstrap.arg(SUITE).arg(&unfinished))?;
    fs::rename(&unfinished, &archive).context("cannot keep the base")?;
    fs::write(&list, wanted).context("cannot keep the list of packages")?;
    Ok(archive)
}
