//! The parameters there are: what the pages of an administrator list.

use lang::Text;

use super::{Definition, Kind, Scope};
use crate::{Service, Trigger};

pub(crate) const CLUSTER_SECURITY_MODE: &str = "enterprise.cluster-security-mode";
pub(crate) const DEVICE_SECURITY_MODE: &str = "enterprise.device-security-mode";
pub(crate) const AUTO_REGISTRATION: &str = "enterprise.auto-registration";
pub(crate) const CTL_PROVIDER_PORT: &str = "ctl-provider.port";

pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition {
        name: CLUSTER_SECURITY_MODE,
        title: Text::new("Cluster Security Mode", "クラスタセキュリティモード"),
        scope: Scope::Enterprise,
        kind: Kind::ReadOnly,
        default: "0",
        help: Text::new(
            "0 is Non-Secure, 1 is Mixed. Only the CTL client changes it.",
            "0 はノンセキュア、1 は混合モードです。変更できるのは CTL クライアントだけです。",
        ),
        trigger: Some(Trigger::ClusterMode),
    },
    Definition {
        name: DEVICE_SECURITY_MODE,
        title: Text::new("Device Security Mode", "デバイスセキュリティモード"),
        scope: Scope::Enterprise,
        kind: Kind::Choice(&["non-secure", "authenticated", "encrypted"]),
        default: "non-secure",
        help: Text::new(
            "The mode of devices that are set to Use System Default.",
            "「システムデフォルトを使用」に設定したデバイスのモードです。",
        ),
        trigger: Some(Trigger::SystemDeviceMode),
    },
    Definition {
        name: AUTO_REGISTRATION,
        title: Text::new("Auto-Registration", "自動登録"),
        scope: Scope::Enterprise,
        kind: Kind::Flag,
        default: "false",
        help: Text::new(
            "Whether phones that nobody added may register. Not possible in Mixed mode.",
            "登録されていない電話機の登録を許可します。混合モードでは使えません。",
        ),
        trigger: None,
    },
    Definition {
        name: "enterprise.capf-phone-port",
        title: Text::new("CAPF Phone Port", "CAPF 電話ポート"),
        scope: Scope::Enterprise,
        kind: Kind::Integer { min: 1023, max: 65535 },
        default: "3804",
        help: Text::new(
            "The port on which CAPF waits for phones.",
            "CAPF が電話機からの要求を待つポートです。",
        ),
        trigger: Some(Trigger::CapfParameter),
    },
    Definition {
        name: CTL_PROVIDER_PORT,
        title: Text::new("CTL Provider Port Number", "CTL Provider ポート番号"),
        scope: Scope::Service(Service::CtlProvider),
        kind: Kind::Integer { min: 1026, max: 32767 },
        default: "2444",
        help: Text::new(
            "The port on which the CTL Provider waits for CTL clients.",
            "CTL Provider が CTL クライアントからの要求を待つポートです。",
        ),
        trigger: Some(Trigger::CtlProviderPort),
    },
    Definition {
        name: "tftp.file-location",
        title: Text::new("File Location", "ファイルの場所"),
        scope: Scope::Service(Service::Tftp),
        kind: Kind::Path,
        default: "/var/lib/ringfence/tftp",
        help: Text::new(
            "The directory that TFTP serves and where the CTL file is stored. It should be the same on every node.",
            "TFTP が配信し、CTL ファイルを格納するディレクトリです。全ノードで同じにしてください。",
        ),
        trigger: Some(Trigger::TftpParameter),
    },
    alternate_location("tftp.alternate-file-location-1"),
    alternate_location("tftp.alternate-file-location-2"),
    alternate_location("tftp.alternate-file-location-3"),
    alternate_location("tftp.alternate-file-location-4"),
    alternate_location("tftp.alternate-file-location-5"),
    alternate_location("tftp.alternate-file-location-6"),
    alternate_location("tftp.alternate-file-location-7"),
    alternate_location("tftp.alternate-file-location-8"),
    alternate_location("tftp.alternate-file-location-9"),
    alternate_location("tftp.alternate-file-location-10"),
    Definition {
        name: "tftp.caching",
        title: Text::new("Enable Caching of Files", "ファイルのキャッシュを有効にする"),
        scope: Scope::Service(Service::Tftp),
        kind: Kind::Flag,
        default: "true",
        help: Text::new(
            "On: configuration and signed files live in memory. Off: they are written to the file location, and a file that changed on disk is signed again.",
            "有効: 設定ファイルと署名付きファイルをメモリに保持します。無効: ファイルの場所に書き込み、ディスク上で変更されたファイルには署名し直します。",
        ),
        trigger: Some(Trigger::TftpParameter),
    },
];

const fn alternate_location(name: &'static str) -> Definition {
    Definition {
        name,
        title: Text::new("Alternate File Location", "代替ファイルの場所"),
        scope: Scope::Service(Service::Tftp),
        kind: Kind::OptionalPath,
        default: "",
        help: Text::new(
            "A directory of another TFTP server, mounted here, that gets the CTL file too. No other cluster may own it.",
            "CTL ファイルを同時に書き込む、別の TFTP サーバのディレクトリ (このノードにマウントしたもの) です。他のクラスタが所有するものは使えません。",
        ),
        trigger: Some(Trigger::TftpParameter),
    }
}
