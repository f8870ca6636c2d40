//! The CTL file as its client edits it: reading the present one, changing a draft, signing.

mod draft;
mod entry;
mod fault;
mod present;

pub use draft::{Confirmation, Discovery, Draft, FoundCapf, FoundServer, NewList};
pub use entry::{
    alternate_tftp_entry, capf_entry, issuer_shown, server_entry, signer_id, subject_shown,
    token_entry,
};
pub use fault::ListFault;
pub use present::{mode_of, present_list, read_list};
