use std::time::Duration;

use console::{
    AddVoicemail, AddVoicemailPorts, CopyVoicemailRoot, Done, Failure, FailureKind, ListVoicemail,
    ListVoicemailPorts, NewVoicemailPorts, PhonesReset, RegistrationView, RemoveVoicemail,
    RemoveVoicemailPort, RemoveVoicemailRoot, ResetVoicemail, SetVoicemail, SetVoicemailPort,
    VoicemailPortView, VoicemailRootView, VoicemailView,
};
use lang::{Say, Text};
use pki::{Certificate, export};
use store::{
    Action, Change, Changed, DeviceSecurityMode, EffectiveMode, Error, PhoneOrderKind, PortName,
    SecurityMode, View, VoicemailPort, VoicemailServer,
};

use super::{Caller, Handle, Office};
use crate::srst::rfc3339;

/// A root certificate that ends in this time is told of.
const SOON: Duration = Duration::from_secs(30 * 24 * 3600);

impl Handle<ListVoicemail> for Office {
    fn handle(&self, caller: &Caller, _: ListVoicemail) -> Result<Vec<VoicemailView>, Failure> {
        let registered = self.registered().unwrap_or_default();
        self.read(caller, |view| {
            let servers = view.voicemail_servers()?.into_iter();
            servers.map(|server| shown(view, server, &registered)).collect()
        })
    }
}
impl Handle<AddVoicemail> for Office {
    fn handle(&self, caller: &Caller, request: AddVoicemail) -> Result<Done, Failure> {
        let AddVoicemail { name, security_mode, ports } = request;
        let changed = self.change(caller, |change| {
            if change.voicemail_servers()?.iter().any(|old| old.name == name) {
                let (object, name) = ("voicemail-server", name.clone());
                return Err(Error::Exists { object, name });
            }
            change.put_voicemail_server(&VoicemailServer { name: name.clone(), security_mode })?;
            add(change, &name, &ports)
        })?;
        Ok(caller.added(changed))
    }
}

impl Handle<AddVoicemailPorts> for Office {
    fn handle(&self, caller: &Caller, request: AddVoicemailPorts) -> Result<Done, Failure> {
        let AddVoicemailPorts { server, ports } = request;
        let changed = self.change(caller, |change| add(change, &server, &ports))?;
        Ok(caller.added(changed))
    }
}

impl Handle<SetVoicemail> for Office {
    fn handle(&self, caller: &Caller, request: SetVoicemail) -> Result<Done, Failure> {
        let SetVoicemail { name, security_mode } = request;
        let changed = self.change(caller, |change| {
            let server = change.voicemail_server(&name)?;
            change.put_voicemail_server(&VoicemailServer { security_mode, ..server })?;
            for port in change.ports_of(&name)? {
                change.put_voicemail_port(&VoicemailPort { security_mode, ..port })?;
            }
            Ok(needs_root(change, &name)?.into_iter().collect())
        })?;
        Ok(caller.warned(changed))
    }
}

impl Handle<RemoveVoicemail> for Office {
    fn handle(&self, caller: &Caller, request: RemoveVoicemail) -> Result<Done, Failure> {
        let changed =
            self.change(caller, |change| change.remove_voicemail_server(&request.name))?;
        Ok(caller.done(changed))
    }
}

impl Handle<CopyVoicemailRoot> for Office {
    fn handle(&self, caller: &Caller, request: CopyVoicemailRoot) -> Result<Done, Failure> {
        let CopyVoicemailRoot { server, certificate } = request;
        let root = root(&certificate, caller)?;
        let role = store::CertificateRole::VoicemailRoot;
        let entry = cluster::inventory::entry(role, &server, &root);
        let changed = self.change(caller, |change| change.put_voicemail_root(&server, &entry))?;
        Ok(caller.done(changed))
    }
}

