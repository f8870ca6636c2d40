use crate::Configuration;

/// What an administrator allows. Everything, unless the configuration file says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hardening {
    /// ARP packets that nobody asked for change what is known.
    pub gratuitous_arp: bool,
    /// The web page of the telephone.
    pub web: WebAccess,
    /// The computer behind the telephone may use the voice VLAN.
    pub pc_voice_vlan: bool,
    /// The settings menu.
    pub settings: SettingsAccess,
    /// The port for a computer.
    pub pc_port: bool,
}

/// `webAccess`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebAccess {
    /// 0: pages can be read, and the telephone controlled.
    Full,
    /// 2: pages can be read.
    ReadOnly,
    /// 1: port 80 is closed.
    Closed,
}

/// `settingsAccess`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsAccess {
    /// 1: all of it.
    Full,
    /// 2: what a user needs: his preferences and volumes.
    Restricted,
    /// 0: nothing is shown, and volumes cannot be saved.
    None,
}

/// HTTP.
const WEB_PORT: u16 = 80;

impl Default for Hardening {
    fn default() -> Self {
        Self {
            gratuitous_arp: true,
            web: WebAccess::Full,
            pc_voice_vlan: true,
            settings: SettingsAccess::Full,
            pc_port: true,
        }
    }
}

impl Hardening {
    /// What a configuration file says. Some of its elements say what is closed, others what is
    /// open; one that is missing, or says something else, changes nothing.
    pub fn of(configuration: &Configuration) -> Self {
        let element = |name: &str| {
            let found = configuration.vendor.iter().find(|(element, _)| element == name);
            found.map_or("", |(_, value)| value.as_str())
        };
        Self {
            gratuitous_arp: element("garp") != "0",
            web: match element("webAccess") {
                "1" => WebAccess::Closed,
                "2" => WebAccess::ReadOnly,
                _ => WebAccess::Full,
            },
            pc_voice_vlan: element("voiceVlanAccess") != "1",
            settings: match element("settingsAccess") {
                "0" => SettingsAccess::None,
                "2" => SettingsAccess::Restricted,
                _ => SettingsAccess::Full,
            },
            pc_port: element("pcPort") != "1",
        }
    }

    /// Whether a connection to this port of the telephone is answered.
    pub fn answers(&self, tcp_port: u16) -> bool {
        tcp_port == WEB_PORT && self.web != WebAccess::Closed
    }

    /// Whether a volume that its user sets is there after the next start.
    pub fn saves_volume(&self) -> bool {
        self.settings != SettingsAccess::None
    }
}
