//! The XDP program on frames in a table: each with its reason, and all counters compared.

use abi::Rate;
use aya::maps::MapData;
use aya::programs::{TestRun, TestRunOptions};
use aya::sys::SyscallError;
use rustix::net::sockopt::set_xdp_umem_fill_ring_size;

use super::*;

const LOCAL_V4: [u8; 4] = [192, 0, 2, 10];
const LOCAL_V6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10];
const ELSEWHERE_V4: [u8; 4] = [192, 0, 2, 11];
const OPEN: u16 = 20000;
const CLOSED: u16 = 20002;

const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xdd];
const ARP: [u8; 2] = [0x08, 0x06];
const VLAN: [u8; 4] = [0x81, 0x00, 0x00, 0x07];
const SERVICE_VLAN: [u8; 4] = [0x88, 0xa8, 0x00, 0x09];

struct Row {
    name: &'static str,
    frame: Vec<u8>,
    expected: XdpReason,
}

#[test]
#[ignore = "loads a BPF program, which needs root: cargo xtask test"]
fn every_frame_meets_its_reason_and_only_that_is_counted() {
    let mut bench = Bench::new();
    bench.add_socket();
    for row in rows() {
        bench.expect(row);
    }
}

#[test]
#[ignore = "loads a BPF program, which needs root: cargo xtask test"]
fn media_for_a_queue_without_socket_is_dropped() {
    let frame = ipv4(udp(OPEN));
    Bench::new().expect(Row { name: "no socket", frame, expected: XdpReason::DropNoSocket });
}

fn rows() -> Vec<Row> {
    use XdpReason::*;
    let mut rows = Vec::new();
    let mut row = |name, expected, frame| rows.push(Row { name, frame, expected });

    row("open port", Redirect, ipv4(udp(OPEN)));
    row("closed port", DropUnknownMediaPort, ipv4(udp(CLOSED)));
    row("first port of the range", DropUnknownMediaPort, ipv4(udp(16384)));
    row("last port of the range", DropUnknownMediaPort, ipv4(udp(32767)));
    row("below the range", PassNotMedia, ipv4(udp(16383)));
    row("above the range", PassNotMedia, ipv4(udp(32768)));
    row("MGCP at the media address", PassNotMedia, ipv4(udp(2427)));
    row("another address", PassNotMedia, ipv4_to(ELSEWHERE_V4, udp(OPEN)));
    row("empty datagram", Redirect, ipv4(udp(OPEN)[..8].to_vec()));

    row("IPv6, open port", Redirect, ipv6(17, udp(OPEN)));
    row("IPv6, closed port", DropUnknownMediaPort, ipv6(17, udp(CLOSED)));
    row("IPv6, another port", PassNotMedia, ipv6(17, udp(53)));

    row("VLAN", Redirect, tagged(&[VLAN], ipv4(udp(OPEN))));
    row("two VLANs", Redirect, tagged(&[SERVICE_VLAN, VLAN], ipv4(udp(OPEN))));
    row("VLAN, IPv6", Redirect, tagged(&[VLAN], ipv6(17, udp(OPEN))));
    row("two VLANs, IPv6", Redirect, tagged(&[VLAN, VLAN], ipv6(17, udp(OPEN))));
    row("VLAN, closed port", DropUnknownMediaPort, tagged(&[VLAN], ipv4(udp(CLOSED))));
    row("VLAN, ARP", PassNotIp, tagged(&[VLAN], ethernet(ARP, vec![0; 28])));
    row("three VLANs", PassNotIp, tagged(&[VLAN, VLAN, VLAN], ipv4(udp(OPEN))));

    row("ARP", PassNotIp, ethernet(ARP, vec![0; 28]));
    row("802.3 length instead of a type", PassNotIp, ethernet([0, 40], vec![0; 40]));

    row("don't fragment", Redirect, changed(ipv4(udp(OPEN)), 20, 0x40));
    row("first fragment", PassFragment, changed(ipv4(udp(OPEN)), 20, 0x20));
    row("later fragment", PassFragment, changed(ipv4(udp(OPEN)), 21, 1));
    row("last fragment far behind", PassFragment, changed(ipv4(udp(OPEN)), 20, 0x1f));
    row("IPv6 fragment", PassFragment, ipv6(44, udp(OPEN)));
    row("IP options", PassOptions, changed(ipv4(udp(OPEN)), 14, 0x46));
    for next_header in [0, 43, 51, 60, 135, 139, 140] {
        row("extension header", PassExtensionHeader, ipv6(next_header, udp(OPEN)));
    }

    row("TCP", PassNotUdp, changed(ipv4(udp(OPEN)), 23, 6));
    row("ICMP", PassNotUdp, changed(ipv4(udp(OPEN)), 23, 1));
    row("ESP", PassNotUdp, changed(ipv4(udp(OPEN)), 23, 50));
    row("IPv6, ICMP", PassNotUdp, ipv6(58, udp(OPEN)));
    row("IPv6, no next header", PassNotUdp, ipv6(59, vec![]));

    row("nothing behind Ethernet", PassMalformed, ethernet(IPV4, vec![]));
    row("nothing behind Ethernet, IPv6", PassMalformed, ethernet(IPV6, vec![]));
    row("nothing behind a VLAN tag", PassMalformed, tagged(&[VLAN], ethernet(IPV4, vec![])));
    row("half a VLAN tag", PassMalformed, ethernet([0x81, 0], vec![0, 7]));
    row("cut in IPv4", PassMalformed, cut(ipv4(udp(OPEN)), 14 + 19));
    row("cut in IPv6", PassMalformed, cut(ipv6(17, udp(OPEN)), 14 + 39));
    row("cut in UDP", PassMalformed, cut(ipv4(udp(OPEN)), 14 + 20 + 7));
    row("cut in UDP, IPv6", PassMalformed, cut(ipv6(17, udp(OPEN)), 14 + 40 + 7));
    row("IPv6 header under IPv4's type", PassMalformed, changed(ipv4(udp(OPEN)), 14, 0x65));
    row("IPv4 header under IPv6's type", PassMalformed, changed(ipv6(17, udp(OPEN)), 14, 0x45));
    row("header length below five", PassMalformed, changed(ipv4(udp(OPEN)), 14, 0x44));
    rows
}

