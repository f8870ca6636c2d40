//! Service parameters of packet capture.

use lang::Text;

use super::{Definition, Kind, Scope};
use crate::{Result, Service, View};

const ENABLE: &str = "call-manager.packet-capture-enable";
const TLS_PORT: &str = "call-manager.packet-capture-tls-port";
const MAX_CLIENTS: &str = "call-manager.packet-capture-max-clients";
const MAX_FILE: &str = "call-manager.packet-capture-max-file-mb";
const MIN_FREE: &str = "call-manager.packet-capture-min-free-mb";

pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition {
        name: ENABLE,
        title: Text::new("Packet Capture Enable", "パケット キャプチャの有効化"),
        scope: Scope::Service(Service::CallManager),
        kind: Kind::Flag,
        default: "false",
        help: Text::new(
            "Whether signalling of devices may be captured. Switch it off again when you are done.",
            "デバイスのシグナリングのキャプチャを許可します。終了後はオフに戻してください。",
        ),
        trigger: None,
    },
    Definition {
        name: TLS_PORT,
        title: Text::new(
            "Packet Capture Service Listen TLS Port",
            "パケット キャプチャ サービスの TLS リッスン ポート",
        ),
        scope: Scope::Service(Service::CallManager),
        kind: Kind::Integer { min: 1024, max: 65_535 },
        default: "2999",
        help: Text::new(
            "The port on which debug tools attach to what is captured in real time. Takes effect within seconds while capture is on.",
            "リアルタイムのキャプチャにデバッグ ツールが接続するポートです。キャプチャ中は数秒以内に反映されます。",
        ),
        trigger: None,
    },
    Definition {
        name: MAX_CLIENTS,
        title: Text::new(
            "Packet Capture Max Real-Time Client Connections",
            "リアルタイム キャプチャの最大クライアント接続数",
        ),
        scope: Scope::Service(Service::CallManager),
        kind: Kind::Integer { min: 1, max: 32 },
        default: "5",
        help: Text::new(
            "How many debug tools may be attached at a time.",
            "同時に接続できるデバッグ ツールの数です。",
        ),
        trigger: None,
    },
    Definition {
        name: MAX_FILE,
        title: Text::new(
            "Packet Capture Max File Size (MB)",
            "パケット キャプチャ ファイルの最大サイズ (MB)",
        ),
        scope: Scope::Service(Service::CallManager),
        kind: Kind::Integer { min: 1, max: 500 },
        default: "2",
        help: Text::new(
            "When the file of a day is so large, batch capture stops.",
            "1 日のファイルがこのサイズに達すると、バッチ キャプチャを停止します。",
        ),
        trigger: None,
    },
    Definition {
        name: MIN_FREE,
        title: Text::new(
            "Packet Capture Minimum Free Disk Space (MB)",
            "パケット キャプチャの最小空きディスク容量 (MB)",
        ),
        scope: Scope::Service(Service::CallManager),
        kind: Kind::Integer { min: 0, max: 1_000_000 },
        default: "256",
        help: Text::new(
            "When less than that is free on the disk, batch capture stops.",
            "ディスクの空き容量がこれを下回ると、バッチ キャプチャを停止します。",
        ),
        trigger: None,
    },
];

/// Packet capture's service parameters as they are in force on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureSettings {
    /// Whether anything may be captured.
    pub enabled: bool,
    /// Where tools attach.
    pub tls_port: u16,
    /// How many may be attached.
    pub max_clients: usize,
    /// Most octets of the file of a day.
    pub max_file: u64,
    /// Least octets that must be free on the disk.
    pub min_free: u64,
}

impl CaptureSettings {
    /// Those of a node.
    pub fn read(view: &mut View<'_>, node: &str) -> Result<Self> {
        let mut get = |name| view.parameter(Some(node), name);
        Ok(Self {
            enabled: get(ENABLE)?.flag(),
            tls_port: get(TLS_PORT)?.integer()?,
            max_clients: get(MAX_CLIENTS)?.integer()?,
            max_file: get(MAX_FILE)?.integer::<u64>()? << 20,
            min_free: get(MIN_FREE)?.integer::<u64>()? << 20,
        })
    }
}
