//! The list that is there.

use std::path::Path;

use store::SecurityMode;
use tlv::{CtlFile, MAX_LIST_BYTES, Role, VerifiedCtl, VerifyError};

use super::ListFault;

/// Reads a list and proves that it is intact: one of its own tokens signed it. Whether these are
/// tokens that telephones know is another question, which the pre-flight answers.
pub fn present_list(bytes: &[u8]) -> Result<VerifiedCtl, ListFault> {
    if bytes.is_empty() {
        return Err(ListFault::NoFile);
    }
    let list = CtlFile::parse(bytes).map_err(|error| ListFault::Unparsable(error.to_string()))?;
    if list.records().is_empty() {
        return Err(ListFault::NameOrContents(list.header().file_name.to_string()));
    }
    if list.with_role(Role::Sast).next().is_none() {
        return Err(ListFault::NoTokens);
    }
    list.leap_of_faith().map_err(|error| match error {
        VerifyError::BadSignature => ListFault::SignatureInvalid(error.to_string()),
        VerifyError::UnknownSigner(_) | VerifyError::NoPublicKey(_) => {
            ListFault::NotValid(error.to_string())
        }
        VerifyError::FileName { found, .. } => ListFault::NameOrContents(found.to_string()),
    })
}

/// Reads a list from a file.
pub fn read_list(file: &Path) -> Result<VerifiedCtl, ListFault> {
    match durable::read(file, MAX_LIST_BYTES as u64) {
        Ok(None) => Err(ListFault::NoFile),
        Ok(Some(bytes)) if bytes.is_empty() => {
            let file = file.display().to_string();
            Err(ListFault::CannotRead(file, "the file is empty".into()))
        }
        Ok(Some(bytes)) => present_list(&bytes),
        Err(error) => Err(ListFault::of_file(file, &error)),
    }
}

/// The cluster security mode that a list was made for: a non-secure one has no certificates of
/// servers.
pub fn mode_of(list: &CtlFile) -> SecurityMode {
    match list.has_call_manager_certificate() {
        true => SecurityMode::Mixed,
        false => SecurityMode::NonSecure,
    }
}
