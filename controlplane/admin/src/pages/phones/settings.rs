//! The settings of a phone, each with its help.

use console::DeviceChanges;
use lang::{Language, Text};
use maud::{Markup, html};
use store::{BuiltInBridge, Device, DeviceSecurityMode};

use crate::pages::Submitted;
use crate::pages::form::{Field, words};
use crate::pages::words::POOL;

/// What is typed.
const TEXTS: [(&str, Text, Text); 6] = [
    (
        "description",
        Text::new("Description", "説明"),
        Text::new(
            "Text for people, up to 128 characters. Default: empty.",
            "説明文 (128 文字以内)。デフォルト: 空",
        ),
    ),
    (
        "owner",
        Text::new("Owner", "所有者"),
        Text::new(
            "Who uses it, up to 128 characters. Default: empty.",
            "使用者 (128 文字以内)。デフォルト: 空",
        ),
    ),
    (
        "directory_number",
        Text::new("Directory number", "電話番号"),
        Text::new(
            "The number on its first button; digits, *, #, + and A to D. Empty takes the line away. Reset afterwards.",
            "最初のボタンの番号 (数字、*、#、+、A ～ D)。空にすると回線を削除します。変更後はリセットが必要です。",
        ),
    ),
    (
        "load_information",
        Text::new("Firmware load", "ファームウェア"),
        Text::new(
            "Name of its load; empty keeps what it has. Reset afterwards.",
            "ロード名。空の場合は現在のものを維持します。変更後はリセットが必要です。",
        ),
    ),
    (
        "user_locale",
        Text::new("User locale", "ユーザロケール"),
        Text::new(
            "Directory of its words; empty is built-in English. Reset afterwards.",
            "表示言語のディレクトリ。空の場合は内蔵の英語。変更後はリセットが必要です。",
        ),
    ),
    (
        "network_locale",
        Text::new("Network locale", "ネットワークロケール"),
        Text::new(
            "Directory of its tones; empty is the built-in ones. Reset afterwards.",
            "トーンのディレクトリ。空の場合は内蔵のもの。変更後はリセットが必要です。",
        ),
    ),
];

/// What is on or off.
const FLAGS: [(&str, Text, Text); 6] = [
    (
        "private",
        Text::new("Private", "プライバシー"),
        Text::new(
            "Hides its calls from others on shared lines. Default: off.",
            "共有回線の他の電話機に通話を表示しません。デフォルト: オフ",
        ),
    ),
    (
        "gratuitous_arp",
        Text::new("Gratuitous ARP", "Gratuitous ARP"),
        Text::new(
            "Off keeps others from claiming the router's address. Default: on. Reset afterwards.",
            "オフにすると、ルータのアドレスの詐称を防ぎます。デフォルト: オン。変更後はリセットが必要です。",
        ),
    ),
    (
        "web_access",
        Text::new("Web access", "Web アクセス"),
        Text::new(
            "Whether it serves web pages. Default: on. Reset afterwards.",
            "電話機の Web ページを提供します。デフォルト: オン。変更後はリセットが必要です。",
        ),
    ),
    (
        "pc_voice_vlan_access",
        Text::new("PC voice VLAN access", "PC の音声 VLAN アクセス"),
        Text::new(
            "Whether a PC behind it may enter the voice VLAN. Default: on. Reset afterwards.",
            "接続した PC に音声 VLAN へのアクセスを許可します。デフォルト: オン。変更後はリセットが必要です。",
        ),
    ),
    (
        "settings_access",
        Text::new("Settings access", "設定へのアクセス"),
        Text::new(
            "Whether it shows its settings. Default: on. Reset afterwards.",
            "電話機の設定メニューを表示します。デフォルト: オン。変更後はリセットが必要です。",
        ),
    ),
    (
        "pc_port",
        Text::new("PC port", "PC ポート"),
        Text::new(
            "Whether the port for a PC works. Default: on. Reset afterwards.",
            "PC ポートを有効にします。デフォルト: オン。変更後はリセットが必要です。",
        ),
    ),
];

/// The fields.
pub fn fields(
    device: &Device,
    directory_number: &str,
    pools: &[String],
    language: Language,
) -> Markup {
    let text = |name: &str| match name {
        "description" => &*device.description,
        "owner" => &*device.owner,
        "directory_number" => directory_number,
        "load_information" => &*device.load_information,
        "user_locale" => &*device.user_locale,
        _ => &*device.network_locale,
    };
    let flag = |name: &str| match name {
        "private" => device.private,
        "gratuitous_arp" => device.hardening.gratuitous_arp,
        "web_access" => device.hardening.web_access,
        "pc_voice_vlan_access" => device.hardening.pc_voice_vlan_access,
        "settings_access" => device.hardening.settings_access,
        _ => device.hardening.pc_port,
    };
    let field = |name, title, help| Field::new(name, title, language).help(help);
    html! {
        div .fields {
            (field("security_mode", MODE, MODE_HELP)
                .choice(device.security_mode.as_str(), &words(DeviceSecurityMode::ALL)))
            (field("pool", POOL, POOL_HELP).choice(&device.pool, &words(pools)))
            (field("built_in_bridge", BRIDGE, BRIDGE_HELP)
                .choice(device.built_in_bridge.as_str(), &words(BuiltInBridge::ALL)))
            @for (name, title, help) in TEXTS {
                (field(name, title, help).text(text(name)))
            }
            @for (name, title, help) in FLAGS {
                (field(name, title, help).flag(flag(name)))
            }
        }
    }
}

/// What a form changes.
pub fn changes(form: &Submitted) -> store::Result<DeviceChanges> {
    let word = |name: &str| form.filled(name);
    let flag = |name: &str| form.word::<bool>(name);
    Ok(DeviceChanges {
        description: form.given("description"),
        owner: form.given("owner"),
        directory_number: form.given("directory_number"),
        pool: word("pool"),
        built_in_bridge: word("built_in_bridge").map(|word| word.parse()).transpose()?,
        private: flag("private"),
        security_mode: word("security_mode").map(|word| word.parse()).transpose()?,
        load_information: form.given("load_information"),
        user_locale: form.given("user_locale"),
        network_locale: form.given("network_locale"),
        gratuitous_arp: flag("gratuitous_arp"),
        web_access: flag("web_access"),
        pc_voice_vlan_access: flag("pc_voice_vlan_access"),
        settings_access: flag("settings_access"),
        pc_port: flag("pc_port"),
    })
}

const MODE: Text = Text::new("Device security mode", "デバイスセキュリティモード");
const MODE_HELP: Text = Text::new(
    "Default: the system's. In non-secure mode of the cluster it is kept and ignored. Reset afterwards.",
    "デフォルト: システムの設定。クラスタがノンセキュアモードの間は無視されます (設定は保持)。変更後はリセットが必要です。",
);
const POOL_HELP: Text = Text::new(
    "Region, time zone and CallManagers. Default: Default. Reset afterwards.",
    "リージョン、タイムゾーン、CallManager。デフォルト: Default。変更後はリセットが必要です。",
);
const BRIDGE: Text = Text::new("Built-in bridge", "ビルトインブリッジ");
const BRIDGE_HELP: Text = Text::new(
    "Whether others can be mixed into its calls. 7940 and 7960 cannot while they encrypt. Reset afterwards.",
    "通話への割り込みを許可します。7940 と 7960 は暗号化中は利用できません。変更後はリセットが必要です。",
);
