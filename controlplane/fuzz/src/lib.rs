//! Fuzz targets of the control plane: functions that take any bytes and must not panic.
//!
//! The frame is that of the data plane's targets; so are the rules.
#![forbid(unsafe_code)]

pub mod calls;
pub mod capf;
pub mod captures;
pub mod files;
pub mod gateways;
pub mod hello;
pub mod http;
pub mod media;
pub mod provider;
pub mod relays;
pub mod sccp;
pub mod scep;
pub mod trust;

use fuzz::Target;

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "capf-message", run: capf::message },
    Target { name: "capf-server", run: capf::server },
    Target { name: "capf-phone", run: capf::phone },
    Target { name: "capture-file", run: captures::file },
    Target { name: "capture-day", run: captures::day },
    Target { name: "capture-decrypt", run: captures::decrypted },
    Target { name: "trust-list", run: trust::list },
    Target { name: "signed-file", run: trust::signed_file },
    Target { name: "certificate", run: trust::certificate },
    Target { name: "tftp-packet", run: files::packet },
    Target { name: "tftp-server", run: files::server },
    Target { name: "tftp-client", run: files::client },
    Target { name: "http-files", run: http::connection },
    Target { name: "provider-request", run: provider::request },
    Target { name: "sccp-stream", run: sccp::stream },
    Target { name: "client-hello", run: hello::client },
    Target { name: "office", run: calls::office },
    Target { name: "station", run: calls::station },
    Target { name: "relay-answers", run: relays::answers },
    Target { name: "gateway-says", run: gateways::says },
    Target { name: "media-conference", run: media::conference },
    Target { name: "music-file", run: media::music_file },
    Target { name: "scep-authority", run: scep::authority },
    Target { name: "scep-answer", run: scep::answer },
    Target { name: "scep-envelope", run: scep::envelope },
];
