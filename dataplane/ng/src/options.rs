//! What a command wants done with a session description.

use std::net::IpAddr;

use mgcp::sdp::Profile;
use srtp::Suite;

use crate::request::{Refused, Warnings, normal, transport};
use crate::value::{Dictionary, Value};

/// The wishes of an offer or answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// Names of the media networks of who speaks and of who hears.
    pub(crate) direction: Option<[String; 2]>,
    /// Family towards who hears.
    pub(crate) family: Option<IpAddr>,
    /// Where the speaker's media come from, whatever its description says.
    pub(crate) media_address: Option<IpAddr>,
    /// Transport towards who hears.
    pub(crate) transport: Option<Profile>,
    pub(crate) sdes: Sdes,
    pub(crate) rtcp_attribute: RtcpAttribute,
    /// Our address stands in the `o=` line.
    pub(crate) replace_origin: bool,
    /// The `s=` line says nothing.
    pub(crate) replace_session_name: bool,
    /// The user name in the `o=` line is `-`.
    pub(crate) replace_username: bool,
    /// DSCP of what is sent; none: that of what came.
    pub(crate) dscp: Option<u8>,
    pub(crate) label: Option<Vec<u8>>,
    /// Who is told that there is no room understands that it is not an error.
    pub(crate) knows_load_limit: bool,
    pub(crate) received_from: Option<IpAddr>,
    pub(crate) sip_source: bool,
}

/// How keys are offered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sdes {
    pub(crate) off: bool,
    pub(crate) nonew: bool,
    pub(crate) lifetime: bool,
    pub(crate) only: Vec<Suite>,
    pub(crate) no: Vec<Suite>,
    pub(crate) order: Vec<Suite>,
    pub(crate) offerer_pref: Vec<Suite>,
}

/// Which `a=rtcp` is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RtcpAttribute {
    #[default]
    Port,
    Full,
    None,
}

impl Options {
    pub(crate) fn parse(said: &Dictionary, warnings: &mut Warnings) -> Result<Self, Refused> {
        let mut options = Self::default();
        for (key, value) in said.iter() {
            options.read(key, value, warnings)?;
        }
        Ok(options)
    }

    /// The address that stands for what the description says, if one does.
    pub(crate) fn address_instead(&self) -> Option<IpAddr> {
        self.media_address.or(self.received_from.filter(|_| self.sip_source))
    }

    fn read(&mut self, key: &[u8], value: &Value, warnings: &mut Warnings) -> Result<(), Refused> {
        let Ok(name) = std::str::from_utf8(key) else {
            warnings.unknown("key", key);
            return Ok(());
        };
        let items = || value.as_items().unwrap_or_default().iter().filter_map(Value::as_str);
        let word = || normal(value.as_str().unwrap_or_default());
        match normal(name).as_str() {
            // Read elsewhere, or of no meaning here.
            "command" | "sdp" | "call-id" | "from-tag" | "to-tag" | "via-branch" | "all" => {}
            "supports" => self.knows_load_limit = items().any(|item| normal(item) == "load-limit"),
            "flags" => {
                for flag in items() {
                    self.flag(flag, warnings);
                }
            }
            "replace" => items().for_each(|item| self.replace(item, warnings)),
            "sdes" => items().for_each(|item| self.sdes.read(item, warnings)),
            "direction" => {
                let names: Vec<_> = items().map(str::to_owned).collect();
                let two = names.try_into().map_err(|_| Refused::new("`direction` is two names"))?;
                self.direction = Some(two);
            }
            "received-from" => {
                self.received_from = items().nth(1).and_then(|address| address.parse().ok());
            }
            "media-address" => {
                let address = value.as_str().and_then(|address| address.parse().ok());
                let bad = Refused::new("`media address` is no IP address");
                self.media_address = Some(address.ok_or(bad)?);
            }
            "address-family" => match word().as_str() {
                "ip4" => self.family = Some(IpAddr::from([0; 4])),
                "ip6" => self.family = Some(IpAddr::from([0; 16])),
                _ => return Err(Refused::new("`address family` is neither IP4 nor IP6")),
            },
            "transport-protocol" => match value.as_str() {
                Some(name) if name.eq_ignore_ascii_case("accept") => {}
                name => {
                    let profile = name.and_then(transport).ok_or(Refused::new(
                        "`transport protocol` is none of RTP/AVP, RTP/AVPF, RTP/SAVP, RTP/SAVPF",
                    ))?;
                    self.transport = Some(profile);
                }
            },
            "tos" => {
                let tos = value.as_integer().and_then(|tos| u8::try_from(tos).ok());
                self.dscp = tos.map(|tos| tos >> 2);
            }
            "label" | "from-label" | "set-label" => {
                self.label = value.as_octets().map(<[u8]>::to_vec);
            }
            // Candidates are always taken out.
            "ice" if matches!(word().as_str(), "remove" | "default" | "no") => {}
            "dtls" if matches!(word().as_str(), "off" | "no" | "disable") => {}
            // RTCP always has a port of its own.
            "rtcp-mux" => {
                let others = items()
                    .filter(|item| !matches!(normal(item).as_str(), "demux" | "reject" | "accept"));
                others.for_each(|item| warnings.unsupported(&format!("rtcp-mux={item}")));
            }
            "record-call" | "generate-rtcp" if matches!(word().as_str(), "no" | "off") => {}
            known if UNSUPPORTED.contains(&known) => warnings.unsupported(name),
            _ => warnings.unknown("key", key),
        }
        Ok(())
    }

