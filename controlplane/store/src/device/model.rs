use std::fmt;
use std::str::FromStr;

use lang::{Language, Say, Text};
use serde::{Deserialize, Serialize};

use super::DeviceSecurityMode;
use crate::words::words;
use crate::{Error, Invalid, Result};

/// A model of phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Model {
    /// 7902.
    #[serde(rename = "7902")]
    M7902,
    /// 7905G.
    #[serde(rename = "7905")]
    M7905,
    /// 7910.
    #[serde(rename = "7910")]
    M7910,
    /// 7912.
    #[serde(rename = "7912")]
    M7912,
    /// 7940.
    #[serde(rename = "7940")]
    M7940,
    /// 7960.
    #[serde(rename = "7960")]
    M7960,
    /// 7970.
    #[serde(rename = "7970")]
    M7970,
    /// 7971.
    #[serde(rename = "7971")]
    M7971,
}

impl Model {
    /// Every model we know.
    pub const ALL: [Self; 8] = [
        Self::M7902,
        Self::M7905,
        Self::M7910,
        Self::M7912,
        Self::M7940,
        Self::M7960,
        Self::M7970,
        Self::M7971,
    ];

    /// The four digits.
    pub fn name(self) -> &'static str {
        match self {
            Self::M7902 => "7902",
            Self::M7905 => "7905",
            Self::M7910 => "7910",
            Self::M7912 => "7912",
            Self::M7940 => "7940",
            Self::M7960 => "7960",
            Self::M7970 => "7970",
            Self::M7971 => "7971",
        }
    }

    /// The number after `loadInformation` in `XMLDefault.cnf.xml`, and in messages of SCCP.
    pub fn load_id(self) -> u32 {
        match self {
            Self::M7902 => 30008,
            Self::M7905 => 20000,
            Self::M7910 => 6,
            Self::M7912 => 30007,
            Self::M7940 => 8,
            Self::M7960 => 7,
            Self::M7970 => 30006,
            Self::M7971 => 119,
        }
    }

    /// The model of a number, as [`Model::load_id`] has it.
    pub fn of_load_id(id: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|model| model.load_id() == id)
    }

    /// Whether it can do something.
    pub fn support(self, capability: Capability) -> Support {
        use Capability as C;
        use Support::{No, WithNewerLoad, Yes};
        match (self, capability) {
            (_, C::ImageAuthentication) => Yes,
            (Self::M7910, _) => No,
            (_, C::GratuitousArp | C::WebAccess | C::SettingsAccess) => Yes,
            (Self::M7902 | Self::M7905 | Self::M7912, _) => No,
            (Self::M7940 | Self::M7960, C::Mic) => No,
            (Self::M7940 | Self::M7960, _) => Yes,
            (Self::M7970 | Self::M7971, C::Lsc | C::SecureSrst) => WithNewerLoad,
            (Self::M7970 | Self::M7971, _) => Yes,
        }
    }

    /// The security modes it can be set to.
    pub fn modes(self) -> &'static [DeviceSecurityMode] {
        match self.is_securable() {
            true => DeviceSecurityMode::ALL,
            false => &[DeviceSecurityMode::UseSystemDefault, DeviceSecurityMode::NonSecure],
        }
    }

    /// Whether its manufacturer installed a certificate in it.
    pub fn has_mic(self) -> bool {
        self.support(Capability::Mic) == Support::Yes
    }

    /// Whether its signalling can be authenticated and encrypted.
    pub fn is_securable(self) -> bool {
        self.support(Capability::DeviceAuthentication) == Support::Yes
    }

    /// Its built-in bridge, if it has one.
    pub fn bridge(self) -> Option<BridgeMedia> {
        match self {
            Self::M7940 | Self::M7960 => Some(BridgeMedia::Plain),
            Self::M7970 | Self::M7971 => Some(BridgeMedia::Encrypted),
            _ => None,
        }
    }

    /// Whether it can do wideband in an encrypted call.
    pub fn encrypts_wideband(self) -> bool {
        matches!(self, Self::M7970 | Self::M7971)
    }

    /// Most lines it has, with its expansion modules.
    pub fn max_lines(self) -> usize {
        const MODULES: usize = 2 * 14;
        match self {
            Self::M7902 | Self::M7905 | Self::M7910 | Self::M7912 => 1,
            Self::M7940 => 2,
            Self::M7960 => 6 + MODULES,
            Self::M7970 | Self::M7971 => 8 + MODULES,
        }
    }
}

