//! Bundles, good and bad, on a disk of memory that can lose power.

use std::cell::RefCell;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::rc::Rc;

use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509Name};
use sha2::{Digest, Sha256};
use update::Version;
use update::bundle::{BundleError, MAGIC, Manifest, Part, seal};
use update::install::{InstallError, hex, install};
use update::place::{Place, Slot};

const OLD: Version = Version(1, 0, 0);
const NEW: Version = Version(1, 1, 0);

fn signer() -> (PKey<Private>, X509) {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", "image").unwrap();
    let name = name.build();
    let mut certificate = X509::builder().unwrap();
    certificate.set_pubkey(&key).unwrap();
    certificate.set_subject_name(&name).unwrap();
    certificate.set_issuer_name(&name).unwrap();
    certificate.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    certificate.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    certificate.sign(&key, MessageDigest::sha256()).unwrap();
    (key, certificate.build())
}

fn part(content: &[u8]) -> Part {
    Part { size: content.len() as u64, sha256: hex(&Sha256::digest(content)) }
}

fn bundle(version: Version, kernel: &[u8], root: &[u8], key: &PKey<Private>) -> Vec<u8> {
    let mut octets = Vec::new();
    let manifest = Manifest { version, kernel: part(kernel), root: part(root) };
    seal(&mut octets, &manifest, key).unwrap();
    octets.extend_from_slice(kernel);
    octets.extend_from_slice(root);
    octets
}

/// What is left of a disk when its power is cut.
#[derive(Clone)]
struct Platter {
    slots: [(Option<Version>, Vec<u8>); 2],
    kernels: Vec<(Version, Vec<u8>)>,
    /// Changes until the power is cut.
    left: u32,
    /// A disk that forgets.
    forgets: bool,
}

#[derive(Clone)]
struct Memory(Rc<RefCell<Platter>>);

struct Open {
    disk: Memory,
    slot: usize,
    at: usize,
}

impl Memory {
    fn new() -> Self {
        Self(Rc::new(RefCell::new(Platter {
            slots: [(Some(OLD), b"old root".to_vec()), (None, Vec::new())],
            kernels: vec![(OLD, b"old kernel".to_vec())],
            left: u32::MAX,
            forgets: false,
        })))
    }

    fn change(&self, change: impl FnOnce(&mut Platter)) -> io::Result<()> {
        let mut platter = self.0.borrow_mut();
        platter.left = platter.left.checked_sub(1).ok_or_else(|| io::Error::other("no power"))?;
        change(&mut platter);
        Ok(())
    }

    /// What the boot loader would start: the newest kernel whose slot there is.
    fn starts(&self) -> (Version, Vec<u8>, Vec<u8>) {
        let platter = self.0.borrow();
        let mut kernels = platter.kernels.clone();
        kernels.sort();
        let bootable = kernels.into_iter().rev().find_map(|(version, kernel)| {
            let slot = platter.slots.iter().find(|(label, _)| *label == Some(version))?;
            Some((version, kernel, slot.1.clone()))
        });
        bootable.expect("there is always something to start")
    }
}

impl Place for Memory {
    fn running(&self) -> Version {
        OLD
    }

    fn slots(&self) -> io::Result<Vec<Slot>> {
        let slot = |(number, (version, _)): (u32, &(Option<Version>, Vec<u8>))| Slot {
            number,
            version: *version,
            size: 4 << 20,
        };
        Ok((0..).zip(&self.0.borrow().slots).map(slot).collect())
    }

    fn label(&mut self, slot: u32, version: Option<Version>) -> io::Result<()> {
        self.change(|platter| platter.slots[slot as usize].0 = version)
    }

    fn open(&mut self, slot: u32) -> io::Result<impl Read + Write + Seek> {
        Ok(Open { disk: self.clone(), slot: slot as usize, at: 0 })
    }

    fn flush(&mut self, _slot: u32) -> io::Result<()> {
        Ok(())
    }

    fn keep_kernels(&mut self, versions: &[Version]) -> io::Result<()> {
        self.change(|platter| platter.kernels.retain(|(version, _)| versions.contains(version)))
    }

    fn add_kernel(&mut self, version: Version, kernel: &[u8]) -> io::Result<()> {
        self.change(|platter| platter.kernels.push((version, kernel.to_vec())))
    }
}

impl Write for Open {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let (slot, at) = (self.slot, self.at);
        self.disk.change(|platter| {
            let content = &mut platter.slots[slot].1;
            content.resize(content.len().max(at + octets.len()), 0);
            if !platter.forgets {
                content[at..at + octets.len()].copy_from_slice(octets);
            }
        })?;
        self.at += octets.len();
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Open {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let platter = self.disk.0.borrow();
        let read = platter.slots[self.slot].1.get(self.at..).unwrap_or_default().read(into)?;
        self.at += read;
        Ok(read)
    }
}

impl Seek for Open {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        assert_eq!(to, SeekFrom::Start(0), "only the beginning is sought");
        self.at = 0;
        Ok(0)
    }
}

