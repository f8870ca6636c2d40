use std::time::Duration;

use console::{Failure, ListDue, Status, StatusReport};
use lang::{Language, Say, Text};
use md5::{Digest, Md5};
use messages::{Explain, backup};
use store::{Action, Due, Replica, SecurityMode};

use super::checklist::Facts;
use super::{Caller, Handle, Office};
use crate::database;

impl Handle<Status> for Office {
    fn handle(&self, caller: &Caller, _: Status) -> Result<StatusReport, Failure> {
        // A gateway has no CTL file, and what is to be done is done at the centre.
        let trust = match self.read_only {
            true => Vec::new(),
            false => self.trust_alarms(caller).map_err(|error| caller.failure(&error))?,
        };
        let telephony = self.services.telephony();
        let problems = telephony.as_ref().map(|telephony| telephony.problems(caller.language));
        let telephony = telephony.map(|telephony| telephony.counters());
        self.read(caller, |view| {
            let cluster = view.cluster()?;
            let ctl = view.ctl()?;
            let mode = cluster.as_ref().and_then(|cluster| cluster.security_mode);
            let mut due = view.due()?;
            due.retain(|due| !self.read_only && self.is_due(due));
            let mut alarms: Vec<_> = self.capture_banner(view, caller)?.into_iter().collect();
            alarms.extend(trust);
            for (service, why) in self.services.problems() {
                alarms.push(format!("{service}: {why}"));
            }
            alarms.extend(problems.into_iter().flatten());
            alarms.extend(self.services.survival_problem());
            alarms.extend(self.srst_alarms(view, caller)?);
            alarms.extend(self.voicemail_alarms(view, caller)?);
            alarms.extend(self.archivist.alarm(caller.language));
            if view.restored_since_ctl()? {
                let told = (&backup::DATA_RESTORED).explain(caller.language);
                alarms.push(format!("{told}: {}", told.action));
            }
            alarms.extend(self.replica_alarm(view.replica()?, caller.language));
            let keeper = self.services.database();
            alarms.extend(keeper.and_then(|keeper| database::alarm(keeper, caller.language)));
            if let Err(error) = view.verify_audit() {
                alarms.push(error.say(caller.language));
            }
            let facts = Facts {
                has_cluster: cluster.is_some(),
                nodes: view.nodes()?,
                has_ctl: ctl.is_some(),
                mode: mode.unwrap_or_default(),
                default_mode: view.default_device_mode()?,
                devices: view.devices()?,
                due: due.len(),
            };
            Ok(StatusReport {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                node: self.node.clone(),
                cluster: cluster.map(|cluster| cluster.name),
                security_mode: mode.map(SecurityMode::number),
                revision: view.revision()?.0,
                ctl_md5: ctl.map(|ctl| hex(&Md5::digest(&ctl.file))),
                certificate_sha256: self.services.certificate_sha256(),
                checklist: match self.read_only {
                    true => Vec::new(),
                    false => facts.checklist(caller.language),
                },
                due: due.into_iter().map(|due| due.action).collect(),
                alarms,
                telephony,
            })
        })
    }
}

impl Handle<ListDue> for Office {
    fn handle(&self, caller: &Caller, _: ListDue) -> Result<Vec<Action>, Failure> {
        let due = self.read(caller, |view| view.due())?.into_iter();
        Ok(due.filter(|due| self.is_due(due)).map(|due| due.action).collect())
    }
}

impl Office {
    /// That the publisher's database is not followed, or not closely.
    fn replica_alarm(&self, replica: Option<Replica>, language: Language) -> Option<String> {
        let replica = replica?;
        let node: (&str, &dyn std::fmt::Display) = ("node", &self.node);
        let seconds = replica.silent.as_secs();
        match replica {
            Replica { streams: false, .. } => Some(PUBLISHER_AWAY.fill(language, &[node])),
            Replica { silent, .. } if silent >= SILENCE => {
                Some(PUBLISHER_SILENT.fill(language, &[node, ("seconds", &seconds)]))
            }
            Replica { behind, .. } if behind >= FAR_BEHIND => {
                Some(REPLICA_BEHIND.fill(language, &[node, ("bytes", &behind)]))
            }
            Replica { .. } => None,
        }
    }

    /// Whether an action is still to be done on this node. A service that does not run here has
    /// nothing to take over.
    fn is_due(&self, due: &Due) -> bool {
        match due.action.restarts() {
            None => true,
            Some(service) => self.services.since(service).is_some_and(|since| since < due.since),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A primary that is there speaks up every ten seconds.
const SILENCE: Duration = Duration::from_secs(60);
/// Changes that came and do not show yet, in bytes.
const FAR_BEHIND: u64 = 16 << 20;

const PUBLISHER_AWAY: Text = Text::new(
    "The database of {node} is a copy, and the publisher's does not answer: calls go on, nothing can be changed. If it is lost, set up a machine in its place (`ringfence recover publisher`) or make this node the publisher (`ringfence cluster promote`).",
    "{node} のデータベースは複製で、パブリッシャのデータベースが応答しません。通話は継続しますが、変更はできません。失われた場合は、代わりのマシンを用意するか (`ringfence recover publisher`)、このノードをパブリッシャにしてください (`ringfence cluster promote`)。",
);
const PUBLISHER_SILENT: Text = Text::new(
    "The database of {node} has heard nothing from the publisher's for {seconds} s.",
    "{node} のデータベースは {seconds} 秒間パブリッシャから何も受信していません。",
);
const REPLICA_BEHIND: Text = Text::new(
    "The database of {node} is {bytes} bytes behind the publisher's: what was changed lately may not hold here yet.",
    "{node} のデータベースはパブリッシャより {bytes} バイト遅れています。最近の変更がまだ反映されていない可能性があります。",
);
