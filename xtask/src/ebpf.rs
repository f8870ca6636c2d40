//! Builds the BPF objects into `target/bpf/`.
//!
//! The BPF target needs a standard library of its own (`-Z build-std`) and a linker that knows LLVM
//! bitcode. Two toolchains have them: Debian's `rustc-web` with `rust-web-src`, and a rustup nightly
//! with `rust-src`. The linker is `bpf-linker`, which `setup` puts into `target/tools`.

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{self, Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell;

const TARGET: &str = "bpfel-unknown-none";

/// Object files, and what they are called when built.
const OBJECTS: [&str; 2] = ["ringfence-xdp", "ringfence-lab"];

/// Debian's rustc, beside the one of rustup.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// Where `rust-web-src` puts the sources of the standard library.
const DEBIAN_SOURCES: &str = "/usr/lib/rustlib/src/rust/library";

/// Builds all objects if a source has changed since the last time, and returns the directory they
/// are in.
pub fn build() -> Result<PathBuf> {
    let root = shell::root();
    let target = path::absolute(shell::target_dir())?;
    let output = target.join("bpf");
    let stamp = output.join("sources");
    let sources = fingerprint(&root.join("ebpf"))?;
    if fs::read_to_string(&stamp).is_ok_and(|built| built == sources) {
        return Ok(output);
    }

    shell::say("building the BPF objects");
    let build_directory = target.join("ebpf");
    compile(&root.join("ebpf/programs"), &build_directory, &linker_path(&target)?)?;
    fs::create_dir_all(&output)?;
    for object in OBJECTS {
        let built = build_directory.join(TARGET).join("release").join(object);
        let to = output.join(object).with_extension("o");
        fs::copy(&built, &to)
            .with_context(|| format!("copying {} to {}", built.display(), to.display()))?;
    }
    fs::write(stamp, sources)?;
    Ok(output)
}

fn compile(programs: &Path, build_directory: &Path, path: &OsString) -> Result<()> {
    let mut cargo = toolchain()?;
    cargo
        .args(["build", "--quiet", "--locked", "--release"])
        .args(["-Z", "build-std=core", "--target", TARGET])
        .current_dir(programs)
        .env("CARGO_TARGET_DIR", build_directory)
        .env("PATH", path)
        .env("RUSTFLAGS", "-C debuginfo=2 -C link-arg=--btf");
    // What cargo told this process about another build.
    for variable in ["CARGO", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"]
    {
        cargo.env_remove(variable);
    }
    shell::run(&mut cargo).context("the BPF objects do not build")
}

/// Cargo with a compiler that can build the standard library for BPF.
fn toolchain() -> Result<Command> {
    if Path::new(DEBIAN_RUSTC).exists() && Path::new(DEBIAN_SOURCES).exists() {
        let mut cargo = shell::cargo();
        cargo.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
        return Ok(cargo);
    }
    if nightly_has_sources() {
        let mut cargo = Command::new("rustup");
        cargo.args(["run", "nightly", "cargo"]).env_remove("RUSTC").env_remove("RUSTUP_TOOLCHAIN");
        return Ok(cargo);
    }
    bail!(
        "no toolchain can build for BPF: neither Debian's rustc-web with rust-web-src nor a rustup \
         nightly with rust-src is here; run `cargo xtask setup`"
    )
}

fn nightly_has_sources() -> bool {
    let sysroot = Command::new("rustc")
        .args(["--print", "sysroot"])
        .env("RUSTUP_TOOLCHAIN", "nightly")
        .output()
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok());
    sysroot.is_some_and(|root| Path::new(root.trim()).join("lib/rustlib/src/rust/library").exists())
}

/// The search path with the linker on it.
fn linker_path(target: &Path) -> Result<OsString> {
    let inherited = env::var_os("PATH").unwrap_or_default();
    let tools = target.join("tools/bin");
    let directories: Vec<_> = std::iter::once(tools).chain(env::split_paths(&inherited)).collect();
    if !directories.iter().any(|directory| directory.join("bpf-linker").exists()) {
        bail!("bpf-linker is missing; run `cargo xtask setup`");
    }
    Ok(env::join_paths(directories)?)
}

/// A number that changes when any source does.
fn fingerprint(directory: &Path) -> Result<String> {
    let mut files = Vec::new();
    list(directory, &mut files)?;
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        fs::read(&file).with_context(|| format!("reading {}", file.display()))?.hash(&mut hasher);
    }
    Ok(format!("{:016x}\n", hasher.finish()))
}

fn list(directory: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        match path.is_dir() {
            true if path.ends_with("target") => {}
            true => list(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}
