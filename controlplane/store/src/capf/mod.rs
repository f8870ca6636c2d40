//! What CAPF shall do with each phone, and what came of it.

mod auth_string;
mod certificate;
mod lockout;
mod request;

use std::time::SystemTime;

use lang::{Language, Say, Text};
use serde::{Deserialize, Serialize};

use crate::change::{Change, json};
use crate::consequence::Trigger;
use crate::sql::{Row, values};
use crate::store::{millis, time};
use crate::words::words;
use crate::{DeviceName, NodeRole, Parameter, Result, View, parameter};

pub use auth_string::{AuthString, AuthStringFault};
pub(crate) use certificate::fingerprint;
pub use certificate::{PhoneCertificate, PhoneCertificateKind};
pub use request::CapfRequest;

/// CAPF's settings and state of one phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capf {
    /// Which phone.
    pub device: DeviceName,
    /// Number of the operation, set by the store: the revision that ordered it.
    #[serde(skip)]
    pub ticket: u64,
    /// What is to be done.
    pub operation: CapfOperation,
    /// How the phone shows that it is the one.
    pub auth_mode: CapfAuthMode,
    /// The digits its user types in. The history only says that they changed.
    #[serde(skip)]
    pub auth_string: Option<AuthString>,
    /// Size of the key the phone is asked for.
    pub key_size: KeySize,
    /// When the operation fails if nobody did it.
    pub complete_by: Option<SystemTime>,
    /// How often the phone failed to make the key of this operation.
    pub failed_attempts: u32,
    /// What came of the last operation; administrators cannot set it.
    pub status: CapfStatus,
    /// How the last session ended that got as far as an operation.
    pub result: Option<CapfResult>,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapfResult {
    /// When.
    pub at: SystemTime,
    /// Why so.
    pub reason: CapfReason,
    /// More of it, in English, for the trace: a number the phone gave, an error of an authority.
    pub detail: String,
}

words! {
    /// An operation on a phone's certificates.
    pub enum CapfOperation {
        /// No operation is pending.
        None = "none",
        /// Install a locally significant certificate, or replace it.
        Install = "install",
        /// Delete the locally significant certificate.
        Delete = "delete",
        /// Fetch the phone's certificates for a look.
        Troubleshoot = "troubleshoot",
    }
}

words! {
    /// How a phone shows CAPF that it is the one.
    pub enum CapfAuthMode {
        /// Its user types an authentication string.
        AuthenticationString = "authentication-string",
        /// Not at all.
        NullString = "null-string",
        /// With its LSC, or its MIC if it has none.
        ExistingLsc = "existing-lsc",
        /// With its MIC, or its LSC if it has none.
        ExistingMic = "existing-mic",
    }
}

impl CapfAuthMode {
    /// The number in `capfAuthMode` of a configuration file while an operation is pending.
    pub fn number(self) -> u8 {
        match self {
            Self::AuthenticationString => 1,
            Self::NullString => 2,
            Self::ExistingLsc => 3,
            Self::ExistingMic => 4,
        }
    }
}

words! {
    /// Bits of the RSA key that a phone makes for its certificate.
    pub enum KeySize {
        /// 512 bits.
        Rsa512 = "512",
        /// 1024 bits.
        Rsa1024 = "1024",
        /// 2048 bits.
        Rsa2048 = "2048",
    }
}

impl KeySize {
    /// The bits.
    pub fn bits(self) -> u16 {
        match self {
            Self::Rsa512 => 512,
            Self::Rsa1024 => 1024,
            Self::Rsa2048 => 2048,
        }
    }
}

words! {
    /// What came of an operation.
    pub enum CapfStatus {
        /// There was none yet.
        None = "none",
        /// It waits for the phone.
        Pending = "operation-pending",
        /// A certificate was installed.
        UpgradeSuccess = "upgrade-success",
        /// No certificate was installed.
        UpgradeFailed = "upgrade-failed",
        /// The certificate was deleted.
        DeleteSuccess = "delete-success",
        /// The certificate was not deleted.
        DeleteFailed = "delete-failed",
        /// The phone's certificates were fetched.
        TroubleshootSuccess = "troubleshoot-success",
        /// The phone's certificates were not fetched.
        TroubleshootFailed = "troubleshoot-failed",
    }
}

