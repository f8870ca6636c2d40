//! The daemon's section of `/etc/ringfence/ringfence.toml`.
//!
//! ```toml
//! [datad]
//! core = 1                                  # CPU of the packet worker; absent: not pinned
//! status_socket = "/run/ringfence/datad.sock"
//! capture_socket = "/run/ringfence/tap.sock"     # taps of calls, for root only; absent: none
//! metrics = "127.0.0.1:9617"
//! fast_tier = true                          # plain RTP may leave in the XDP program
//! pins = "/sys/fs/bpf/ringfence"            # where that goes on when the daemon crashes; absent: nowhere
//! srtp_backend = "best"                     # or avx512, sha-ni, avx2, portable
//!
//! [datad.limits]                            # packets a second to the engine by XDP; 0: no limit
//! peer = 5000                               # of a flow's peer
//! stranger = 200                            # of anybody else, by address
//! strangers = 10000                         # of all those together
//!
//! [datad.gateway]
//! name = "relay1"                           # what stands behind the @ of endpoint names
//! listen = ["10.9.0.1:2427"]
//! call_agents = ["10.9.0.2"]                # commands from others are dropped
//! notify = "10.9.0.2:2727"                  # where restarts and events go at first
//! keys = "trusted-path"                     # or require, prefer: keys only where IPsec covers the path
//!
//! [[datad.gateway.endpoint]]                # voice endpoints, beside the relays
//! name = "aaln/S1/SU0/[0-3]"                # or one name; other kinds: "S0/SU0/DS1-0/[1-24]"
//!
//! [datad.gateway.backhaul]                  # the TCP connection beside MGCP; absent: none
//! agent = "10.9.0.2:2428"
//! interfaces = ["S0/DS1-0"]                 # those with a D channel; none: only whether the agent lives
//!
//! [datad.ng]                                # rtpengine's control protocol, for SIP proxies
//! udp = ["127.0.0.1:2223"]                  # also `tcp` and `http`
//! admit = ["127.0.0.1"]                     # who may command
//!
//! [datad.lines]
//! socket = "/run/ringfence/lines.sock"      # where `ringfence-datad line` asks
//! announcements = "/var/lib/ringfence/announcements"
//!
//! [[datad.media]]
//! name = "inside"
//! interface = "eth1"
//! addresses = ["10.1.0.1"]
//! networks = ["10.1.0.0/16"]
//!
//! [datad.ipsec]
//! keys_socket = "/run/ringfence/keys.sock"  # where the IKE daemon's plugin finds us
//!
//! [datad.ipsec.bypass]                      # ESP past the kernel; absent: through raw sockets
//! network = "inside"                        # the media network, on XDP, whose interface it comes to
//! on_link = ["10.1.0.0/16"]                 # only for `outer` addresses that the kernel does not have:
//! routers = ["10.1.0.254"]                  # who is reached from there at once, and through whom others are
//!
//! [[datad.ipsec.peer]]                      # a call agent that the IKE daemon negotiates with
//! name = "cm1"
//! local = "10.2.0.1"                        # as MGCP has it
//! remote = "10.1.0.1"
//! outer = "192.0.2.2"                       # where its tunnel ends; absent: `local`
//! protect = "mgcp"                          # or everything
//!
//! [[datad.ipsec.manual]]                    # for laboratories: keys by hand
//! name = "agent1"
//! local = "10.9.0.1"
//! remote = "10.9.0.2"
//! mode = "transport"                        # or tunnel
//! suite = "aes128-sha256"
//! spi_out = 0x1000
//! spi_in = 0x1001
//! keys = "/etc/ringfence/keys/agent1.esp"   # two lines, `out` and `in`: two keys in hexadecimal each
//! ```

mod backend;
mod bounded;
mod gateway;
mod media;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use srtp::BackendChoice;

pub use self::backend::SrtpBackend;
pub use self::bounded::{Endpoints, Frames, Millis, Seconds, Streams};
pub use self::gateway::{Dialect, GatewayConfig, Keys, Rtcp, Source};
pub use self::media::{MediaConfig, PathChoice, PeerNetwork, Ports, Vlans};
use crate::ipsec::IpsecConfig;
use crate::lines::LinesConfig;
use crate::ng::NgConfig;
use crate::worker::MAX_PORTS;

/// The whole file. What the control plane reads in it is not looked at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// This daemon's section.
    pub datad: Config,
    /// The control plane's section: known, and not looked at.
    #[serde(default)]
    pub controld: serde::de::IgnoredAny,
    /// The section of the cell for old TLS: known, and not looked at.
    #[serde(default)]
    pub legacytls: serde::de::IgnoredAny,
}

