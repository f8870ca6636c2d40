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
    /// A copy of the database was made by an older program.
    Older {
        /// Its schema.
        found: u64,
        /// The schema this program needs.
        known: u64,
    },
    /// The database is a replica: changes are made on the publisher.
    ReadOnly,
    /// The database is a copy, and the publisher's, where changes are made, does not answer.
    PublisherAway(String),
    /// A copy of the database is damaged, or cannot be written.
    Copy(String),
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
    /// An object that something else needs.
    InUse {
        /// Kind of object.
        object: &'static str,
        /// Its name.
        name: String,
        /// One of those that need it.
        by: String,
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
    /// A number to dial.
    Number(String),
    /// A pattern of numbers.
    Pattern(String),
    /// A name of a pool or a region.
    Name {
        /// What was given.
        given: String,
        /// Most characters.
        max: usize,
    },
    /// How a date is written.
    DateTemplate(String),
    /// A time zone.
    TimeZone(String),
    /// A day.
    Date(String),
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
    /// A port with something else than digits in it.
    PortDigits,
    /// A name of a voicemail server.
    VoicemailServer(String),
    /// A name of a voicemail port.
    VoicemailPort(String),
    /// Numbers behind one that is no row of digits.
    NumbersFrom(String),
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
    /// Auto-registration is off.
    NoAutoRegistration,
    /// All numbers for auto-registration are taken.
    NoFreeNumber,
    /// The model has fewer line buttons.
    TooManyLines {
        /// The model.
        model: crate::Model,
        /// Most lines.
        max: usize,
    },
    /// A phone has fewer buttons.
    TooManyButtons,
    /// Calls to a number would go in circles.
    ForwardToItself,
    /// The default pool and region stay.
    DefaultStays,
    /// The node does not run CallManager.
    NoCallManager,
    /// Phones have room for fewer servers.
    TooManyCallManagers,
    /// There are no numbers left for regions.
    TooManyRegions,
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
    /// Only a secure SRST reference has a certificate.
    SrstNotSecure,
    /// Somebody else changed something since it was looked at.
    ChangedMeanwhile,
}

impl Error {
    /// Whether nothing could be changed from here, for whatever reason: the database is a copy.
    pub fn is_of_a_copy(&self) -> bool {
        matches!(self, Self::ReadOnly | Self::PublisherAway(_))
    }
}

