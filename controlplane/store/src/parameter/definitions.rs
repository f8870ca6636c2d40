//! The parameters there are: what the pages of an administrator list.

use lang::Text;

use super::{Definition, Kind, Scope};
use crate::{Service, Trigger};

pub(crate) const CLUSTER_SECURITY_MODE: &str = "enterprise.cluster-security-mode";
pub(crate) const DEVICE_SECURITY_MODE: &str = "enterprise.device-security-mode";
pub(crate) const AUTO_REGISTRATION: &str = "enterprise.auto-registration";
/// What parameters begin with that switch parts of administration off.
pub(crate) const SERVE: &str = "enterprise.serve-";
pub(crate) const CAPF_KEY_SIZE: &str = "capf.key-size";
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
    surface("enterprise.serve-pages", Text::new("Web Pages", "Web ページ")),
    surface("enterprise.serve-api", Text::new("REST Interface", "REST インターフェイス")),
    surface("enterprise.serve-monitoring", Text::new("Monitoring", "モニタリング")),
    surface("enterprise.serve-reports", Text::new("Reports", "レポート")),
    surface("enterprise.serve-bulk", Text::new("Bulk Administration", "一括管理")),
    surface("enterprise.serve-capture", Text::new("Captures", "キャプチャ")),
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
        name: "enterprise.capf-operation-expires-days",
        title: Text::new("CAPF Operation Expires in (days)", "CAPF 操作の有効期限 (日)"),
        scope: Scope::Enterprise,
        kind: Kind::Integer { min: 1, max: 365 },
        default: "10",
        help: Text::new(
            "How long an operation waits for its phone where Operation Completes By is not given.",
            "「操作の完了期限」を指定しないとき、操作が電話機を待つ日数です。",
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
        name: "capf.certificate-issuer",
        title: Text::new("Certificate Issuer", "証明書の発行元"),
        scope: Scope::Service(Service::Capf),
        kind: Kind::Choice(&["capf", "microsoft", "keon"]),
        default: "capf",
        help: Text::new(
            "Who issues phones' certificates: CAPF itself, or by SCEP a Microsoft or Keon certification authority.",
            "電話機の証明書の発行元です。CAPF 自身、または SCEP で Microsoft か Keon の認証局を使います。",
        ),
        trigger: Some(Trigger::CapfParameter),
    },
    Definition {
        name: "capf.certificate-validity-years",
        title: Text::new("Duration of Certificate Validity (years)", "証明書の有効期間 (年)"),
        scope: Scope::Service(Service::Capf),
        kind: Kind::Integer { min: 1, max: 20 },
        default: "5",
        help: Text::new(
            "How long the certificates are valid that CAPF issues itself.",
            "CAPF 自身が発行する証明書の有効期間です。",
        ),
        trigger: Some(Trigger::CapfParameter),
    },
    Definition {
        name: CAPF_KEY_SIZE,
        title: Text::new("Key Size", "キーサイズ"),
        scope: Scope::Service(Service::Capf),
        kind: Kind::Choice(&["512", "1024", "2048"]),
        default: "1024",
        help: Text::new(
            "Bits of the key that a phone is asked for where its own setting says nothing else. With 2048 the start and the fail-over of a phone take more than 60 seconds.",
            "電話機ごとの設定がないときに要求する鍵のビット数です。2048 では電話機の起動とフェールオーバーに 60 秒以上かかります。",
        ),
        trigger: Some(Trigger::CapfParameter),
    },
    Definition {
        name: "capf.key-generation-minutes",
        title: Text::new(
            "Maximum Allowable Time for Key Generation (minutes)",
            "鍵生成の最大許容時間 (分)",
        ),
        scope: Scope::Service(Service::Capf),
        kind: Kind::Integer { min: 1, max: 240 },
        default: "30",
        help: Text::new(
            "How long CAPF waits for a phone to make its key. Old phones take many minutes.",
            "電話機の鍵生成を待つ時間です。古い機種では何分もかかります。",
        ),
        trigger: Some(Trigger::CapfParameter),
    },
    Definition {
        name: "capf.key-generation-attempts",
        title: Text::new("Maximum Allowable Attempts for Key Generation", "鍵生成の最大試行回数"),
        scope: Scope::Service(Service::Capf),
        kind: Kind::Integer { min: 1, max: 10 },
        default: "3",
        help: Text::new(
            "How often a phone is asked for a key before the operation fails.",
            "操作を失敗とするまでに、電話機へ鍵を要求する回数です。",
        ),
        trigger: Some(Trigger::CapfParameter),
    },
    Definition {
        name: "capf.keon-jurisdiction-id",
        title: Text::new("Keon Jurisdiction ID", "Keon 管轄 ID"),
        scope: Scope::Service(Service::Capf),
        kind: Kind::Text { max: 128 },
        default: "",
        help: Text::new(
            "Names the jurisdiction of a Keon certification authority; others need none.",
            "Keon 認証局の管轄を示します。他の認証局では不要です。",
        ),
        trigger: Some(Trigger::CapfParameter),
    },
    Definition {
        name: "capf.scep-port",
        title: Text::new("SCEP Port Number", "SCEP ポート番号"),
        scope: Scope::Service(Service::Capf),
        kind: Kind::Integer { min: 1, max: 65535 },
        default: "80",
        help: Text::new(
            "The port on which the certification authority waits for SCEP.",
            "認証局が SCEP の要求を待つポートです。",
        ),
        trigger: Some(Trigger::CapfParameter),
    },
    Definition {
        name: "capf.certificate-authority-address",
        title: Text::new("Certificate Authority Address", "認証局のアドレス"),
        scope: Scope::Service(Service::Capf),
        kind: Kind::OptionalHost,
        default: "",
        help: Text::new(
            "Host name or address of the certification authority.",
            "認証局のホスト名またはアドレスです。",
        ),
        trigger: Some(Trigger::CapfParameter),
    },
    Definition {
        name: "capf.certificate-authority-fingerprint",
        title: Text::new("Certificate Authority Fingerprint", "認証局のフィンガープリント"),
        scope: Scope::Service(Service::Capf),
        kind: Kind::Text { max: 128 },
        default: "",
        help: Text::new(
            "MD5, SHA-1 or SHA-256 of the certification authority's certificate, as an administrator compared it. Without it nothing is requested.",
            "管理者が確認した、認証局の証明書の MD5、SHA-1、または SHA-256 です。設定しないと要求は送信されません。",
        ),
        trigger: Some(Trigger::CapfParameter),
    },
    Definition {
        name: "capf.scep-algorithms",
        title: Text::new("Weakest SCEP Algorithms", "SCEP で許容する最弱のアルゴリズム"),
        scope: Scope::Service(Service::Capf),
        kind: Kind::Choice(&["ancient", "legacy", "transitional", "modern"]),
        default: "transitional",
        help: Text::new(
            "ancient: MD5 and DES. legacy: SHA-1 and triple DES, as on Windows 2003 and Keon. transitional: SHA-256 and triple DES. modern: SHA-256 and AES.",
            "ancient: MD5 と DES。legacy: SHA-1 とトリプル DES (Windows 2003、Keon)。transitional: SHA-256 とトリプル DES。modern: SHA-256 と AES。",
        ),
        trigger: Some(Trigger::CapfParameter),
    },
    Definition {
        name: "capf.scep-polling-seconds",
        title: Text::new("SCEP Polling Interval (seconds)", "SCEP ポーリング間隔 (秒)"),
        scope: Scope::Service(Service::Capf),
        kind: Kind::Integer { min: 1, max: 3600 },
        default: "60",
        help: Text::new(
            "How often the certification authority is asked for certificates that wait for approval there, and when phones come back for them.",
            "承認待ちの証明書を認証局へ問い合わせる間隔です。電話機もこの間隔で再接続します。",
        ),
        trigger: Some(Trigger::CapfParameter),
    },
    Definition {
        name: "capf.trace-level",
        title: Text::new("Trace Level", "トレースレベル"),
        scope: Scope::Service(Service::Capf),
        kind: Kind::Choice(&["detail", "notice", "alarm"]),
        default: "notice",
        help: Text::new(
            "detail: every message, without secrets. notice: what came of each session. alarm: what somebody should look at. Takes effect within seconds.",
            "detail: 秘密情報を除く全メッセージ。notice: 各セッションの結果。alarm: 確認が必要な事象。数秒以内に反映されます。",
        ),
        trigger: None,
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

const fn surface(name: &'static str, title: Text) -> Definition {
    Definition {
        name,
        title,
        scope: Scope::Enterprise,
        kind: Kind::Flag,
        default: "true",
        help: Text::new(
            "Whether it is served, over HTTPS on every node; it is never served without TLS. Takes effect at once.",
            "各ノードで HTTPS により提供します。TLS なしで提供されることはありません。変更は直ちに有効になります。",
        ),
        trigger: None,
    }
}

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
