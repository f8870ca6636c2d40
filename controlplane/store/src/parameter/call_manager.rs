//! CallManager's service parameters.

use lang::Text;

use super::{Definition, Kind, Scope};
use crate::{Service, Trigger};

pub(crate) const SCCP_PORT: &str = "call-manager.port";
pub(crate) const SECURE_SCCP_PORT: &str = "call-manager.secure-port";
pub(crate) const AUTO_REGISTRATION_FIRST: &str = "call-manager.auto-registration-first";
pub(crate) const AUTO_REGISTRATION_LAST: &str = "call-manager.auto-registration-last";
pub(crate) const BUILT_IN_BRIDGE: &str = "call-manager.built-in-bridge-enable";
pub(crate) const CALL_RECORDS: &str = "call-manager.call-records";
pub(crate) const CALL_RECORD_DAYS: &str = "call-manager.call-record-days";

pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition {
        name: SCCP_PORT,
        title: Text::new("SCCP Port", "SCCP ポート"),
        scope: Scope::Service(Service::CallManager),
        kind: Kind::Integer { min: 1024, max: 49151 },
        default: "2000",
        help: Text::new(
            "The port on which CallManager waits for phones without TLS.",
            "CallManager が TLS を使わない電話機を待つポートです。",
        ),
        trigger: Some(Trigger::CallManagerPort),
    },
    Definition {
        name: SECURE_SCCP_PORT,
        title: Text::new("Secure SCCP Port", "セキュア SCCP ポート"),
        scope: Scope::Service(Service::CallManager),
        kind: Kind::Integer { min: 1024, max: 49151 },
        default: "2443",
        help: Text::new(
            "The port on which CallManager waits for phones with TLS. Phones look for it 443 above the other one.",
            "CallManager が TLS を使う電話機を待つポートです。電話機は SCCP ポートに 443 を加えたポートに接続します。",
        ),
        trigger: Some(Trigger::CallManagerPort),
    },
    Definition {
        name: "call-manager.modern-tls",
        title: Text::new("Serve Modern TLS Directly", "新しい TLS を直接処理する"),
        scope: Scope::Service(Service::CallManager),
        kind: Kind::Flag,
        default: "true",
        help: Text::new(
            "On: phones that offer TLS 1.2 with ECDHE or TLS 1.3 get it. Off: every phone is served like an old one, in the cell.",
            "有効: ECDHE を伴う TLS 1.2 または TLS 1.3 に対応した電話機ではそれを使います。無効: すべての電話機を旧機種と同じ隔離プロセスで処理します。",
        ),
        trigger: Some(Trigger::CallManagerParameter),
    },
    Definition {
        name: "call-manager.expired-mic-until",
        title: Text::new("Accept Expired MICs Until", "期限切れ MIC を受け付ける期限"),
        scope: Scope::Service(Service::CallManager),
        kind: Kind::OptionalDate,
        default: "",
        help: Text::new(
            "Until the end of this day (UTC) a manufacturer's certificate that has expired still proves who a phone is. Empty: not at all. Give phones LSCs before.",
            "この日の終わり (UTC) までは、期限の切れた製造元の証明書でも電話機を認証します。空の場合は認証しません。それまでに LSC をインストールしてください。",
        ),
        trigger: None,
    },
    Definition {
        name: AUTO_REGISTRATION_FIRST,
        title: Text::new("Auto-Registration: First Number", "自動登録: 開始番号"),
        scope: Scope::Service(Service::CallManager),
        kind: Kind::Integer { min: 1, max: 9_999_999_999 },
        default: "1000",
        help: Text::new(
            "The first number for phones that register by themselves.",
            "自動登録する電話機に割り当てる最初の番号です。",
        ),
        trigger: None,
    },
    Definition {
        name: AUTO_REGISTRATION_LAST,
        title: Text::new("Auto-Registration: Last Number", "自動登録: 終了番号"),
        scope: Scope::Service(Service::CallManager),
        kind: Kind::Integer { min: 1, max: 9_999_999_999 },
        default: "1999",
        help: Text::new(
            "The last number for phones that register by themselves.",
            "自動登録する電話機に割り当てる最後の番号です。",
        ),
        trigger: None,
    },
    Definition {
        name: "call-manager.keep-alive-seconds",
        title: Text::new("Station KeepAlive Interval (seconds)", "電話機の KeepAlive 間隔 (秒)"),
        scope: Scope::Service(Service::CallManager),
        kind: Kind::Integer { min: 10, max: 1000 },
        default: "30",
        help: Text::new(
            "How often a phone shows that it is still there.",
            "電話機が稼働中であることを知らせる間隔です。",
        ),
        trigger: Some(Trigger::PhoneParameter),
    },
    seconds(
        "call-manager.first-digit-seconds",
        Text::new("First Digit Timer (seconds)", "最初の数字のタイマー (秒)"),
        "15",
        Text::new(
            "How long a user may think before the first digit.",
            "受話器を上げてから最初の数字を入力するまでの時間です。",
        ),
    ),
    seconds(
        "call-manager.inter-digit-seconds",
        Text::new("T302 Timer (seconds)", "T302 タイマー (秒)"),
        "10",
        Text::new("How long another digit is waited for.", "次の数字を待つ時間です。"),
    ),
    seconds(
        "call-manager.no-answer-seconds",
        Text::new("T301 Timer (seconds)", "T301 タイマー (秒)"),
        "180",
        Text::new(
            "How long a phone rings where nobody forwards.",
            "転送先がない場合に呼び出しを続ける時間です。",
        ),
    ),
    seconds(
        "call-manager.forward-no-answer-seconds",
        Text::new("Forward No Answer Timer (seconds)", "無応答時転送タイマー (秒)"),
        "12",
        Text::new(
            "How long a phone rings before a call is forwarded.",
            "無応答時に転送するまで呼び出しを続ける時間です。",
        ),
    ),
    Definition {
        name: BUILT_IN_BRIDGE,
        title: Text::new("Built In Bridge Enable", "ビルトインブリッジの有効化"),
        scope: Scope::Service(Service::CallManager),
        kind: Kind::Flag,
        default: "false",
        help: Text::new(
            "Whether others can barge into the calls of phones that are set to Use System Default.",
            "「システムデフォルトを使用」に設定した電話機の通話に割り込めるようにします。",
        ),
        trigger: Some(Trigger::PhoneParameter),
    },
    Definition {
        name: "call-manager.max-conference",
        title: Text::new("Maximum Conference Participants", "会議の最大参加者数"),
        scope: Scope::Service(Service::CallManager),
        kind: Kind::Integer { min: 3, max: 64 },
        default: "16",
        help: Text::new("How many may speak in a conference.", "会議に参加できる人数です。"),
        trigger: None,
    },
    Definition {
        name: "call-manager.music-on-hold",
        title: Text::new("Music on Hold", "保留音楽"),
        scope: Scope::Service(Service::CallManager),
        kind: Kind::Flag,
        default: "true",
        help: Text::new(
            "Whether those on hold hear music, or else a tone. While there is music the call is not secure.",
            "保留中の相手に音楽を流します。無効の場合はトーンを鳴らします。音楽が流れている間、通話はノンセキュアになります。",
        ),
        trigger: None,
    },
    Definition {
        name: "call-manager.music-on-hold-file",
        title: Text::new("Music on Hold File", "保留音楽のファイル"),
        scope: Scope::Service(Service::CallManager),
        kind: Kind::OptionalPath,
        default: "",
        help: Text::new(
            "What those on hold hear: a WAV file of one channel and 8000 samples a second. Empty: what CallManager brings.",
            "保留中の相手に流す音楽です。モノラル、8 kHz の WAV ファイルを指定します。空の場合は内蔵のものを使います。",
        ),
        trigger: None,
    },
    Definition {
        name: "call-manager.plain-fallback",
        title: Text::new("Go On Without Encryption", "暗号化なしで通話を続ける"),
        scope: Scope::Service(Service::CallManager),
        kind: Kind::Flag,
        default: "false",
        help: Text::new(
            "On: an encrypted call goes on without encryption, and shows it, if a phone cannot use its key. Off: it ends.",
            "有効: 電話機が鍵を使えない場合、暗号化なしで通話を続け、その状態を表示します。無効: 通話を終了します。",
        ),
        trigger: None,
    },
    Definition {
        name: "call-manager.relay-fallback",
        title: Text::new("Go On Without Relay", "リレーなしで通話を続ける"),
        scope: Scope::Service(Service::CallManager),
        kind: Kind::Flag,
        default: "false",
        help: Text::new(
            "On: media that a pool sends through a relay goes from phone to phone if no relay is to be had. Off: the call fails.",
            "有効: プールの設定でリレーを経由するメディアは、使えるリレーがない場合、電話機間で直接送ります。無効: 通話は失敗します。",
        ),
        trigger: None,
    },
    limit(
        "call-manager.max-connections",
        Text::new("Maximum Connections", "最大接続数"),
        "20000",
        Text::new(
            "How many connections of phones there may be. Each takes a file descriptor.",
            "電話機からの接続の最大数です。接続ごとにファイル記述子を 1 つ使います。",
        ),
    ),
    limit(
        "call-manager.max-half-open",
        Text::new("Maximum Half-Open Connections", "最大ハーフオープン接続数"),
        "8192",
        Text::new(
            "How many connections there may be of phones that have not registered. The oldest of them makes room for the next.",
            "登録が完了していない接続の最大数です。超えると最も古いものから切断します。",
        ),
    ),
    limit(
        "call-manager.max-half-open-per-address",
        Text::new(
            "Maximum Half-Open Connections per Address",
            "アドレスごとの最大ハーフオープン接続数",
        ),
        "2048",
        Text::new(
            "The same, of one address. Phones behind one translator share it.",
            "1 つのアドレスからの最大ハーフオープン接続数です。アドレス変換の背後の電話機は同じアドレスになります。",
        ),
    ),
    Definition {
        name: CALL_RECORDS,
        title: Text::new("Call Records", "通話記録の件数"),
        scope: Scope::Service(Service::CallManager),
        kind: Kind::Integer { min: 0, max: 100_000_000 },
        default: "100000",
        help: Text::new(
            "How many records of calls are kept. Older ones are deleted.",
            "保存する通話記録の件数です。古いものから削除します。",
        ),
        trigger: None,
    },
    Definition {
        name: CALL_RECORD_DAYS,
        title: Text::new("Call Record Age (days)", "通話記録の保存日数"),
        scope: Scope::Service(Service::CallManager),
        kind: Kind::Integer { min: 1, max: 3650 },
        default: "90",
        help: Text::new("How long records of calls are kept.", "通話記録を保存する日数です。"),
        trigger: None,
    },
    Definition {
        name: "call-manager.trace-level",
        title: Text::new("Trace Level", "トレースレベル"),
        scope: Scope::Service(Service::CallManager),
        kind: Kind::Choice(&["detail", "notice", "alarm"]),
        default: "notice",
        help: Text::new(
            "detail: every message, without keys. notice: who registers and leaves. alarm: what somebody should look at. Takes effect within seconds.",
            "detail: 鍵を除く全メッセージ。notice: 登録と登録解除。alarm: 確認が必要な事象。数秒以内に反映されます。",
        ),
        trigger: None,
    },
];

/// A limit of connections; it takes effect at once.
const fn limit(name: &'static str, title: Text, default: &'static str, help: Text) -> Definition {
    let kind = Kind::Integer { min: 16, max: 1_000_000 };
    let scope = Scope::Service(Service::CallManager);
    Definition { name, title, scope, kind, default, help, trigger: None }
}

/// A timer of calls; it takes effect at once.
const fn seconds(name: &'static str, title: Text, default: &'static str, help: Text) -> Definition {
    let kind = Kind::Integer { min: 1, max: 600 };
    let scope = Scope::Service(Service::CallManager);
    Definition { name, title, scope, kind, default, help, trigger: None }
}
