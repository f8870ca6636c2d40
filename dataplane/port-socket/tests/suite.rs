//! The socket port meets what every port must do, over both IP versions.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

use port::suite::{End, Fixture};
use port::{PathKind, Pool, Port};
use ringfence_port_socket::SocketPort;
use wire::datagram::{ChecksumRule, Datagram};

/// Tests run at the same time, each with ports of its own.
static NEXT_PORT: AtomicU16 = AtomicU16::new(21_000);

fn free_address(ip: impl Into<IpAddr>) -> SocketAddr {
    let ip = ip.into();
    loop {
        let address = SocketAddr::new(ip, NEXT_PORT.fetch_add(2, Ordering::Relaxed));
        if UdpSocket::bind(address).is_ok() {
            return address;
        }
    }
}

struct Loopback(IpAddr);

impl Fixture for Loopback {
    type Port = SocketPort;

    fn link(&mut self) -> (End<SocketPort>, End<SocketPort>) {
        let end = || {
            let port = SocketPort::new("a test").unwrap();
            End::new(port, Pool::new(1024, 2048).unwrap(), free_address(self.0))
        };
        (end(), end())
    }

    fn packet(&self, source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Vec<u8> {
        packet(source, destination, 0, payload)
    }

    fn payload(&self, packet: &[u8]) -> Option<Vec<u8>> {
        let datagram = Datagram::parse_ip(packet).unwrap();
        Some(packet[datagram.payload_at..][..datagram.payload_len].to_vec())
    }

    fn close(&mut self, _: SocketPort, _: &mut Pool) {}
}

fn packet(
    source: SocketAddr,
    destination: SocketAddr,
    traffic_class: u8,
    payload: &[u8],
) -> Vec<u8> {
    let datagram = Datagram {
        source,
        destination,
        traffic_class,
        hops: 64,
        checksum: 0,
        payload_at: 0,
        payload_len: payload.len(),
    };
    let mut packet = vec![0; datagram.headers_len()];
    packet.extend(payload);
    datagram.emit_ip(&mut packet, ChecksumRule::None);
    packet
}

mod ipv4 {
    use super::*;

    fn run(check: fn(&mut Loopback)) {
        check(&mut Loopback([127, 0, 0, 1].into()));
    }

    port::suite!(run);
}

mod ipv6 {
    use super::*;

    fn run(check: fn(&mut Loopback)) {
        if UdpSocket::bind("[::1]:0").is_err() {
            eprintln!(
                "skipped: this machine has no IPv6, so the socket port is not tested over it"
            );
            return;
        }
        check(&mut Loopback(Ipv6Addr::LOCALHOST.into()));
    }

    port::suite!(run);
}

/// What `far` receives, waited for.
fn receive(port: &mut SocketPort, pool: &mut Pool) -> Datagram {
    let mut burst = Vec::new();
    for _ in 0..1_000_000 {
        if port.rx(pool, &mut burst).unwrap() > 0 {
            let datagram = Datagram::parse_ip(burst[0].bytes()).unwrap();
            pool.give_all(&mut burst);
            return datagram;
        }
    }
    panic!("nothing arrived");
}

#[test]
fn headers_tell_what_the_kernel_knows() {
    let mut pool = Pool::new(64, 2048).unwrap();
    for ip in [IpAddr::from([127, 0, 0, 1]), Ipv6Addr::LOCALHOST.into()] {
        let (near, far) = (free_address(ip), free_address(ip));
        let mut port = SocketPort::new("a test").unwrap();
        port.open_media(near).unwrap();
        port.open_media(far).unwrap();
        let mut frame = pool.take().unwrap();
        frame.fill(&packet(near, far, 46 << 2, b"expedited"));
        port.tx(&mut pool, &mut vec![frame]).unwrap();

        let datagram = receive(&mut port, &mut pool);
        assert_eq!((datagram.source, datagram.destination), (near, far));
        assert_eq!(datagram.traffic_class, 46 << 2);
        assert_eq!(datagram.hops, 64);
        assert_eq!(datagram.payload_len, 9);
        assert_eq!(datagram.checksum == 0, ip.is_ipv4());
    }
    assert_eq!(pool.free(), pool.chunks());
}

#[test]
fn what_cannot_be_sent_is_counted_and_in_nobodys_way() {
    let mut pool = Pool::new(64, 2048).unwrap();
    let (near, far) = (free_address([127, 0, 0, 1]), free_address([127, 0, 0, 1]));
    let mut port = SocketPort::new("a test").unwrap();
    port.open_media(near).unwrap();
    let not_open = free_address([127, 0, 0, 1]);
    let unreachable = "240.0.0.1:9".parse().unwrap();
    let good = packet(near, far, 0, b"good");
    let packets = [
        packet(not_open, far, 0, b"nobody's source"),
        good.clone(),
        b"not IP".to_vec(),
        packet(near, unreachable, 0, b"no route to it"),
        good,
    ];
    let mut burst: Vec<_> = packets
        .iter()
        .map(|packet| {
            let mut frame = pool.take().unwrap();
            frame.fill(packet);
            frame
        })
        .collect();
    assert_eq!(port.tx(&mut pool, &mut burst).unwrap(), 5);
    assert_eq!((port.stats().tx, port.stats().tx_lost), (2, 3));
    assert_eq!(pool.free(), pool.chunks());
}

#[test]
fn a_datagram_longer_than_a_chunk_is_counted_as_lost() {
    let mut pool = Pool::new(64, 2048).unwrap();
    let local = free_address([127, 0, 0, 1]);
    let mut port = SocketPort::new("a test").unwrap();
    port.open_media(local).unwrap();
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.send_to(&[0; 3000], local).unwrap();
    peer.send_to(&[0; 172], local).unwrap();
    assert_eq!(receive(&mut port, &mut pool).payload_len, 172);
    assert_eq!((port.stats().rx, port.stats().rx_lost), (1, 1));
    assert_eq!(pool.free(), pool.chunks());
}

#[test]
fn what_the_socket_buffer_cannot_hold_is_counted() {
    let mut pool = Pool::new(64, 2048).unwrap();
    let local = free_address([127, 0, 0, 1]);
    let mut port = SocketPort::new("a test").unwrap();
    port.open_media(local).unwrap();
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    let sent = 20_000;
    for _ in 0..sent {
        peer.send_to(&[0; 172], local).unwrap();
    }
    let (mut burst, mut received) = (Vec::new(), 0);
    while port.rx(&mut pool, &mut burst).unwrap() > 0 {
        received += burst.len() as u64;
        pool.give_all(&mut burst);
    }
    assert!(received < sent);
    assert_eq!(received + port.stats().rx_lost, sent);
    port.close_media(local).unwrap();
    assert_eq!(received + port.stats().rx_lost, sent, "closing forgets no loss");
}

#[test]
fn errors_name_the_address_and_the_cure() {
    let mut port = SocketPort::new("no capability").unwrap();
    assert_eq!((port.path().kind, &*port.path().reason), (PathKind::Socket, "no capability"));
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let error = port.open_media(taken.local_addr().unwrap()).unwrap_err();
    assert!(error.to_string().contains("another program has this port"), "{error}");
    let error = port.open_media("192.0.2.1:16384".parse().unwrap()).unwrap_err();
    assert!(error.to_string().contains("`ip address`"), "{error}");
}
