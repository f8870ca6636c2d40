//! `cargo xtask setup`: brings in what the machine lacks, and says what and why.
//!
//! What is needed is a table of data. A row counts as present when the program or file it brings
//! is there, wherever it came from; so a machine of another distribution is fine as long as it has
//! the programs. With nothing missing this takes no noticeable time, so that every other command
//! can call it.

mod python;

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::{Parser, ValueEnum};

use crate::{ebpf, shell};

/// Arguments of `setup`.
#[derive(Parser)]
pub struct Args {
    /// Only say what is missing; fails if anything is
    #[arg(long)]
    check: bool,
    /// For these uses only [default: all]
    #[arg(long = "for", value_name = "USE")]
    uses: Vec<Use>,
}

/// What a thing is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Use {
    /// Building the workspace
    Build,
    /// The programs that tests run
    Test,
    /// Building the XDP program
    Ebpf,
    /// The laboratory and the tests that make networks
    Lab,
    /// The benchmark suites and their peers
    Perf,
    /// Fuzzing with libFuzzer
    Fuzz,
    /// Building the appliance's image and booting it
    Image,
}

impl Use {
    const ALL: &[Self] =
        &[Self::Build, Self::Test, Self::Ebpf, Self::Lab, Self::Perf, Self::Fuzz, Self::Image];

    fn name(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Test => "test",
            Self::Ebpf => "eBPF",
            Self::Lab => "lab",
            Self::Perf => "perf",
            Self::Fuzz => "fuzz",
            Self::Image => "image",
        }
    }
}

/// A package of Debian and Ubuntu.
struct Package {
    name: &'static str,
    why: &'static str,
    brings: Brings,
    uses: &'static [Use],
}

