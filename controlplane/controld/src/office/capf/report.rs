use std::collections::HashMap;

use console::{
    CapfCount, CapfDetail, CapfService, CapfServiceView, CapfView, Failure, ReportCapf, ShowCapf,
};
use lang::{Language, Say, Text};
use store::{
    Capf, CapfOperation, CapfStatus, CertificateRole, Device, DeviceName, NodeRole,
    PhoneCertificate, PhoneCertificateKind, Service, View,
};

use super::trust::issuers;
use super::view::{certificate, shown};
use crate::office::{Caller, Handle, Office};

impl Handle<ShowCapf> for Office {
    fn handle(&self, caller: &Caller, request: ShowCapf) -> Result<CapfDetail, Failure> {
        self.read(caller, |view| {
            let device = view.device(&request.name)?;
            let capf = view.capf(&request.name)?;
            let certificates = view.phone_certificates(&request.name)?;
            let lsc =
                certificates.iter().rfind(|it| it.present && it.kind == PhoneCertificateKind::Lsc);
            Ok(CapfDetail {
                capf: shown(&device, &capf, lsc, caller.language),
                detail: capf.result.map(|result| result.detail).filter(|it| !it.is_empty()),
                certificates: certificates.iter().map(certificate).collect(),
                problems: problems(view, lsc, caller)?,
            })
        })
    }
}

impl Handle<ReportCapf> for Office {
    fn handle(&self, caller: &Caller, _: ReportCapf) -> Result<Vec<CapfView>, Failure> {
        self.read(caller, |view| {
            let all = phones(view)?;
            let lscs = view.present_lscs()?;
            let lscs: HashMap<_, _> = lscs.iter().map(|lsc| (&lsc.device, lsc)).collect();
            let told = all.iter().map(|(device, capf)| {
                shown(device, capf, lscs.get(&device.name).copied(), caller.language)
            });
            Ok(told.collect())
        })
    }
}

impl Handle<CapfService> for Office {
    fn handle(&self, caller: &Caller, _: CapfService) -> Result<CapfServiceView, Failure> {
        let problems = self.services.problems();
        let problem = problems.into_iter().find(|(service, _)| *service == Service::Capf);
        let running = self.services.since(Service::Capf).is_some();
        self.read(caller, |view| {
            let nodes = view.nodes()?;
            let node = nodes.iter().find(|node| node.services.contains(&Service::Capf));
            let own = view.certificates()?.into_iter().rfind(|entry| {
                entry.role == CertificateRole::Capf
                    && node.is_some_and(|node| node.name == entry.owner)
            });
            let phones = phones(view)?;
            let waits = |(_, capf): &&(Device, Capf)| capf.operation != CapfOperation::None;
            Ok(CapfServiceView {
                node: node.map(|node| node.name.clone()),
                running,
                problem: problem.map(|(_, why)| why),
                port: view.parameter(None, "enterprise.capf-phone-port")?.integer()?,
                issuer: view.capf_parameter("capf.certificate-issuer")?.value,
                certificate: own.map(|own| own.fingerprint()),
                trusted: issuers(view)?,
                pending: phones.iter().filter(waits).count(),
                phones: counts(&phones, caller.language),
            })
        })
    }
}

/// The phones that can have certificates, with what CAPF knows of them.
fn phones(view: &mut View<'_>) -> store::Result<Vec<(Device, Capf)>> {
    let size = view.default_key_size()?;
    let known = view.capfs()?.into_iter().map(|capf| (capf.device.clone(), capf));
    let mut known: HashMap<DeviceName, Capf> = known.collect();
    let devices = view.devices()?.into_iter().filter(|device| device.model.is_securable());
    let with_capf = |device: Device| {
        let capf = known.remove(&device.name);
        let capf = capf.unwrap_or_else(|| Capf::new(device.name.clone(), size));
        (device, capf)
    };
    Ok(devices.map(with_capf).collect())
}

fn counts(phones: &[(Device, Capf)], language: Language) -> Vec<CapfCount> {
    let of = |status: CapfStatus| CapfCount {
        status,
        text: status.say(language),
        phones: phones.iter().filter(|(_, capf)| capf.status == status).count(),
    };
    CapfStatus::ALL.iter().map(|status| of(*status)).filter(|count| count.phones > 0).collect()
}

/// Why the LSC of a phone may not be accepted.
fn problems(
    view: &mut View<'_>,
    lsc: Option<&PhoneCertificate>,
    caller: &Caller,
) -> store::Result<Vec<String>> {
    let mut problems = Vec::new();
    let Some(lsc) = lsc else { return Ok(problems) };
    let trusted = issuers(view)?;
    let issuer = lsc.issued_by.as_ref();
    if !trusted.iter().any(|trusted| Some(&trusted.fingerprint) == issuer) {
        problems.push(NOT_ISSUED_HERE.fill(caller.language, &[("issuer", &lsc.issuer)]));
    }
    if lsc.not_after < caller.now {
        problems.push(EXPIRED.say(caller.language));
    }
    let Some(issuer) = issuer else { return Ok(problems) };
    let own = view
        .certificates()?
        .into_iter()
        .any(|entry| entry.role == CertificateRole::Capf && entry.fingerprint() == *issuer);
    let copies = view.certificate_copies(issuer)?;
    for node in view.nodes()?.iter().filter(|node| own && node.role == NodeRole::Subscriber) {
        if !copies.iter().any(|copy| copy.node == node.name) {
            problems.push(MISSING_ON_NODE.fill(caller.language, &[("node", &node.name)]));
        }
    }
    Ok(problems)
}

const NOT_ISSUED_HERE: Text = Text::new(
    "Its LSC was issued by {issuer}, which is not trusted here: install another one, or trust the issuer with `ringfence capf trust`.",
    "LSC の発行者 {issuer} は信頼されていません。LSC をインストールし直すか、`ringfence capf trust` で発行者を信頼してください。",
);
const EXPIRED: Text = Text::new(
    "Its LSC has expired: install another one.",
    "LSC の有効期限が切れています。インストールし直してください。",
);
const MISSING_ON_NODE: Text = Text::new(
    "CAPF's certificate was not copied to {node}: run `ringfence ctl update`.",
    "CAPF の証明書が {node} にコピーされていません。`ringfence ctl update` を実行してください。",
);
