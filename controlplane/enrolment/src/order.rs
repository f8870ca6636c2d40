//! What administrators order for a phone, and the rules of it.
//!
//! Keys that can be ordered are RSA keys of 512, 1024 and 2048 bits. The protocol knows larger ones
//! and elliptic curves too, and so do the machines in `capf`; but no message of it says what a phone
//! is able to make, so only its model can tell, and every model that the store knows stops at 2048.
//! An order for more would fail on each of them, after all attempts.

mod deadline;

use std::time::{Duration, SystemTime};

use jiff::tz::TimeZone;
use messages::{Explain, Message, capf as said};
use store::{
    AuthString, AuthStringFault, Capf, CapfAuthMode, CapfOperation, CapfStatus, Device, DeviceName,
    EffectiveMode, KeySize, Model, SecurityMode, View,
};

pub use deadline::{DeadlineFault, parse_deadline, write_deadline};

/// What is to change; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Certificate Operation.
    pub operation: Option<CapfOperation>,
    /// Authentication Mode.
    pub auth_mode: Option<CapfAuthMode>,
    /// Authentication String.
    pub auth_string: Option<StringWish>,
    /// Key Size.
    pub key_size: Option<KeySize>,
    /// Operation Completes By, as a person wrote it on the publisher's clock.
    pub complete_by: Option<String>,
}

/// Which authentication string.
#[derive(Clone)]
pub enum StringWish {
    /// These digits.
    Typed(String),
    /// Any.
    Generated,
}

impl std::fmt::Debug for StringWish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Typed(_) => "Typed",
            Self::Generated => "Generated",
        })
    }
}

/// What an order depends on beside the phone's settings.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The phone.
    pub device: Device,
    /// Its CAPF settings.
    pub capf: Capf,
    /// Whether it is known to have an LSC.
    pub has_lsc: bool,
    /// The mode it would have in a mixed cluster.
    pub mode: EffectiveMode,
    /// Whether somebody else issues certificates.
    pub third_party: bool,
    /// How long an operation waits that nobody gave a deadline.
    pub expires: Duration,
}

/// An order that is sound.
#[derive(Clone, Debug)]
pub struct Order {
    /// The settings to be stored.
    pub capf: Capf,
    /// What to think of.
    pub warnings: Vec<Warning>,
}

/// Why an order is not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderFault {
    /// The string has something else than digits in it.
    StringCharacters,
    /// The string has so many digits.
    StringLength(usize),
    /// The deadline.
    Deadline(DeadlineFault),
    /// The model has no certificates.
    Model(Model),
    /// The phone has no certificate to delete or to look at.
    NoCertificate(DeviceName, CapfOperation),
    /// The phone would be left without a certificate.
    DeleteNeedsNonSecure(DeviceName, EffectiveMode),
    /// There is no string.
    StringMissing(DeviceName),
    /// A string was given where none is used.
    StringNotUsed(DeviceName, CapfAuthMode),
}

impl OrderFault {
    /// Whether policy forbids what is written soundly.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Model(_) | Self::NoCertificate(..) | Self::DeleteNeedsNonSecure(..))
    }
}

impl Explain for OrderFault {
    fn message(&self) -> &'static Message {
        match self {
            Self::StringCharacters => &said::AUTHENTICATION_STRING_CHARACTERS,
            Self::StringLength(_) => &said::AUTHENTICATION_STRING_LENGTH,
            Self::Deadline(fault) => fault.message(),
            Self::Model(_) => &said::MODEL_HAS_NO_CERTIFICATES,
            Self::NoCertificate(..) => &said::PHONE_HAS_NO_CERTIFICATE,
            Self::DeleteNeedsNonSecure(..) => &said::DELETE_NEEDS_NON_SECURE,
            Self::StringMissing(_) => &said::AUTHENTICATION_STRING_MISSING,
            Self::StringNotUsed(..) => &said::AUTHENTICATION_STRING_NOT_USED,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        let device = |device: &DeviceName| ("device", device.to_string());
        match self {
            Self::StringCharacters => Vec::new(),
            Self::StringLength(length) => vec![("length", length.to_string())],
            Self::Deadline(fault) => fault.values(),
            Self::Model(model) => vec![("model", model.to_string())],
            Self::NoCertificate(name, operation) => {
                vec![device(name), ("operation", operation.to_string())]
            }
            Self::DeleteNeedsNonSecure(name, mode) => {
                vec![device(name), ("mode", mode.to_string())]
            }
            Self::StringMissing(name) => vec![device(name)],
            Self::StringNotUsed(name, mode) => vec![device(name), ("mode", mode.to_string())],
        }
    }
}

/// What an administrator should think of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A null string protects nothing.
    NullString(DeviceName),
    /// Large keys are slow.
    LargeKey,
    /// The phone will not ask for the string.
    StringOnSecurePhone(DeviceName),
    /// Somebody else has to revoke.
    RevokeAtAuthority,
}

impl Explain for Warning {
    fn message(&self) -> &'static Message {
        match self {
            Self::NullString(_) => &said::NULL_STRING_IS_NO_SECURITY,
            Self::LargeKey => &said::LARGE_KEY_IS_SLOW,
            Self::StringOnSecurePhone(_) => &said::STRING_ON_A_SECURE_PHONE,
            Self::RevokeAtAuthority => &said::REVOKE_AT_THE_AUTHORITY,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::NullString(name) | Self::StringOnSecurePhone(name) => {
                vec![("device", name.to_string())]
            }
            Self::LargeKey | Self::RevokeAtAuthority => Vec::new(),
        }
    }
}