/// What shows that a package is there.
enum Brings {
    /// A program in the search path.
    Program(&'static str),
    /// A file.
    File(&'static str),
}

use Brings::{File, Program};

const PACKAGES: &[Package] = &[
    Package {
        name: "age",
        why: "opens backups as somebody without ringfence would",
        brings: Program("age"),
        uses: &[Use::Test],
    },
    Package {
        name: "zstd",
        why: "opens backups as somebody without ringfence would",
        brings: Program("zstd"),
        uses: &[Use::Test],
    },
    Package {
        name: "pkg-config",
        why: "finds C libraries for crates that bind them",
        brings: Program("pkg-config"),
        uses: &[Use::Build],
    },
    Package {
        name: "libssl-dev",
        why: "OpenSSL: keys and signatures of the control plane; under libsrtp, our SRTP's peer",
        brings: File("/usr/include/openssl/ssl.h"),
        uses: &[Use::Build],
    },
    Package {
        name: "libclang-dev",
        why: "bindgen reads C headers with it",
        brings: File("/usr/share/doc/libclang-dev"),
        uses: &[Use::Build],
    },
    Package {
        name: "make",
        why: "builds libsrtp, our SRTP's peer",
        brings: Program("make"),
        uses: &[Use::Test, Use::Perf, Use::Lab, Use::Image],
    },
    Package {
        name: "openssl",
        why: "reads the certificates that our tests make, and is a certificate authority for them",
        brings: Program("openssl"),
        uses: &[Use::Test, Use::Perf],
    },
    Package {
        name: "libfaketime",
        why: "has a daemon of the laboratory live on another day",
        brings: File("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"),
        uses: &[Use::Lab, Use::Image],
    },
    Package {
        name: "softhsm2",
        why: "security tokens for PKCS#11 without hardware",
        brings: Program("softhsm2-util"),
        uses: &[Use::Test, Use::Lab],
    },
    Package {
        name: "strace",
        why: "kills a test process at a chosen system call, as a power cut would",
        brings: Program("strace"),
        uses: &[Use::Test],
    },
    Package {
        name: "osmo-mgw",
        why: "a media gateway that is not ours, commanded by our MGCP",
        brings: Program("osmo-mgw"),
        uses: &[Use::Test, Use::Lab],
    },
    Package {
        name: "kamailio",
        why: "a SIP proxy that commands relays by the protocol that our `ng` front speaks",
        brings: Program("kamailio"),
        uses: &[Use::Lab],
    },
    Package {
        name: "tshark",
        why: "records and dissects the SCCP and MGCP messages that we write",
        brings: Program("tshark"),
        uses: &[Use::Test, Use::Lab],
    },
    Package {
        name: "chromium",
        why: "shows the pages as administrators see them",
        brings: Program("chromium"),
        uses: &[Use::Test],
    },
    Package {
        name: "chromium-driver",
        why: "clicks in it",
        brings: Program("chromedriver"),
        uses: &[Use::Test],
    },
    Package {
        name: "fonts-noto-cjk",
        why: "the letters of Japanese pages",
        brings: File("/usr/share/doc/fonts-noto-cjk"),
        uses: &[Use::Test],
    },
    Package {
        name: "python3-venv",
        why: "holds the judges of pages and interfaces that are written in Python",
        brings: File("/usr/share/doc/python3-venv"),
        uses: &[Use::Test],
    },
    Package {
        name: "sslscan",
        why: "judges the TLS of administration",
        brings: Program("sslscan"),
        uses: &[Use::Test],
    },
    Package {
        name: "valgrind",
        why: "counts the instructions SRTP takes per packet",
        brings: Program("valgrind"),
        uses: &[Use::Test],
    },
    Package {
        name: "qemu-system-x86",
        why: "a machine whose kernel has ESP: our ESP's peer in its tests",
        brings: Program("qemu-system-x86_64"),
        uses: &[Use::Test, Use::Image],
    },
    Package {
        name: "linux-image-cloud-amd64",
        why: "the kernel of that machine; this one goes on with its own",
        brings: File("/usr/share/doc/linux-image-cloud-amd64"),
        uses: &[Use::Test],
    },
    Package {
        name: "strongswan-charon",
        why: "the IKE daemon whose keys our ESP takes; only that machine and the laboratory run it",
        brings: File("/usr/lib/ipsec/charon"),
        uses: &[Use::Test, Use::Lab, Use::Perf],
    },
    Package {
        name: "strongswan-swanctl",
        why: "commands that daemon",
        brings: Program("swanctl"),
        uses: &[Use::Test, Use::Lab],
    },
    Package {
        name: "libcharon-extra-plugins",
        why: "ESP in user space that is not ours: our ESP's peer",
        brings: File("/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so"),
        uses: &[Use::Lab, Use::Perf],
    },
    Package {
        name: "busybox-static",
        why: "the shell of that machine",
        brings: File("/usr/share/doc/busybox-static"),
        uses: &[Use::Test],
    },
    Package {
        name: "postgresql",
        why: "a server that the store's tests run on a private socket",
        brings: Program("pg_ctlcluster"),
        uses: &[Use::Test, Use::Lab],
    },
    Package {
        name: "libdpdk-dev",
        why: "DPDK and its drivers, for the port that links them",
        brings: File("/usr/include/dpdk/rte_ethdev.h"),
        uses: &[Use::Lab],
    },
    Package {
        name: "g++",
        why: "compiles libFuzzer and links LLVM",
        brings: Program("g++"),
        uses: &[Use::Ebpf, Use::Fuzz],
    },
    Package {
        name: "rustc-web",
        why: "a compiler whose LLVM is also packaged, for the BPF target",
        brings: File("/usr/share/doc/rustc-web"),
        uses: &[Use::Ebpf],
    },
    Package {
        name: "rust-web-src",
        why: "`core`, which is built for the BPF target",
        brings: File("/usr/lib/rustlib/src/rust/library/core/src/lib.rs"),
        uses: &[Use::Ebpf],
    },
    Package {
        name: "llvm-22-dev",
        why: "bpf-linker is built on it",
        brings: File("/usr/lib/llvm-22/bin/llvm-config"),
        uses: &[Use::Ebpf],
    },
    Package {
        name: "zlib1g-dev",
        why: "LLVM links with it",
        brings: File("/usr/include/zlib.h"),
        uses: &[Use::Ebpf],
    },
    Package {
        name: "iproute2",
        why: "`ip` makes namespaces and veth pairs",
        brings: Program("ip"),
        uses: &[Use::Test, Use::Lab, Use::Perf, Use::Image],
    },
    Package {
        name: "ethtool",
        why: "switches offloads off, so that checksums on veth are real",
        brings: Program("ethtool"),
        uses: &[Use::Lab, Use::Perf],
    },
    Package {
        name: "tftpd-hpa",
        why: "the TFTP server that ours is measured against",
        brings: Program("in.tftpd"),
        uses: &[Use::Perf],
    },
    Package {
        name: "rtpengine-daemon",
        why: "a peer of our relay in `perf peers` and behind Kamailio",
        brings: Program("rtpengine"),
        uses: &[Use::Perf, Use::Lab],
    },
    Package {
        name: "libipsec-mb-dev",
        why: "a peer of our SRTP in `perf srtp`: Intel's multi-buffer ciphers",
        brings: File("/usr/include/intel-ipsec-mb.h"),
        uses: &[Use::Perf],
    },
    Package {
        name: "ffmpeg",
        why: "plays the telephones: a SRTP stack that is not ours",
        brings: Program("ffmpeg"),
        uses: &[Use::Lab],
    },
    Package {
        name: "dpkg-dev",
        why: "finds what our Debian packages depend on",
        brings: Program("dpkg-shlibdeps"),
        uses: &[Use::Image],
    },
    Package {
        name: "mmdebstrap",
        why: "makes the appliance's root of Debian's packages",
        brings: Program("mmdebstrap"),
        uses: &[Use::Image],
    },
    Package {
        name: "squashfs-tools",
        why: "packs the appliance's root",
        brings: Program("mksquashfs"),
        uses: &[Use::Image],
    },
    Package {
        name: "cryptsetup-bin",
        why: "hashes the appliance's root",
        brings: Program("veritysetup"),
        uses: &[Use::Image],
    },
    Package {
        name: "binutils",
        why: "joins the appliance's kernel with what belongs to it",
        brings: Program("objcopy"),
        uses: &[Use::Image],
    },
    Package {
        name: "sbsigntool",
        why: "signs the appliance's kernel",
        brings: Program("sbsign"),
        uses: &[Use::Image],
    },
    Package {
        name: "dosfstools",
        why: "makes the appliance's EFI system partition",
        brings: Program("mkfs.vfat"),
        uses: &[Use::Image],
    },
    Package { name: "mtools", why: "fills it", brings: Program("mcopy"), uses: &[Use::Image] },
    Package {
        name: "fdisk",
        why: "makes the appliance's partitions",
        brings: Program("sfdisk"),
        uses: &[Use::Image],
    },
    Package {
        name: "qemu-utils",
        why: "writes disks of virtual machines",
        brings: Program("qemu-img"),
        uses: &[Use::Image],
    },
    Package {
        name: "ovmf",
        why: "the firmware of the machine that the appliance is tried in",
        brings: File("/usr/share/OVMF/OVMF_CODE_4M.fd"),
        uses: &[Use::Image],
    },
];

/// The linker of the XDP program: built by cargo, because no distribution has it.
const BPF_LINKER: &str = "0.13.0";

/// Installs what is missing for the uses asked for.
pub fn run(args: &Args) -> Result<()> {
    let uses = if args.uses.is_empty() { Use::ALL } else { &args.uses };
    let packages = missing_packages(uses);
    let linker = uses.contains(&Use::Ebpf) && !have_bpf_linker();
    let python = uses.contains(&Use::Test) && !python::present();
    let complete = packages.is_empty() && !linker && !python;
    if complete {
        shell::say("setup: nothing is missing");
    }
    if args.check && complete {
        return Ok(());
    }
    if args.check {
        say_missing(&packages);
        if linker {
            shell::say(&format!("  {:<16} links the XDP program (eBPF)", "bpf-linker"));
        }
        if python {
            python::say_missing();
        }
        bail!("the machine lacks what is listed above; `cargo xtask setup` installs it");
    }
    ensure(uses)
}

/// Makes sure that what `uses` need is there. Says nothing when it is.
pub fn ensure(uses: &[Use]) -> Result<()> {
    let packages = missing_packages(uses);
    if !packages.is_empty() {
        say_missing(&packages);
        install(&packages)?;
    }
    if uses.contains(&Use::Ebpf) && !have_bpf_linker() {
        install_bpf_linker()?;
    }
    if uses.contains(&Use::Test) && !python::present() {
        python::install()?;
    }
    if uses.contains(&Use::Ebpf) {
        ebpf::build()?;
    }
    Ok(())
}

fn missing_packages(uses: &[Use]) -> Vec<&'static Package> {
    let nightly = uses.contains(&Use::Ebpf) && have_nightly_route();
    let wanted = |package: &&Package| {
        package.uses.iter().any(|a| uses.contains(a) && !(*a == Use::Ebpf && nightly))
    };
    PACKAGES.iter().filter(wanted).filter(|package| !package.brings.present()).collect()
}

fn say_missing(packages: &[&Package]) {
    if packages.is_empty() {
        return;
    }
    shell::say("setup: this machine lacks");
    for package in packages {
        let uses: BTreeSet<_> = package.uses.iter().map(|a| a.name()).collect();
        let uses = uses.into_iter().collect::<Vec<_>>().join(", ");
        shell::say(&format!("  {:<16} {} ({uses})", package.name, package.why));
    }
}

fn install(packages: &[&Package]) -> Result<()> {
    let names: Vec<_> = packages.iter().map(|package| package.name).collect();
    let by_hand = format!("apt-get update && apt-get install -y {}", names.join(" "));
    if !shell::in_path("apt-get") {
        bail!(
            "this machine has no apt-get. Install by its own means what brings {}, then run this \
             again",
            packages.iter().map(|package| package.brings.word()).collect::<Vec<_>>().join(", "),
        );
    }
    let apt = || {
        let mut apt = shell::as_root("env").with_context(|| {
            format!("packages are missing and only root may install them. Run:\n  sudo sh -c '{by_hand}'")
        })?;
        apt.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "Dpkg::Use-Pty=0"]);
        anyhow::Ok(apt)
    };
    shell::run(apt()?.arg("update"))?;
    shell::run(apt()?.args(["install", "-y", "--no-install-recommends"]).args(&names)).with_context(
        || {
            format!(
                "apt-get could not install them; try by hand: {by_hand}\n\
                 Where `rustc-web` and `llvm-22-dev` are not packaged, the XDP program is built with \
                 a nightly Rust instead:\n  rustup toolchain install nightly --component rust-src\n  \
                 cargo binstall bpf-linker"
            )
        },
    )
}

