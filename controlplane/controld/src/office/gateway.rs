//! Gateways, and the steps until one is given keys.

use console::{
    AddGateway, CheckGateway, CheckItem, CheckState, Done, Failure, FailureKind, GatewayStatus,
    GatewayView, ListGateways, RemoveGateway, RemoveGatewayPort, ResetGateway, SetGateway,
    SetGatewayPort, ShowGateway,
};
use lang::{Language, Say, Text};
use store::{EffectiveMode, Gateway, GatewayPort, SecurityMode};

use super::{Caller, Handle, Office};

impl Handle<ListGateways> for Office {
    fn handle(&self, caller: &Caller, _: ListGateways) -> Result<Vec<GatewayView>, Failure> {
        let gateways = self.read(caller, |view| view.gateways())?;
        let view =
            |gateway: Gateway| GatewayView { status: self.gateway_status(&gateway.name), gateway };
        Ok(gateways.into_iter().map(view).collect())
    }
}

impl Handle<ShowGateway> for Office {
    fn handle(&self, caller: &Caller, request: ShowGateway) -> Result<GatewayView, Failure> {
        let gateway = self.read(caller, |view| view.gateway(&request.name))?;
        Ok(GatewayView { status: self.gateway_status(&gateway.name), gateway })
    }
}

impl Handle<AddGateway> for Office {
    fn handle(&self, caller: &Caller, request: AddGateway) -> Result<Done, Failure> {
        let AddGateway { name, addresses, changes } = request;
        let changed = self.change(caller, |change| {
            let there = change.gateways()?;
            if there.iter().any(|gateway| gateway.name.eq_ignore_ascii_case(&name)) {
                return Err(store::Error::Exists { object: "gateway", name: name.clone() });
            }
            let mut gateway = Gateway::new(name.clone(), addresses.clone());
            changes.clone().apply(&mut gateway);
            check(&gateway)?;
            change.put_gateway(&gateway)
        })?;
        Ok(caller.done(changed))
    }
}

impl Handle<SetGateway> for Office {
    fn handle(&self, caller: &Caller, request: SetGateway) -> Result<Done, Failure> {
        let SetGateway { name, changes } = request;
        let changed = self.change(caller, |change| {
            let mut gateway = change.gateway(&name)?;
            changes.clone().apply(&mut gateway);
            check(&gateway)?;
            change.put_gateway(&gateway)
        })?;
        Ok(caller.done(changed))
    }
}

impl Handle<RemoveGateway> for Office {
    fn handle(&self, caller: &Caller, request: RemoveGateway) -> Result<Done, Failure> {
        let changed = self.change(caller, |change| change.remove_gateway(&request.name))?;
        Ok(caller.done(changed))
    }
}

impl Handle<SetGatewayPort> for Office {
    fn handle(&self, caller: &Caller, request: SetGatewayPort) -> Result<Done, Failure> {
        let SetGatewayPort { gateway, port: name, changes } = request;
        let changed = self.change(caller, |change| {
            let mut gateway = change.gateway(&gateway)?;
            let there = gateway.ports.iter().position(|it| it.name.eq_ignore_ascii_case(&name));
            let index = there.unwrap_or_else(|| {
                gateway.ports.push(GatewayPort::new(name.clone(), None));
                gateway.ports.len() - 1
            });
            changes.clone().apply(&mut gateway.ports[index])?;
            change.put_gateway(&gateway)
        })?;
        Ok(caller.done(changed))
    }
}

impl Handle<RemoveGatewayPort> for Office {
    fn handle(&self, caller: &Caller, request: RemoveGatewayPort) -> Result<Done, Failure> {
        let RemoveGatewayPort { gateway, port } = request;
        let changed = self.change(caller, |change| {
            let mut gateway = change.gateway(&gateway)?;
            let before = gateway.ports.len();
            gateway.ports.retain(|it| !it.name.eq_ignore_ascii_case(&port));
            if gateway.ports.len() == before {
                return Err(store::Error::Unknown { object: "port", name: port.clone() });
            }
            change.put_gateway(&gateway)
        })?;
        Ok(caller.done(changed))
    }
}

