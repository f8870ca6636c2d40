//! What is to be told about the CTL file.

use cluster::list::{ListFault, mode_of, present_list};
use cluster::locations::Locations;
use cluster::required::{Inventory, restored, update_required};
use console::{
    Failure, ShowTrustList, TrustEntryView, TrustFileView, TrustListView, TrustVersionView,
};
use messages::{Explain, trust_list};
use pki::certificate::hex;
use store::{CtlVersion, SecurityMode};
use tlv::{Record, Text, VerifiedCtl};

use super::capf::rfc3339;
use super::{Caller, Handle, Office};

impl Handle<ShowTrustList> for Office {
    fn handle(&self, caller: &Caller, _: ShowTrustList) -> Result<TrustListView, Failure> {
        let alarms = self.trust_alarms(caller).map_err(|error| caller.failure(&error))?;
        let versions = self.read(caller, |view| view.ctl_versions())?;
        let present = versions.first().and_then(|newest| present_list(&newest.file).ok());
        Ok(TrustListView {
            file: present.as_ref().map(file),
            alarms,
            versions: versions.into_iter().map(version).collect(),
        })
    }
}

fn file(list: &VerifiedCtl) -> TrustFileView {
    let signer = &list.header().signer;
    TrustFileView {
        signer: signer.name.to_string(),
        signer_serial: signer.serial.to_string(),
        security_mode: mode_of(list).number(),
        md5: hex(&list.md5()),
        entries: list.records().iter().map(entry).collect(),
    }
}

fn entry(record: &Record) -> TrustEntryView {
    let text = |text: &Option<Text>| text.as_ref().map(ToString::to_string).unwrap_or_default();
    TrustEntryView {
        function: record.role.to_string(),
        name: text(&record.dns_name),
        subject: text(&record.subject),
        issuer: text(&record.issuer),
        serial: record.serial.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

fn version(version: CtlVersion) -> TrustVersionView {
    TrustVersionView {
        number: version.number,
        at: rfc3339(version.at),
        made_by: version.made_by,
        signer: version.signer,
        sha256: version.sha256,
    }
}

impl Office {
    /// What is wrong with the CTL file of this node, and why an update is required.
    pub(super) fn trust_alarms(&self, caller: &Caller) -> store::Result<Vec<String>> {
        let (locations, accepted, mode) = self.store.read(|view| {
            Ok((Locations::of_node(view, &self.node)?, view.ctl()?, view.security_mode()?))
        })?;
        let Some(locations) = locations else { return Ok(Vec::new()) };
        let say = |told: &dyn Explain| {
            let told = told.explain(caller.language);
            format!("{told}: {}", told.cause)
        };
        let list = match locations.read() {
            Ok(list) => list,
            Err(ListFault::NoFile) if mode == SecurityMode::Mixed => {
                return Ok(vec![say(&&trust_list::NO_FILE_IN_MIXED_MODE)]);
            }
            Err(ListFault::NoFile) => return Ok(Vec::new()),
            Err(fault) => return Ok(vec![say(&fault)]),
        };
        let now = Inventory::of_store(&self.store)?;
        let required = update_required(&list, &now);
        let restored = accepted.and_then(|known| restored(&self.node, &list, &known.sha256));
        Ok(required.iter().chain(&restored).map(|reason| say(reason)).collect())
    }
}
