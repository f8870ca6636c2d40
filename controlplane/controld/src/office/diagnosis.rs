use cluster::locations::Locations;
use cluster::required::Inventory;
use console::{DiagnosePhone, DiagnosisView, EventView, Failure, FindingView};
use diagnosis::{Diagnosis, Event, Finding, Records, diagnose};
use lang::{Language, Say};
use messages::{Explain, Kind};
use store::CertificateRole;

use super::{Caller, Handle, Office};

impl Handle<DiagnosePhone> for Office {
    fn handle(&self, caller: &Caller, request: DiagnosePhone) -> Result<DiagnosisView, Failure> {
        let records = self.records(caller, &request)?;
        let Diagnosis { timeline, findings } = diagnose(&records);
        let told = |event| told(event, caller.language);
        let found = |finding| found(finding, caller.language);
        Ok(DiagnosisView {
            phone: request.name,
            node: self.node.clone(),
            timeline: timeline.iter().map(told).collect(),
            findings: findings.iter().map(found).collect(),
        })
    }
}

impl Office {
    /// Everything that this node knows of a phone.
    fn records(&self, caller: &Caller, request: &DiagnosePhone) -> Result<Records, Failure> {
        let phone = &request.name;
        let asked = tftp::DeviceName::parse(phone.as_str())
            .expect("names of devices in the store are names of phones");
        let phones = self.services.phones();
        let inventory = Inventory::of_store(&self.store).map_err(|error| caller.failure(&error))?;
        self.read(caller, |view| {
            let (mode, default) = (view.security_mode()?, view.default_device_mode()?);
            let device = view.find_device(phone)?;
            let known = device.is_some();
            let locations = Locations::of_node(view, &self.node)?;
            let mut lsc_issuers = view.certificates()?;
            lsc_issuers.retain(|certificate| certificate.role == CertificateRole::LscIssuer);
            Ok(Records {
                phone: phone.clone(),
                now: caller.now,
                device: device.map(|it| (it.clone(), it.effective_mode(mode, default))),
                mode,
                nodes: view.nodes()?,
                node: self.node.clone(),
                inventory,
                // What is wrong with the file itself is told by the status.
                list: locations.and_then(|locations| locations.read().ok()),
                requests: phones.requests(asked),
                held: phones.list_of(phone.as_str()),
                capf: if known { Some(view.capf(phone)?) } else { None },
                certificates: view.phone_certificates(phone)?,
                lsc_issuers,
                has_capf_certificate: self.services.has_capf_certificate(caller.now),
            })
        })
    }
}

fn told(event: &Event, language: Language) -> EventView {
    EventView {
        at: event.at.map(|at| humantime::format_rfc3339_millis(at).to_string()),
        stage: event.stage.name().to_owned(),
        state: event.state.name().to_owned(),
        text: event.say(language),
    }
}

fn found(finding: &Finding, language: Language) -> FindingView {
    let said = finding.explain(language);
    FindingView {
        id: said.id.to_owned(),
        kind: match said.kind {
            Kind::Error => "error",
            Kind::Prompt | Kind::Notice => "notice",
        }
        .to_owned(),
        text: said.text,
        cause: said.cause,
        action: said.action,
    }
}
