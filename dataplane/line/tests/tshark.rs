//! Wireshark reads the digits that a telephone sends as events (RFC 4733).

use std::collections::HashMap;
use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use line::Lines;
use line::command::{Connection, LineId, Mixing, Order, Slot};
use line::control::Action;
use ringfence_line as line;
use speech::g711::Law;
use wire::datagram::{ChecksumRule, Datagram};

const EVENTS: u8 = 101;

/// What a telephone sends while keys are pressed at it.
fn pressed(digits: &str) -> Vec<Vec<u8>> {
    let (mut now, id) = (Instant::now(), LineId(0));
    let mut lines = Lines::new(vec!["aaln/1".into()], HashMap::new(), 1);
    let connection = Connection {
        law: Law::Mu,
        payload_type: 0,
        events: Some(EVENTS),
        packet_ms: 20,
        mixing: Mixing::Ordinary,
        sends: true,
        fresh: true,
    };
    lines.handle_order(now, id, Order::Connect { slot: Slot(0), connection });
    lines.act(now, id, Action::OffHook).unwrap();
    lines.act(now, id, Action::Digits(digits.into())).unwrap();
    let mut packets = Vec::new();
    for _ in 0..20 * digits.len() {
        now += Duration::from_millis(10);
        lines.handle_timeout(now);
        packets.extend(std::iter::from_fn(|| lines.poll_packet()).map(|packet| packet.rtp));
    }
    packets
}

#[test]
fn wireshark_finds_every_digit_from_its_beginning_to_its_end() {
    let capture = tempfile::NamedTempFile::new().unwrap();
    write_pcap(capture.as_file(), &pressed("0*9D")).unwrap();
    let output = Command::new("tshark")
        .args(["-n", "-r", capture.path().to_str().unwrap()])
        .args(["-d", "udp.port==5004,rtp", "-d", &format!("rtp.pt=={EVENTS},rtpevent")])
        .args(["-Y", "rtpevent || _ws.malformed", "-T", "fields"])
        .args(["-e", "rtpevent.event_id", "-e", "rtp.marker"])
        .args(["-e", "rtpevent.end_of_event", "-e", "rtpevent.duration"])
        .output()
        .expect("tshark runs; `cargo xtask setup` installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen = String::from_utf8(output.stdout).unwrap();

    let mut expected = String::new();
    for event in [0, 10, 9, 15] {
        let told = [(1, 0, 80), (0, 0, 240), (0, 0, 400), (0, 0, 560)];
        for (marker, end, duration) in told.into_iter().chain([(0, 1, 640); 3]) {
            expected += &format!("{event}\t{marker}\t{end}\t{duration}\n");
        }
    }
    assert_eq!(seen, expected);
}

/// A capture of IP packets, in the classic format.
fn write_pcap(mut file: impl Write, sent: &[Vec<u8>]) -> std::io::Result<()> {
    const RAW_IP: u32 = 101;
    file.write_all(&0xa1b2_c3d4_u32.to_le_bytes())?;
    file.write_all(&[2, 0, 4, 0])?;
    for word in [0, 0, 65_535, RAW_IP] {
        file.write_all(&u32::to_le_bytes(word))?;
    }
    for (number, payload) in sent.iter().enumerate() {
        let datagram = Datagram {
            source: "10.1.0.1:5004".parse().expect("an address"),
            destination: "10.1.0.2:5004".parse().expect("an address"),
            traffic_class: 0,
            hops: 64,
            checksum: 0,
            payload_at: 0,
            payload_len: payload.len(),
        };
        let mut packet = vec![0; datagram.headers_len()];
        packet.extend(payload);
        datagram.emit_ip(&mut packet, ChecksumRule::Compute);
        for word in [number as u32, 0, packet.len() as u32, packet.len() as u32] {
            file.write_all(&word.to_le_bytes())?;
        }
        file.write_all(&packet)?;
    }
    Ok(())
}
