//! A list in the making.

use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use messages::{Explain, Message, input};
use pki::check::ServerCertificate;
use pki::{Certificate, Hash, Identity, Signer};
use store::SecurityMode;
use tlv::{
    BuildError, CtlFile, DigestAlgorithm, MAX_RECORDS, Record, Role, SignatureModulus, Signing,
    Verified, VerifiedCtl,
};

use super::entry::{alternate_tftp_entry, capf_entry, server_entry, signer_id, token_entry};
use super::{ListFault, mode_of};
use crate::required::role_of;

/// What the client found by itself: the servers of the cluster and their certificates.
#[derive(Clone, Debug, Default)]
pub struct Discovery {
    /// Nodes that run CallManager, TFTP or both.
    pub servers: Vec<FoundServer>,
    /// CAPF services.
    pub capf: Vec<FoundCapf>,
}

/// A node that was found.
#[derive(Clone, Debug)]
pub struct FoundServer {
    /// Its host name.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
    /// Whether CallManager runs there.
    pub call_manager: bool,
    /// Whether TFTP runs there.
    pub tftp: bool,
    /// The node's certificate.
    pub certificate: ServerCertificate,
}

/// A CAPF service that was found.
#[derive(Clone, Debug)]
pub struct FoundCapf {
    /// The host it runs on.
    pub server: String,
    /// Its address.
    pub address: IpAddr,
    /// Its certificate.
    pub certificate: ServerCertificate,
}

/// A list in the making. The cluster's own entries come from discovery and cannot be touched;
/// tokens and alternate TFTP servers are taken over from the present list and edited by hand.
///
/// An update keeps phones: only a token of the present list signs it.
#[derive(Clone, Debug)]
pub struct Draft {
    mode: SecurityMode,
    /// The list that is updated; `None` when one is created.
    base: Option<VerifiedCtl>,
    tokens: Vec<Record>,
    alternates: Vec<Record>,
    /// Of the cluster itself, with certificates.
    own: Vec<Record>,
    changed: bool,
}

/// A signed list, and the mode it stands for.
#[derive(Clone, Debug)]
pub struct NewList {
    /// The list.
    pub list: VerifiedCtl,
    /// The mode.
    pub mode: SecurityMode,
}

/// A question that must be answered with yes before something is given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// Of a deletion: the entry, and its position in [`Draft::entries`].
    Delete(String, usize),
    /// Of leaving with unsigned changes.
    Exit,
}

impl Explain for Confirmation {
    fn message(&self) -> &'static Message {
        match self {
            Self::Delete(..) => &input::CONFIRM_DELETE,
            Self::Exit => &input::CONFIRM_EXIT,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Delete(entry, _) => vec![("entry", entry.clone())],
            Self::Exit => Vec::new(),
        }
    }
}

impl Draft {
    /// Begins a list from scratch.
    pub fn create(mode: SecurityMode, found: &Discovery) -> Result<Self, ListFault> {
        let own = own_entries(found)?;
        let nothing = Vec::new();
        Ok(Self {
            mode,
            base: None,
            tokens: nothing.clone(),
            alternates: nothing,
            own,
            changed: true,
        })
    }

    /// Begins an update: the mode stays, tokens and alternate TFTP servers are taken over, the
    /// cluster's own entries are those that were found now.
    pub fn update(base: VerifiedCtl, found: &Discovery) -> Result<Self, ListFault> {
        let own = own_entries(found)?;
        let of_cluster = |record: &Record| own.iter().any(|own| same_server(own, record));
        let tokens: Vec<_> = base.with_role(Role::Sast).cloned().collect();
        let alternates = base.with_role(Role::Tftp).filter(|r| !of_cluster(r)).cloned().collect();
        let mut draft = Self {
            mode: mode_of(&base),
            base: Some(base),
            tokens,
            alternates,
            own,
            changed: false,
        };
        draft.changed = draft.differs_from_base();
        Ok(draft)
    }

    /// Begins an update that changes the mode too.
    pub fn set_mode(
        base: VerifiedCtl,
        mode: SecurityMode,
        found: &Discovery,
    ) -> Result<Self, ListFault> {
        let draft = Self::update(base, found)?;
        Ok(Self { changed: draft.changed || draft.mode != mode, mode, ..draft })
    }

