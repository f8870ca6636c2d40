//! Fuzz targets of the data plane: functions that take any bytes and must not panic.
//!
//! A target says more than "no crash": it asserts what must hold for every input (a parser accepts
//! its own writer's output, no frame leaks, two backends agree). Bodies live in one module per
//! crate they test and are registered in [`TARGETS`]. `cargo xtask fuzz` drives them by libFuzzer;
//! an ordinary test runs each over its corpus and over fixed mutations of it.
#![forbid(unsafe_code)]

pub mod backhaul;
pub mod corpus;
pub mod engine;
pub mod esp;
pub mod gateway;
pub mod keying;
pub mod mgcp;
pub mod ng;
pub mod srtp;
pub mod stack;
pub mod wire;

/// A function that takes any bytes.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its corpus directory.
    pub name: &'static str,
    /// Panics when something that must hold does not.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "engine-burst", run: engine::burst },
    Target { name: "esp-fragments", run: esp::fragments },
    Target { name: "esp-packets", run: esp::packets },
    Target { name: "gateway-backhaul", run: backhaul::stream },
    Target { name: "gateway-datagrams", run: gateway::datagrams },
    Target { name: "gateway-lines", run: gateway::lines },
    Target { name: "keying-messages", run: keying::messages_of_the_kernel },
    Target { name: "keying-orders", run: keying::orders },
    Target { name: "keying-vici", run: keying::vici },
    Target { name: "mgcp-message", run: mgcp::message },
    Target { name: "mgcp-datagram", run: mgcp::messages },
    Target { name: "mgcp-sdp", run: mgcp::session_description },
    Target { name: "mgcp-crypto", run: mgcp::crypto },
    Target { name: "ng-message", run: ng::message },
    Target { name: "ng-calls", run: ng::calls },
    Target { name: "ng-stream", run: ng::stream },
    Target { name: "srtp-backends", run: srtp::backends },
    Target { name: "stack-packets", run: stack::packets },
    Target { name: "wire-frame", run: wire::frame },
    Target { name: "wire-media", run: wire::media },
    Target { name: "wire-packet", run: wire::packet },
];

/// The target that `RINGFENCE_FUZZ` names. libFuzzer owns the command line, so the name comes
/// through the environment; without one the program lists its targets and ends.
pub fn chosen(targets: &[Target]) -> Target {
    let name = std::env::var("RINGFENCE_FUZZ").unwrap_or_default();
    targets.iter().find(|target| target.name == name).copied().unwrap_or_else(|| {
        // Also the answer to RINGFENCE_FUZZ=list.
        targets.iter().for_each(|target| println!("{}", target.name));
        std::process::exit(i32::from(name != "list"));
    })
}
