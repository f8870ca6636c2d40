use std::fmt;

use lang::{Language, Say, Text};

/// What the store answers with.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request to the store failed. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The database cannot be opened.
    Open {
        /// Which one, without password.
        what: String,
        /// What the database or the system said.
        cause: String,
    },
    /// The database was made by a newer program.
    Newer {
        /// Its schema.
        found: u64,
        /// The newest schema this program knows.
        known: u64,
    },
    /// The database is a replica: changes are made on the publisher.
    ReadOnly,
    /// What is stored makes no sense.
    Corrupt(String),
    /// The database refused a statement or went away.
    Database(String),
    /// No such object.
    Unknown {
        /// Kind of object: `node`, `device`, `parameter`, …
        object: &'static str,
        /// The name asked for.
        name: String,
    },
    /// An object of this name, or with this address, exists already.
    Exists {
        /// Kind of object.
        object: &'static str,
        /// Its name.
        name: String,
    },
    /// A value cannot be what it was given as.
    Invalid(Invalid),
    /// The value is sound but policy forbids the change.
    Refused(Refusal),
    /// The audit log was altered outside the store.
    AuditBroken {
        /// First record that does not fit the one before it.
        record: u64,
    },
}

/// A value that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// A store URL.
    StoreUrl(String),
    /// A node name.
    NodeName(String),
    /// A node address.
    Address(String),
    /// A device name.
    DeviceName(String),
    /// A phone model.
    Model(String),
    /// A word that is none of a list.
    Choice {
        /// What was given.
        given: String,
        /// What would be right.
        choices: Vec<&'static str>,
    },
    /// A number outside its range.
    Range {
        /// What was given.
        given: String,
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// Text that is too long.
    TooLong {
        /// What it is.
        field: &'static str,
        /// Most characters.
        max: usize,
    },
    /// A path that is not absolute or leads upwards.
    Path(String),
    /// A host name or address.
    Host(String),
    /// A line of text that is too long or not printable ASCII.
    Text {
        /// What was given.
        given: String,
        /// Most characters.
        max: usize,
    },
    /// An administrator's name.
    UserName(String),
    /// A password that is too short.
    PasswordTooShort {
        /// Fewest characters.
        min: usize,
    },
}

/// What policy forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Only the CTL client changes the cluster security mode.
    SecurityModeIsTheCtlClients,
    /// No auto-registration in mixed mode.
    AutoRegistrationInMixedMode,
    /// The model knows no authenticated or encrypted mode.
    ModeNotSupported,
    /// The publisher stays.
    PublisherStays,
    /// The cluster has one publisher.
    SecondPublisher,
    /// CAPF runs on the publisher only.
    CapfOnPublisherOnly,
    /// Somebody must be able to log in.
    LastAdministrator,
    /// The parameter is the whole cluster's.
    NotPerNode,
}

impl Say for Error {
    fn say(&self, language: Language) -> String {
        match self {
            Self::Open { what, cause } => OPEN.fill(language, &[("what", what), ("cause", cause)]),
            Self::Newer { found, known } => {
                NEWER.fill(language, &[("found", found), ("known", known)])
            }
            Self::ReadOnly => READ_ONLY.say(language),
            Self::Corrupt(cause) => CORRUPT.fill(language, &[("cause", cause)]),
            Self::Database(cause) => DATABASE.fill(language, &[("cause", cause)]),
            Self::Unknown { object, name } => {
                UNKNOWN.fill(language, &[("object", object), ("name", name)])
            }
            Self::Exists { object, name } => {
                EXISTS.fill(language, &[("object", object), ("name", name)])
            }
            Self::Invalid(invalid) => invalid.say(language),
            Self::Refused(refusal) => refusal.say(language),
            Self::AuditBroken { record } => AUDIT_BROKEN.fill(language, &[("record", record)]),
        }
    }
}

