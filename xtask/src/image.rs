//! `cargo xtask image`: builds the appliance, and boots it to see that it works.

use anyhow::{Context, Result, bail};
use clap::Parser;

use crate::setup::{self, Use};
use crate::shell;

/// Arguments of `image`.
#[derive(Parser)]
#[command(after_help = "\
Made in target/image/: ringfence.raw, to be written to a disk; ringfence.qcow2, for virtual machines;
ringfence.sbom.json. The key in target/image/signing/ signs kernels and updates: keep it, or give your
own with --key and --certificate. Needs root, and Debian 12 here as in the image.")]
pub struct Args {
    /// Start the image in QEMU afterwards, from an empty disk to a running node
    #[arg(long)]
    boot_test: bool,
    /// Key that signs, in PEM [default: made once]
    #[arg(long, requires = "certificate")]
    key: Option<std::path::PathBuf>,
    /// Its certificate, in PEM
    #[arg(long, requires = "key")]
    certificate: Option<std::path::PathBuf>,
}

/// Programs of the appliance; each is a package's only binary.
const PROGRAMS: &[&str] = &[
    "ringfence-datad",
    "ringfence-controld",
    "ringfence-legacytls",
    "ringfence-cli",
    "ringfence-phone",
    "ringfence-pktgen",
    "ringfence-setup",
];

/// Builds.
pub fn run(args: &Args) -> Result<()> {
    setup::ensure(&[Use::Build, Use::Ebpf, Use::Image])?;
    crate::ebpf::build()?;
    let mut build = shell::cargo();
    build.args(["build", "--release", "--locked", "--package", "ringfence-images"]);
    for program in PROGRAMS {
        build.args(["--package", program]);
    }
    shell::run(&mut build)?;

    let programs = shell::target_dir().join("release");
    let builder = programs.join("ringfence-image");
    let Some(mut image) = shell::as_root(&builder) else {
        bail!("files of the image belong to root: run this as root");
    };
    image.arg("build").arg("--programs").arg(&programs);
    image.arg("--files").arg(shell::root().join("images/root"));
    image.arg("--out").arg(shell::target_dir().join("image"));
    image.args(["--epoch", &epoch()?, "--version", env!("CARGO_PKG_VERSION")]);
    if let (Some(key), Some(certificate)) = (&args.key, &args.certificate) {
        image.arg("--key").arg(key).arg("--certificate").arg(certificate);
    }
    shell::run(&mut image)?;
    if args.boot_test {
        let mut boot = shell::as_root(&builder).context("root is gone")?;
        shell::run(boot.arg("boot-test").arg("--out").arg(shell::target_dir().join("image")))?;
    }
    Ok(())
}

/// When the sources were committed: the time that all files of the image bear.
fn epoch() -> Result<String> {
    let log = shell::capture(shell::command("git").args(["log", "-1", "--format=%ct"]))?;
    Ok(log.trim().to_owned())
}