/// The peer of the association that is steered, and its SPI.
const PEER_V4: [u8; 4] = [198, 51, 100, 1];
const PEER_V6: [u8; 16] = [0xfd; 16];
const SPI: [u8; 4] = [0, 0, 0x10, 1];
const OTHER_SPI: [u8; 4] = [0, 0, 0x10, 2];
/// An address that the kernel does not have.
const OWN_V4: [u8; 4] = [192, 0, 2, 12];
const OWN_V6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12];

#[test]
#[ignore = "loads a BPF program, which needs root: cargo xtask test"]
fn esp_goes_to_sockets_by_its_number_and_own_addresses_altogether() {
    let mut bench = Bench::new();
    bench.add_socket();
    let mut signalling = Signalling::take(&mut bench.ebpf).unwrap();
    for (ours, peer) in [(LOCAL_V4.into(), PEER_V4.into()), (LOCAL_V6.into(), PEER_V6.into())] {
        let [ours, peer]: [IpAddr; 2] = [ours, peer];
        signalling.steer(ours, u32::from_be_bytes(SPI), peer).unwrap();
    }
    for own in [IpAddr::from(OWN_V4), IpAddr::from(OWN_V6)] {
        signalling.own(own).unwrap();
    }
    for row in signalling_rows() {
        bench.expect(row);
    }
    let row = |expected| Row { name: "ESP", frame: esp_v4(SPI), expected };
    bench.expect(row(XdpReason::RedirectEsp));
    signalling.unsteer(LOCAL_V4.into(), u32::from_be_bytes(SPI)).unwrap();
    signalling.unsteer(LOCAL_V4.into(), u32::from_be_bytes(SPI)).unwrap();
    bench.expect(row(XdpReason::PassNotUdp));
}

/// Strangers who know an SPI take nothing from the peer.
#[test]
#[ignore = "loads a BPF program, which needs root: cargo xtask test"]
fn esp_of_strangers_is_limited_and_that_of_the_peer_is_not() {
    let mut bench = Bench::new();
    bench.add_socket();
    let once = Rate::new(1, 1);
    set_limits(&mut bench.ebpf, Limits { stranger: once, ..Limits::default() }).unwrap();
    let mut signalling = Signalling::take(&mut bench.ebpf).unwrap();
    let peer = IpAddr::from(PEER_V4);
    signalling.steer(LOCAL_V4.into(), u32::from_be_bytes(SPI), peer).unwrap();
    let stranger = changed(esp_v4(SPI), 14 + 15, 99);
    let mut expect = |frame: &Vec<u8>, expected| {
        bench.expect(Row { name: "ESP", frame: frame.clone(), expected });
    };
    expect(&stranger, XdpReason::RedirectEsp);
    expect(&stranger, XdpReason::DropStrangerLimit);
    for _ in 0..10 {
        expect(&esp_v4(SPI), XdpReason::RedirectEsp);
    }
}