impl CapfStatus {
    /// The status of an operation that ended.
    pub fn ended(operation: CapfOperation, well: bool) -> Self {
        match (operation, well) {
            (CapfOperation::None, _) => Self::None,
            (CapfOperation::Install, true) => Self::UpgradeSuccess,
            (CapfOperation::Install, false) => Self::UpgradeFailed,
            (CapfOperation::Delete, true) => Self::DeleteSuccess,
            (CapfOperation::Delete, false) => Self::DeleteFailed,
            (CapfOperation::Troubleshoot, true) => Self::TroubleshootSuccess,
            (CapfOperation::Troubleshoot, false) => Self::TroubleshootFailed,
        }
    }
}

impl Say for CapfStatus {
    fn say(&self, language: Language) -> String {
        match self {
            Self::None => Text::new("None", "なし"),
            Self::Pending => Text::new("Operation Pending", "操作は保留中"),
            Self::UpgradeSuccess => Text::new("Success", "成功"),
            Self::UpgradeFailed => Text::new("Upgrade Failed", "アップグレードに失敗"),
            Self::DeleteSuccess => Text::new("Delete Success", "削除に成功"),
            Self::DeleteFailed => Text::new("Delete Failed", "削除に失敗"),
            Self::TroubleshootSuccess => {
                Text::new("Troubleshoot Success", "トラブルシューティングに成功")
            }
            Self::TroubleshootFailed => {
                Text::new("Troubleshoot Failed", "トラブルシューティングに失敗")
            }
        }
        .say(language)
    }
}

words! {
    /// Why a session ended as it did.
    pub enum CapfReason {
        /// All went well.
        Success = "success",
        /// The time to complete it is over.
        Expired = "expired",
        /// Another authentication string than the phone's.
        WrongString = "wrong-string",
        /// Too many wrong strings in a row.
        Locked = "locked",
        /// The phone showed no certificate, or one that does not do.
        Certificate = "certificate",
        /// The phone made no key, or another one than was asked for.
        Key = "key",
        /// The phone did not do what it was told.
        Phone = "phone",
        /// The certification authority has not answered yet.
        AuthorityPending = "authority-pending",
        /// No certificate could be issued.
        Authority = "authority",
        /// The connection broke, or the phone fell silent.
        Connection = "connection",
        /// The phone broke the rules of the protocol.
        Protocol = "protocol",
        /// Taken over from CAPF 1.0.
        Imported = "imported",
    }
}

impl Say for CapfReason {
    fn say(&self, language: Language) -> String {
        match self {
            Self::Success => Text::new("all went well", "正常に終了しました"),
            Self::Expired => Text::new(
                "the time to complete it is over: order it again",
                "完了期限を過ぎました。操作を指定し直してください",
            ),
            Self::WrongString => Text::new(
                "the authentication string typed in on the phone is another one",
                "電話機に入力された認証文字列が一致しません",
            ),
            Self::Locked => Text::new(
                "ten wrong authentication strings in a row: wait ten minutes",
                "誤った認証文字列が 10 回続きました。10 分間お待ちください",
            ),
            Self::Certificate => Text::new(
                "the phone showed no certificate that proves who it is: use another authentication mode",
                "電話機は本人であることを示す証明書を提示しませんでした。別の認証モードを使ってください",
            ),
            Self::Key => Text::new(
                "the phone did not make the key that it was asked for",
                "電話機は要求された鍵を生成しませんでした",
            ),
            Self::Phone => Text::new(
                "the phone could not do it",
                "電話機が操作を実行できませんでした",
            ),
            Self::AuthorityPending => Text::new(
                "the certification authority has not decided yet",
                "認証局の処理待ちです",
            ),
            Self::Authority => Text::new(
                "no certificate could be issued",
                "証明書を発行できませんでした",
            ),
            Self::Connection => Text::new(
                "the connection broke: the phone tries again",
                "接続が切れました。電話機は再試行します",
            ),
            Self::Protocol => Text::new(
                "the phone broke the rules of the protocol",
                "電話機がプロトコルに違反しました",
            ),
            Self::Imported => {
                Text::new("taken over from CAPF 1.0", "CAPF 1.0 から引き継ぎました")
            }
        }
        .say(language)
    }
}

