//! `cargo xtask image`: builds the appliance, and boots it to see that it works.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::Parser;

use crate::setup::{self, Use};
use crate::shell;

/// Arguments of `image`.
#[derive(Parser)]
#[command(after_help = "\
Made in target/image/: ringfence.raw, to be written to a disk; ringfence.qcow2, for virtual machines;
ringfence.update, for appliances that run; ringfence.sbom.json. The key in target/image/signing/ signs kernels and updates: keep it, or give your
own with --key and --certificate. Needs root, and Debian 12 here as in the image.")]
pub struct Args {
    /// Start the image in QEMU afterwards, from an empty disk to a running node
    #[arg(long)]
    boot_test: bool,
    /// Only build the Debian packages ringfence and ringfence-tools, into target/packages/
    #[arg(long, conflicts_with = "boot_test")]
    packages: bool,
    /// Key that signs, in PEM [default: made once]
    #[arg(long, requires = "certificate")]
    key: Option<PathBuf>,
    /// Its certificate, in PEM
    #[arg(long, requires = "key")]
    certificate: Option<PathBuf>,
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
    "ringfence-update",
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

    let out = shell::target_dir().join("image");
    let files = shell::root().join("images/root");
    let version = env!("CARGO_PKG_VERSION");
    if args.packages {
        let mut packages = builder()?;
        packages.arg("packages").arg("--programs").arg(shell::target_dir().join("release"));
        packages.arg("--files").arg(&files).arg("--out").arg(shell::target_dir().join("packages"));
        return shell::run(packages.args(["--epoch", &epoch()?, "--version", version]));
    }
    let signing = match (&args.key, &args.certificate) {
        (Some(key), Some(certificate)) => Some((key.clone(), certificate.clone())),
        _ => None,
    };
    image(&out, &files, version, signing.as_ref())?;
    if !args.boot_test {
        return Ok(());
    }
    // The next version, and one after it that never says that it is healthy.
    let kept = out.join("signing");
    let signing = signing.unwrap_or((kept.join("image.key"), kept.join("image.crt")));
    let (good, bad) = (out.join("next"), out.join("bad"));
    image(&good, &files, &after(version, 1)?, Some(&signing))?;
    let sick = out.join("sick");
    shell::run(shell::command("rm").arg("-rf").arg(&sick))?;
    shell::run(shell::command("cp").arg("-a").arg(&files).arg(&sick))?;
    let healthy = sick.join("usr/lib/ringfence/healthy");
    let text = fs::read_to_string(&healthy).context("no script says whether it is healthy")?;
    fs::write(&healthy, text.replacen("check() {", "check() {\n    return 1", 1))
        .context("cannot write a sick version")?;
    image(&bad, &sick, &after(version, 2)?, Some(&signing))?;
    let mut boot = builder()?;
    boot.arg("boot-test").arg("--out").arg(&out);
    boot.arg("--update").arg(good.join("ringfence.update"));
    shell::run(boot.arg("--bad-update").arg(bad.join("ringfence.update")))
}

/// Builds one version; the base of all of them is fetched once.
fn image(
    out: &Path,
    files: &Path,
    version: &str,
    signing: Option<&(PathBuf, PathBuf)>,
) -> Result<()> {
    let mut image = builder()?;
    image.arg("build").arg("--programs").arg(shell::target_dir().join("release"));
    image.arg("--base").arg(shell::target_dir().join("image/base"));
    image.arg("--files").arg(files).arg("--out").arg(out);
    image.args(["--epoch", &epoch()?, "--version", version]);
    if let Some((key, certificate)) = signing {
        image.arg("--key").arg(key).arg("--certificate").arg(certificate);
    }
    shell::run(&mut image)
}

fn builder() -> Result<Command> {
    let program = shell::target_dir().join("release/ringfence-image");
    shell::as_root(&program).context("files of the image belong to root: run this as root")
}

/// The version that is so many patches later.
fn after(version: &str, patches: u32) -> Result<String> {
    let (rest, patch) = version.rsplit_once('.').context("the version has no dots")?;
    Ok(format!("{rest}.{}", patch.parse::<u32>()? + patches))
}

/// When the sources were committed: the time that all files of the image bear.
fn epoch() -> Result<String> {
    let log = shell::capture(shell::command("git").args(["log", "-1", "--format=%ct"]))?;
    Ok(log.trim().to_owned())
}
