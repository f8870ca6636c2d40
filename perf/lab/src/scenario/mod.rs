//! What can be played: one module for each scenario.

mod capf;
mod capture;
mod cluster;
mod cluster_failover;
mod ctl;
mod disaster;
mod estate;
mod kamailio;
mod matrix;
mod mgcp_interop;
mod mgcp_ipsec;
mod overload;
mod relay;
mod restart;
mod secure_call;
mod srst;
mod voicemail;

use std::path::PathBuf;

use crate::net::Lab;
use crate::report::{Failed, Report};

/// A scenario.
pub struct Scenario {
    /// What it is called by.
    pub name: &'static str,
    /// What it shows, in a line.
    pub about: &'static str,
    /// Takes its steps; an error means that it could not go on, and the report has why.
    pub play: fn(&mut Stage) -> Result<(), Failed>,
}

/// Where a scenario is played.
pub struct Stage {
    /// The network.
    pub lab: Lab,
    /// What was proven.
    pub report: Report,
    /// Directory of the product's programs.
    pub programs: PathBuf,
    /// Directory for logs and recordings.
    pub dir: PathBuf,
}

/// All scenarios; the first is played when none is named.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "secure-call",
        about: "tokens, CTL file, certificates, registration over TLS, encrypted calls, barge",
        play: secure_call::play,
    },
    Scenario {
        name: "relay",
        about: "two calls of ffmpeg through the relay on XDP, under MGCP, and an attack on them",
        play: relay::over_xdp,
    },
    Scenario { name: "relay-ipv6", about: "the same over IPv6", play: relay::over_ipv6 },
    Scenario {
        name: "relay-socket",
        about: "the same over UDP sockets, where there is no XDP",
        play: relay::over_sockets,
    },
    Scenario {
        name: "overload",
        about: "calls in the XDP program and in the engine, under forty times as much junk",
        play: overload::play,
    },
    Scenario {
        name: "restart",
        about: "the relay is killed in mid-call: RTP goes on, and the next one has charge of it",
        play: restart::play,
    },
    Scenario {
        name: "kamailio",
        about: "SRTP to RTP through Kamailio, with Debian's rtpengine and then with our relay",
        play: kamailio::play,
    },
    Scenario {
        name: "srtp-interop",
        about: "libsrtp and ffmpeg through the relay, in every suite that they and we know",
        play: relay::interop::play,
    },
    Scenario {
        name: "ctl",
        about: "a cluster becomes secure: tokens, CTL file, signed files, failures, lost tokens",
        play: ctl::play,
    },
    Scenario {
        name: "capf",
        about: "200 phones get certificates, lose them, guess strings; CAPF dies and is renewed",
        play: capf::play,
    },
    Scenario {
        name: "capture",
        about: "an encrypted call captured as signalling and media, decrypted and heard again",
        play: capture::play,
    },
    Scenario {
        name: "srst",
        about: "a branch of 50 phones loses its centre in mid-call, and has it back",
        play: srst::play,
    },
    Scenario {
        name: "disaster",
        about: "all nodes are lost: the publisher from its backup, a subscriber anew, phones back",
        play: disaster::play,
    },
    Scenario {
        name: "cluster-failover",
        about: "three nodes lose their publisher in mid-call: a subscriber takes its place, and it returns",
        play: cluster_failover::play,
    },
    Scenario {
        name: "voicemail",
        about: "a secure message is left and heard, the lamp follows, ports that differ are refused",
        play: voicemail::play,
    },
    Scenario {
        name: "mgcp-interop",
        about: "our call agent commands osmo-mgw; our gateway answers what other call agents say",
        play: mgcp_interop::play,
    },
    Scenario {
        name: "matrix",
        about: "every pair of device modes in every kind of call, against a table",
        play: matrix::play,
    },
    Scenario {
        name: "mgcp-ipsec",
        about: "media keys by MGCP behind IPsec, rekeyed, cut, tapped; telephones and lines with it",
        play: mgcp_ipsec::play,
    },
];