impl Handle<RemoveVoicemailRoot> for Office {
    fn handle(&self, caller: &Caller, request: RemoveVoicemailRoot) -> Result<Done, Failure> {
        let server = request.server;
        let changed = self.change(caller, |change| {
            change.voicemail_server(&server)?;
            change.remove_voicemail_root(&server)?;
            Ok(needs_root(change, &server)?.into_iter().collect())
        })?;
        Ok(caller.warned(changed))
    }
}
impl Handle<ListVoicemailPorts> for Office {
    fn handle(
        &self,
        caller: &Caller,
        request: ListVoicemailPorts,
    ) -> Result<Vec<VoicemailPortView>, Failure> {
        let registered = self.registered().unwrap_or_default();
        let ports = self.read(caller, |view| view.voicemail_ports())?.into_iter();
        let wanted = |port: &VoicemailPort| {
            request.server.as_ref().is_none_or(|server| port.name.server() == server)
                && request.security_mode.is_none_or(|mode| port.security_mode == mode)
        };
        let view = |port: VoicemailPort| VoicemailPortView {
            registration: registration(&registered, &port.name).cloned(),
            name: port.name,
            number: port.number,
            pool: port.pool,
            security_mode: port.security_mode,
        };
        Ok(ports.filter(wanted).map(view).collect())
    }
}

impl Handle<SetVoicemailPort> for Office {
    fn handle(&self, caller: &Caller, request: SetVoicemailPort) -> Result<Done, Failure> {
        let SetVoicemailPort { name, changes } = request;
        let changed = self.change(caller, |change| {
            let mut port = change.voicemail_port(&name)?;
            changes.apply(&mut port);
            change.put_voicemail_port(&port)?;
            Ok(needs_root(change, name.server())?.into_iter().collect())
        })?;
        Ok(caller.warned(changed))
    }
}

impl Handle<RemoveVoicemailPort> for Office {
    fn handle(&self, caller: &Caller, request: RemoveVoicemailPort) -> Result<Done, Failure> {
        let changed = self.change(caller, |change| change.remove_voicemail_port(&request.name))?;
        Ok(caller.done(changed))
    }
}

impl Handle<ResetVoicemail> for Office {
    fn handle(&self, caller: &Caller, request: ResetVoicemail) -> Result<PhonesReset, Failure> {
        let (kind, name) = (PhoneOrderKind::Reset, request.name);
        let mut names = Vec::new();
        let changed = self.change(caller, |change| {
            change.voicemail_server(&name)?;
            names = change.ports_of(&name)?.iter().map(|port| port.name.to_string()).collect();
            change.done(&Action::ResetVoicemailPorts(name.clone()))?;
            self.order_elsewhere(change, kind, &names)
        })?;
        let in_calls = self.in_calls(&names);
        let told = self.order_here(&names, kind);
        Ok(PhonesReset { done: caller.done(changed), matched: names.len(), told, in_calls })
    }
}

impl Office {
    /// What an administrator should know of voicemail servers.
    pub(super) fn voicemail_alarms(
        &self,
        view: &mut View<'_>,
        caller: &Caller,
    ) -> store::Result<Vec<String>> {
        let mut alarms = Vec::new();
        for server in view.voicemail_servers()? {
            let name = &server.name;
            let root = view.voicemail_root(name)?;
            let told = match root {
                None => needs_root(view, name)?.map(|_| (ROOT_MISSING, String::new())),
                Some(root) if root.not_after < caller.now => {
                    Some((ROOT_ENDED, pki::check::day(root.not_after)))
                }
                Some(root) if root.not_after < caller.now + SOON => {
                    Some((ROOT_ENDS, pki::check::day(root.not_after)))
                }
                Some(_) => None,
            };
            let fill = |(text, until): (Text, String)| {
                text.fill(caller.language, &[("server", name), ("until", &until)])
            };
            alarms.extend(told.map(fill));
        }
        Ok(alarms)
    }
}

fn add(
    change: &mut Change<'_>,
    server: &str,
    ports: &NewVoicemailPorts,
) -> store::Result<Vec<PortName>> {
    change.add_voicemail_ports(server, ports.count, &ports.first_number, &ports.pool)
}

/// The server, if it has ports that are to be secure and no root certificate.
fn needs_root(view: &mut View<'_>, server: &str) -> store::Result<Option<String>> {
    if view.voicemail_root(server)?.is_some() || view.security_mode()? != SecurityMode::Mixed {
        return Ok(None);
    }
    let default = view.default_device_mode()?;
    let secure = |port: &VoicemailPort| match port.security_mode {
        DeviceSecurityMode::UseSystemDefault => default != EffectiveMode::NonSecure,
        mode => mode != DeviceSecurityMode::NonSecure,
    };
    Ok(view.ports_of(server)?.iter().any(secure).then(|| server.to_owned()))
}

