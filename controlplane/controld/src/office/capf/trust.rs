use console::{
    DistrustIssuer, Done, Failure, FailureKind, IssuerKind, IssuerView, RenewCapf, TrustIssuer,
};
use enrolment::authority;
use lang::{Say, Text};
use messages::{Explain, Message, capf as said};
use pki::{Certificate, export};
use store::{CertificateRole, NodeRole, Trigger, View};

use super::view::rfc3339;
use crate::office::{Caller, Handle, Office};

impl Handle<RenewCapf> for Office {
    fn handle(&self, caller: &Caller, _: RenewCapf) -> Result<Done, Failure> {
        let nodes = self.read(caller, |view| view.nodes())?;
        let me = nodes.iter().find(|node| node.name == self.node);
        if me.is_none_or(|me| me.role != NodeRole::Publisher) {
            return Err(caller.failure(&store::Refusal::CapfOnPublisherOnly.into()));
        }
        self.services.renew_capf(caller.now).map_err(|why| Failure {
            kind: FailureKind::Failed,
            text: NOT_RENEWED.fill(caller.language, &[("why", &why)]),
        })?;
        self.store
            .audit(&caller.author, caller.now, "capf-renewed", &self.node)
            .map_err(|error| caller.failure(&error))?;
        let notes = vec![RENEWED.say(caller.language)];
        Ok(Done { revision: None, actions: Vec::new(), notes })
    }
}

impl Handle<TrustIssuer> for Office {
    fn handle(&self, caller: &Caller, request: TrustIssuer) -> Result<Done, Failure> {
        let pem = export::read_pem(&request.certificate).and_then(|all| all.into_iter().next());
        let unreadable = || wrong(caller, NO_PEM.say(caller.language));
        let certificate = Certificate::parse(&pem.ok_or_else(unreadable)?)
            .map_err(|fault| wrong(caller, fault.to_string()))?;
        let changed = self.change(caller, |change| {
            change.trigger(&Trigger::CapfParameter);
            authority::trust(change, role(request.kind), &certificate)
        })?;
        Ok(caller.done(changed))
    }
}

impl Handle<DistrustIssuer> for Office {
    fn handle(&self, caller: &Caller, request: DistrustIssuer) -> Result<Done, Failure> {
        let wanted: String =
            request.fingerprint.chars().filter(char::is_ascii_alphanumeric).collect();
        let changed = self.change(caller, |change| {
            let trusted = change.certificates()?.into_iter().find(|entry| {
                kind(entry.role).is_some() && entry.fingerprint().eq_ignore_ascii_case(&wanted)
            });
            let trusted = trusted.ok_or_else(|| store::Error::Unknown {
                object: "issuer",
                name: request.fingerprint.clone(),
            })?;
            change.trigger(&Trigger::CapfParameter);
            change.remove_certificate(&trusted)
        })?;
        Ok(caller.done(changed))
    }
}

/// The trusted issuers of phones' certificates.
pub(super) fn issuers(view: &mut View<'_>) -> store::Result<Vec<IssuerView>> {
    let lscs = view.present_lscs()?;
    let entries = view.certificates()?.into_iter();
    let trusted = entries.filter_map(|entry| Some((kind(entry.role)?, entry)));
    Ok(trusted
        .map(|(kind, entry)| {
            let fingerprint = entry.fingerprint();
            let by = lscs.iter().filter(|lsc| lsc.issued_by.as_ref() == Some(&fingerprint));
            IssuerView {
                kind,
                subject: entry.subject,
                serial: entry.serial,
                not_after: rfc3339(entry.not_after),
                certificates: by.count(),
                fingerprint,
            }
        })
        .collect())
}

fn role(kind: IssuerKind) -> CertificateRole {
    match kind {
        IssuerKind::Lsc => CertificateRole::LscIssuer,
        IssuerKind::Mic => CertificateRole::MicIssuer,
    }
}

fn kind(role: CertificateRole) -> Option<IssuerKind> {
    match role {
        CertificateRole::LscIssuer => Some(IssuerKind::Lsc),
        CertificateRole::MicIssuer => Some(IssuerKind::Mic),
        _ => None,
    }
}

fn wrong(caller: &Caller, detail: String) -> Failure {
    struct NotAnIssuer(String);
    impl Explain for NotAnIssuer {
        fn message(&self) -> &'static Message {
            &said::NOT_AN_ISSUER
        }
        fn values(&self) -> Vec<(&'static str, String)> {
            vec![("detail", self.0.clone())]
        }
    }
    let text = format!("{:#}", NotAnIssuer(detail).explain(caller.language));
    Failure { kind: FailureKind::Usage, text }
}

const NO_PEM: Text = Text::new("There is no certificate in it", "証明書が含まれていません");
const RENEWED: Text = Text::new(
    "CAPF has a new certificate. Update the CTL file now: phones do not trust it before. LSCs of the old one hold until it is taken out with `ringfence capf distrust`.",
    "CAPF の証明書を更新しました。CTL ファイルを更新するまで、電話機は新しい証明書を信頼しません。以前の証明書が発行した LSC は、`ringfence capf distrust` で信頼を解除するまで有効です。",
);
const NOT_RENEWED: Text = Text::new(
    "CAPF has no new certificate: {why}.",
    "CAPF の証明書を更新できませんでした: {why}。",
);
