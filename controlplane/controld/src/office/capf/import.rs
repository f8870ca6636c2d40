use console::{Failure, ImportCapf, ImportView};
use enrolment::import::{Imported, OldFile, read};
use messages::Explain;

use crate::office::{Caller, Handle, Office};

impl Handle<ImportCapf> for Office {
    fn handle(&self, caller: &Caller, request: ImportCapf) -> Result<ImportView, Failure> {
        let files = request.files.into_iter();
        let files: Vec<_> =
            files.map(|file| OldFile { name: file.name, content: file.text.into() }).collect();
        let data = read(&files);
        let (done, revision) = match request.dry_run {
            true => (self.read(caller, |view| data.preview(view))?, None),
            false => {
                let changed = self.change(caller, |change| data.apply(change, caller.now))?;
                (changed.value, changed.revision)
            }
        };
        let Imported { issuers, certificates, phones, parameters, unknown } = done;
        let faults = data.faults.iter().map(|fault| {
            let told = fault.explain(caller.language);
            format!("{told} {}", told.cause)
        });
        Ok(ImportView {
            revision: revision.map(|revision| revision.0),
            issuers,
            certificates,
            phones,
            parameters,
            unknown,
            faults: faults.collect(),
        })
    }
}
