//! What an administrator is warned of when he changes settings that do not go together.

use std::fmt;

use lang::{Language, Say, Text};

use crate::change::Change;
use crate::device::{BridgeMedia, Device, EffectiveMode};
use crate::number::Number;
use crate::{DeviceName, Result, View, parameter};

/// A change that was made, and does not do all that its maker may expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Encryption and the built-in bridge meet on models that cannot mix encrypted media.
    EncryptedCannotBeBarged,
    /// A part of administration is not served any more.
    SurfaceSwitchedOff {
        /// The parameter that switches it on again.
        parameter: String,
    },
    /// A line is shared by encrypted phones and others.
    SharedLineNotEncrypted {
        /// The line.
        number: Number,
        /// Those that have it and are not set to encrypted, at most a few.
        phones: Vec<DeviceName>,
    },
}

/// Phones that a warning names.
const NAMED: usize = 5;

impl Say for Warning {
    fn say(&self, language: Language) -> String {
        match self {
            Self::EncryptedCannotBeBarged => ENCRYPTED_CANNOT_BE_BARGED.say(language),
            Self::SurfaceSwitchedOff { parameter } => {
                SURFACE_SWITCHED_OFF.fill(language, &[("parameter", parameter)])
            }
            Self::SharedLineNotEncrypted { number, phones } => {
                let phones: Vec<_> = phones.iter().map(DeviceName::as_str).collect();
                let phones = phones.join(", ");
                SHARED_LINE.fill(language, &[("number", number), ("phones", &phones)])
            }
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.say(Language::English))
    }
}

/// What phones get that are set to the system's default.
#[derive(Clone, Copy)]
struct Defaults {
    mode: EffectiveMode,
    bridge: bool,
}

impl Defaults {
    fn read(view: &mut View<'_>) -> Result<Self> {
        Ok(Self {
            mode: view.default_device_mode()?,
            bridge: view.parameter(None, parameter::BUILT_IN_BRIDGE)?.flag(),
        })
    }

    fn encrypts(self, device: &Device) -> bool {
        device.configured_mode(self.mode) == EffectiveMode::Encrypted
    }

    /// Whether its bridge is on and useless once its calls are encrypted.
    fn is_contradictory(self, device: &Device) -> bool {
        self.encrypts(device) && device.bridge(self.bridge) == Some(BridgeMedia::Plain)
    }
}

impl Change<'_> {
    /// Warns of what a device is set to.
    pub(crate) fn warn_of_device(&mut self, device: &Device) -> Result<()> {
        let defaults = Defaults::read(self)?;
        if defaults.is_contradictory(device) {
            self.warn(Warning::EncryptedCannotBeBarged);
        }
        for number in &device.lines {
            let mut others = Vec::new();
            let mut encrypted = false;
            for phone in self.phones_of_line(number)? {
                let phone = self.device(&phone)?;
                match defaults.encrypts(&phone) {
                    true => encrypted = true,
                    false if others.len() < NAMED => others.push(phone.name),
                    false => {}
                }
            }
            if encrypted && !others.is_empty() {
                let number = number.clone();
                self.warn(Warning::SharedLineNotEncrypted { number, phones: others });
            }
        }
        Ok(())
    }

    /// Warns of what the parameters Device Security Mode and Built In Bridge Enable say together.
    pub(crate) fn warn_of_defaults(&mut self) -> Result<()> {
        let defaults = Defaults::read(self)?;
        let contradictory = defaults.mode == EffectiveMode::Encrypted && defaults.bridge;
        if contradictory || self.devices()?.iter().any(|device| defaults.is_contradictory(device)) {
            self.warn(Warning::EncryptedCannotBeBarged);
        }
        Ok(())
    }
}

const ENCRYPTED_CANNOT_BE_BARGED: Text = Text::new(
    "If you configure encryption for Cisco IP Phone models 7960 and 7940, those encrypted devices cannot accept a barge request when they are participating in an encrypted call. When the call is encrypted, the barge attempt fails.",
    "Cisco IP Phone 7960 および 7940 に暗号化を設定すると、これらの暗号化デバイスは、暗号化コールへの参加中に割り込み要求を受け付けることができません。コールが暗号化されている場合、割り込みは失敗します。",
);
const SURFACE_SWITCHED_OFF: Text = Text::new(
    "This part of administration is not served over HTTPS any more. On a node's own console, `ringfence param set {parameter} true` brings it back.",
    "この管理機能は HTTPS で提供されなくなります。再び有効にするには、ノードのコンソールで `ringfence param set {parameter} true` を実行してください。",
);
const SHARED_LINE: Text = Text::new(
    "The line {number} is shared with phones that are not set to encrypted: {phones}. Set every phone that shares it to encrypted.",
    "回線 {number} を共有する電話機のうち、暗号化に設定されていないものがあります: {phones}。共有するすべての電話機を暗号化に設定してください。",
);
