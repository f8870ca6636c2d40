use serde::{Deserialize, Serialize};

/// What of a phone is open to the network and its user. All is enabled at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hardening {
    /// Believes gratuitous ARP.
    pub gratuitous_arp: bool,
    /// Serves web pages.
    pub web_access: bool,
    /// Lets a PC behind it into the voice VLAN.
    pub pc_voice_vlan_access: bool,
    /// Shows its settings.
    pub settings_access: bool,
    /// Serves the port for a PC.
    pub pc_port: bool,
}

impl Default for Hardening {
    fn default() -> Self {
        Self {
            gratuitous_arp: true,
            web_access: true,
            pc_voice_vlan_access: true,
            settings_access: true,
            pc_port: true,
        }
    }
}
