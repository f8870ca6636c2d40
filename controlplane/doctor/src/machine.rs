//! A machine as its files and two of its programs tell it. Tests bring a recorded one.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use netdev::{Features, Netdev};

/// What can be asked of a machine, and set.
pub trait Machine {
    /// The content of a file below `/`, without the line's end.
    fn read(&self, path: &str) -> Option<String>;

    /// Names in a directory, sorted; none where there is no such directory.
    fn list(&self, path: &str) -> Vec<String>;

    /// The last name of what a symbolic link leads to.
    fn link(&self, path: &str) -> Option<String>;

    /// What the kernel says of an interface's XDP; `None` before Linux 6.3.
    fn features(&self, interface: u32) -> Option<Features>;

    /// What a program prints; `None` if it fails or is not installed.
    fn run(&self, program: &str, args: &[&str]) -> Option<String>;

    /// Writes a setting of the kernel.
    fn write(&mut self, path: &str, value: &str) -> io::Result<()>;

    /// Has a program change something.
    fn change(&mut self, program: &str, args: &[&str]) -> io::Result<()>;
}

/// What can be done at run time. It is gone with the next start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// A setting of the kernel, a file below `/`.
    Write {
        /// Without the first slash.
        path: String,
        /// What goes in.
        value: String,
    },
    /// A program that changes a setting.
    Run {
        /// Its name.
        program: &'static str,
        /// What it is told.
        args: Vec<String>,
    },
}

impl Remedy {
    /// Does it.
    pub fn apply(&self, machine: &mut dyn Machine) -> io::Result<()> {
        match self {
            Self::Write { path, value } => machine.write(path, value),
            Self::Run { program, args } => {
                let args: Vec<_> = args.iter().map(String::as_str).collect();
                machine.change(program, &args)
            }
        }
    }
}

/// As one would type it.
impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write { path, value } => write!(f, "echo {value} > /{path}"),
            Self::Run { program, args } => write!(f, "{program} {}", args.join(" ")),
        }
    }
}

/// The machine that this runs on.
pub struct ThisMachine {
    root: PathBuf,
    netdev: Option<Netdev>,
}

impl ThisMachine {
    /// The whole of it.
    #[expect(clippy::new_without_default, reason = "there is nothing default about a machine")]
    pub fn new() -> Self {
        Self { root: PathBuf::from("/"), netdev: Netdev::open().ok() }
    }
}

impl Machine for ThisMachine {
    fn read(&self, path: &str) -> Option<String> {
        let text = fs::read_to_string(self.root.join(path)).ok()?;
        Some(text.trim_end().to_owned())
    }

    fn list(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.root.join(path)).into_iter().flatten();
        let mut names: Vec<_> =
            entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    fn link(&self, path: &str) -> Option<String> {
        let target = fs::read_link(self.root.join(path)).ok()?;
        Some(Path::new(&target).file_name()?.to_string_lossy().into_owned())
    }

    fn features(&self, interface: u32) -> Option<Features> {
        self.netdev.as_ref()?.features(interface).ok()
    }

    fn run(&self, program: &str, args: &[&str]) -> Option<String> {
        let output = Command::new(program).args(args).stdin(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn write(&mut self, path: &str, value: &str) -> io::Result<()> {
        fs::write(self.root.join(path), value)
    }

    fn change(&mut self, program: &str, args: &[&str]) -> io::Result<()> {
        let output = Command::new(program).args(args).stdin(Stdio::null()).output()?;
        match output.status.success() {
            true => Ok(()),
            false => {
                Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
            }
        }
    }
}
