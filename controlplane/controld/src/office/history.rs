use std::time::SystemTime;

use console::{AuditTrail, AuditView, Failure, History, NewestRevision, RevisionView};

use super::{Caller, Handle, Office};

impl Handle<History> for Office {
    fn handle(&self, caller: &Caller, request: History) -> Result<Vec<RevisionView>, Failure> {
        let revisions = self.read(caller, |view| view.revisions(None, request.limit))?;
        let view = |log: store::RevisionLog| RevisionView {
            revision: log.revision.0,
            at: rfc3339(log.at),
            who: log.author.who,
            origin: log.author.origin,
            entries: log.entries,
        };
        Ok(revisions.into_iter().map(view).collect())
    }
}

impl Handle<NewestRevision> for Office {
    fn handle(&self, caller: &Caller, _: NewestRevision) -> Result<u64, Failure> {
        Ok(self.read(caller, |view| view.revision())?.0)
    }
}

impl Handle<AuditTrail> for Office {
    fn handle(&self, caller: &Caller, request: AuditTrail) -> Result<Vec<AuditView>, Failure> {
        let records = self.read(caller, |view| {
            view.verify_audit()?;
            view.audit(None, request.limit)
        })?;
        let view = |record: store::AuditRecord| AuditView {
            number: record.number,
            at: rfc3339(record.at),
            who: record.author.who,
            origin: record.author.origin,
            action: record.action,
            detail: record.detail,
        };
        Ok(records.into_iter().map(view).collect())
    }
}

fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}
