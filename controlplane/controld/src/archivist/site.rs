//! What the crate `backup` is told of this node.

use std::path::Path;

use backup::shelf::{Directory, ObjectStore, Place, Shelf};
use backup::{Fault, Home, Lock, Room};
use store::{CertificateRole, Store};
use zeroize::Zeroizing;

use crate::config::{Bucket, Config};

/// Longest file with a secret.
const MAX_SECRET: u64 = 4096;

/// The directories of this node.
pub fn home(config: &Config) -> Home {
    Home {
        state: config.backup_workshop(),
        rooms: vec![
            Room { name: "certificates", directory: config.certificate_directory.clone() },
            Room { name: "phones", directory: config.phone_directory.clone() },
        ],
        keys: config.key_directory.clone(),
        pairs: vec![("certificates", pki::capf::CERTIFICATE_FILE, pki::capf::KEY_FILE)],
    }
}

/// The shelf of the configuration, or another directory.
pub fn shelf(config: &Config, at: Option<&str>) -> Result<Box<dyn Shelf>, Fault> {
    if let Some(at) = at {
        return Ok(Box::new(Directory(at.into())));
    }
    match &config.backup.bucket {
        None => Ok(Box::new(Directory(config.backup_directory()))),
        Some(bucket) => Ok(Box::new(object_store(bucket)?)),
    }
}

fn object_store(bucket: &Bucket) -> Result<ObjectStore, Fault> {
    let secrets = secret_file(&bucket.credentials_file)?;
    let mut lines = secrets.lines();
    let mut line = || Zeroizing::new(lines.next().unwrap_or_default().trim().to_owned());
    ObjectStore::new(&Place {
        endpoint: bucket.endpoint.clone(),
        region: bucket.region.clone(),
        bucket: bucket.name.clone(),
        prefix: bucket.prefix.clone(),
        access_key: line().to_string(),
        secret_key: line(),
        authorities: bucket.authorities.clone(),
    })
}

/// What the configuration has backups encrypted under.
pub fn lock(config: &Config) -> Result<Lock, Fault> {
    match &config.backup.passphrase_file {
        Some(file) => Lock::passphrase(secret_file(file)?.lines().next().unwrap_or_default()),
        None => Lock::recipients(config.backup.recipients.iter().map(String::as_str)),
    }
}

/// What the configuration has private keys encrypted under.
pub fn key_lock(config: &Config) -> Result<Option<Lock>, Fault> {
    let recipients = config.backup.key_recipients.iter().map(String::as_str);
    match config.backup.key_recipients.is_empty() {
        true => Ok(None),
        false => Lock::recipients(recipients).map(Some),
    }
}

fn secret_file(path: &Path) -> Result<Zeroizing<String>, Fault> {
    let failed = Fault::at(path);
    let bytes = durable::read(path, MAX_SECRET).map_err(&failed)?;
    let bytes = bytes.ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
    let text = String::from_utf8(bytes);
    Ok(Zeroizing::new(text.map_err(|_| failed(std::io::ErrorKind::InvalidData.into()))?))
}

/// Certificates that backups may be signed with: this node's own, those that the database knows,
/// and one that somebody compared.
pub fn trusted(
    config: &Config,
    store: &Store,
    approved: Option<&str>,
) -> store::Result<Vec<String>> {
    let known = store.read(|view| view.certificates())?;
    let nodes = known.iter().filter(|known| known.role == CertificateRole::CallManager);
    let own = pki::check::read(&config.key_directory.join(pki::node::CERTIFICATE_FILE)).ok();
    let own = own.map(|der| pki::certificate::hex(&pki::Hash::Sha256.of(&der)));
    let digits = |text: &str| -> String {
        text.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_lowercase()
    };
    Ok(nodes.map(|known| known.fingerprint()).chain(own).chain(approved.map(digits)).collect())
}

/// What CAPF knows of phones, as a table for people.
pub fn capf_report(store: &Store) -> store::Result<Vec<u8>> {
    let mut report = String::from("device,operation,status\n");
    for capf in store.read(|view| view.capfs())? {
        report += &format!("{},{},{}\n", capf.device, capf.operation, capf.status);
    }
    Ok(report.into_bytes())
}
