//! Debian packages: the second way to install the daemons, and the only one for the tools.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::layout::Release;
use crate::tool::{run, say, tool};

struct Package {
    name: &'static str,
    about: &'static str,
    /// What it is, a line each.
    details: &'static [&'static str],
    /// Besides libraries, which are found.
    recommends: &'static str,
    programs: &'static [(&'static str, &'static str)],
    files: &'static [&'static str],
    after_install: Option<&'static str>,
}

const PACKAGES: [Package; 2] = [
    Package {
        name: "ringfence",
        about: "media and signalling security gateway for telephony",
        details: &[
            "An SRTP relay on XDP under MGCP command, and the security system of a",
            "CallManager estate around it: trust lists signed by security tokens,",
            "certificates for telephones, signalling over TLS.",
        ],
        recommends: "chrony, charon-systemd, ethtool, strongswan-swanctl",
        programs: &[
            ("ringfence", "usr/bin"),
            ("ringfence-datad", "usr/sbin"),
            ("ringfence-controld", "usr/sbin"),
            ("ringfence-legacytls", "usr/sbin"),
        ],
        files: &[
            "usr/lib/systemd/system/ringfence-controld.service",
            "usr/lib/systemd/system/ringfence-datad.service",
            "usr/lib/systemd/system/ringfence-legacytls.service",
            "usr/lib/systemd/system/ringfence-tuning.service",
            "usr/lib/sysusers.d/ringfence.conf",
            "usr/lib/tmpfiles.d/ringfence.conf",
        ],
        after_install: Some(AFTER_INSTALL),
    },
    Package {
        name: "ringfence-tools",
        about: "telephones and load for ringfence",
        details: &[
            "Emulates Cisco 79xx telephones, one or ten thousand, from their first file",
            "to a secure call, and makes RTP and SRTP at measured rates.",
        ],
        recommends: "ringfence",
        programs: &[("ringfence-phone", "usr/bin"), ("ringfence-pktgen", "usr/bin")],
        files: &[],
        after_install: None,
    },
];

/// The units are not started: they want `/etc/ringfence/ringfence.toml` first.
const AFTER_INSTALL: &str = "#!/bin/sh
set -e
if [ \"$1\" = configure ]; then
    systemd-sysusers ringfence.conf
    systemd-tmpfiles --create ringfence.conf || true
    if [ -d /run/systemd/system ]; then
        systemctl daemon-reload
    fi
fi
exit 0
";

const COPYRIGHT: &str = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: ringfence

Files: *
Copyright: the ringfence maintainers
License: Apache-2.0
 On Debian systems the full text is in /usr/share/common-licenses/Apache-2.0.
 The MIT licence may be chosen instead.
";

/// Writes one `.deb` each; gives their files.
pub fn write(programs: &Path, files: &Path, out: &Path, release: &Release) -> Result<Vec<PathBuf>> {
    let write = |package: &Package| {
        say(&format!("package {} {}", package.name, release.version));
        write_one(package, (programs, files), out, release)
            .with_context(|| format!("cannot make the package {}", package.name))
    };
    PACKAGES.iter().map(write).collect()
}

fn write_one(
    package: &Package,
    (programs, files): (&Path, &Path),
    out: &Path,
    release: &Release,
) -> Result<PathBuf> {
    let root = out.join("deb").join(package.name);
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    for (program, place) in package.programs {
        let from = programs.join(program);
        ensure!(from.is_file(), "{} is not there: build it first", from.display());
        let mut install = tool("install");
        install.args(["-D", "--strip", "--mode=755"]);
        run(install.arg(from).arg(root.join(place).join(program)))?;
    }
    for file in package.files {
        run(tool("install").args(["-D", "--mode=644"]).arg(files.join(file)).arg(root.join(file)))?;
    }
    document(package, &root, release)?;
    let needs = libraries(package, &root, out)?;
    control(package, &root, &needs, release)?;
    let file = out.join(format!("{}_{}_amd64.deb", package.name, release.version));
    let mut build = tool("dpkg-deb");
    build.env("SOURCE_DATE_EPOCH", release.epoch.to_string());
    run(build.args(["--root-owner-group", "--build"]).arg(&root).arg(&file))?;
    Ok(file)
}

fn document(package: &Package, root: &Path, release: &Release) -> Result<()> {
    let doc = root.join("usr/share/doc").join(package.name);
    fs::create_dir_all(&doc)?;
    fs::write(doc.join("copyright"), COPYRIGHT)?;
    let date = run(tool("date")
        .args(["--utc", "--rfc-email", "--date"])
        .arg(format!("@{}", release.epoch)))?;
    let log = doc.join("changelog");
    let text = format!(
        "{} ({}) unstable; urgency=medium\n\n  * See the history of the sources.\n\n -- {MAINTAINER}  {date}",
        package.name, release.version
    );
    fs::write(&log, text)?;
    run(tool("gzip").args(["--best", "--no-name"]).arg(&log)).map(drop)
}

const MAINTAINER: &str = "ringfence maintainers <maintainers@ringfence.invalid>";

/// The packages of the libraries that its programs are linked with.
fn libraries(package: &Package, root: &Path, out: &Path) -> Result<String> {
    let desk = out.join("deb/desk");
    fs::create_dir_all(desk.join("debian"))?;
    fs::write(
        desk.join("debian/control"),
        "Source: ringfence\n\nPackage: ringfence\nArchitecture: amd64\n",
    )?;
    let mut shlibdeps = tool("dpkg-shlibdeps");
    shlibdeps.current_dir(&desk).arg("-O");
    let root = root.canonicalize()?;
    for (program, place) in package.programs {
        shlibdeps.arg("-e").arg(root.join(place).join(program));
    }
    let told = run(&mut shlibdeps)?;
    let needs = told.trim().strip_prefix("shlibs:Depends=");
    Ok(needs.context("dpkg-shlibdeps finds no libraries")?.to_owned())
}

fn control(package: &Package, root: &Path, needs: &str, release: &Release) -> Result<()> {
    let size = run(tool("du").args(["--summarize", "--block-size=1024"]).arg(root))?;
    let size = size.split_whitespace().next().unwrap_or_default().to_owned();
    let details: String = package.details.iter().map(|line| format!(" {line}\n")).collect();
    let text = format!(
        "Package: {}\nVersion: {}\nArchitecture: amd64\nMaintainer: {MAINTAINER}\nSection: comm\n\
         Priority: optional\nInstalled-Size: {size}\nDepends: {needs}\nRecommends: {}\n\
         Description: {}\n{details}",
        package.name, release.version, package.recommends, package.about
    );
    let debian = root.join("DEBIAN");
    fs::create_dir_all(&debian)?;
    fs::write(debian.join("control"), text)?;
    if let Some(script) = package.after_install {
        let file = debian.join("postinst");
        fs::write(&file, script)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}
