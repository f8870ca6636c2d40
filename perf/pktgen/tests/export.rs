//! Files for other generators, against copies that were looked at.

use std::fs;
use std::process::Command;
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
}

#[test]
fn the_script_for_the_kernel_runs_to_its_end() {
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    let content = String::from_utf8(export::kernel(&traffic()).remove(0).content).unwrap();
    // Files where the kernel would have them: each holds the last command it was given.
    let directory = place.path().to_str().unwrap();
    fs::write(path("script"), content.replace("/proc/net/pktgen", directory)).unwrap();
    fs::write(path("pgctrl"), "").unwrap();
    let output = Command::new("sh").arg(path("script")).arg("eth0").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = |name: &str| fs::read_to_string(path(name)).unwrap();
    assert_eq!(said("kpktgend_0"), "add_device eth0@99\n");
    assert_eq!((said("eth0@99"), said("pgctrl")), ("tos b8\n".into(), "start\n".into()));

    let without = Command::new("sh").arg(path("script")).output().unwrap();
    assert!(!without.status.success());
    assert!(String::from_utf8_lossy(&without.stderr).contains("which interface?"));
}
