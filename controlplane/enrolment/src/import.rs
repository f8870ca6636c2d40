//! The data of CAPF 1.0(1), as it lay on the servers of CallManager 4.0.
//!
//! No public document gives the bytes of these files. This is what is accepted:
//!
//! | file | form |
//! |---|---|
//! | `*.0` | a certificate in PEM or DER. One that signs itself is an issuer of LSCs and stays trusted; one whose common name is a device's is that phone's LSC |
//! | `CAPF.phone` | a line for each phone: its device name, then its state (`installed`, `pending`, `failed`, `deleted`, `none`), with blanks, tabs, commas or semicolons between; `#` begins a comment |
//! | `CAPF.config` | lines `name = value`; `KeySize`, `CertValidity` (years), `KeyGenTimeout` (minutes), `KeyGenAttempts`, `PhonePort`; others are passed over and told |
//!
//! Taking the same data over twice changes nothing the second time.

use std::time::SystemTime;

use messages::{Explain, Message, capf as said};
use pki::{Certificate, export};
use store::{
    CapfReason, CapfResult, CapfStatus, CertificateRole, Change, DeviceName, PhoneCertificateKind,
    View,
};

use crate::authority;
use crate::desk::noted;

/// A file of CAPF 1.0.
#[derive(Clone, Debug)]
pub struct OldFile {
    /// Its name without directory.
    pub name: String,
    /// What is in it.
    pub content: Vec<u8>,
}

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportFault {
    /// Which file.
    pub file: String,
    /// Which line; 1 for a certificate.
    pub line: usize,
    /// Why.
    pub detail: String,
}

impl Explain for ImportFault {
    fn message(&self) -> &'static Message {
        &said::IMPORT_LINE
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        vec![
            ("file", self.file.clone()),
            ("line", self.line.to_string()),
            ("detail", self.detail.clone()),
        ]
    }
}

/// What is in the files.
#[derive(Debug, Default)]
pub struct OldData {
    issuers: Vec<Certificate>,
    lscs: Vec<(DeviceName, Certificate)>,
    phones: Vec<(DeviceName, Option<CapfStatus>)>,
    parameters: Vec<(&'static str, String)>,
    /// What cannot be read.
    pub faults: Vec<ImportFault>,
}

/// What came of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Issuers that are trusted now.
    pub issuers: usize,
    /// LSCs in the inventory.
    pub certificates: usize,
    /// Phones whose state was taken over.
    pub phones: usize,
    /// Parameters that were set.
    pub parameters: usize,
    /// Phones that nobody administers here: add them and import again.
    pub unknown: Vec<DeviceName>,
}

/// Reads the files. What cannot be read is in [`OldData::faults`]; the rest is there.
pub fn read(files: &[OldFile]) -> OldData {
    let mut data = OldData::default();
    for file in files {
        match &*file.name {
            "CAPF.phone" => data.read_phones(file),
            "CAPF.config" => data.read_config(file),
            name if name.ends_with(".0") => data.read_certificate(file),
            _ => {}
        }
    }
    data
}

impl OldData {
    fn fault(&mut self, file: &OldFile, line: usize, detail: impl Into<String>) {
        let detail = detail.into();
        self.faults.push(ImportFault { file: file.name.clone(), line, detail });
    }

    fn read_certificate(&mut self, file: &OldFile) {
        let pem = std::str::from_utf8(&file.content).ok().and_then(export::read_pem);
        let der = pem.and_then(|all| all.into_iter().next());
        let certificate = match Certificate::parse(&der.unwrap_or_else(|| file.content.clone())) {
            Ok(certificate) => certificate,
            Err(fault) => return self.fault(file, 1, fault.to_string()),
        };
        let name = certificate.subject().common_name().unwrap_or_default();
        let device = name.rsplit('-').next().unwrap_or_default();
        match device.parse::<DeviceName>() {
            Ok(device)
                if device.as_str().eq_ignore_ascii_case(name.rsplit('-').next().unwrap_or("")) =>
            {
                self.lscs.push((device, certificate));
            }
            _ if certificate.is_issued_by(&certificate) => self.issuers.push(certificate),
            _ => self.fault(file, 1, format!("{name} is neither a phone nor an issuer")),
        }
    }