impl Capf {
    /// The settings of a phone that nobody set any for.
    pub fn new(device: DeviceName, key_size: KeySize) -> Self {
        Self {
            device,
            ticket: 0,
            operation: CapfOperation::None,
            auth_mode: CapfAuthMode::AuthenticationString,
            auth_string: None,
            key_size,
            complete_by: None,
            failed_attempts: 0,
            status: CapfStatus::None,
            result: None,
        }
    }

    /// Whether an operation waits and its time is over.
    pub fn is_expired(&self, now: SystemTime) -> bool {
        self.operation != CapfOperation::None && self.complete_by.is_some_and(|by| by <= now)
    }

    /// Ends the operation. A string that was used is used up, and one for an operation that failed
    /// for good is worth nothing either.
    pub fn end(&mut self, well: bool, result: CapfResult) {
        self.status = CapfStatus::ended(self.operation, well);
        self.operation = CapfOperation::None;
        self.auth_string = None;
        self.complete_by = None;
        self.failed_attempts = 0;
        self.result = Some(result);
    }
}

const COLUMNS: &str = "device, ticket, operation, auth_mode, auth_string, key_size, complete_by, \
    failed_attempts, status, result_at, result_reason, result_detail";

fn read(mut row: Row) -> Result<Capf> {
    let device = row.parse()?;
    let ticket = row.next()?;
    let (operation, auth_mode) = (row.parse()?, row.parse()?);
    let auth_string: Option<String> = row.next()?;
    let bits: u64 = row.next()?;
    let corrupt = |what: &str| crate::Error::Corrupt(format!("{what} of CAPF"));
    let key_size = KeySize::ALL.iter().find(|size| u64::from(size.bits()) == bits);
    let complete_by: Option<u64> = row.next()?;
    let attempts: u64 = row.next()?;
    let status = row.parse()?;
    let at: Option<u64> = row.next()?;
    let reason: Option<String> = row.next()?;
    let detail: Option<String> = row.next()?;
    let result = match (at, reason) {
        (Some(at), Some(reason)) => Some(CapfResult {
            at: time(at),
            reason: reason.parse().map_err(|_| corrupt("unknown reason"))?,
            detail: detail.unwrap_or_default(),
        }),
        _ => None,
    };
    Ok(Capf {
        device,
        ticket,
        operation,
        auth_mode,
        auth_string: auth_string
            .map(|digits| AuthString::parse(&digits).map_err(|_| corrupt("unknown string")))
            .transpose()?,
        key_size: *key_size.ok_or_else(|| corrupt("unknown key size"))?,
        complete_by: complete_by.map(time),
        failed_attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        status,
        result,
    })
}

impl View<'_> {
    /// CAPF's settings and state of a phone; the defaults if there are none.
    pub fn capf(&mut self, device: &DeviceName) -> Result<Capf> {
        let sql = format!("SELECT {COLUMNS} FROM capf WHERE device = $1");
        let found = self.sql.query(&sql, values![device.as_str()])?.pop().map(read).transpose()?;
        match found {
            Some(capf) => Ok(capf),
            None => Ok(Capf::new(device.clone(), self.default_key_size()?)),
        }
    }

    /// Those of all phones that somebody set any for, by name.
    pub fn capfs(&mut self) -> Result<Vec<Capf>> {
        let sql = format!("SELECT {COLUMNS} FROM capf ORDER BY device");
        self.sql.query(&sql, &[])?.into_iter().map(read).collect()
    }

    /// The phones that an operation waits for, with the way they are to authenticate.
    pub fn capf_pending(&mut self) -> Result<Vec<(DeviceName, CapfAuthMode)>> {
        let rows = self.sql.query(
            "SELECT device, auth_mode FROM capf WHERE operation <> 'none' ORDER BY device",
            &[],
        )?;
        rows.into_iter().map(|mut row| Ok((row.parse()?, row.parse()?))).collect()
    }

    /// The operations whose time is over at `now`.
    pub fn capf_expired(&mut self, now: SystemTime) -> Result<Vec<Capf>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM capf WHERE operation <> 'none' AND complete_by <= $1
                ORDER BY device"
        );
        self.sql.query(&sql, values![millis(now)])?.into_iter().map(read).collect()
    }

    /// The key size of phones that nobody set one for.
    pub fn default_key_size(&mut self) -> Result<KeySize> {
        self.capf_parameter(parameter::CAPF_KEY_SIZE)?.value.parse()
    }

    /// A parameter of CAPF as it is in force where CAPF runs: on the publisher.
    pub fn capf_parameter(&mut self, name: &str) -> Result<Parameter> {
        let nodes = self.nodes()?;
        let publisher = nodes.iter().find(|node| node.role == NodeRole::Publisher);
        self.parameter(publisher.map(|node| &*node.name), name)
    }
}