fn install_bpf_linker() -> Result<()> {
    let tools = shell::target_dir().join("tools");
    shell::say(&format!(
        "setup: building bpf-linker {BPF_LINKER}, which links the XDP program, into {}",
        tools.display()
    ));
    let mut install = shell::cargo();
    install
        .args(["install", "bpf-linker", "--version", BPF_LINKER, "--locked"])
        .args(["--no-default-features", "--features", "llvm-22", "--root"])
        .arg(&tools)
        .env("LLVM_PREFIX", "/usr/lib/llvm-22");
    shell::run(&mut install)
}

fn have_bpf_linker() -> bool {
    shell::target_dir().join("tools/bin/bpf-linker").is_file() || have_nightly_route()
}

/// Whether the XDP program can be built without packages: a nightly toolchain of rustup with the
/// sources of `core`, and a bpf-linker that its owner brought.
fn have_nightly_route() -> bool {
    if !shell::in_path("bpf-linker") {
        return false;
    }
    let mut sysroot = shell::command("rustc");
    sysroot.args(["+nightly", "--print", "sysroot"]);
    shell::capture(&mut sysroot)
        .is_ok_and(|sysroot| Path::new(sysroot.trim()).join("lib/rustlib/src/rust").is_dir())
}

impl Brings {
    fn present(&self) -> bool {
        match self {
            Program(name) => shell::in_path(name),
            File(path) => Path::new(path).exists(),
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Program(name) | File(name) => name,
        }
    }
}