impl Facts {
    /// Reads them from the store.
    pub fn read(view: &mut View<'_>, name: &DeviceName) -> store::Result<Self> {
        let device = view.device(name)?;
        let default = view.default_device_mode()?;
        let days: u64 =
            view.parameter(None, "enterprise.capf-operation-expires-days")?.integer()?;
        Ok(Self {
            capf: view.capf(name)?,
            has_lsc: view.present_lsc(name)?.is_some(),
            mode: device.effective_mode(SecurityMode::Mixed, default),
            third_party: view.capf_parameter("capf.certificate-issuer")?.value != "capf",
            expires: Duration::from_secs(days * 24 * 3600),
            device,
        })
    }

    /// What the phone's settings become, or why they do not. `zone` is the publisher's.
    pub fn order(
        &self,
        wish: &Wish,
        now: SystemTime,
        zone: &TimeZone,
    ) -> Result<Order, OrderFault> {
        let mut capf = self.capf.clone();
        capf.operation = wish.operation.unwrap_or(capf.operation);
        capf.auth_mode = wish.auth_mode.unwrap_or(capf.auth_mode);
        capf.key_size = wish.key_size.unwrap_or(capf.key_size);
        self.check_operation(&capf)?;
        self.set_string(&mut capf, wish.auth_string.as_ref())?;
        self.set_deadline(&mut capf, wish, now, zone)?;
        let is_new = wish.operation.is_some() && capf.operation != CapfOperation::None;
        if is_new {
            capf.status = CapfStatus::Pending;
        } else if capf.operation == CapfOperation::None && capf.status == CapfStatus::Pending {
            // It was cancelled.
            capf.status = CapfStatus::None;
        }
        let warnings = self.warnings(&capf, wish);
        Ok(Order { capf, warnings })
    }

    fn check_operation(&self, capf: &Capf) -> Result<(), OrderFault> {
        let name = || self.device.name.clone();
        let (operation, model) = (capf.operation, self.device.model);
        if operation == CapfOperation::None {
            return Ok(());
        }
        if !model.is_securable() {
            return Err(OrderFault::Model(model));
        }
        let shows = matches!(operation, CapfOperation::Delete | CapfOperation::Troubleshoot);
        if shows && !self.has_lsc && !model.has_mic() {
            return Err(OrderFault::NoCertificate(name(), operation));
        }
        let last = operation == CapfOperation::Delete && !model.has_mic();
        if last && self.mode != EffectiveMode::NonSecure {
            return Err(OrderFault::DeleteNeedsNonSecure(name(), self.mode));
        }
        Ok(())
    }

    fn set_string(&self, capf: &mut Capf, wish: Option<&StringWish>) -> Result<(), OrderFault> {
        let name = || self.device.name.clone();
        let by_string = capf.auth_mode == CapfAuthMode::AuthenticationString;
        match wish {
            Some(_) if !by_string => {
                return Err(OrderFault::StringNotUsed(name(), capf.auth_mode));
            }
            Some(StringWish::Generated) => capf.auth_string = Some(AuthString::random()),
            Some(StringWish::Typed(digits)) => {
                let parsed = AuthString::parse(digits).map_err(|fault| match fault {
                    AuthStringFault::NotDigits => OrderFault::StringCharacters,
                    AuthStringFault::Length => OrderFault::StringLength(digits.len()),
                })?;
                capf.auth_string = Some(parsed);
            }
            None if !by_string => capf.auth_string = None,
            None => {}
        }
        if by_string && capf.operation != CapfOperation::None && capf.auth_string.is_none() {
            return Err(OrderFault::StringMissing(name()));
        }
        Ok(())
    }

    fn set_deadline(
        &self,
        capf: &mut Capf,
        wish: &Wish,
        now: SystemTime,
        zone: &TimeZone,
    ) -> Result<(), OrderFault> {
        let given = wish.complete_by.as_deref().filter(|given| !given.trim().is_empty());
        let given = given.map(|given| parse_deadline(given, now, zone)).transpose();
        let given = given.map_err(OrderFault::Deadline)?;
        let is_new = wish.operation.is_some();
        capf.complete_by = match (capf.operation, given) {
            (CapfOperation::None, _) => None,
            (_, Some(given)) => Some(given),
            // The same operation ordered once more keeps what it had.
            (operation, None) if is_new && operation != self.capf.operation => {
                Some(deadline::whole_hour(now + self.expires, zone))
            }
            (_, None) => capf.complete_by,
        };
        Ok(())
    }

    fn warnings(&self, capf: &Capf, wish: &Wish) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let pending = capf.operation != CapfOperation::None;
        if pending && capf.auth_mode == CapfAuthMode::NullString {
            warnings.push(Warning::NullString(self.device.name.clone()));
        }
        let asked = wish.operation.is_some() || wish.key_size.is_some();
        if asked && capf.operation == CapfOperation::Install && capf.key_size == KeySize::Rsa2048 {
            warnings.push(Warning::LargeKey);
        }
        let by_string = capf.auth_mode == CapfAuthMode::AuthenticationString;
        let secure = self.mode != EffectiveMode::NonSecure;
        if pending && by_string && secure && !self.has_lsc {
            warnings.push(Warning::StringOnSecurePhone(self.device.name.clone()));
        }
        if self.third_party && capf.operation == CapfOperation::Delete {
            warnings.push(Warning::RevokeAtAuthority);
        }
        warnings
    }
}