fn root() -> Vec<u8> {
    (0..2_500_000_u32).map(|n| ((n * 7) >> 3) as u8).collect()
}

#[test]
fn a_newer_version_is_what_starts() {
    let (key, certificate) = signer();
    let mut disk = Memory::new();
    let octets = bundle(NEW, b"new kernel", &root(), &key);
    let mut heard = Vec::new();
    let installed = install(&mut Cursor::new(octets), &certificate, &mut disk, |done, all| {
        heard.push((done, all));
    });
    assert_eq!(installed.unwrap(), NEW);
    assert_eq!(disk.starts(), (NEW, b"new kernel".to_vec(), root()));
    assert_eq!(heard.last(), Some(&(2_500_000, 2_500_000)));
    // The one that ran is still there, for the case that the new one fails.
    assert!(disk.0.borrow().kernels.iter().any(|(version, _)| *version == OLD));
}

#[test]
fn the_power_may_be_cut_at_any_change() {
    let (key, certificate) = signer();
    let octets = bundle(NEW, b"new kernel", &root(), &key);
    let mut interrupted = 0;
    for left in 0.. {
        let mut disk = Memory::new();
        disk.0.borrow_mut().left = left;
        let result = install(&mut Cursor::new(&octets), &certificate, &mut disk, |_, _| ());
        let (version, kernel, content) = disk.starts();
        if result.is_ok() {
            assert_eq!(version, NEW);
            break;
        }
        interrupted += 1;
        assert_eq!(
            (version, &kernel[..], &content[..]),
            (OLD, &b"old kernel"[..], &b"old root"[..])
        );
        // And the next try succeeds.
        disk.0.borrow_mut().left = u32::MAX;
        install(&mut Cursor::new(&octets), &certificate, &mut disk, |_, _| ()).unwrap();
        assert_eq!(disk.starts(), (NEW, b"new kernel".to_vec(), root()));
    }
    assert!(interrupted > 4, "{interrupted} places were tried");
}

#[test]
fn what_is_not_to_be_believed_changes_nothing() {
    let (key, certificate) = signer();
    let (stranger, _) = signer();
    let good = bundle(NEW, b"new kernel", &root(), &key);
    let refused = |octets: Vec<u8>| {
        let mut disk = Memory::new();
        let error =
            install(&mut Cursor::new(octets), &certificate, &mut disk, |_, _| ()).unwrap_err();
        assert_eq!(disk.starts(), (OLD, b"old kernel".to_vec(), b"old root".to_vec()));
        error
    };
    let bundle_error = |octets| match refused(octets) {
        InstallError::Bundle(error) => error,
        other => panic!("{other}"),
    };
    assert!(matches!(bundle_error(b"#!/bin/sh".to_vec()), BundleError::NoBundle));
    let foreign = bundle(NEW, b"new kernel", &root(), &stranger);
    assert!(matches!(bundle_error(foreign), BundleError::Signature));
    let mut changed = good.clone();
    let at = MAGIC.len() + 4 + 15;
    changed[at] ^= 1;
    assert!(matches!(bundle_error(changed), BundleError::Signature));
    let mut huge = good.clone();
    huge[MAGIC.len()..][..4].copy_from_slice(&u32::MAX.to_be_bytes());
    assert!(matches!(bundle_error(huge), BundleError::Damaged(_)));

    for version in [OLD, Version(0, 99, 99)] {
        let error = refused(bundle(version, b"kernel", &root(), &key));
        assert!(matches!(error, InstallError::NotNewer { .. }), "{error}");
    }
    let error = refused(bundle(NEW, b"kernel", &vec![0; 5 << 20], &key));
    assert!(matches!(error, InstallError::TooLarge { what: "the root", .. }), "{error}");
    let mut damaged = good.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert!(matches!(refused(damaged), InstallError::Damaged("the root")));
    let mut cut = good;
    cut.truncate(cut.len() - 1);
    assert!(matches!(refused(cut), InstallError::Io(_)));
}

#[test]
fn a_disk_that_forgets_is_noticed() {
    let (key, certificate) = signer();
    let mut disk = Memory::new();
    disk.0.borrow_mut().forgets = true;
    let octets = bundle(NEW, b"new kernel", &root(), &key);
    let error = install(&mut Cursor::new(octets), &certificate, &mut disk, |_, _| ()).unwrap_err();
    assert!(matches!(error, InstallError::Disk), "{error}");
    assert_eq!(disk.starts().0, OLD);
}

#[test]
fn versions_are_compared_as_numbers() {
    let version = |text: &str| text.parse::<Version>().unwrap();
    assert!(version("1.10.0") > version("1.9.9"));
    for wrong in ["", "1", "1.2", "1.2.3.4", "1.2.x", "1..3", "1.2.3 "] {
        assert!(wrong.parse::<Version>().is_err(), "{wrong}");
    }
}
