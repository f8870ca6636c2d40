//! Strangers in crowds.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use ringfence_legacytls::link::{Limits, Reason};

use crate::house::{House, PATIENCE, Served, server, talk};

/// Somebody who connects and says nothing.
fn silent(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn is_closed(mut stream: &TcpStream) -> bool {
    !matches!(stream.read(&mut [0]), Ok(1..))
}

fn reasons(served: &Served, count: usize) -> Vec<Reason> {
    let mut reasons: Vec<_> = (0..count).map(|_| served.refusal().reason).collect();
    reasons.sort();
    reasons
}

#[test]
fn an_address_has_so_many_half_open_connections() {
    let house = House::new();
    let served = house.serve(&server(), |service| {
        service.limits = Limits { half_open_per_address: 3, ..Limits::default() };
    });
    let first = [(); 3].map(|()| silent(served.address));
    let more = [(); 2].map(|()| silent(served.address));
    assert!(more.iter().all(is_closed));
    assert_eq!(reasons(&served, 2), [Reason::TooMany; 2]);
    drop(first);
    assert_eq!(reasons(&served, 3), [Reason::Handshake; 3]);
    let mut phone = house.phone(served.address, None, &[]);
    talk(&mut phone, &mut served.connection());
}

#[test]
fn who_takes_too_long_is_sent_away() {
    let house = House::new();
    let served = house.serve(&server(), |service| {
        service.limits = Limits { handshake: Duration::from_millis(500), ..Limits::default() };
    });
    let start = Instant::now();
    let mut slow = silent(served.address);
    slow.write_all(&[22, 3, 1]).unwrap();
    assert!(is_closed(&slow));
    assert!(start.elapsed() >= Duration::from_millis(500));
    assert_eq!(served.refusal().reason, Reason::Timeout);
}

#[test]
fn a_crowd_makes_room_for_who_comes_last() {
    let house = House::new();
    let crowd = 400;
    let served = house.serve(&server(), |service| {
        service.limits = Limits {
            half_open: 100,
            half_open_per_address: u32::MAX,
            per_address: u32::MAX,
            handshake: PATIENCE,
        };
    });
    let strangers: Vec<_> = (0..crowd).map(|_| silent(served.address)).collect();
    let mut phone = house.phone(served.address, None, &[]);
    // Told at a bounded rate, and counted.
    let mut refused = 0;
    let mut connection = loop {
        match served.serving.accept_within(PATIENCE) {
            Some(ringfence_legacytls::client::Event::Connected(connection)) => break connection,
            Some(ringfence_legacytls::client::Event::Refused(told)) => {
                assert_eq!(told.reason, Reason::Crowded);
                refused += 1 + told.unsaid;
            }
            None => panic!("the telephone is not served"),
        }
    };
    talk(&mut phone, &mut connection);
    assert!(refused > 0);
    assert!(is_closed(&strangers[0]), "the oldest had to go");
}

#[test]
fn what_is_not_tls_is_refused_and_reported_once() {
    let house = House::new();
    let served = house.serve(&server(), |_| {});
    let mut stranger = silent(served.address);
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(served.refusal().reason, Reason::Handshake);
    assert!(is_closed(&stranger) || is_closed(&stranger));
}
