//! The MGCP side: `[datad.gateway]`.

use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;

use super::bounded::{Endpoints, Millis, Seconds};
use crate::backhaul::BackhaulConfig;
use crate::lines::VoiceConfig;

/// Settings of the MGCP gateway.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayConfig {
    /// Domain part of endpoint names.
    pub name: String,
    /// Refuse commands whose endpoint name has another domain part.
    #[serde(default)]
    pub validate_domain: bool,
    /// Addresses to listen on, usually port 2427.
    pub listen: Vec<SocketAddr>,
    /// Addresses that may command.
    pub call_agents: Vec<IpAddr>,
    /// First notified entity; absent: the first call agent, port 2727.
    pub notify: Option<SocketAddr>,
    /// Number of relay endpoints `pr/1` … `pr/N`.
    #[serde(default = "default_endpoints")]
    pub endpoints: Endpoints,
    /// The TCP connection beside MGCP; absent: none.
    pub backhaul: Option<BackhaulConfig>,
    /// Voice endpoints beside the relays.
    #[serde(default, rename = "endpoint")]
    pub voice: Vec<VoiceConfig>,
    /// Dialect of what the gateway says by itself.
    #[serde(default)]
    pub dialect: Dialect,
    /// Voice endpoints tell that a receiver is lifted without being asked.
    #[serde(default = "default_off_hook")]
    pub persistent_off_hook: bool,
    /// How often call agents are told that the gateway lives, in seconds; 0: never. CallManager's
    /// gateways say 15.
    #[serde(default = "default_keep_alive", rename = "keep_alive_seconds")]
    pub keep_alive: Seconds,
    /// Commands that create load a call agent may give in a second; 0: any number.
    #[serde(default)]
    pub commands_per_second: u32,
    /// Longest random wait before the restart announcement, in milliseconds.
    #[serde(default = "default_restart_wait", rename = "restart_wait_ms")]
    pub restart_wait: Millis,
    /// Which sources of media are believed.
    #[serde(default)]
    pub source: Source,
    /// What happens to RTCP beside SRTP.
    #[serde(default)]
    pub rtcp: Rtcp,
    /// Over which paths keys may come and go.
    #[serde(default)]
    pub keys: Keys,
    /// Silence of a peer that is reported, in seconds; 0: never.
    #[serde(default = "default_idle", rename = "idle_seconds")]
    pub idle: Seconds,
    /// How long a stop waits for calls to end by themselves, in seconds; a second signal cuts it
    /// short.
    #[serde(default = "default_leave", rename = "leave_seconds")]
    pub leave: Seconds,
}

/// Dialects of MGCP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Dialect {
    /// RFC 3435.
    #[default]
    #[serde(rename = "1.0")]
    V1_0,
    /// What CallManager and IOS speak.
    #[serde(rename = "0.1")]
    V0_1,
}

/// Which sources of media are believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Only the signalled address.
    #[default]
    Exact,
    /// For SRTP also another one, once a packet from there has verified (peers behind NAT).
    LearnAuthenticated,
}

/// Over which paths keys may come and go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keys {
    /// Only where IPsec covers the path.
    Require,
    /// Everywhere; those in clear are counted.
    Prefer,
    /// Everywhere: you vouch for the path.
    #[default]
    TrustedPath,
}

/// What happens to RTCP beside SRTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rtcp {
    /// Dropped.
    Off,
    /// Passed in clear.
    Clear,
    /// SRTCP under the keys of the RTP, as RFC 4568 peers expect.
    #[default]
    Srtcp,
}

impl GatewayConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.listen.is_empty() {
            return Err(
                "datad.gateway.listen is empty: name an address, like \"10.9.0.1:2427\"".into()
            );
        }
        if self.call_agents.is_empty() {
            return Err(
                "datad.gateway.call_agents is empty: nobody could command the gateway".into()
            );
        }
        Ok(())
    }
}

fn default_endpoints() -> Endpoints {
    Endpoints(10_000)
}

fn default_restart_wait() -> Millis {
    Millis(2_000)
}

fn default_off_hook() -> bool {
    true
}

fn default_keep_alive() -> Seconds {
    Seconds(0)
}

fn default_idle() -> Seconds {
    Seconds(60)
}

fn default_leave() -> Seconds {
    Seconds(5)
}