impl Say for Invalid {
    fn say(&self, language: Language) -> String {
        match self {
            Self::StoreUrl(cause) => STORE_URL.fill(language, &[("cause", cause)]),
            Self::NodeName(given) => NODE_NAME.fill(language, &[("given", given)]),
            Self::Address(given) => ADDRESS.fill(language, &[("given", given)]),
            Self::DeviceName(given) => DEVICE_NAME.fill(language, &[("given", given)]),
            Self::Model(given) => {
                let known = crate::Model::ALL.map(crate::Model::name).join(", ");
                MODEL.fill(language, &[("given", given), ("known", &known)])
            }
            Self::Choice { given, choices } => {
                CHOICE.fill(language, &[("given", given), ("choices", &choices.join(", "))])
            }
            Self::Range { given, min, max } => {
                RANGE.fill(language, &[("given", given), ("min", min), ("max", max)])
            }
            Self::TooLong { field, max } => {
                TOO_LONG.fill(language, &[("field", field), ("max", max)])
            }
            Self::Path(given) => PATH.fill(language, &[("given", given)]),
            Self::Host(given) => HOST.fill(language, &[("given", given)]),
            Self::Text { given, max } => TEXT.fill(language, &[("given", given), ("max", max)]),
            Self::UserName(given) => USER_NAME.fill(language, &[("given", given)]),
            Self::PasswordTooShort { min } => PASSWORD.fill(language, &[("min", min)]),
        }
    }
}

impl Say for Refusal {
    fn say(&self, language: Language) -> String {
        match self {
            Self::SecurityModeIsTheCtlClients => MODE_IS_CTL_CLIENTS,
            Self::AutoRegistrationInMixedMode => NO_AUTO_REGISTRATION,
            Self::ModeNotSupported => MODE_NOT_SUPPORTED,
            Self::PublisherStays => PUBLISHER_STAYS,
            Self::SecondPublisher => SECOND_PUBLISHER,
            Self::CapfOnPublisherOnly => CAPF_ON_PUBLISHER,
            Self::LastAdministrator => LAST_ADMINISTRATOR,
            Self::NotPerNode => NOT_PER_NODE,
        }
        .say(language)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.say(Language::English))
    }
}

impl std::error::Error for Error {}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

const OPEN: Text = Text::new(
    "The database {what} cannot be opened: {cause}. Check the key `store` of the configuration file.",
    "データベース {what} を開けません: {cause}。設定ファイルのキー `store` を確認してください。",
);
const NEWER: Text = Text::new(
    "The database has schema {found}, this program knows up to {known}. Install the newer ringfence.",
    "データベースのスキーマは {found} ですが、このプログラムは {known} までしか対応していません。新しい ringfence をインストールしてください。",
);
const READ_ONLY: Text = Text::new(
    "This node's database is a read-only copy. Make the change on the publisher.",
    "このノードのデータベースは読み取り専用の複製です。パブリッシャで変更してください。",
);
const CORRUPT: Text = Text::new(
    "The database is damaged: {cause}. Restore it from a backup.",
    "データベースが壊れています: {cause}。バックアップから復元してください。",
);
const DATABASE: Text = Text::new("Database exception: {cause}.", "データベース例外: {cause}。");
const UNKNOWN: Text = Text::new(
    "There is no {object} {name}. `list` shows those there are.",
    "{object} {name} はありません。`list` で一覧を表示できます。",
);
const EXISTS: Text =
    Text::new("The {object} {name} exists already.", "{object} {name} は既に存在します。");