    fn read_phones(&mut self, file: &OldFile) {
        for (number, line) in lines(file) {
            let mut words =
                line.split([',', ';', ' ', '\t']).map(str::trim).filter(|word| !word.is_empty());
            let Some(name) = words.next() else { continue };
            let Ok(device) = name.parse() else {
                self.fault(file, number, format!("{name} is no device name"));
                continue;
            };
            let state = words.next().unwrap_or("none").to_ascii_lowercase();
            let status = match &*state {
                "installed" | "success" => Some(CapfStatus::UpgradeSuccess),
                "failed" => Some(CapfStatus::UpgradeFailed),
                "deleted" => Some(CapfStatus::DeleteSuccess),
                // What was pending has to be ordered anew: its string is not worth carrying over.
                "none" | "pending" => None,
                _ => {
                    self.fault(file, number, format!("{state} is no state"));
                    continue;
                }
            };
            self.phones.push((device, status));
        }
    }

    fn read_config(&mut self, file: &OldFile) {
        const NAMES: [(&str, &str); 5] = [
            ("keysize", "capf.key-size"),
            ("certvalidity", "capf.certificate-validity-years"),
            ("keygentimeout", "capf.key-generation-minutes"),
            ("keygenattempts", "capf.key-generation-attempts"),
            ("phoneport", "enterprise.capf-phone-port"),
        ];
        for (number, line) in lines(file) {
            let Some((name, value)) = line.split_once('=') else {
                self.fault(file, number, "it is no `name = value`");
                continue;
            };
            let name = name.trim().to_ascii_lowercase();
            match NAMES.iter().find(|(old, _)| *old == name) {
                Some((_, parameter)) => self.parameters.push((parameter, value.trim().to_owned())),
                None => self.fault(file, number, format!("{name} has no counterpart here")),
            }
        }
    }

    /// What would come of taking the data over.
    pub fn preview(&self, view: &mut View<'_>) -> store::Result<Imported> {
        let mut done = Imported {
            issuers: self.issuers.len(),
            parameters: self.parameters.len(),
            ..Imported::default()
        };
        let certificates = self.lscs.iter().map(|(device, _)| (device, false));
        let phones = self.phones.iter().map(|(device, _)| (device, true));
        for (device, is_phone) in certificates.chain(phones) {
            match view.find_device(device)? {
                None => done.unknown.push(device.clone()),
                Some(_) if is_phone => done.phones += 1,
                Some(_) => done.certificates += 1,
            }
        }
        done.unknown.sort();
        done.unknown.dedup();
        Ok(done)
    }

    /// Takes the data over.
    pub fn apply(&self, change: &mut Change<'_>, now: SystemTime) -> store::Result<Imported> {
        let mut done = Imported::default();
        for issuer in &self.issuers {
            authority::trust(change, CertificateRole::LscIssuer, issuer)?;
            done.issuers += 1;
        }
        for (parameter, value) in &self.parameters {
            change.set_parameter(None, parameter, value)?;
            done.parameters += 1;
        }
        for (device, certificate) in &self.lscs {
            if change.find_device(device)?.is_none() {
                done.unknown.push(device.clone());
                continue;
            }
            let issued_by = self.issuers.iter().find(|issuer| certificate.is_issued_by(issuer));
            let issued_by = issued_by.map(Certificate::fingerprint);
            let lsc = noted(device, PhoneCertificateKind::Lsc, certificate, issued_by, now);
            let known = change.phone_certificates(device)?;
            if !known.iter().any(|known| known.fingerprint() == lsc.fingerprint()) {
                change.put_phone_certificate(&lsc)?;
            }
            done.certificates += 1;
        }
        for (device, status) in &self.phones {
            if change.find_device(device)?.is_none() {
                done.unknown.push(device.clone());
                continue;
            }
            let mut capf = change.capf(device)?;
            // What CAPF of today knows is newer.
            if let Some(status) = *status
                && capf.status == CapfStatus::None
            {
                capf.status = status;
                let (reason, detail) = (CapfReason::Imported, String::new());
                capf.result = Some(CapfResult { at: now, reason, detail });
                change.note_capf(&capf)?;
            }
            done.phones += 1;
        }
        done.unknown.sort();
        done.unknown.dedup();
        Ok(done)
    }
}

/// The lines of a text file that say something, with their numbers.
fn lines(file: &OldFile) -> Vec<(usize, String)> {
    let text = String::from_utf8_lossy(&file.content);
    let told = |line: &str| line.split('#').next().unwrap_or_default().trim().to_owned();
    (1..).zip(text.lines().map(told)).filter(|(_, line)| !line.is_empty()).collect()
}