    fn flag(&mut self, flag: &str, warnings: &mut Warnings) {
        let word = normal(flag);
        match word.as_str() {
            // So it is here, whoever wants it.
            "trust-address" | "symmetric" | "asymmetric" | "strict-source" | "port-latching"
            | "original-sendrecv" | "unidirectional" | "pad-crypto" | "sdes-pad" | "all"
            | "debug" | "debugging" | "fatal" => {}
            "sip-source-address" => self.sip_source = true,
            "no-rtcp-attribute" => self.rtcp_attribute = RtcpAttribute::None,
            "full-rtcp-attribute" => self.rtcp_attribute = RtcpAttribute::Full,
            _ if transport(flag).is_some() => self.transport = transport(flag),
            known if UNSUPPORTED_FLAGS.contains(&known) => warnings.unsupported(flag),
            _ => {
                let behind = |prefix: &str| word.starts_with(prefix).then(|| &flag[prefix.len()..]);
                if let Some(item) = behind("sdes-") {
                    self.sdes.read(item, warnings);
                } else if let Some(item) = behind("replace-") {
                    self.replace(item, warnings);
                } else if word.starts_with("codec-") || word.starts_with("sdp-attr-") {
                    warnings.unsupported(flag);
                } else {
                    warnings.unknown("flag", flag.as_bytes());
                }
            }
        }
    }

    fn replace(&mut self, what: &str, warnings: &mut Warnings) {
        match normal(what).as_str() {
            "origin" => self.replace_origin = true,
            "session-name" => self.replace_session_name = true,
            "username" => self.replace_username = true,
            // Always: media go through us.
            "session-connection" => {}
            "sdp-version" | "force-increment-sdp-ver" | "zero-address" => {
                warnings.unsupported(&format!("replace {what}"));
            }
            _ => warnings.unknown("replace", what.as_bytes()),
        }
    }
}

impl Sdes {
    fn read(&mut self, item: &str, warnings: &mut Warnings) {
        let word = normal(item);
        let named = |prefix: &str| word.starts_with(prefix).then(|| &item[prefix.len()..]);
        match word.as_str() {
            "off" | "no" | "disable" => self.off = true,
            "nonew" => self.nonew = true,
            "lifetime" => self.lifetime = true,
            // Keys stay unless the peer's change; padding is always written; and everything is
            // always encrypted and authenticated.
            "static" | "pad" | "encrypted-srtp" | "encrypted-srtcp" | "authenticated-srtp" => {}
            "unencrypted-srtp" | "unencrypted-srtcp" | "unauthenticated-srtp" => {
                warnings.unsupported(&format!("SDES {item}"));
            }
            _ => {
                let lists = [
                    ("only-", &mut self.only),
                    ("no-", &mut self.no),
                    ("order:", &mut self.order),
                    ("offerer-pref:", &mut self.offerer_pref),
                ];
                for (prefix, list) in lists {
                    if let Some(names) = named(prefix) {
                        return read_suites(names, list, warnings);
                    }
                }
                warnings.unknown("SDES option", item.as_bytes());
            }
        }
    }
}

fn read_suites(names: &str, list: &mut Vec<Suite>, warnings: &mut Warnings) {
    for name in names.split(';').filter(|name| !name.is_empty()) {
        match Suite::from_name(name).filter(|suite| !suite.is_null()) {
            Some(suite) if !list.contains(&suite) => list.push(suite),
            Some(_) => {}
            None => warnings.unknown("crypto suite", name.as_bytes()),
        }
    }
}

/// Keys whose meaning is known and which are not followed.
const UNSUPPORTED: [&str; 41] = [
    "ice",
    "ice-lite",
    "dtls",
    "dtls-reverse",
    "dtls-fingerprint",
    "record-call",
    "generate-rtcp",
    "audio-player",
    "delay-buffer",
    "digit",
    "code",
    "drop-traffic",
    "dtmf-security",
    "dtmf-security-trigger",
    "dtmf-security-trigger-end",
    "dtmf-delay",
    "dtmf-log-dest",
    "endpoint-learning",
    "frequency",
    "frequencies",
    "from-tags",
    "interface",
    "media-echo",
    "metadata",
    "osrtp",
    "output-destination",
    "ptime",
    "ptime-reverse",
    "to-label",
    "trigger",
    "trigger-end",
    "end-trigger",
    "trigger-end-time",
    "trigger-end-digits",
    "t.38",
    "volume",
    "xmlrpc-callback",
    "codec",
    "sdp-attr",
    "delete-delay",
    "repeat-times",
];

/// The same of flags.
const UNSUPPORTED_FLAGS: [&str; 29] = [
    "allow-transcoding",
    "always-transcode",
    "block-short",
    "block-short-packets",
    "detect-dtmf",
    "discard-recording",
    "early-media",
    "exclude-recording",
    "generate-mid",
    "generate-rtcp",
    "inactive",
    "inject-dtmf",
    "loop-protect",
    "media-handover",
    "mirror-rtcp",
    "nat-wait",
    "no-codec-renegotiation",
    "no-port-latching",
    "pierce-nat",
    "record-call",
    "reject-ice",
    "reset",
    "reuse-codecs",
    "rtcp-mirror",
    "single-codec",
    "strip-extmap",
    "trickle-ice",
    "webrtc",
    "ice-lite",
];
