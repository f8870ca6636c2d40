use std::net::SocketAddr;

use console::{
    AcceptSrst, AddSrst, Done, Failure, FailureKind, FetchSrst, FetchedSrst, ListSrst, PhoneFilter,
    PhonesReset, RemoveSrst, ResetSrst, SetSrst, ShowSrstStatus, SrstCertificateView,
    SrstStatusView, SrstView, WithdrawSrst,
};
use lang::Language;
use messages::{Explain, Message, srst};
use pki::Certificate;
use store::{CertificateRole, Error, PhoneOrderKind, SecurityMode, SrstReference, View};

use super::{Caller, Handle, Office};
use crate::srst::{explain, rfc3339};

impl Handle<ListSrst> for Office {
    fn handle(&self, caller: &Caller, _: ListSrst) -> Result<Vec<SrstView>, Failure> {
        self.read(caller, |view| {
            let references = view.srst_references()?;
            references.into_iter().map(|reference| shown(view, reference)).collect()
        })
    }
}

impl Handle<AddSrst> for Office {
    fn handle(&self, caller: &Caller, request: AddSrst) -> Result<Done, Failure> {
        let mut reference = SrstReference::new(request.name, request.address);
        request.changes.apply(&mut reference).map_err(|error| caller.failure(&error))?;
        let changed = self.change(caller, |change| {
            if change.srst_references()?.iter().any(|old| old.name == reference.name) {
                let (object, name) = ("srst-reference", reference.name.clone());
                return Err(Error::Exists { object, name });
            }
            change.put_srst_reference(&reference)?;
            reminders(change, None, &reference)
        })?;
        Ok(caller.reminded(changed, &reference.name))
    }
}

impl Handle<SetSrst> for Office {
    fn handle(&self, caller: &Caller, request: SetSrst) -> Result<Done, Failure> {
        let name = request.name;
        let changed = self.change(caller, |change| {
            let old = change.srst_reference(&name)?;
            let mut reference = old.clone();
            reference.address = request.address.unwrap_or(old.address);
            request.changes.apply(&mut reference)?;
            change.put_srst_reference(&reference)?;
            reminders(change, Some(&old), &reference)
        })?;
        Ok(caller.reminded(changed, &name))
    }
}

impl Handle<RemoveSrst> for Office {
    fn handle(&self, caller: &Caller, request: RemoveSrst) -> Result<Done, Failure> {
        let name = request.name;
        let changed = self.change(caller, |change| {
            let old = change.srst_reference(&name)?;
            change.remove_srst_reference(&name)?;
            Ok(if old.secure { vec![&srst::SRST_SWITCH_OFF] } else { Vec::new() })
        })?;
        Ok(caller.reminded(changed, &name))
    }
}

impl Handle<FetchSrst> for Office {
    fn handle(&self, caller: &Caller, request: FetchSrst) -> Result<FetchedSrst, Failure> {
        let shown = certificate_view(&self.fetch(caller, &request.name)?);
        let stored = self.read(caller, |view| view.srst_certificate(&request.name))?;
        let stored = stored.and_then(|it| Certificate::parse(&it.der).ok());
        let stored = stored.as_ref().map(certificate_view);
        Ok(FetchedSrst { name: request.name, shown, stored })
    }
}

impl Handle<AcceptSrst> for Office {
    fn handle(&self, caller: &Caller, request: AcceptSrst) -> Result<Done, Failure> {
        let AcceptSrst { name, sha256 } = request;
        // Between looking and accepting somebody else may have come to answer there.
        let certificate = self.fetch(caller, &name)?;
        let found = certificate.fingerprint();
        if found != plain(&sha256) {
            let values = [("reference", name), ("found", found), ("accepted", sha256)];
            let text = explain(&srst::SRST_CERTIFICATE_DIFFERS, &values, caller.language);
            return Err(Failure { kind: FailureKind::Refused, text: format!("{text:#}") });
        }
        let role = CertificateRole::SrstGateway;
        let entry = cluster::inventory::entry(role, &name, &certificate);
        let changed = self.change(caller, |change| {
            change.accept_srst_certificate(&name, &entry)?;
            Ok(Vec::new())
        })?;
        Ok(match changed.revision {
            Some(_) => caller.reminded(changed, &name),
            None => {
                let note = caller.said(&srst::SRST_CERTIFICATE_SAME, &name);
                Done { notes: vec![note], ..caller.done(changed) }
            }
        })
    }
}

impl Handle<WithdrawSrst> for Office {
    fn handle(&self, caller: &Caller, request: WithdrawSrst) -> Result<Done, Failure> {
        let name = request.name;
        let changed = self.change(caller, |change| {
            change.withdraw_srst_certificate(&name)?;
            Ok(vec![&srst::SRST_SWITCH_OFF])
        })?;
        Ok(caller.reminded(changed, &name))
    }
}

impl Handle<ResetSrst> for Office {
    fn handle(&self, caller: &Caller, request: ResetSrst) -> Result<PhonesReset, Failure> {
        self.read(caller, |view| view.srst_reference(&request.name))?;
        let filter = PhoneFilter { srst: Some(request.name), ..PhoneFilter::default() };
        let names = self.matching(caller, &filter)?;
        match request.dry_run {
            true => Ok(self.would_reset(caller, names)),
            false => self.reset(caller, names, PhoneOrderKind::Reset),
        }
    }
}