impl Handle<ResetGateway> for Office {
    fn handle(&self, caller: &Caller, request: ResetGateway) -> Result<GatewayStatus, Failure> {
        let gateway = self.read(caller, |view| view.gateway(&request.name))?;
        let (Some(telephony), Some(status)) =
            (self.services.telephony(), self.gateway_status(&gateway.name))
        else {
            let text = NOT_COMMANDED.say(caller.language);
            return Err(Failure { kind: FailureKind::Failed, text });
        };
        telephony.reset_gateway(&gateway.name);
        Ok(status)
    }
}

impl Handle<CheckGateway> for Office {
    fn handle(&self, caller: &Caller, request: CheckGateway) -> Result<Vec<CheckItem>, Failure> {
        let facts = self.read(caller, |view| {
            let gateway = view.gateway(&request.name)?;
            let mode = view.security_mode()?;
            let default = view.default_device_mode()?;
            let encrypted = |device: &store::Device| {
                device.effective_mode(mode, default) == EffectiveMode::Encrypted
            };
            let encrypted = view.devices()?.iter().filter(|device| encrypted(device)).count();
            Ok((gateway, mode, encrypted))
        })?;
        let (gateway, mode, encrypted) = facts;
        let status = self.gateway_status(&gateway.name);
        Ok(Facts { gateway, mode, encrypted, status }.checklist(caller.language))
    }
}

impl Office {
    /// A gateway as it is, if this node commands gateways.
    fn gateway_status(&self, name: &str) -> Option<GatewayStatus> {
        let all = self.services.telephony()?.gateways();
        all.into_iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, it)| it)
    }
}

/// What MGCP itself asks of a gateway's settings.
fn check(gateway: &Gateway) -> store::Result<()> {
    let map = &gateway.digit_map;
    match map.is_empty() || map.parse::<mgcp::digitmap::DigitMap>().is_ok() {
        true => Ok(()),
        false => Err(store::Invalid::Pattern(map.clone()).into()),
    }
}

/// What the checklist is told from.
struct Facts {
    gateway: Gateway,
    mode: SecurityMode,
    /// Phones that are encrypted by their settings.
    encrypted: usize,
    status: Option<GatewayStatus>,
}

impl Facts {
    /// The steps in the order of the guide, each with what proves it, or why it is not done.
    fn checklist(&self, language: Language) -> Vec<CheckItem> {
        let item = |id: &str, text: Text, (done, detail): (bool, String)| CheckItem {
            id: id.to_owned(),
            text: text.say(language),
            state: if done { CheckState::Done } else { CheckState::Open },
            detail,
        };
        vec![
            item("ctl-mixed", MIXED, self.mixed(language)),
            item("phones-encrypted", PHONES, self.phones(language)),
            item("ipsec", IPSEC, self.ipsec(language)),
            item("gateway", CONFIGURED, self.configured(language)),
            item("verified", VERIFIED, self.verified(language)),
        ]
    }

    fn mixed(&self, language: Language) -> (bool, String) {
        match self.mode {
            SecurityMode::Mixed => (true, MODE_IS_MIXED.say(language)),
            SecurityMode::NonSecure => (false, "ringfence ctl mode mixed".to_owned()),
        }
    }

    fn phones(&self, language: Language) -> (bool, String) {
        let detail = PHONES_ENCRYPTED.fill(language, &[("count", &self.encrypted)]);
        (self.encrypted > 0, detail)
    }

    fn ipsec(&self, language: Language) -> (bool, String) {
        let Some(status) = &self.status else { return (false, NOT_COMMANDED.say(language)) };
        match status.path.as_deref() {
            Some("covered" | "trusted") => (true, status.detail.clone()),
            Some(_) => (false, status.detail.clone()),
            None => (false, NOT_LOOKED.say(language)),
        }
    }

