//! The trust list: whether the phone has the present one, and what the one it has keeps it from.

use cluster::preflight::{Held, Preflight, Verdict, Why};
use cluster::required::Listed;
use store::{SecurityMode, Service};
use tlv::{Record, Role, VerifiedCtl};

use crate::finding::{Finding, Trouble};
use crate::records::Records;

pub(crate) fn look(records: &Records, findings: &mut Vec<Finding>) {
    let phone = records.phone.to_string();
    let troubles = old(records).into_iter().chain(held(records));
    findings.extend(troubles.map(|trouble| Finding { phone: phone.clone(), trouble }));
}

/// Whether it holds another list than the present one, and why.
fn old(records: &Records) -> Option<Trouble> {
    let (list, known) = (records.list.as_ref()?, records.held.as_ref()?);
    if matches!(&known.held, Held::List(held) if held.as_bytes() == list.as_bytes()) {
        return None;
    }
    // Before there was a list in a non-secure cluster there was nothing to miss.
    if known.held == Held::Nothing && records.mode == SecurityMode::NonSecure {
        return None;
    }
    let phone = records.phone.as_str();
    let mut verdicts = Preflight::of(list, [(phone, &known.held)]).phones;
    Some(match verdicts.remove(phone)? {
        Verdict::Accepts | Verdict::AcceptsFirst => {
            let asked = humantime::format_rfc3339_seconds(known.asked).to_string();
            Trouble::CtlOld { asked }
        }
        Verdict::Stranded(Why::UnknownSigner(tokens)) => Trouble::CannotAuthenticateCtl { tokens },
        Verdict::Stranded(Why::UnknownList) => Trouble::CtlUnknown,
    })
}

/// What the list that it holds keeps it from, in mixed mode.
fn held(records: &Records) -> Vec<Trouble> {
    let (SecurityMode::Mixed, Some(known)) = (records.mode, &records.held) else {
        return Vec::new();
    };
    let list = match &known.held {
        Held::List(list) => list,
        Held::Nothing => return vec![Trouble::AsksUnsigned],
        Held::Lost(_) => return Vec::new(),
    };
    let mut troubles = Vec::new();
    if list.wants_signed_files() {
        troubles.extend(tftp(records, list));
    } else {
        troubles.push(Trouble::AsksUnsigned);
    }
    let (capf, servers): (Vec<_>, Vec<_>) =
        records.inventory.servers.iter().partition(|server| server.role == Role::Capf);
    let call_managers = servers.iter().filter(|server| server.role.is_call_manager());
    let differ = call_managers.filter(|server| !fits(list, server, Role::is_call_manager));
    let differ: Vec<_> = differ.map(|server| server.name.clone()).collect();
    if !differ.is_empty() {
        troubles.push(Trouble::CallManagerDiffers { servers: differ });
    }
    let capf = capf.iter().find(|server| !fits(list, server, |role| role == Role::Capf));
    troubles.extend(capf.map(|server| Trouble::WrongCapf { server: server.name.clone() }));
    troubles
}

/// The entry of the server that the phone asks.
fn tftp(records: &Records, list: &VerifiedCtl) -> Option<Trouble> {
    let me = records.me().filter(|me| me.services.contains(&Service::Tftp))?;
    let mut entries = list.records().iter().filter(|record| record.role.signs_files());
    let entry =
        entries.find(|record| record.address == Some(me.address) || is_named(record, &me.name));
    let (node, address) = (me.name.clone(), me.address);
    let Some(entry) = entry else { return Some(Trouble::TftpNotAuthorized { node, address }) };
    let own = records
        .inventory
        .servers
        .iter()
        .find(|server| server.name == me.name && server.role.signs_files())?;
    let differs = own.certificate.is_some() && entry.certificate != own.certificate;
    differs.then_some(Trouble::CannotAuthenticateFiles { node })
}

/// Whether the list has a server as it is: name, address, and certificate where that is known.
fn fits(list: &VerifiedCtl, server: &Listed, role: fn(Role) -> bool) -> bool {
    list.records().iter().filter(|record| role(record.role)).any(|record| {
        let same = is_named(record, &server.name) && record.address == Some(server.address);
        let known = server.certificate.is_some();
        same && (!known || record.certificate == server.certificate)
    })
}

fn is_named(record: &Record, name: &str) -> bool {
    record.dns_name.as_ref().is_some_and(|dns| dns.as_bytes() == name.as_bytes())
}