words! {
    /// Something that some models can do for security.
    pub enum Capability {
        /// It refuses firmware that its manufacturer did not sign.
        ImageAuthentication = "image-authentication",
        /// It verifies the files that it fetches.
        FileAuthentication = "file-authentication",
        /// It proves who it is, and has its server prove it.
        DeviceAuthentication = "device-authentication",
        /// Its signalling can be encrypted.
        SignallingEncryption = "signalling-encryption",
        /// Its media can be encrypted.
        MediaEncryption = "media-encryption",
        /// Its manufacturer installed a certificate.
        Mic = "mic",
        /// It takes a certificate of CAPF.
        Lsc = "lsc",
        /// It uses TLS with a router that stands in for its servers.
        SecureSrst = "secure-srst",
        /// Gratuitous ARP can be turned off.
        GratuitousArp = "hardening-gratuitous-arp",
        /// Its web pages can be turned off.
        WebAccess = "hardening-web-access",
        /// Its settings can be hidden.
        SettingsAccess = "hardening-settings-access",
        /// A PC behind it can be kept out of the voice VLAN.
        PcVoiceVlanAccess = "hardening-pc-voice-vlan-access",
        /// Its port for a PC can be turned off.
        PcPort = "hardening-pc-port",
    }
}

words! {
    /// Whether a model can do something.
    pub enum Support {
        /// It can.
        Yes = "yes",
        /// It can with a newer load; settings are kept and ignored until then.
        WithNewerLoad = "with-newer-load",
        /// It cannot.
        No = "no",
    }
}

words! {
    /// What a built-in bridge can mix.
    pub enum BridgeMedia {
        /// Plain media only.
        Plain = "plain",
        /// Encrypted media too.
        Encrypted = "encrypted",
    }
}

impl Say for Capability {
    fn say(&self, language: Language) -> String {
        match self {
            Self::ImageAuthentication => Text::new("Image authentication", "イメージ認証"),
            Self::FileAuthentication => Text::new("File authentication", "ファイル認証"),
            Self::DeviceAuthentication => Text::new("Device authentication", "デバイス認証"),
            Self::SignallingEncryption => {
                Text::new("Signalling encryption", "シグナリングの暗号化")
            }
            Self::MediaEncryption => Text::new("Media encryption (SRTP)", "メディア暗号化 (SRTP)"),
            Self::Mic => Text::new("Manufacturer's certificate (MIC)", "製造元の証明書 (MIC)"),
            Self::Lsc => Text::new("Certificate of CAPF (LSC)", "CAPF の証明書 (LSC)"),
            Self::SecureSrst => Text::new("Secure SRST", "セキュア SRST"),
            Self::GratuitousArp => Text::new("Hardening: Gratuitous ARP", "強化: Gratuitous ARP"),
            Self::WebAccess => Text::new("Hardening: Web Access", "強化: Web アクセス"),
            Self::SettingsAccess => Text::new("Hardening: Settings Access", "強化: 設定アクセス"),
            Self::PcVoiceVlanAccess => {
                Text::new("Hardening: PC Voice VLAN Access", "強化: PC ボイス VLAN アクセス")
            }
            Self::PcPort => Text::new("Hardening: PC Port", "強化: PC ポート"),
        }
        .say(language)
    }
}

impl Say for Support {
    fn say(&self, language: Language) -> String {
        match self {
            Self::Yes => Text::new("yes", "可"),
            Self::WithNewerLoad => Text::new("with a newer load", "新しいロードで可"),
            Self::No => Text::new("-", "-"),
        }
        .say(language)
    }
}

impl FromStr for Model {
    type Err = Error;

    /// Takes the digits with or without the letter that sales put behind them.
    fn from_str(given: &str) -> Result<Self> {
        let digits = given.trim_end_matches(['G', 'g']);
        let unknown = || Invalid::Model(given.to_owned()).into();
        Self::ALL.into_iter().find(|model| model.name() == digits).ok_or_else(unknown)
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // R: PHN-02, PHN-03
    #[test]
    fn models_can_what_the_guide_says() {
        const CAPABILITIES: [(&[Model], &str); 4] = [
            // image, file, device, signalling, media, MIC, LSC, SRST, then the hardening
            (&[Model::M7970, Model::M7971], "yyyyyynnyyyyy"),
            (&[Model::M7940, Model::M7960], "yyyyy-yyyyyyy"),
            (&[Model::M7902, Model::M7905, Model::M7912], "y-------yyy--"),
            (&[Model::M7910], "y------------"),
        ];
        let mut seen = 0;
        for (models, expected) in CAPABILITIES {
            for model in models {
                let found: String = Capability::ALL
                    .iter()
                    .map(|capability| match model.support(*capability) {
                        Support::Yes => 'y',
                        Support::WithNewerLoad => 'n',
                        Support::No => '-',
                    })
                    .collect();
                assert_eq!(found, expected, "{model}");
                let modes = if expected.starts_with("yyy") { 4 } else { 2 };
                assert_eq!(model.modes().len(), modes, "{model}");
                assert_eq!(Model::of_load_id(model.load_id()), Some(*model));
                seen += 1;
            }
        }
        assert_eq!(seen, Model::ALL.len());
        assert_eq!(Model::of_load_id(0), None);
    }
}