    /// The mode of the cluster this list is for.
    pub fn mode(&self) -> SecurityMode {
        self.mode
    }

    /// The list that is updated; `None` for one that is created from scratch and need not succeed
    /// the one that is there.
    pub fn base(&self) -> Option<&VerifiedCtl> {
        self.base.as_ref()
    }

    /// Whether finishing would change anything.
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// The entries as they will stand in the file: tokens, the cluster's own, alternate TFTP.
    pub fn entries(&self) -> Vec<Record> {
        let servers = self.own.iter().chain(&self.alternates);
        let servers = servers.map(|record| match self.mode {
            SecurityMode::Mixed => record.clone(),
            SecurityMode::NonSecure => record.without_certificate(),
        });
        self.tokens.iter().cloned().chain(servers).collect()
    }

    /// Adds a token. It can sign this list only if the list is created, not updated.
    pub fn add_token(&mut self, certificate: &Certificate) -> Result<(), ListFault> {
        let id = signer_id(certificate)?;
        if self.tokens.iter().any(|known| known.is_certificate_of(&id)) {
            return Err(ListFault::TokenExists(id.serial.to_string()));
        }
        let entry = token_entry(certificate)?;
        self.room_for_one()?;
        self.tokens.push(entry);
        self.changed = true;
        Ok(())
    }

    /// Adds a TFTP server of another cluster.
    pub fn add_alternate_tftp(
        &mut self,
        server: &str,
        address: IpAddr,
        certificate: &ServerCertificate,
    ) -> Result<(), ListFault> {
        if address.is_unspecified() || address.is_multicast() {
            return Err(ListFault::AlternateTftp(server.into(), "the address is none of a server"));
        }
        let entry = alternate_tftp_entry(server, address, certificate)?;
        let mut servers = self.own.iter().chain(&self.alternates);
        if let Some(twin) = servers.clone().find(|twin| same_server(twin, &entry)) {
            return Err(ListFault::ServerExists(describe(twin)));
        }
        if servers.any(|twin| twin.certificate == entry.certificate) {
            return Err(ListFault::CertificateExists(server.into()));
        }
        self.room_for_one()?;
        self.alternates.push(entry);
        self.changed = true;
        Ok(())
    }

    /// Asks to delete the entry at a position of [`Draft::entries`]: tokens and alternate TFTP
    /// servers can be, after [`Draft::confirm`].
    pub fn delete(&self, position: Option<usize>) -> Result<Confirmation, ListFault> {
        let entries = self.entries();
        let selected = position.and_then(|position| Some((position, entries.get(position)?)));
        let (position, entry) = selected.ok_or(ListFault::NothingSelected)?;
        let own = self.tokens.len()..self.tokens.len() + self.own.len();
        match own.contains(&position) {
            true => Err(ListFault::CannotDelete(describe(entry))),
            false => Ok(Confirmation::Delete(describe(entry), position)),
        }
    }

    /// Deletes what was asked for.
    pub fn confirm(&mut self, confirmation: &Confirmation) {
        let Confirmation::Delete(entry, position) = confirmation else { return };
        // The draft may have changed since the question was asked.
        if self.entries().get(*position).is_none_or(|found| describe(found) != *entry) {
            return;
        }
        match position.checked_sub(self.tokens.len() + self.own.len()) {
            Some(alternate) => drop(self.alternates.remove(alternate)),
            None => drop(self.tokens.remove(*position)),
        }
        self.changed = true;
    }

    /// What to ask before the draft is thrown away; `None` if nothing would be lost.
    pub fn close(&self) -> Option<Confirmation> {
        self.changed.then_some(Confirmation::Exit)
    }

    /// Whether the token with this certificate may sign: it must be in the present list, or, for a
    /// list that is created, in this one.
    pub fn may_sign(&self, certificate: &Certificate) -> Result<(), ListFault> {
        let id = signer_id(certificate)?;
        let named = |records: &[Record]| {
            records.iter().any(|r| r.role.signs_lists() && r.is_certificate_of(&id))
        };
        let listed = named(&self.tokens);
        match &self.base {
            None if listed => Ok(()),
            Some(base) if named(base.records()) && listed => Ok(()),
            Some(base) if listed && !named(base.records()) => Err(ListFault::NewTokenCannotSign),
            _ => Err(ListFault::TokenCannotSign(id.serial.to_string())),
        }
    }