fn signalling_rows() -> Vec<Row> {
    use XdpReason::*;
    let mut rows = Vec::new();
    let mut row = |name, expected, frame| rows.push(Row { name, frame, expected });
    let to = |octets: &[u8]| octets.to_vec();

    row("ESP", RedirectEsp, esp_v4(SPI));
    row("ESP with a tag", RedirectEsp, tagged(&[VLAN], esp_v4(SPI)));
    row("ESP of another number", PassNotUdp, esp_v4(OTHER_SPI));
    row("ESP elsewhere", PassNotUdp, changed(esp_v4(SPI), 14 + 19, 11));
    row("ESP cut in its number", PassNotUdp, cut(esp_v4(SPI), 14 + 20 + 3));
    row("ESP in fragments", PassFragment, changed(esp_v4(SPI), 20, 0x20));
    row("ESP over IPv6", RedirectEsp, ipv6(50, esp(SPI)));
    row("ESP of another number over IPv6", PassNotUdp, ipv6(50, esp(OTHER_SPI)));
    row("ESP in UDP", RedirectEsp, ipv4(udp_4500(&esp(SPI))));
    row("ESP in UDP over IPv6", RedirectEsp, ipv6(17, udp_4500(&esp(SPI))));
    row("ESP of another number in UDP", PassNotMedia, ipv4(udp_4500(&esp(OTHER_SPI))));
    row("IKE", PassNotMedia, ipv4(udp_4500(&esp([0; 4]))));
    row("a keepalive", PassNotMedia, ipv4(udp_4500(&[0xff])));

    row("ARP for an own address", RedirectOwnAddress, ethernet(ARP, arp(OWN_V4)));
    row("ARP for another", PassNotIp, ethernet(ARP, arp(ELSEWHERE_V4)));
    row("ARP cut short", PassNotIp, ethernet(ARP, cut(arp(OWN_V4), 27)));
    let ping = changed(ipv4_to(OWN_V4, udp(7)), 23, 1);
    row("ICMP for an own address", RedirectOwnAddress, ping);
    let fragment = changed(ipv4_to(OWN_V4, udp(7)), 21, 1);
    row("a fragment for an own address", RedirectOwnAddress, fragment);
    row("UDP for an own address", PassNotMedia, ipv4_to(OWN_V4, udp(7)));
    let to_own = |next, content: Vec<u8>| {
        let mut frame = ipv6(next, content);
        frame[14 + 24..14 + 40].copy_from_slice(&OWN_V6);
        frame
    };
    row("ICMPv6 for an own address", RedirectOwnAddress, to_own(58, to(&[128, 0, 0, 0])));
    row("a fragment over IPv6", RedirectOwnAddress, to_own(44, to(&[50, 0, 0, 1])));
    let asks_for =
        |address: [u8; 16]| ipv6(58, [&[135, 0, 0, 0, 0, 0, 0, 0][..], &address].concat());
    row("a solicitation for an own address", RedirectOwnAddress, asks_for(OWN_V6));
    row("a solicitation for another", PassNotUdp, asks_for(LOCAL_V6));
    rows
}

fn esp(spi: [u8; 4]) -> Vec<u8> {
    [&spi[..], &[0, 0, 0, 1], &[0x5a; 40]].concat()
}

fn esp_v4(spi: [u8; 4]) -> Vec<u8> {
    changed(ipv4(esp(spi)), 23, 50)
}

fn udp_4500(payload: &[u8]) -> Vec<u8> {
    let mut datagram = vec![0x11, 0x94, 0x11, 0x94, 0, 8 + payload.len() as u8, 0, 0];
    datagram.extend(payload);
    datagram
}

/// Who asks for an address.
fn arp(target: [u8; 4]) -> Vec<u8> {
    let mut packet = vec![0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 2];
    packet.extend(PEER_V4);
    packet.extend([0; 6]);
    packet.extend(target);
    packet
}

fn udp(port: u16) -> Vec<u8> {
    let mut datagram = vec![0x13, 0x88, 0, 0, 0, 20, 0, 0];
    datagram[2..4].copy_from_slice(&port.to_be_bytes());
    datagram.extend([0x80, 0, 0, 1, 0, 0, 0, 160, 0, 0, 0, 1]);
    datagram
}

