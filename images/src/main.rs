//! Builds the appliance: a disk image that boots by UEFI into ringfence.
//!
//! The way of a file into the image, in order: [`base`] (Debian, from its packages) → [`tree`] (what
//! is left of it, with our programs and settings; [`sbom`] lists it) → [`slot`] (squashfs and its hash tree: one root
//! partition) → [`initramfs`] (what opens that partition and nothing else) → [`kernel`] (both, with
//! the kernel and the hash, signed as one file) → [`disk`] (partitions) and [`bundle`] (the same as an
//! update).
//!
//! Two builds of the same sources give the same octets: times are the commit's, identifiers are
//! derived from names. Nothing of the building machine gets in but the packages that it downloads.
//!
//! What this must not know: how the daemons are configured; that is settled at the first boot.

#![forbid(unsafe_code)]

mod base;
mod boot;
mod bundle;
mod deb;
mod disk;
mod initramfs;
mod kernel;
mod layout;
mod sbom;
mod signing;
mod slot;
mod tool;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};

use layout::Release;

/// Builds the appliance's disk image and tries it
#[derive(Parser)]
#[command(
    name = "ringfence-image",
    after_help = "\
What these need is installed by `cargo xtask setup --for image`; `cargo xtask image` calls them."
)]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build ringfence.raw, ringfence.qcow2, ringfence.update and the list of what is in them; needs root
    Build(BuildArgs),
    /// Build Debian packages of the daemons and of the tools
    Packages {
        /// Where the release builds of our programs are
        #[arg(long)]
        programs: PathBuf,
        /// Where the appliance's files lie
        #[arg(long)]
        files: PathBuf,
        /// Where the packages go
        #[arg(long)]
        out: PathBuf,
        /// Seconds since 1970 that all files bear
        #[arg(long)]
        epoch: u64,
        /// Version of the packages
        #[arg(long)]
        version: String,
    },
    /// Boot the image in QEMU and see that it works, up to a secure call; needs root, for a network
    BootTest {
        /// Where the image is; `boot-test.json` and the consoles' logs go there too
        #[arg(long)]
        out: PathBuf,
        /// An update for it that works
        #[arg(long, requires = "bad_update")]
        update: Option<PathBuf>,
        /// A still newer one that does not
        #[arg(long, requires = "update")]
        bad_update: Option<PathBuf>,
    },
}

#[derive(Parser)]
struct BuildArgs {
    /// Where the release builds of our programs are
    #[arg(long)]
    programs: PathBuf,
    /// Where files that go into the image as they are lie
    #[arg(long)]
    files: PathBuf,
    /// Where the image goes, and what is kept for the next build
    #[arg(long)]
    out: PathBuf,
    /// Where Debian's part is kept
    #[arg(long)]
    base: PathBuf,
    /// Seconds since 1970 that all files of the image bear
    #[arg(long)]
    epoch: u64,
    /// Version of the image
    #[arg(long)]
    version: String,
    /// Key that signs the kernel, in PEM; absent: made in the output directory
    #[arg(long, requires = "certificate")]
    key: Option<PathBuf>,
    /// Its certificate, in PEM
    #[arg(long, requires = "key")]
    certificate: Option<PathBuf>,
}

fn main() -> ExitCode {
    let done = match Args::parse().task {
        Task::Build(args) => build(&args),
        Task::Packages { programs, files, out, epoch, version } => {
            packages((&programs, &files), &out, Release::new(&version, epoch))
        }
        Task::BootTest { out, update, bad_update } => boot::test(&out, update.zip(bad_update)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn build(args: &BuildArgs) -> Result<()> {
    ensure!(tool::is_root(), "files of the image belong to root: run this as root");
    let release = Release::new(&args.version, args.epoch)?;
    let out = &args.out;
    fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let signer = match (&args.key, &args.certificate) {
        (Some(key), Some(certificate)) => signing::Signer::given(key, certificate)?,
        _ => signing::Signer::kept(&out.join("signing"))?,
    };
    let base = base::fetch(&release, &args.base)?;
    let dir = out.join("root");
    let tree = tree::assemble(&base, &args.programs, &args.files, &dir, &release, &signer)?;
    fs::copy(tree.sbom(), out.join("ringfence.sbom.json")).context("cannot copy the SBOM")?;
    let slot = slot::seal(&tree, &out.join("slot"), &release)?;
    let initramfs = initramfs::pack(&tree, &slot, &release)?;
    let unified = kernel::unify(&tree, &initramfs, &out.join("kernel"), &release, &signer)?;
    disk::write(&tree, &slot, &unified, out, &release, &signer)?;
    bundle::write(&slot, &unified, out, &release, &signer)
}

fn packages((programs, files): (&Path, &Path), out: &Path, release: Result<Release>) -> Result<()> {
    for package in deb::write(programs, files, out, &release?)? {
        println!("{}", package.display());
    }
    Ok(())
}
