//! The machine's root file system: a shell, programs of this machine with what they are linked with,
//! modules of the kernel.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cpio::Archive;

/// What stands in front of a command's status.
pub(crate) const MARK: &str = "%%";
/// What stands there when the machine takes commands.
pub(crate) const READY: &str = "ready";

/// What every machine has.
const PROGRAMS: [&str; 3] = ["/bin/busybox", "/sbin/ip", "/usr/bin/perl"];
/// Its network card.
const MODULES: [&str; 2] = ["virtio_pci", "virtio_net"];

/// The first program: brings modules up, then takes commands until `END`, and says how they ended.
const INIT: &str = r#"#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
stty raw -echo < /dev/ttyS0
for module in $(cat /modules); do insmod $module; done
echo '%%ready'
while true; do
    script=
    while read -r line && [ "$line" != END ]; do script="$script$line
"; done
    eval "$script" 2>&1
    echo "%%$?"
done
"#;

/// What a machine starts with: busybox as its shell, `ip`, perl, and what is added.
pub struct Root {
    kernel: String,
    programs: Vec<PathBuf>,
    modules: Vec<String>,
    files: Vec<(String, Vec<u8>)>,
}

impl Default for Root {
    fn default() -> Self {
        Self::new()
    }
}

impl Root {
    /// With the newest kernel of this machine.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn new() -> Self {
        Self {
            kernel: newest_kernel(),
            programs: PROGRAMS.map(PathBuf::from).to_vec(),
            modules: MODULES.map(str::to_owned).to_vec(),
            files: Vec::new(),
        }
    }

    /// Adds modules, and those that they need. What this kernel has built in is left out.
    #[must_use]
    pub fn modules(mut self, names: &[&str]) -> Self {
        self.modules.extend(names.iter().map(|name| (*name).to_owned()));
        self
    }

    /// Adds a program or a library, and what it is linked with.
    #[must_use]
    pub fn program(mut self, path: impl Into<PathBuf>) -> Self {
        self.programs.push(path.into());
        self
    }

    /// Adds a file.
    #[must_use]
    pub fn file(mut self, name: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.to_owned(), content.into()));
        self
    }

    pub(crate) fn kernel(&self) -> &str {
        &self.kernel
    }

    pub(crate) fn archive(&self) -> Vec<u8> {
        let mut archive = Archive::default();
        for directory in ["proc", "sys", "dev", "tmp", "bin", "run"] {
            archive.directory(directory);
        }
        archive.file("init", INIT.as_bytes());
        for (name, content) in &self.files {
            archive.file(name, content);
        }
        let libraries = self.programs.iter().flat_map(|program| libraries(program));
        let all: BTreeSet<_> = self.programs.iter().cloned().chain(libraries).collect();
        for path in all {
            let content = fs::read(&path).unwrap_or_else(|error| {
                panic!("{}: {error}; `cargo xtask setup --for test` installs it", path.display())
            });
            archive.file(&path.to_string_lossy(), &content);
        }
        let mut order = String::new();
        let table = fs::read_to_string(modules(&self.kernel).join("modules.dep"));
        let table = table.expect("a kernel was chosen that has the table");
        for module in load_order(&table, &self.modules) {
            let name = format!("/modules.d/{}", module.rsplit('/').next().unwrap_or_default());
            let content = fs::read(modules(&self.kernel).join(&module));
            archive.file(&name, &content.expect("the table of modules lists files"));
            order.extend([&name, "\n"]);
        }
        archive.file("modules", order.as_bytes());
        archive.finish()
    }
}

/// Modules in the order in which they can be loaded: each behind those it needs. `table` is the
/// kernel's `modules.dep`; what is not in it is built in, and left out.
pub fn load_order(table: &str, wanted: &[impl AsRef<str>]) -> Vec<String> {
    let mut order: Vec<String> = Vec::new();
    for wanted in wanted {
        let line = table.lines().find(|line| {
            let path = line.split(':').next().unwrap_or_default();
            let file = path.rsplit('/').next().unwrap_or_default();
            // A module's name has underscores where its file's name may have dashes.
            let name = file.strip_suffix(".ko").map(|name| name.replace('-', "_"));
            name == Some(wanted.as_ref().replace('-', "_"))
        });
        let Some((module, needs)) = line.and_then(|line| line.split_once(':')) else {
            continue;
        };
        // The table lists what is needed last first.
        for module in needs.split_whitespace().rev().chain([module]) {
            if !order.iter().any(|known| known == module) {
                order.push(module.to_owned());
            }
        }
    }
    order
}

/// The version of a kernel that is installed with its modules.
fn newest_kernel() -> String {
    let versions: BTreeSet<_> = fs::read_dir("/boot")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_prefix("vmlinuz-").map(str::to_owned))
        .filter(|version| modules(version).join("modules.dep").exists())
        .collect();
    versions.into_iter().next_back().expect(
        "no kernel under /boot; `cargo xtask setup --for test` installs linux-image-cloud-amd64",
    )
}

fn modules(version: &str) -> PathBuf {
    Path::new("/lib/modules").join(version)
}

/// What a program is linked with; nothing if it is static.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let output = Command::new("ldd").arg(program).output().expect("ldd is part of the C library");
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    output.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}
