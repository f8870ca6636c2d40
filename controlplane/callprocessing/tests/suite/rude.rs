//! Phones that do not behave, and those who only look like phones: nobody else is disturbed.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::net::sockopt::{set_socket_recv_buffer_size, set_socket_send_buffer_size};
use rustix::net::{AddressFamily, SocketType, bind, socket};
use sccp::phone::{KeepAlive, SoftKeyTemplateReq};
use store::DeviceSecurityMode;

use crate::phone::{M7960, M7970, Phone};
use crate::site::{ALICE, BOB, PATIENCE, Site, address, until};
use crate::tls::{TODAY, mixed};

/// Connects from an address of this machine.
fn connect_from(from: Ipv4Addr, to: SocketAddr, receive: Option<usize>) -> TcpStream {
    let stream = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    if let Some(size) = receive {
        set_socket_recv_buffer_size(&stream, size).unwrap();
    }
    bind(&stream, &SocketAddrV4::new(from, 0)).unwrap();
    rustix::net::connect(&stream, &to).unwrap();
    let stream = TcpStream::from(stream);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

#[test]
fn a_phone_that_does_not_read_is_cut_off_and_nobody_else_waits() {
    let site = Site::new();
    let running = site.serve_with(|setup| set_socket_send_buffer_size(&setup.plain, 1).unwrap());
    let (to, handle) = (running.plain_address(), running.handle());
    let mut bob = Phone::plain(to, BOB, M7960);
    bob.register();
    let mut alice = Phone::on(Box::new(connect_from(address(), to, Some(1))), ALICE, M7970);
    alice.register();
    // Each answer has some seven hundred bytes. She asks no faster than a phone may.
    for _ in 0..150 {
        alice.say(SoftKeyTemplateReq);
    }
    until(|| handle.registered().len() == 1, || format!("{:?}", handle.registered()));
    site.await_trace("it does not read what it is sent");
    assert_eq!(handle.counters().since_start.misbehaved, 0);
    bob.say(KeepAlive);
    bob.await_name("KeepAliveAck");
    // She is welcome again.
    Phone::plain(to, ALICE, M7970).register();
}

/// How many strangers there are, and where they go.
const STRANGERS: &str = "RINGFENCE_TEST_STRANGERS";
const COUNT: usize = 10_000;

/// Not a test by itself: the next one runs it in a process of its own, for its many sockets.
#[test]
fn becomes_ten_thousand_strangers() {
    let Ok(doors) = std::env::var(STRANGERS) else { return };
    let doors: Vec<SocketAddr> = doors.split(' ').map(|door| door.parse().unwrap()).collect();
    privilege::raise_open_files();
    // They come from ten places, to either door, and have nothing to say or do not end it.
    let strangers: Vec<_> = (0..COUNT)
        .map(|n| {
            let from = Ipv4Addr::new(127, 0, 1, (n % 10) as u8 + 1);
            let mut stranger = connect_from(from, doors[n / 10 % 2], None);
            if n % 3 == 0 {
                // It may have had to go already.
                let _ = stranger.write_all(&[0x16]);
            }
            stranger
        })
        .collect();
    println!("{} are there", strangers.len());
    let _ = std::io::stdin().read(&mut [0]);
}

#[test]
fn ten_thousand_half_open_connections_keep_nobody_out() {
    assert!(privilege::raise_open_files() > 8500, "raise the hard limit of open files");
    let (site, capf) = mixed(DeviceSecurityMode::Encrypted);
    let running = site.serve();
    let (handle, secure) = (running.handle(), running.secure_address());
    let mut alice = site.phone(secure, &capf.issue(ALICE), TODAY, ALICE, M7970);
    alice.register();
    let mut strangers = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "rude::becomes_ten_thousand_strangers", "--nocapture"])
        .env(STRANGERS, format!("{} {secure}", running.plain_address()))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let counts = || handle.counters();
    until(
        || counts().since_start.accepted > COUNT as u64,
        || format!("{:?}, {:?}", counts(), handle.alarms()),
    );
    // They are all there, as far as there are seats for those who do not register.
    let bob = capf.issue(BOB);
    let before = std::time::Instant::now();
    let mut bob = site.phone(secure, &bob, TODAY, BOB, M7960);
    bob.register();
    let took = before.elapsed();
    alice.say(KeepAlive);
    alice.await_name("KeepAliveAck");
    assert_eq!(handle.registered().len(), 2);
    let counters = counts();
    assert!(counters.half_open <= 8192 && counters.connections <= 8194, "{counters:?}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    drop(strangers.stdin.take());
    assert!(strangers.wait().unwrap().success());
    until(|| counts().half_open == 0, || format!("{:?}", counts()));
}
