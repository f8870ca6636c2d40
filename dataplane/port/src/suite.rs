//! What every port must do, whatever is behind it.
//!
//! A backend makes two connected ports ([`Fixture`]) and calls [`suite!`](crate::suite!), which
//! becomes a test for each of the checks here.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;

use crate::{BURST, Frame, Pool, Port};

/// How long something may take that should be there at once.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long something is waited for that should not come.
const QUIET: Duration = Duration::from_millis(50);

/// Two connected ports and how to talk through them.
pub trait Fixture {
    /// The backend.
    type Port: Port;

    /// A fresh link.
    fn link(&mut self) -> (End<Self::Port>, End<Self::Port>);

    /// A datagram as the port's medium wants it.
    fn packet(&self, source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Vec<u8>;

    /// The payload of such a packet, if it is one of ours.
    fn payload(&self, packet: &[u8]) -> Option<Vec<u8>>;

    /// Whether datagrams for an address that is not open stay away.
    const CLOSED_IS_DEAF: bool = true;

    /// Closes a port and gives its frames back.
    fn close(&mut self, port: Self::Port, pool: &mut Pool);
}

/// A port with memory and an address of its own.
pub struct End<P> {
    /// The port.
    pub port: P,
    /// Its memory.
    pub pool: Pool,
    /// Where it receives.
    pub address: SocketAddr,
    /// Frames it has not taken yet.
    leaving: Vec<Frame>,
}

impl<P: Port> End<P> {
    /// A port with memory and an address of its own.
    pub fn new(port: P, pool: Pool, address: SocketAddr) -> Self {
        Self { port, pool, address, leaving: Vec::new() }
    }

    fn open(&mut self) {
        self.port.open_media(self.address).expect("the address is free");
    }

    fn send(&mut self, packet: &[u8]) {
        let deadline = Instant::now() + PATIENCE;
        let mut frame = loop {
            if let Some(frame) = self.pool.take() {
                break frame;
            }
            self.flush();
            assert!(Instant::now() < deadline, "sent frames do not come home: {:?}", self.pool);
        };
        frame.fill(packet);
        self.leaving.push(frame);
        if self.leaving.len() == BURST {
            self.flush();
        }
    }

    fn flush(&mut self) -> usize {
        self.port.tx(&mut self.pool, &mut self.leaving).expect("sending works")
    }

    fn flush_all(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.leaving.is_empty() {
            self.flush();
            assert!(Instant::now() < deadline, "{} frames are not taken", self.leaving.len());
        }
    }

    /// Receives once.
    fn receive(&mut self, fixture: &impl Fixture, payloads: &mut Vec<Vec<u8>>) {
        let mut burst = Vec::new();
        let count = self.port.rx(&mut self.pool, &mut burst).expect("receiving works");
        assert_eq!(count, burst.len());
        assert!(count <= BURST);
        payloads.extend(burst.iter().filter_map(|frame| fixture.payload(frame.bytes())));
        self.pool.give_all(&mut burst);
    }

    fn receive_all(&mut self, fixture: &impl Fixture, count: usize) -> Vec<Vec<u8>> {
        let deadline = Instant::now() + PATIENCE;
        let mut payloads = Vec::new();
        while payloads.len() < count {
            self.receive(fixture, &mut payloads);
            assert!(Instant::now() < deadline, "{} of {count} arrived", payloads.len());
        }
        payloads
    }

    fn receive_nothing(&mut self, fixture: &impl Fixture) {
        let deadline = Instant::now() + QUIET;
        let mut payloads = Vec::new();
        while Instant::now() < deadline {
            self.receive(fixture, &mut payloads);
            assert_eq!(payloads, Vec::<Vec<u8>>::new(), "nothing should have come");
        }
    }

    fn assert_accounted(&self) {
        let known = self.pool.free() + self.port.held() + self.leaving.len();
        assert_eq!(known, self.pool.chunks(), "a frame is lost");
    }