const AUDIT_BROKEN: Text = Text::new(
    "The audit log was altered: record {record} does not fit the one before it.",
    "監査ログが改ざんされています: レコード {record} が直前のレコードと一致しません。",
);
const STORE_URL: Text = Text::new(
    "The store URL is not valid: {cause}. Write sqlite:/path/to/file or postgresql://user@host/database.",
    "ストアの URL が正しくありません: {cause}。sqlite:/path/to/file または postgresql://user@host/database の形で指定してください。",
);
const NODE_NAME: Text = Text::new(
    "{given} is no host name: 1 to 255 letters, digits, `-`, `.` and `_`.",
    "{given} はホスト名ではありません。英数字と `-`、`.`、`_` で 1 ～ 255 文字です。",
);
const ADDRESS: Text = Text::new(
    "Invalid IP Address: {given}. Write an IPv4 or IPv6 address.",
    "IP アドレスが無効です: {given}。IPv4 または IPv6 のアドレスを指定してください。",
);
const DEVICE_NAME: Text = Text::new(
    "{given} is no device name: SEP and the 12 hexadecimal digits of the MAC address.",
    "{given} はデバイス名ではありません。SEP に続けて MAC アドレスの 16 進 12 桁を指定してください。",
);
const MODEL: Text = Text::new(
    "{given} is no model we know. Known models: {known}.",
    "{given} は未対応の機種です。対応機種: {known}。",
);
const CHOICE: Text = Text::new(
    "{given} is not one of: {choices}.",
    "{given} は次のいずれでもありません: {choices}。",
);
const RANGE: Text = Text::new(
    "{given} is not a whole number from {min} to {max}.",
    "{given} は {min} ～ {max} の整数ではありません。",
);
const TOO_LONG: Text = Text::new(
    "The {field} has more than {max} characters.",
    "{field} が {max} 文字を超えています。",
);
const PATH: Text = Text::new(
    "{given} is not an absolute path without `..`.",
    "{given} は `..` を含まない絶対パスではありません。",
);
const HOST: Text = Text::new(
    "{given} is no host name and no address: at most 253 letters, digits, `-`, `.` and `:`.",
    "{given} はホスト名でもアドレスでもありません。英数字と `-`、`.`、`:` で 253 文字以内です。",
);
const TEXT: Text = Text::new(
    "{given} is not a line of at most {max} printable ASCII characters.",
    "{given} は {max} 文字以内の印字可能な ASCII 文字ではありません。",
);
const USER_NAME: Text = Text::new(
    "Invalid User Name: {given}. Use 1 to 64 letters, digits, `-`, `.`, `_` and `@`.",
    "ユーザ名が無効です: {given}。英数字と `-`、`.`、`_`、`@` で 1 ～ 64 文字です。",
);
const PASSWORD: Text = Text::new(
    "Invalid Password: it needs at least {min} characters.",
    "パスワードが無効です: {min} 文字以上にしてください。",
);
const MODE_IS_CTL_CLIENTS: Text = Text::new(
    "Only the CTL client changes the Cluster Security Mode: use `ringfence ctl mode`.",
    "クラスタセキュリティモードを変更できるのは CTL クライアントだけです。`ringfence ctl mode` を使ってください。",
);
const NO_AUTO_REGISTRATION: Text = Text::new(
    "Auto-registration is not possible in Mixed mode.",
    "混合モードでは自動登録を使えません。",
);
const MODE_NOT_SUPPORTED: Text = Text::new(
    "This phone model supports neither authentication nor encryption of signalling.",
    "この機種はシグナリングの認証にも暗号化にも対応していません。",
);
const PUBLISHER_STAYS: Text = Text::new(
    "The publisher cannot be removed from its cluster.",
    "パブリッシャはクラスタから削除できません。",
);
const SECOND_PUBLISHER: Text = Text::new(
    "The cluster has a publisher already. Add the node as a subscriber.",
    "クラスタには既にパブリッシャがあります。サブスクライバとして追加してください。",
);
const CAPF_ON_PUBLISHER: Text =
    Text::new("CAPF runs on the publisher only.", "CAPF はパブリッシャだけで動作します。");
const LAST_ADMINISTRATOR: Text = Text::new(
    "The last administrator cannot be removed: nobody could log in.",
    "最後の管理者は削除できません。ログインできる人がいなくなります。",
);
const NOT_PER_NODE: Text = Text::new(
    "An enterprise parameter holds for the whole cluster: leave the node out.",
    "エンタープライズパラメータはクラスタ全体に適用されます。ノードを指定しないでください。",
);