/// Settings of the daemon.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// CPU that the packet worker is pinned to.
    pub core: Option<usize>,
    /// Poll without ever sleeping: lowest latency, one core always busy.
    #[serde(default)]
    pub busy_poll: bool,
    /// Packet buffers of 2 KiB each.
    #[serde(default = "default_frames")]
    pub frames: Frames,
    /// Who computes SRTP.
    #[serde(default)]
    pub srtp_backend: SrtpBackend,
    /// Where `ringfence relay show` asks.
    #[serde(default = "default_status_socket")]
    pub status_socket: PathBuf,
    /// Where `ringfence capture relay` asks, for root only; absent: no call can be tapped.
    pub capture_socket: Option<PathBuf>,
    /// Where Prometheus asks; absent: nowhere.
    pub metrics: Option<SocketAddr>,
    /// The MGCP side.
    pub gateway: GatewayConfig,
    /// The `ng` side; absent: none.
    pub ng: Option<NgConfig>,
    /// How much may come in; more is dropped in the XDP program.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// Whether plain RTP may leave in the XDP program, before it reaches the daemon.
    #[serde(default = "yes")]
    pub fast_tier: bool,
    /// A directory of a BPF file system, for this daemon alone, where XDP programs and what they
    /// forward outlive a crash; absent: they do not.
    pub pins: Option<PathBuf>,
    /// The media side: at least one network.
    pub media: Vec<MediaConfig>,
    /// IPsec for MGCP; absent: none.
    pub ipsec: Option<IpsecConfig>,
    /// The telephones behind voice endpoints.
    #[serde(default)]
    pub lines: LinesConfig,
}

/// Packets in a second that pass to the engine by XDP; 0 is without limit. What the fast tier forwards
/// does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Of a flow's peer. Whoever takes on his address crowds that flow, and no other.
    pub peer: u32,
    /// Of an address that is no peer of the flow it sends to.
    pub stranger: u32,
    /// Of all of those.
    pub strangers: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self { peer: 5_000, stranger: 200, strangers: 10_000 }
    }
}

impl LimitsConfig {
    /// The same for the XDP program: a second's worth may come at once, of all strangers what an
    /// AF_XDP ring holds beside the calls.
    pub fn to_abi(self) -> abi::Limits {
        let Self { peer, stranger, strangers } = self;
        abi::Limits {
            flow: abi::Rate::new(peer, peer),
            stranger: abi::Rate::new(stranger, stranger),
            strangers: abi::Rate::new(strangers, strangers.min(1_000)),
        }
    }
}

fn yes() -> bool {
    true
}

fn default_frames() -> Frames {
    Frames(16384)
}

fn default_status_socket() -> PathBuf {
    "/run/ringfence/datad.sock".into()
}

impl Config {
    /// Streams that the `ng` front may relay.
    pub fn ng_streams(&self) -> usize {
        self.ng.as_ref().map_or(0, |ng| ng.streams.0 as usize)
    }