fn ipv4(datagram: Vec<u8>) -> Vec<u8> {
    ipv4_to(LOCAL_V4, datagram)
}

fn ipv4_to(destination: [u8; 4], datagram: Vec<u8>) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 20 + datagram.len() as u8, 0, 0, 0, 0, 64, 17, 0, 0];
    packet.extend([198, 51, 100, 1]);
    packet.extend(destination);
    packet.extend(datagram);
    ethernet(IPV4, packet)
}

fn ipv6(next_header: u8, datagram: Vec<u8>) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0, 0, datagram.len() as u8, next_header, 64];
    packet.extend([0xfd; 16]);
    packet.extend(LOCAL_V6);
    packet.extend(datagram);
    ethernet(IPV6, packet)
}

fn ethernet(ethertype: [u8; 2], packet: Vec<u8>) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    frame.extend(ethertype);
    frame.extend(packet);
    frame
}

fn tagged(tags: &[[u8; 4]], mut frame: Vec<u8>) -> Vec<u8> {
    frame.splice(12..12, tags.concat());
    frame
}

fn changed(mut frame: Vec<u8>, at: usize, to: u8) -> Vec<u8> {
    frame[at] = to;
    frame
}

fn cut(mut frame: Vec<u8>, to: usize) -> Vec<u8> {
    frame.truncate(to);
    frame
}

/// The loaded program, attached to nothing.
struct Bench {
    ebpf: Ebpf,
    counters: PerCpuArray<MapData, u64>,
    sockets: XskMap<MapData>,
    socket: Option<rustix::fd::OwnedFd>,
}

impl Bench {
    fn new() -> Self {
        let mut ebpf = load(1024, 16, None).expect("the object is built and we are root");
        let media = [IpAddr::from(LOCAL_V4), IpAddr::from(LOCAL_V6)];
        let media = media.map(|address| (address, 16384..=32767));
        fill_media_addresses(&mut ebpf, &media).unwrap();
        program(&mut ebpf).unwrap();

        let mut open: HashMap<_, [u8; 20], [u8; Route::LEN]> =
            take(&mut ebpf, maps::OPEN_MEDIA).unwrap();
        for (address, _) in media {
            open.insert(key((address, OPEN).into()), Route::to_socket().to_bytes(), 0).unwrap();
        }
        let counters = take(&mut ebpf, maps::COUNTERS).unwrap();
        let sockets = take(&mut ebpf, maps::SOCKETS).unwrap();
        Self { ebpf, counters, sockets, socket: None }
    }

    /// Puts a socket on queue 0. The map takes it as soon as it has a ring.
    fn add_socket(&mut self) {
        let socket = socket(AddressFamily::XDP, SocketType::RAW, None).unwrap();
        set_xdp_umem_fill_ring_size(&socket, 64).unwrap();
        self.sockets.set(0, socket.as_raw_fd(), 0).unwrap();
        self.socket = Some(socket);
    }

    fn expect(&mut self, Row { name, frame, expected }: Row) {
        let mut counters = self.counters();
        let verdict = self.run(&frame).unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected_verdict = match expected.verdict() {
            abi::Verdict::Pass => 2,
            abi::Verdict::Drop => 1,
            abi::Verdict::Redirect => 4,
            abi::Verdict::Forward => unreachable!("there are no flows here"),
        };
        assert_eq!(verdict, expected_verdict, "{name}");
        counters[expected as usize] += 1;
        assert_eq!(self.counters(), counters, "{name}: expected only {}", expected.name());
    }

    fn run(&self, frame: &[u8]) -> Result<u32, SyscallError> {
        let program: &Xdp = self.ebpf.program(abi::PROGRAM).unwrap().try_into().unwrap();
        let mut out = vec![0; frame.len()];
        let options = TestRunOptions {
            data_in: Some(frame),
            data_out: Some(&mut out),
            ..TestRunOptions::new()
        };
        let result = program.test_run(options).map_err(|error| match error {
            ProgramError::SyscallError(error) => error,
            other => panic!("{other}"),
        })?;
        assert_eq!(out, frame, "the program changes no frame");
        Ok(result.return_value)
    }

    fn counters(&self) -> Vec<u64> {
        self.counters.iter().map(|per_cpu| per_cpu.unwrap().iter().sum()).collect()
    }
}