impl Change<'_> {
    /// Sets what an administrator sets. If the phone's configuration file says something else now,
    /// it has to be reset.
    pub fn order_capf(&mut self, capf: &Capf) -> Result<()> {
        let old = self.capf(&capf.device)?;
        let mut new =
            Capf { ticket: old.ticket, failed_attempts: old.failed_attempts, ..capf.clone() };
        if old != new {
            new.ticket = self.revision.0;
            new.failed_attempts = 0;
        }
        self.write_capf(&old, &new)?;
        let told = |capf: &Capf| {
            (capf.operation != CapfOperation::None).then_some((capf.operation, capf.auth_mode))
        };
        if told(&old) != told(capf) {
            self.trigger(&Trigger::DeviceConfiguration(capf.device.clone()));
        }
        Ok(())
    }

    /// Notes what came of an operation. The phone knows: it resets itself.
    pub fn note_capf(&mut self, capf: &Capf) -> Result<()> {
        let old = self.capf(&capf.device)?;
        self.write_capf(&old, capf)
    }

    fn write_capf(&mut self, old: &Capf, new: &Capf) -> Result<()> {
        self.device(&new.device)?;
        let result = new.result.as_ref();
        self.view.sql.execute(
            &format!(
                "INSERT INTO capf ({COLUMNS}) VALUES \
                    ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
                    ON CONFLICT (device) DO UPDATE SET
                    ticket = excluded.ticket, failed_attempts = excluded.failed_attempts,
                    operation = excluded.operation, auth_mode = excluded.auth_mode,
                    auth_string = excluded.auth_string, key_size = excluded.key_size,
                    complete_by = excluded.complete_by, status = excluded.status,
                    result_at = excluded.result_at, result_reason = excluded.result_reason,
                    result_detail = excluded.result_detail"
            ),
            values![
                new.device.as_str(),
                new.ticket,
                new.operation.as_str(),
                new.auth_mode.as_str(),
                new.auth_string.as_ref().map(AuthString::expose),
                u64::from(new.key_size.bits()),
                new.complete_by.map(millis),
                u64::from(new.failed_attempts),
                new.status.as_str(),
                result.map(|result| millis(result.at)),
                result.map(|result| result.reason.as_str()),
                result.map(|result| &*result.detail),
            ],
        )?;
        self.record("capf", new.device.as_str(), json(old), json(new));
        if old.auth_string != new.auth_string {
            let now = if new.auth_string.is_some() { "changed" } else { "removed" };
            self.record("authentication-string", new.device.as_str(), None, json(&now));
        }
        Ok(())
    }

    /// Forgets a phone that is removed, but for its LSCs that prove nothing any more: they must
    /// not prove anything for a phone of the same name later.
    pub(crate) fn remove_capf(&mut self, device: &DeviceName) -> Result<()> {
        let rows = self
            .view
            .sql
            .query("SELECT COUNT(*) FROM capf WHERE device = $1", values![device.as_str()])?;
        let known: u64 = rows.into_iter().next().map_or(Ok(0), |mut row| row.next())?;
        if known > 0 {
            let old = self.capf(device)?;
            self.record("capf", device.as_str(), json(&old), None);
        }
        for table in ["capf", "capf_lockout", "capf_request"] {
            let sql = format!("DELETE FROM {table} WHERE device = $1");
            self.view.sql.execute(&sql, values![device.as_str()])?;
        }
        self.forget_phone_certificates(device)
    }
}