    /// What single values cannot show: that they fit together. The message names the keys.
    pub fn check(&self) -> Result<(), String> {
        if self.media.is_empty() {
            return Err("there is no media network: add a [[datad.media]] section".into());
        }
        // One is for telephones.
        if self.media.len() >= MAX_PORTS {
            return Err(format!("there are {MAX_PORTS} or more [[datad.media]] sections"));
        }
        self.gateway.check()?;
        let keys_need_cover = self.gateway.keys == Keys::Require;
        self.ng.iter().try_for_each(|ng| ng.check(keys_need_cover))?;
        self.srtp_backend.check(BackendChoice::is_available)?;
        let networks = || self.media.iter().map(|media| media.name.as_str());
        self.ipsec.iter().try_for_each(|ipsec| ipsec.check(&self.gateway.listen, networks()))?;
        for (index, media) in self.media.iter().enumerate() {
            media.check()?;
            let earlier = &self.media[..index];
            if earlier.iter().any(|other| other.name == media.name) {
                return Err(format!("two [[datad.media]] sections are named `{}`", media.name));
            }
            if let Some(address) = media
                .addresses
                .iter()
                .find(|address| earlier.iter().any(|other| other.addresses.contains(address)))
            {
                return Err(format!("the media address {address} belongs to two networks"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const GOOD: &str = r#"
[datad.gateway]
name = "relay1"
listen = ["10.9.0.1:2427"]
call_agents = ["10.9.0.2"]

[[datad.media]]
name = "inside"
interface = "eth1"
addresses = ["10.1.0.1", "fd01::1"]
networks = ["10.1.0.0/16"]
"#;

    fn parse(text: &str) -> Result<File, settings::Error> {
        settings::parse(Path::new("ringfence.toml"), text)
    }

    fn complaint(text: &str) -> String {
        match parse(text) {
            Ok(file) => file.datad.check().unwrap_err(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_short_file_is_enough() {
        let config = parse(GOOD).unwrap().datad;
        config.check().unwrap();
        assert_eq!(config.media[0].ports, Ports(16384..=32767));
        assert_eq!(config.gateway.source, Source::Exact);
    }

    #[test]
    fn voice_endpoints_come_in_rows() {
        let rows = "[[datad.gateway.endpoint]]\nname = \"aaln/S1/SU0/[0-3]\"\n\
                    [[datad.gateway.endpoint]]\nname = \"S0/SU0/DS1-0/1\"\nkind = \"line\"\n";
        let config = parse(&format!("{GOOD}\n{rows}")).unwrap().datad;
        let voice: Vec<_> = config.gateway.voice.iter().flat_map(|v| v.endpoints()).collect();
        assert_eq!((voice.len(), &*voice[3].name), (5, "aaln/S1/SU0/3"));
        assert!(voice.iter().all(|endpoint| endpoint.kind == ::gateway::VoiceKind::Line));
        for bad in ["aaln/[3-1]", "aaln/[x]", "aaln/[0-9999]"] {
            let text = format!("{GOOD}\n{}", rows.replace("aaln/S1/SU0/[0-3]", bad));
            assert!(complaint(&text).contains("no row of voice endpoints"), "{bad}");
        }
    }

    #[test]
    fn every_backend_can_be_chosen_where_the_processor_has_it() {
        for choice in BackendChoice::ALL {
            let text = format!("[datad]\nsrtp_backend = \"{}\"\n{GOOD}", choice.name());
            let config = parse(&text).unwrap().datad;
            assert_eq!(config.srtp_backend, SrtpBackend(choice));
            assert_eq!(config.check().is_ok(), choice.is_available());
        }
        let old = |choice| matches!(choice, BackendChoice::Avx2 | BackendChoice::Portable);
        assert_eq!(SrtpBackend(BackendChoice::Avx2).check(old), Ok(()));
        let complaint = SrtpBackend(BackendChoice::ShaNi).check(old).unwrap_err();
        assert!(complaint.contains("cannot run the SRTP backend `sha-ni`"), "{complaint}");
        assert!(complaint.ends_with("those it has: `avx2`, `portable`"), "{complaint}");
    }

    #[test]
    fn ng_has_doors_that_keys_may_come_through() {
        let with = |ng: &str, gateway: &str| {
            let text = GOOD.replace("name = \"relay1\"", &format!("name = \"relay1\"\n{gateway}"));
            format!("{text}\n[datad.ng]\n{ng}")
        };
        let here = "udp = [\"127.0.0.1:2223\"]";
        let config = parse(&with(here, "keys = \"require\"")).unwrap().datad;
        config.check().unwrap();
        assert_eq!(config.ng_streams(), 10_000);
        let elsewhere = "tcp = [\"10.9.0.1:2223\"]";
        parse(&with(elsewhere, "")).unwrap().datad.check().unwrap();
        assert!(complaint(&with("", "")).contains("listens nowhere"));
        let told = complaint(&with(elsewhere, "keys = \"require\""));
        assert!(told.contains("10.9.0.1:2223") && told.contains("listen on 127.0.0.1"), "{told}");
        assert!(complaint(&with("udp = []\nstreams = 0", "")).contains("from 1 to 1000000"));
    }

    #[test]
    fn the_control_planes_section_is_not_ours() {
        let text = format!("[controld]\nanything = [1, 2]\n{GOOD}");
        assert!(parse(&text).is_ok());
    }

    #[test]
    fn mistakes_name_line_key_and_cure() {
        let cases = [
            ("name = \"inside\"", "nmae = \"inside\"", "ringfence.toml:8: unknown field `nmae`"),
            ("name = \"inside\"", "nmae = \"inside\"", "did you mean `name`?"),
            ("interface = \"eth1\"", "interface = \"eth1\"\nports = \"5-9\"", "16384-32767"),
            ("name = \"relay1\"", "name = \"relay1\"\nendpoints = 0", "from 1 to 1000000"),
            ("\"10.9.0.2\"", "\"10.9.0\"", "ringfence.toml:5"),
            ("\"fd01::1\"", "\"10.1.0.2\"", "two addresses of one family"),
            ("[\"10.9.0.2\"]", "[]", "nobody could command"),
            ("interface = \"eth1\"", "path = \"xdp-native\"", "name its `interface`"),
            ("interface = \"eth1\"", "path = \"fast\"", "expected one of `auto`"),
        ];
        for (good, bad, expected) in cases {
            let complaint = complaint(&GOOD.replace(good, bad));
            assert!(complaint.contains(expected), "{bad}: {complaint}");
        }
        let unknown = format!("[datad]\nsrtp_backend = \"avx-512\"\n{GOOD}");
        let expected = "there are `best`, `avx512`, `sha-ni`, `avx2`, `portable`";
        assert!(complaint(&unknown).contains(expected), "{}", complaint(&unknown));
        let twice =
            format!("{GOOD}\n[[datad.media]]\nname = \"inside\"\naddresses = [\"10.2.0.1\"]");
        assert!(complaint(&twice).contains("two [[datad.media]] sections are named `inside`"));
    }
}