    fn close(mut self, fixture: &mut impl Fixture<Port = P>) {
        self.assert_accounted();
        fixture.close(self.port, &mut self.pool);
        assert_eq!(self.pool.free() + self.leaving.len(), self.pool.chunks(), "a frame is lost");
    }
}

/// Payloads of all sizes pass unchanged and in order, in both directions.
pub fn datagrams_arrive_intact_and_in_order<F: Fixture>(fixture: &mut F) {
    let (mut near, mut far) = fixture.link();
    near.open();
    far.open();
    for _ in 0..2 {
        let sizes = (0..40).chain([172, 182, 500, 1000, 1400]);
        let payloads: Vec<Vec<u8>> =
            sizes.map(|size| (0..size).map(|at| (at * 7 + size) as u8).collect()).collect();
        for payload in &payloads {
            let packet = fixture.packet(near.address, far.address, payload);
            near.send(&packet);
        }
        near.flush_all();
        assert_eq!(far.receive_all(fixture, payloads.len()), payloads);
        (near, far) = (far, near);
    }
    near.close(fixture);
    far.close(fixture);
}

/// Nothing is received before an address is open and after it is closed; twice is harmless.
pub fn only_open_addresses_receive<F: Fixture>(fixture: &mut F) {
    let (mut near, mut far) = fixture.link();
    near.open();
    far.open();
    far.open();
    let packet = fixture.packet(near.address, far.address, b"hello");
    near.send(&packet);
    near.flush_all();
    far.receive_all(fixture, 1);

    far.port.close_media(far.address).expect("closing works");
    far.port.close_media(far.address).expect("closing twice works");
    if F::CLOSED_IS_DEAF {
        near.send(&packet);
        near.flush_all();
        far.receive_nothing(fixture);
        far.open();
        near.send(&packet);
        near.flush_all();
        far.receive_all(fixture, 1);
    }
    near.close(fixture);
    far.close(fixture);
}

/// Far more than any ring holds is sent without pause; what is not taken stays, in order, and no
/// frame is ever unaccounted for.
pub fn a_flood_loses_no_frame<F: Fixture>(fixture: &mut F) {
    const COUNT: u32 = 20_000;
    let (mut near, mut far) = fixture.link();
    near.open();
    far.open();
    let mut received = Vec::new();
    for number in 0..COUNT {
        let packet = fixture.packet(near.address, far.address, &number.to_be_bytes());
        near.send(&packet);
        if near.leaving.is_empty() {
            near.assert_accounted();
            far.receive(fixture, &mut received);
            far.assert_accounted();
        }
    }
    near.flush_all();
    let mut before = usize::MAX;
    while before != received.len() {
        before = received.len();
        let deadline = Instant::now() + QUIET;
        while Instant::now() < deadline {
            far.receive(fixture, &mut received);
        }
    }
    assert_eq!(near.port.stats().tx, COUNT.into());
    assert!(received.is_sorted(), "frames overtook each other");
    assert!(received.len() > COUNT as usize / 2, "only {} arrived", received.len());
    near.close(fixture);
    far.close(fixture);
}

/// A burst that does not fit is taken in part, from the front; what the far end has no room for is
/// counted there.
pub fn what_does_not_fit_stays<F: Fixture>(fixture: &mut F) {
    let (mut near, mut far) = fixture.link();
    near.open();
    far.open();
    let count = near.pool.free().min(600);
    for number in 0..count as u32 {
        let mut frame = near.pool.take().expect("counted");
        frame.fill(&fixture.packet(near.address, far.address, &number.to_be_bytes()));
        near.leaving.push(frame);
    }
    let mut received = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while received.len() + (far.port.stats().rx_lost as usize) < count {
        let before = near.leaving.len();
        assert_eq!(near.flush(), before - near.leaving.len());
        near.assert_accounted();
        far.receive(fixture, &mut received);
        assert!(Instant::now() < deadline, "{} of {count} arrived", received.len());
    }
    assert!(near.leaving.is_empty());
    assert!(received.is_sorted_by(|a, b| a < b), "frames overtook each other, or came twice");
    near.close(fixture);
    far.close(fixture);
}

/// Without traffic every call returns nothing, at once.
pub fn nothing_is_nothing<F: Fixture>(fixture: &mut F) {
    let (mut near, mut far) = fixture.link();
    near.open();
    for _ in 0..3 {
        assert_eq!(near.flush(), 0);
        near.receive_nothing(fixture);
        far.receive_nothing(fixture);
    }
    near.close(fixture);
    far.close(fixture);
}

/// A port whose pool is empty goes on when there is memory again.
pub fn a_dry_pool_recovers<F: Fixture>(fixture: &mut F) {
    let (mut near, mut far) = fixture.link();
    near.open();
    far.open();
    let mut taken = Vec::new();
    taken.extend(std::iter::from_fn(|| far.pool.take()));
    let packet = fixture.packet(near.address, far.address, b"hello");
    for _ in 0..BURST {
        near.send(&packet);
    }
    near.flush_all();
    let mut received = Vec::new();
    far.port.rx(&mut far.pool, &mut received).expect("an empty pool is no error");
    far.pool.give_all(&mut received);
    far.pool.give_all(&mut taken);

    near.send(&packet);
    near.flush_all();
    far.receive_all(fixture, 1);
    near.close(fixture);
    far.close(fixture);
}

/// The descriptor to wait on becomes readable when there is something, and is quiet before.
pub fn waiting_ends_with_a_packet<F: Fixture>(fixture: &mut F) {
    let (mut near, mut far) = fixture.link();
    near.open();
    far.open();
    far.receive_nothing(fixture);
    assert!(!readable(&far.port, Duration::ZERO), "readable without a packet");
    let packet = fixture.packet(near.address, far.address, b"hello");
    near.send(&packet);
    near.flush_all();
    if far.port.wait_fd().is_some() {
        assert!(readable(&far.port, PATIENCE), "not readable with a packet");
    }
    far.receive_all(fixture, 1);
    near.close(fixture);
    far.close(fixture);
}

fn readable(port: &impl Port, patience: Duration) -> bool {
    let Some(fd) = port.wait_fd() else { return false };
    // SAFETY: the port keeps it open, and is borrowed.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    let timeout = Timespec { tv_sec: patience.as_secs() as i64, tv_nsec: 0 };
    poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&timeout)).expect("polling works") > 0
}

/// Becomes one test for each check.
///
/// The argument is a function that makes a fixture and calls what it is given with it; attributes
/// in front of it go to all tests.
#[macro_export]
macro_rules! suite {
    ($(#[$attribute:meta])* $run:path) => {
        $crate::suite!(@ [$(#[$attribute])*] $run:
            datagrams_arrive_intact_and_in_order,
            only_open_addresses_receive,
            a_flood_loses_no_frame,
            what_does_not_fit_stays,
            nothing_is_nothing,
            a_dry_pool_recovers,
            waiting_ends_with_a_packet,
        );
    };
    (@ $attributes:tt $run:path: $($check:ident,)*) => {
        $($crate::suite!(@@ $attributes $run, $check);)*
    };
    (@@ [$(#[$attribute:meta])*] $run:path, $check:ident) => {
        #[test]
        $(#[$attribute])*
        fn $check() {
            $run($crate::suite::$check);
        }
    };
}
