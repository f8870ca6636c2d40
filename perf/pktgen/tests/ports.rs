//! Source and sink on ports of this machine: sockets through the command, AF_XDP on a veth pair.

use std::net::IpAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use lab::net::Lab;
use port::{Pool, Port};
use port_xdp::{PortConfig, Program, ProgramConfig, XdpPort};
use ringfence_pktgen::sink::Sink;
use ringfence_pktgen::source::Source;
use ringfence_pktgen::{Stream, drive};
use srtp::{Keying, MasterKey, Suite};

/// Stops a sink that nobody has stopped.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_search_over_sockets_ends_with_a_rate() {
    let words = [
        "search",
        "lo",
        "lo",
        "--engine",
        "socket",
        "--from",
        "127.45.0.1:5000",
        "--to",
        "127.45.0.2:16384",
        "--flows",
        "3",
        "--most",
        "2000",
        "--resolution",
        "20",
        "--seconds",
        "0.3",
        "--settle",
        "0.2",
        "--json",
        "--key-salt",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d",
    ];
    let output = Command::new(env!("CARGO_BIN_EXE_ringfence-pktgen")).args(words).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(found["rate"].as_f64().unwrap() > 0.0, "{found}");
    assert!(
        ["found", "most-asked-for", "most-generated"].contains(&found["end"].as_str().unwrap())
    );
    let best = &found["best"];
    assert_eq!((best["flows"].as_u64(), best["lost"].as_u64()), (Some(3), Some(0)), "{best}");
    assert_eq!(best["latency"]["samples"], best["received"], "every packet is stamped");
    assert_eq!(best["strays"]["refused"], 0);
}

#[test]
#[ignore = "makes network namespaces, which needs root: cargo xtask test"]
fn a_search_through_interfaces_ends_with_a_rate() {
    let lab = Lab::new("rf-pktgen-search", false).unwrap();
    let one = lab.namespace("one").unwrap();
    let (near, far) = lab.veth((&one, "near"), (&one, "far")).unwrap();
    near.mac("02:00:00:00:00:01").unwrap();
    far.mac("02:00:00:00:00:02").unwrap();
    for engine in ["xdp", "af-xdp"] {
        let words = [
            "search",
            "near",
            "far",
            "--engine",
            engine,
            "--from",
            "192.0.2.1:5000",
            "--to",
            "192.0.2.2:16384",
            "--to-mac",
            "02:00:00:00:00:02",
            "--flows",
            "10",
            "--most",
            "5000",
            "--tolerated",
            "50",
            "--resolution",
            "20",
            "--seconds",
            "0.3",
            "--settle",
            "0.2",
            "--json",
        ];
        let output =
            one.command(env!("CARGO_BIN_EXE_ringfence-pktgen")).args(words).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(found["rate"].as_f64().unwrap() > 0.0, "{engine}: {found}");
        assert_eq!(found["best"].is_null(), engine == "xdp", "{found}");
    }
}

#[test]
#[ignore = "makes network namespaces, which needs root: cargo xtask test"]
fn af_xdp_on_both_ends() {
    let lab = Lab::new("rf-pktgen-ports", false).unwrap();
    let (near, far) = (lab.namespace("near").unwrap(), lab.namespace("far").unwrap());
    let (a, b) = lab.veth((&near, "near"), (&far, "far")).unwrap();
    a.mac("02:00:00:00:00:01").unwrap();
    b.mac("02:00:00:00:00:02").unwrap();

    let suite = Suite::AeadAes128Gcm;
    let keying = Keying::new(suite, MasterKey::new(suite, &[1; 16], &[2; 12]).unwrap());
    let stream = Stream {
        source_mac: [2, 0, 0, 0, 0, 1],
        destination_mac: [2, 0, 0, 0, 0, 2],
        source: "192.0.2.1:5000".parse().unwrap(),
        destination: "192.0.2.2:16384".parse().unwrap(),
        flows: 20,
        payload_len: Stream::G711 + suite.rtp_tag_len(),
    };
    let open = |interface: &str, address: IpAddr, ports: std::ops::RangeInclusive<u16>| {
        let mut pool = Pool::new(8192, 2048).unwrap();
        let mut config = ProgramConfig::new(interface);
        config.media.push((address, ports.clone()));
        let program = Arc::new(Program::attach(&config).unwrap());
        let mut port = XdpPort::open(&mut pool, program, &PortConfig::default(), None).unwrap();
        for at in ports.step_by(2) {
            port.open_media((address, at).into()).unwrap();
        }
        (pool, port)
    };

    let (over, never) = (AtomicBool::new(false), AtomicBool::new(false));
    let (ready, started) = channel();
    let (sent, report) = thread::scope(|scope| {
        let (over, stream, keying, far) = (&over, &stream, &keying, &far);
        let taker = scope.spawn(move || {
            far.enter(|| {
                let last = stream.port(stream.flows - 1);
                let (mut pool, mut port) = open("far", "192.0.2.2".parse().unwrap(), 16384..=last);
                let mut sink = Sink::new(port.medium(), Some(keying)).unwrap();
                ready.send(()).unwrap();
                drive::receive(&mut port, &mut pool, &mut sink, PATIENCE, over).unwrap();
                port.close(&mut pool);
                sink.report()
            })
            .unwrap()
        });
        started.recv().unwrap();
        let sent = near
            .enter(|| {
                let (mut pool, mut port) = open("near", "192.0.2.1".parse().unwrap(), 5000..=5000);
                let mut source = Source::new(stream.clone(), port.medium(), Some(keying)).unwrap();
                let (rate, duration) = (Some(5000.0), Duration::from_millis(400));
                let sent = drive::send(&mut port, &mut pool, &mut source, rate, duration, &never);
                // Whatever the ring still holds leaves before it is closed.
                while port.held() > PortConfig::default().ring_size as usize {
                    port.tx(&mut pool, &mut Vec::new()).unwrap();
                }
                port.close(&mut pool);
                sent.unwrap()
            })
            .unwrap();
        thread::sleep(Duration::from_millis(300));
        over.store(true, Ordering::Relaxed);
        (sent, taker.join().unwrap())
    });
    assert!(sent.frames >= 500, "{sent:?}");
    assert_eq!((report.flows, report.received), (20, sent.frames), "{report:?}");
    assert_eq!((report.lost, report.reordered, report.strays.refused), (0, 0, 0), "{report:?}");
    assert_eq!(report.latency.unwrap().samples, sent.frames);
}