    fn configured(&self, language: Language) -> (bool, String) {
        let Some(status) = &self.status else { return (false, NOT_COMMANDED.say(language)) };
        if status.state != "registered" {
            return (false, NOT_REGISTERED.fill(language, &[("state", &status.state)]));
        }
        if self.gateway.ports.is_empty() {
            let set = format!("ringfence gateway port {} NAME", self.gateway.name);
            return (false, NO_PORTS.fill(language, &[("command", &set)]));
        }
        let out: Vec<_> = status.ports.iter().filter(|port| !port.in_service).collect();
        if let Some(port) = out.first() {
            let code = port.refusal.map_or_else(|| "-".to_owned(), |code| code.to_string());
            return (false, PORT_OUT.fill(language, &[("port", &port.name), ("code", &code)]));
        }
        match status.ports.iter().find(|port| !port.srtp) {
            Some(port) => (false, NO_SRTP.fill(language, &[("port", &port.name)])),
            None => (true, PORTS_READY.fill(language, &[("count", &status.ports.len())])),
        }
    }

    fn verified(&self, language: Language) -> (bool, String) {
        let Some(status) = &self.status else { return (false, NOT_COMMANDED.say(language)) };
        let secure = status.ports.iter().filter(|port| port.secure).count();
        let all = status.ports.len();
        let detail = GIVEN_KEYS.fill(language, &[("secure", &secure), ("all", &all)]);
        (all > 0 && secure == all, detail)
    }
}

const MIXED: Text = Text::new(
    "Set the cluster security mode to Mixed with the CTL client",
    "CTL クライアントでクラスタセキュリティモードを混合モードにする",
);
const MODE_IS_MIXED: Text = Text::new("the cluster is in mixed mode", "クラスタは混合モードです");
const PHONES: Text = Text::new("Set phones to encrypted mode", "電話機を暗号化モードに設定する");
const PHONES_ENCRYPTED: Text =
    Text::new("{count} phones are encrypted", "暗号化モードの電話機: {count} 台");
const IPSEC: Text = Text::new(
    "Protect the way to the gateway with IPsec",
    "ゲートウェイへの経路を IPsec で保護する",
);
const NOT_LOOKED: Text =
    Text::new("nobody has looked at the way yet", "経路はまだ確認されていません");
const CONFIGURED: Text = Text::new(
    "Configure the gateway and its SRTP package",
    "ゲートウェイと SRTP パッケージを設定する",
);
const NOT_COMMANDED: Text = Text::new(
    "this node does not command gateways: set `mgcp` in [controld] and restart CallManager",
    "このノードはゲートウェイを制御していません。[controld] の `mgcp` を設定し CallManager を再起動してください",
);
const NOT_REGISTERED: Text = Text::new(
    "it has not registered here (state: {state})",
    "このノードに登録されていません (状態: {state})",
);
const NO_PORTS: Text = Text::new("it has no ports: {command}", "ポートがありません: {command}");
const PORT_OUT: Text = Text::new(
    "port {port} does not work there, MGCP code {code}",
    "ポート {port} は使用できません (MGCP コード {code})",
);
const NO_SRTP: Text = Text::new(
    "port {port} does not offer the SRTP package: set a secure codec complexity and enable the package",
    "ポート {port} は SRTP パッケージを提供していません。セキュアなコーデックとパッケージを有効にしてください",
);
const PORTS_READY: Text = Text::new(
    "{count} ports are in service and offer the SRTP package",
    "{count} 個のポートが動作し SRTP パッケージを提供しています",
);
const VERIFIED: Text = Text::new(
    "Verify that calls through it are given keys",
    "経由する通話に鍵が渡されることを確認する",
);
const GIVEN_KEYS: Text = Text::new(
    "{secure} of {all} ports are given keys at present",
    "現在 {all} 個中 {secure} 個のポートに鍵が渡されます",
);