    /// Whether the entries make a complete list.
    pub fn check(&self) -> Result<(), ListFault> {
        if self.tokens.len() < 2 {
            return Err(ListFault::TwoTokensNeeded(self.tokens.len()));
        }
        if !self.own.iter().any(|record| record.role.is_call_manager()) {
            return Err(ListFault::CallManagerNeeded);
        }
        if self.mode == SecurityMode::Mixed {
            // Certificates of alternates are lost in non-secure mode and cannot be found again.
            if let Some(bare) = self.alternates.iter().find(|r| r.certificate.is_none()) {
                let why = "it lost its certificate in Non-Secure mode";
                return Err(ListFault::AlternateTftp(describe(bare), why));
            }
        }
        Ok(())
    }

    /// Signs the list. The signature is verified before anybody sees the file.
    pub fn finish(&self, signer: &Identity, now: SystemTime) -> Result<NewList, ListFault> {
        self.check()?;
        self.may_sign(signer.certificate())?;
        let bits = signer.certificate().public_key().bits() as usize;
        let modulus = SignatureModulus::from_bits(bits).ok_or_else(|| {
            ListFault::CannotCreate(format!("a key of {bits} bits cannot sign lists"))
        })?;
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let signing = Signing {
            signer: signer_id(signer.certificate())?,
            // The only digest telephones of the 79xx family know.
            digest: DigestAlgorithm::Sha1,
            modulus,
            timestamp: u32::try_from(since).unwrap_or(u32::MAX),
            signer_version: None,
        };
        let unsigned = CtlFile::unsigned(signing, &self.entries()).map_err(not_built)?;
        let signature = signer
            .sign(Hash::LegacySha1, unsigned.to_be_signed())
            .map_err(ListFault::CannotSign)?;
        let list: Verified<CtlFile> = unsigned.attach(&signature).map_err(not_built)?;
        Ok(NewList { list, mode: self.mode })
    }

    fn room_for_one(&self) -> Result<(), ListFault> {
        let count = self.tokens.len() + self.own.len() + self.alternates.len() + 1;
        if count > MAX_RECORDS { Err(ListFault::TooManyRecords(count)) } else { Ok(()) }
    }

    fn differs_from_base(&self) -> bool {
        let entries = self.entries();
        self.base.as_ref().is_none_or(|base| !tlv::diff(base.records(), &entries).is_empty())
    }
}

/// An entry in words: the server, or the subject of a token.
pub(crate) fn describe(record: &Record) -> String {
    let host = record.dns_name.as_ref().filter(|name| !name.is_empty());
    match host.or(record.subject.as_ref()) {
        Some(name) => format!("{} {name}", record.role),
        None => record.role.to_string(),
    }
}

fn own_entries(found: &Discovery) -> Result<Vec<Record>, ListFault> {
    if !found.servers.iter().any(|server| server.call_manager) {
        return Err(ListFault::CallManagerNeeded);
    }
    let mut own = Vec::new();
    for server in &found.servers {
        let Some(role) = role_of(server.call_manager, server.tftp) else { continue };
        own.push(server_entry(&server.name, server.address, role, &server.certificate)?);
    }
    for capf in &found.capf {
        own.push(capf_entry(&capf.server, capf.address, &capf.certificate)?);
    }
    if own.len() > MAX_RECORDS {
        return Err(ListFault::TooManyRecords(own.len()));
    }
    Ok(own)
}

fn same_server(one: &Record, other: &Record) -> bool {
    one.dns_name == other.dns_name || one.address.is_some() && one.address == other.address
}

fn not_built(error: BuildError) -> ListFault {
    match error {
        BuildError::TooManyRecords(count) => ListFault::TooManyRecords(count),
        BuildError::TooLarge(bytes) => ListFault::TooLarge(bytes),
        BuildError::BadSignature(_) | BuildError::SignatureLength { .. } => {
            ListFault::CannotSign(pki::SignError::DoesNotVerify)
        }
        BuildError::Field { .. } | BuildError::SignerNotListed(_) => {
            ListFault::CannotCreate(error.to_string())
        }
    }
}
