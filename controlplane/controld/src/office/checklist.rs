//! The steps from a fresh cluster to a secure one, in the order of the guide.

use console::{CheckItem, CheckState};
use lang::{Language, Say, Text};
use store::{Device, EffectiveMode, Node, SecurityMode, Service};

/// What the checklist is told from.
pub struct Facts {
    pub has_cluster: bool,
    pub nodes: Vec<Node>,
    pub has_ctl: bool,
    pub mode: SecurityMode,
    pub default_mode: EffectiveMode,
    pub devices: Vec<Device>,
    /// Restarts and resets that nobody has done yet.
    pub due: usize,
}

impl Facts {
    /// The steps, each with what was found.
    pub fn checklist(&self, language: Language) -> Vec<CheckItem> {
        let item = |id: &str, text: Text, state, detail: String| CheckItem {
            id: id.to_owned(),
            text: text.say(language),
            state,
            detail,
        };
        let say = |text: Text| text.say(language);
        let done_if = |done| if done { CheckState::Done } else { CheckState::Open };

        let without_provider = self.nodes_without(Service::CtlProvider);
        let provider = match &*without_provider {
            [] => String::new(),
            nodes => PROVIDER_MISSING.fill(language, &[("nodes", &nodes.join(", "))]),
        };
        let provider_done = self.has_cluster && without_provider.is_empty();

        let capf = self.nodes.iter().any(|node| node.services.contains(&Service::Capf));
        let (capf_state, capf_detail) = match (capf, self.has_ctl) {
            (true, _) => (CheckState::Done, String::new()),
            (false, false) => (CheckState::Optional, say(CAPF_BEFORE)),
            (false, true) => (CheckState::Optional, say(CAPF_AFTER)),
        };

        let mixed = self.mode == SecurityMode::Mixed;
        let secure = self.secure_devices();
        let secure_detail =
            SECURE_DEVICES.fill(language, &[("secure", &secure), ("all", &self.devices.len())]);
        vec![
            item(
                "cluster",
                MAKE_CLUSTER,
                done_if(self.has_cluster),
                if self.has_cluster { String::new() } else { "ringfence cluster init".into() },
            ),
            item("ctl-provider", ACTIVATE_PROVIDER, done_if(provider_done), provider),
            item("capf", ACTIVATE_CAPF, capf_state, capf_detail),
            item(
                "ctl-file",
                CREATE_CTL,
                done_if(self.has_ctl),
                if self.has_ctl { String::new() } else { "ringfence ctl create".into() },
            ),
            item(
                "mixed-mode",
                SET_MIXED,
                done_if(mixed),
                if mixed { String::new() } else { "ringfence ctl mode mixed".into() },
            ),
            item("devices", SECURE_PHONES, done_if(secure > 0), secure_detail),
            item(
                "restarts",
                RESTART,
                done_if(self.due == 0),
                if self.due == 0 {
                    String::new()
                } else {
                    DUE.fill(language, &[("count", &self.due)])
                },
            ),
        ]
    }

    fn nodes_without(&self, service: Service) -> Vec<&str> {
        let without = |node: &&Node| !node.services.contains(&service);
        self.nodes.iter().filter(without).map(|node| &*node.name).collect()
    }

    fn secure_devices(&self) -> usize {
        let mode = |device: &Device| device.effective_mode(self.mode, self.default_mode);
        self.devices.iter().filter(|device| mode(device) != EffectiveMode::NonSecure).count()
    }
}

const MAKE_CLUSTER: Text = Text::new("Create the cluster", "クラスタを作成する");
const ACTIVATE_PROVIDER: Text =
    Text::new("Activate the CTL Provider on every node", "全ノードで CTL Provider を有効にする");
const PROVIDER_MISSING: Text = Text::new("not active on {nodes}", "{nodes} で有効になっていません");
const ACTIVATE_CAPF: Text =
    Text::new("Activate CAPF on the publisher", "パブリッシャで CAPF を有効にする");
const CAPF_BEFORE: Text = Text::new(
    "before the CTL file is created, no update of it is needed later",
    "CTL ファイルの作成前に有効にすると、後で更新する必要がありません",
);
const CAPF_AFTER: Text = Text::new(
    "activating it makes an update of the CTL file necessary",
    "有効にすると CTL ファイルの更新が必要になります",
);
const CREATE_CTL: Text = Text::new(
    "Create the CTL file with at least two security tokens",
    "2 つ以上のセキュリティトークンで CTL ファイルを作成する",
);
const SET_MIXED: Text = Text::new(
    "Set the cluster security mode to Mixed",
    "クラスタセキュリティモードを混合モードにする",
);
const SECURE_PHONES: Text = Text::new(
    "Set the device security mode of phones",
    "電話機のデバイスセキュリティモードを設定する",
);
const SECURE_DEVICES: Text =
    Text::new("{secure} of {all} devices are secure", "{all} 台中 {secure} 台がセキュアです");
const RESTART: Text = Text::new(
    "Restart services and reset devices after the changes",
    "変更後にサービスを再起動し、デバイスをリセットする",
);
const DUE: Text = Text::new("{count} to do", "未実施: {count} 件");
