//! Files for other generators, against copies that were looked at.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use ringfence_pktgen::Stream;
use ringfence_pktgen::export::{self, Traffic};

fn traffic() -> Traffic {
    Traffic {
        stream: Stream {
            source_mac: [2, 0, 0, 0, 0, 1],
            destination_mac: [2, 0, 0, 0, 0, 2],
            source: "192.0.2.1:5000".parse().unwrap(),
            destination: "192.0.2.2:16384".parse().unwrap(),
            flows: 100,
            payload_len: Stream::G711,
        },
        rate: 5000.0,
        duration: Duration::from_secs(10),
    }
}

#[track_caller]
fn assert_text(file: &export::File, golden: &str) {
    let text = std::str::from_utf8(&file.content).unwrap();
    assert!(text == golden, "{} is now:\n{text}", file.name);
}

#[test]
fn trex() {
    let files = export::trex(&traffic());
    assert_text(&files[0], include_str!("golden/ringfence_rtp.py"));
}

#[test]
fn pktgen_dpdk() {
    let files = export::pktgen_dpdk(&traffic(), 10e9);
    assert_text(&files[0], include_str!("golden/ringfence_rtp.lua"));
    // A header, and as many whole rounds of the flows as were asked for.
    assert_eq!(files[1].content.len(), 24 + 50_000 * (16 + 42 + 172));
}

#[test]
fn kernel() {
    let files = export::kernel(&traffic());
    assert_text(&files[0], include_str!("golden/ringfence-kernel-pktgen.sh"));
    let mut shell = Command::new("sh").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
    shell.stdin.take().unwrap().write_all(&files[0].content).unwrap();
    assert!(shell.wait().unwrap().success(), "a shell does not read it");
}
