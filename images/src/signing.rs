//! The key that says which kernels the firmware starts and which updates the appliance takes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::layout::Release;
use crate::tool::{run, say, tool};

/// Signatures bear the time of the release: with this clock they are the same in every build.
const CLOCK: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/// A key and its certificate.
pub struct Signer {
    key: PathBuf,
    certificate: PathBuf,
}

impl Signer {
    /// One's own.
    pub fn given(key: &Path, certificate: &Path) -> Result<Self> {
        for file in [key, certificate] {
            ensure!(file.is_file(), "{} is not there", file.display());
        }
        Ok(Self { key: key.to_owned(), certificate: certificate.to_owned() })
    }

    /// The one in a directory, made if there is none.
    pub fn kept(dir: &Path) -> Result<Self> {
        let signer = Self { key: dir.join("image.key"), certificate: dir.join("image.crt") };
        if signer.key.is_file() && signer.certificate.is_file() {
            return Ok(signer);
        }
        say("a new key for this image and its updates");
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        run(tool("chmod").arg("700").arg(dir))?;
        let mut openssl = tool("openssl");
        openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-noenc", "-sha256", "-days", "7300"]);
        openssl.args(["-subj", "/CN=ringfence image", "-keyout"]).arg(&signer.key);
        run(openssl.arg("-out").arg(&signer.certificate))?;
        Ok(signer)
    }

    /// The certificate, in PEM.
    pub fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// The key, in PEM.
    pub fn key(&self) -> &Path {
        &self.key
    }

    /// Signs a program for UEFI.
    pub fn sign(&self, program: &Path, signed: &Path, release: &Release) -> Result<()> {
        let mut sbsign = tool("sbsign");
        sbsign
            .env("LD_PRELOAD", CLOCK)
            .env("FAKETIME_FMT", "%s")
            .env("FAKETIME", release.epoch.to_string());
        sbsign.arg("--key").arg(&self.key).arg("--cert").arg(&self.certificate);
        run(sbsign.arg("--output").arg(signed).arg(program)).map(drop)
    }
}