impl Say for Error {
    fn say(&self, language: Language) -> String {
        match self {
            Self::Open { what, cause } => OPEN.fill(language, &[("what", what), ("cause", cause)]),
            Self::Newer { found, known } => {
                NEWER.fill(language, &[("found", found), ("known", known)])
            }
            Self::Older { found, known } => {
                OLDER.fill(language, &[("found", found), ("known", known)])
            }
            Self::ReadOnly => READ_ONLY.say(language),
            Self::PublisherAway(cause) => PUBLISHER_AWAY.fill(language, &[("cause", cause)]),
            Self::Copy(cause) => COPY.fill(language, &[("cause", cause)]),
            Self::Corrupt(cause) => CORRUPT.fill(language, &[("cause", cause)]),
            Self::Database(cause) => DATABASE.fill(language, &[("cause", cause)]),
            Self::Unknown { object, name } => {
                UNKNOWN.fill(language, &[("object", object), ("name", name)])
            }
            Self::Exists { object, name } => {
                EXISTS.fill(language, &[("object", object), ("name", name)])
            }
            Self::InUse { object, name, by } => {
                IN_USE.fill(language, &[("object", object), ("name", name), ("by", by)])
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
            Self::Number(given) => {
                NUMBER.fill(language, &[("given", given), ("max", &crate::Number::MAX)])
            }
            Self::Pattern(given) => PATTERN.fill(language, &[("given", given)]),
            Self::Name { given, max } => NAME.fill(language, &[("given", given), ("max", max)]),
            Self::DateTemplate(given) => DATE_TEMPLATE.fill(language, &[("given", given)]),
            Self::TimeZone(given) => TIME_ZONE.fill(language, &[("given", given)]),
            Self::Date(given) => DATE.fill(language, &[("given", given)]),
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
            Self::PortDigits => PORT_DIGITS.say(language),
            Self::VoicemailServer(given) => VOICEMAIL_SERVER.fill(language, &[("given", given)]),
            Self::VoicemailPort(given) => VOICEMAIL_PORT.fill(language, &[("given", given)]),
            Self::NumbersFrom(given) => NUMBERS_FROM.fill(language, &[("given", given)]),
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
            Self::NoAutoRegistration => AUTO_REGISTRATION_IS_OFF,
            Self::NoFreeNumber => NO_FREE_NUMBER,
            Self::TooManyLines { model, max } => {
                return TOO_MANY_LINES.fill(language, &[("model", model), ("max", max)]);
            }
            Self::TooManyButtons => {
                return TOO_MANY_BUTTONS.fill(language, &[("max", &crate::MAX_BUTTONS)]);
            }
            Self::ForwardToItself => FORWARD_TO_ITSELF,
            Self::DefaultStays => DEFAULT_STAYS,
            Self::NoCallManager => NO_CALL_MANAGER,
            Self::TooManyCallManagers => TOO_MANY_CALL_MANAGERS,
            Self::TooManyRegions => TOO_MANY_REGIONS,
            Self::ModeNotSupported => MODE_NOT_SUPPORTED,
            Self::PublisherStays => PUBLISHER_STAYS,
            Self::SecondPublisher => SECOND_PUBLISHER,
            Self::CapfOnPublisherOnly => CAPF_ON_PUBLISHER,
            Self::LastAdministrator => LAST_ADMINISTRATOR,
            Self::NotPerNode => NOT_PER_NODE,
            Self::SrstNotSecure => SRST_NOT_SECURE,
            Self::ChangedMeanwhile => CHANGED_MEANWHILE,
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
const OLDER: Text = Text::new(
    "This copy of the database has schema {found}, this program needs {known}. Upgrade the publisher first: the copy follows.",
    "このデータベースの複製のスキーマは {found} ですが、このプログラムには {known} が必要です。先にパブリッシャをアップグレードしてください。複製は自動的に追従します。",
);
const PUBLISHER_AWAY: Text = Text::new(
    "The publisher's database does not answer ({cause}): nothing was changed, and nothing waits to be. Repeat it when the publisher is back, or make another node the publisher: `ringfence cluster promote`.",
    "パブリッシャのデータベースが応答しません ({cause})。何も変更されておらず、保留中の変更もありません。パブリッシャの復旧後にやり直すか、`ringfence cluster promote` で別のノードをパブリッシャにしてください。",
);
const CORRUPT: Text = Text::new(
    "The database is damaged: {cause}. Restore it from a backup.",
    "データベースが壊れています: {cause}。バックアップから復元してください。",
);
const COPY: Text = Text::new(
    "The copy of the database cannot be written or read: {cause}. Take another one.",
    "データベースのコピーを書き込めないか、読み取れません: {cause}。別のコピーを使ってください。",
);
const DATABASE: Text = Text::new("Database exception: {cause}.", "データベース例外: {cause}。");
const UNKNOWN: Text = Text::new(
    "There is no {object} {name}. `list` shows those there are.",
    "{object} {name} はありません。`list` で一覧を表示できます。",
);
const EXISTS: Text =
    Text::new("The {object} {name} exists already.", "{object} {name} は既に存在します。");
const IN_USE: Text = Text::new(
    "The {object} {name} is in use by {by}: change that first.",
    "{object} {name} は {by} が使用中です。先にそちらを変更してください。",
);
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
const NUMBER: Text = Text::new(
    "{given} is no number to dial: 1 to {max} of 0-9, *, #, A-D and +.",
    "{given} はダイヤルできる番号ではありません。0-9、*、#、A-D、+ で 1 ～ {max} 文字です。",
);
const PATTERN: Text = Text::new(
    "{given} is no pattern of numbers: use digits, X, [2-5], ! at the end, one `.`.",
    "{given} は番号のパターンではありません。数字、X、[2-5]、末尾の !、1 つの `.` を使ってください。",
);
const NAME: Text = Text::new(
    "{given} is no name: 1 to {max} letters, digits, blanks, `-`, `.` and `_`.",
    "{given} は名前に使えません。文字、数字、空白、`-`、`.`、`_` で 1 ～ {max} 文字です。",
);
const DATE_TEMPLATE: Text = Text::new(
    "{given} is no date template: write D, M and Y in any order with one separator, such as M/D/Y or D.M.YA; A is the 12-hour clock.",
    "{given} は日付テンプレートではありません。D、M、Y を任意の順で 1 種類の区切り文字とともに指定します (例: M/D/Y、D.M.YA)。A は 12 時間表示です。",
);
const TIME_ZONE: Text = Text::new(
    "{given} is no time zone: write a name such as Asia/Tokyo or Europe/Berlin.",
    "{given} はタイムゾーンではありません。Asia/Tokyo、Europe/Berlin のように指定してください。",
);
const DATE: Text = Text::new(
    "{given} is no day: write it as 2026-12-31.",
    "{given} は日付ではありません。2026-12-31 のように指定してください。",
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
const AUTO_REGISTRATION_IS_OFF: Text = Text::new(
    "Auto-registration is off: set enterprise.auto-registration, or add the phone.",
    "自動登録は無効です。enterprise.auto-registration を設定するか、電話機を追加してください。",
);
const NO_FREE_NUMBER: Text = Text::new(
    "All numbers for auto-registration are taken: set call-manager.auto-registration-last to a higher one.",
    "自動登録用の番号に空きがありません。call-manager.auto-registration-last を大きくしてください。",
);
const TOO_MANY_LINES: Text =
    Text::new("A {model} has at most {max} lines.", "{model} の回線は最大 {max} 本です。");
const TOO_MANY_BUTTONS: Text = Text::new(
    "A phone has at most {max} buttons for lines and speed dials.",
    "電話機の回線とスピードダイヤルのボタンは合わせて最大 {max} 個です。",
);
const FORWARD_TO_ITSELF: Text = Text::new(
    "A line cannot forward calls to itself.",
    "回線を自分自身に転送することはできません。",
);
const DEFAULT_STAYS: Text = Text::new(
    "The default pool and the default region cannot be removed.",
    "デフォルトのプールとリージョンは削除できません。",
);
const NO_CALL_MANAGER: Text = Text::new(
    "A CallManager group has only nodes that run CallManager: activate it there first.",
    "CallManager グループに指定できるのは CallManager が有効なノードだけです。先に有効にしてください。",
);
const TOO_MANY_CALL_MANAGERS: Text = Text::new(
    "A CallManager group has at most 5 nodes.",
    "CallManager グループのノードは最大 5 台です。",
);
const TOO_MANY_REGIONS: Text = Text::new("There are too many regions.", "リージョンが多すぎます。");
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
const CHANGED_MEANWHILE: Text = Text::new(
    "Somebody else changed it in the meantime. Look at it again and repeat the change.",
    "その間に他の人が変更しました。内容を確認してから、もう一度変更してください。",
);
const LAST_ADMINISTRATOR: Text = Text::new(
    "The last administrator cannot be removed: nobody could log in.",
    "最後の管理者は削除できません。ログインできる人がいなくなります。",
);
const NOT_PER_NODE: Text = Text::new(
    "An enterprise parameter holds for the whole cluster: leave the node out.",
    "エンタープライズパラメータはクラスタ全体に適用されます。ノードを指定しないでください。",
);
const SRST_NOT_SECURE: Text = Text::new(
    "The SRST reference is not secure, so it has no certificate: set it to secure first.",
    "SRST 参照先がセキュアではないため、証明書を持てません。先にセキュアに設定してください。",
);
const VOICEMAIL_SERVER: Text = Text::new(
    "{given} is no name of a voicemail server: 1 to 10 letters and digits.",
    "{given} はボイスメールサーバの名前に使えません。1 ～ 10 文字の英数字を指定してください。",
);
const VOICEMAIL_PORT: Text = Text::new(
    "{given} is no voicemail port: the name of the server, -VI and its number, like CiscoUM1-VI1.",
    "{given} はボイスメールポートの名前ではありません。サーバ名、-VI、番号の順に指定してください (例: CiscoUM1-VI1)。",
);
const NUMBERS_FROM: Text = Text::new(
    "There are not enough numbers from {given} on: begin with one of digits only.",
    "{given} から始まる番号が足りません。数字だけの番号から始めてください。",
);
const PORT_DIGITS: Text =
    Text::new("Port Numbers can only contain digits.", "ポート番号に使用できるのは数字だけです。");