fn root(pem: &str, caller: &Caller) -> Result<Certificate, Failure> {
    let wrong = |text: Text| Failure { kind: FailureKind::Usage, text: text.say(caller.language) };
    let all = export::read_pem(pem).unwrap_or_default();
    let [der] = &all[..] else { return Err(wrong(NO_PEM)) };
    let certificate = Certificate::parse(der).map_err(|_| wrong(NO_PEM))?;
    match certificate {
        other if !other.is_issued_by(&other) => Err(wrong(NO_ROOT)),
        old if old.not_after() < caller.now => Err(wrong(OLD_ROOT)),
        root => Ok(root),
    }
}

fn shown(
    view: &mut View<'_>,
    server: VoicemailServer,
    registered: &[RegistrationView],
) -> store::Result<VoicemailView> {
    let ports = view.ports_of(&server.name)?;
    let root = view.voicemail_root(&server.name)?.map(|root| VoicemailRootView {
        sha256: root.fingerprint(),
        subject: root.subject,
        not_after: rfc3339(root.not_after),
    });
    Ok(VoicemailView {
        name: server.name,
        security_mode: server.security_mode,
        ports: ports.len(),
        registered: ports.iter().filter_map(|port| registration(registered, &port.name)).count(),
        root,
    })
}

fn registration<'a>(
    registered: &'a [RegistrationView],
    port: &PortName,
) -> Option<&'a RegistrationView> {
    let name = port.to_string();
    registered.iter().find(|registration| registration.device == name)
}

impl Caller {
    /// The answer to a change that added ports.
    fn added(&self, changed: Changed<Vec<PortName>>) -> Done {
        let (ports, changed) = changed.split();
        let names: Vec<_> = ports.iter().map(ToString::to_string).collect();
        let mut done = self.done(changed);
        done.notes.push(ADDED.fill(self.language, &[("ports", &names.join(", "))]));
        done
    }

    /// The answer to a change after which these servers lack their root certificate.
    fn warned(&self, changed: Changed<Vec<String>>) -> Done {
        let (servers, changed) = changed.split();
        let mut done = self.done(changed);
        let warning = |server: String| {
            ROOT_MISSING.fill(self.language, &[("server", &server), ("until", &"")])
        };
        done.notes.extend(servers.into_iter().map(warning));
        done
    }
}

const ADDED: Text = Text::new("Added: {ports}.", "追加: {ports}。");
const ROOT_MISSING: Text = Text::new(
    "The voicemail server {server} has secure ports, which cannot register without its root certificate: copy it with `ringfence voicemail certificate {server} FILE`.",
    "ボイスメールサーバ {server} のセキュアポートは、ルート証明書がないため登録できません。`ringfence voicemail certificate {server} FILE` でコピーしてください。",
);
const ROOT_ENDED: Text = Text::new(
    "The root certificate of the voicemail server {server} has ended ({until}): its secure ports cannot register. Renew it there and copy it with `ringfence voicemail certificate {server} FILE`.",
    "ボイスメールサーバ {server} のルート証明書は有効期限が切れているため ({until})、セキュアポートは登録できません。サーバで更新し、`ringfence voicemail certificate {server} FILE` でコピーしてください。",
);
const ROOT_ENDS: Text = Text::new(
    "The root certificate of the voicemail server {server} ends soon ({until}).",
    "ボイスメールサーバ {server} のルート証明書の有効期限が近づいています ({until})。",
);
const NO_PEM: Text = Text::new(
    "The file is not one certificate in PEM: take the root certificate of the voicemail server, not those of its ports.",
    "PEM 形式の証明書が 1 つだけ入ったファイルではありません。ポートの証明書ではなく、ボイスメールサーバのルート証明書を指定してください。",
);
const NO_ROOT: Text = Text::new(
    "The certificate is no root: another one has issued it. Take the root certificate of the voicemail server.",
    "ルート証明書ではありません。ほかの証明書によって発行されています。ボイスメールサーバのルート証明書を指定してください。",
);
const OLD_ROOT: Text = Text::new(
    "The certificate has ended: renew it at the voicemail server first.",
    "証明書の有効期限が切れています。先にボイスメールサーバで更新してください。",
);
