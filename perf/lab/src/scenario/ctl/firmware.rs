//! What manufacturers make elsewhere: signed firmware.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Result;
use pki::node::{self, NodeName};
use pki::{Identity, KeyKind};
use provisioning::signing::FileSigner;
use tlv::FileKind;

/// A firmware load, signed by its maker.
pub struct Firmware {
    /// Its name, as in `loadInformation`.
    pub load: &'static str,
    /// Its files: the manifest, then the image.
    pub files: Vec<(String, Vec<u8>)>,
    /// File with the maker's public key, as phones have it built in.
    pub key: PathBuf,
}

const LOAD: &str = "SCCP70.9-4-2SR3-1S";
const IMAGE: &str = "jar70sccp.9-4-2ES26.sbn";

/// Makes one.
pub fn make(dir: &Path) -> Result<Firmware> {
    let dir = dir.join("maker");
    let maker = Arc::new(identity(&dir, "maker")?);
    let signer = FileSigner::new(Arc::clone(&maker))?;
    let manifest = format!("{LOAD}.loads");
    let sign = |name: &str, content: &[u8]| -> Result<(String, Vec<u8>)> {
        let file = signer.sign(FileKind::Image, name, content, SystemTime::now())?;
        Ok((name.to_owned(), file.as_bytes().to_vec()))
    };
    let files =
        vec![sign(&manifest, format!("{IMAGE}\r\n").as_bytes())?, sign(IMAGE, &[0x5a; 100_000])?];
    let key = dir.join("image.key");
    fs::write(&key, maker.certificate().public_key().trust_list_form())?;
    Ok(Firmware { load: LOAD, files, key })
}

fn identity(dir: &Path, name: &str) -> Result<Identity> {
    fs::create_dir_all(dir)?;
    let name = NodeName {
        server: name.to_owned(),
        guid: "00000000-0000-4000-8000-000000000000".to_owned(),
        addresses: vec![IpAddr::from([10, 3, 0, 10])],
    };
    Ok(node::open_or_create(dir, &name, KeyKind::Rsa1024, SystemTime::now())?)
}