impl Handle<ShowSrstStatus> for Office {
    fn handle(&self, _: &Caller, _: ShowSrstStatus) -> Result<SrstStatusView, Failure> {
        let nothing = SrstStatusView::Centre { listens: None, gateways: Vec::new() };
        Ok(self.services.survival().map_or(nothing, |survival| survival.view()))
    }
}

impl Office {
    /// What the gateway of a reference shows now.
    fn fetch(&self, caller: &Caller, name: &str) -> Result<Certificate, Failure> {
        let reference = self.read(caller, |view| view.srst_reference(name))?;
        if !reference.secure {
            return Err(caller.failure(&store::Refusal::SrstNotSecure.into()));
        }
        let address = SocketAddr::new(reference.address, reference.provider_port);
        let shown = ::srst::certificate::fetch(address, caller.now).map_err(|fault| Failure {
            kind: FailureKind::Failed,
            text: format!("{:#}", fault.of(name).explain(caller.language)),
        })?;
        Ok(shown.certificate)
    }

    /// What an administrator should know of references, and of centre and gateways.
    pub(super) fn srst_alarms(
        &self,
        view: &mut View<'_>,
        caller: &Caller,
    ) -> store::Result<Vec<String>> {
        let mut alarms = Vec::new();
        for reference in view.srst_references()?.into_iter().filter(|it| it.secure) {
            match view.srst_certificate(&reference.name)? {
                None => alarms.push(caller.said(&srst::SRST_UPDATE_NEEDED, &reference.name)),
                Some(certificate) if certificate.not_after < caller.now + crate::srst::SOON => {
                    let until = pki::check::day(certificate.not_after);
                    let values = [("reference", reference.name), ("until", until)];
                    let text = explain(&srst::SRST_CERTIFICATE_ENDS, &values, caller.language);
                    alarms.push(text.to_string());
                }
                Some(_) => {}
            }
        }
        if let Some(survival) = self.services.survival() {
            alarms.extend(survival.alarms(caller.language));
        }
        Ok(alarms)
    }
}

/// What its maker is to be reminded of after a change of a reference.
fn reminders(
    view: &mut View<'_>,
    old: Option<&SrstReference>,
    new: &SrstReference,
) -> store::Result<Vec<&'static Message>> {
    let had_one = old.is_some_and(|old| old.secure);
    let has_one = view.srst_certificate(&new.name)?.is_some();
    let mut reminders = match (had_one, new.secure) {
        (true, false) => vec![&srst::SRST_SWITCH_OFF],
        (_, true) if !has_one => vec![&srst::SRST_UPDATE_NEEDED],
        (true, true) if old != Some(new) => vec![&srst::SRST_CERTIFICATE_STAYS],
        _ => Vec::new(),
    };
    if new.secure && view.security_mode()? != SecurityMode::Mixed {
        reminders.push(&srst::SRST_NON_SECURE_CLUSTER);
    }
    Ok(reminders)
}

impl Caller {
    /// The answer to a change of a reference, with its reminders.
    fn reminded(&self, changed: store::Changed<Vec<&'static Message>>, reference: &str) -> Done {
        let (reminders, changed) = changed.split();
        let mut done = self.done(changed);
        let said = reminders.into_iter().map(|message| self.said(message, reference));
        let resets = done.actions.iter().any(store::Action::resets_phones);
        let reset = resets.then(|| self.said(&srst::SRST_RESET_DEPENDENTS, reference));
        let notes = said.chain(reset).chain(std::mem::take(&mut done.notes));
        Done { notes: notes.collect(), ..done }
    }

    /// A message with what is to be done.
    fn said(&self, message: &'static Message, reference: &str) -> String {
        let said = explain(message, &[("reference", reference.to_owned())], self.language);
        let stop = if self.language == Language::Japanese { "。" } else { ". " };
        format!("{}{stop}{}", said.text, said.action)
    }
}

fn shown(view: &mut View<'_>, reference: SrstReference) -> store::Result<SrstView> {
    let certificate = view.srst_certificate(&reference.name)?;
    let certificate = certificate.and_then(|it| Certificate::parse(&it.der).ok());
    let mut pools = view.pools()?;
    pools.retain(|pool| pool.srst.as_ref() == Some(&reference.name));
    let pools: Vec<_> = pools.into_iter().map(|pool| pool.name).collect();
    let phones = view.devices()?.iter().filter(|it| pools.contains(&it.pool)).count();
    Ok(SrstView {
        name: reference.name,
        address: reference.address,
        port: reference.port,
        provider_port: reference.provider_port,
        secure: reference.secure,
        certificate: certificate.as_ref().map(certificate_view),
        fetched_at: reference.fetched_at.map(rfc3339),
        pools,
        phones,
    })
}

fn certificate_view(certificate: &Certificate) -> SrstCertificateView {
    SrstCertificateView {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        serial: pki::certificate::hex(certificate.serial()),
        not_before: rfc3339(certificate.not_before()),
        not_after: rfc3339(certificate.not_after()),
        sha256: certificate.fingerprint(),
        sha1: certificate.thumbprint(),
    }
}

/// A fingerprint as people write it: case, blanks and colons do not matter.
fn plain(fingerprint: &str) -> String {
    let digits = fingerprint.chars().filter(char::is_ascii_alphanumeric);
    digits.collect::<String>().to_lowercase()
}
