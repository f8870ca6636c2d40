//! What strangers can do.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use capf::codec::Reason;
use capf::phone::{Conclusion, Credential};
use capf::server::AdmissionLimits;
use ringfence_enrolment::service::Running;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use store::{CapfAuthMode, CapfOperation, Model};

use crate::phone::{Phone, connect};
use crate::site::Site;

fn wait_until(running: &Running, done: impl Fn(&Running) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !done(running) {
        assert!(Instant::now() < deadline, "{:?}", running.counts());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A thousand connections are more files than some systems let a process have at first.
fn allow_more_files() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}

fn half_open(address: SocketAddr, number: usize) -> Vec<TcpStream> {
    (0..number).map(|_| TcpStream::connect(address).unwrap()).collect()
}

// R: CAPF-13
#[test]
fn a_thousand_half_open_connections_keep_no_phone_out() {
    let site = Site::new(Model::M7960);
    site.order(CapfOperation::Install, CapfAuthMode::NullString);
    let limits = AdmissionLimits { total: 40, per_address: 30 };
    let running = site.serve_with(site.desk(), limits);
    allow_more_files();
    let strangers = half_open(running.address(), 1000);
    wait_until(&running, |running| running.counts().accepted >= 1000);
    assert!(running.counts().open <= 30, "{:?}", running.counts());
    let mut phone = Phone::new(&site);
    let success = Conclusion::Ended(Reason::SUCCESS);
    assert_eq!(phone.session(running.address(), Credential::NullString), success);
    let counts = running.counts();
    assert!(counts.evicted >= 970 && counts.turned_away == 0, "{counts:?}");
    drop(strangers);
    wait_until(&running, |running| running.counts().open == 0);
}

#[test]
fn sessions_that_are_under_way_do_not_give_way() {
    let site = Site::new(Model::M7960);
    let limits = AdmissionLimits { total: 3, per_address: 2 };
    let running = site.serve_with(site.desk(), limits);
    let mut open: Vec<_> = (0..2).map(|_| connect(running.address(), &site.own)).collect();
    for tls in &mut open {
        // AUTH_REQ comes at once, in one record.
        let mut first = [0; 64];
        let length = tls.read(&mut first).unwrap();
        assert_eq!((first[0], first[1], length), (0x55, 1, 16));
    }
    let mut third = connect(running.address(), &site.own);
    assert!(third.read(&mut [0; 64]).is_err());
    assert_eq!(running.counts().turned_away, 1);
    drop(open);
    wait_until(&running, |running| running.counts().open == 0);
}

#[test]
fn nonsense_ends_the_session_and_nothing_else() {
    let site = Site::new(Model::M7960);
    site.order(CapfOperation::Install, CapfAuthMode::NullString);
    let running = site.serve();
    let before = site.capf();
    for nonsense in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0x55, 2, 0, 0, 0, 0, 0xff, 0xff], &[0; 90]] {
        let mut tls = connect(running.address(), &site.own);
        tls.write_all(nonsense).unwrap();
        let mut answer = Vec::new();
        let _ = tls.read_to_end(&mut answer);
        // AUTH_REQ, and END_SESSION with reason 7.
        assert_eq!(answer.len(), 28, "{answer:x?}");
        assert_eq!((answer[17], answer[27]), (15, 7));
    }
    let mut stranger = TcpStream::connect(running.address()).unwrap();
    stranger.write_all(b"no TLS at all").unwrap();
    let mut rest = Vec::new();
    let _ = stranger.read_to_end(&mut rest);
    wait_until(&running, |running| running.counts().open == 0);
    assert_eq!(site.capf(), before);
}

// R: CAPF-22
#[test]
fn who_signs_yields_to_everybody_else() {
    let site = Site::new(Model::M7960);
    site.order(CapfOperation::Install, CapfAuthMode::NullString);
    let running = site.serve();
    let mut phone = Phone::new(&site);
    let success = Conclusion::Ended(Reason::SUCCESS);
    assert_eq!(phone.session(running.address(), Credential::NullString), success);
    let mut tls = connect(running.address(), &site.own);
    tls.read_exact(&mut [0; 16]).unwrap();
    let of = |name: &str| niceness(name).into_iter().collect::<std::collections::BTreeSet<_>>();
    // Other tests in this process have such threads too, and all are alike.
    assert!(of("capf-phone").contains(&19));
    assert_eq!(of("capf"), [0].into());
}

/// How nice the threads of a name are, from `/proc/self/task/*/stat`.
fn niceness(name: &str) -> Vec<i32> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let stats = tasks.filter_map(|task| {
        // Threads end while we look.
        std::fs::read_to_string(task.ok()?.path().join("stat")).ok()
    });
    let nice = |stat: String| {
        let (begin, fields) = stat.rsplit_once(") ")?;
        let same = begin.split_once('(')?.1 == name;
        same.then(|| fields.split(' ').nth(16)?.parse().ok()).flatten()
    };
    stats.filter_map(nice).collect()
}

// R: LOG-01
#[test]
fn the_trace_becomes_louder_while_it_runs() {
    let site = Site::new(Model::M7960);
    let desk = site.desk();
    site.change(|change| change.set_parameter(None, "capf.trace-level", "alarm"));
    desk.follow_trace_level();
    let limits = AdmissionLimits::default();
    let running = site.serve_with(desk, limits);
    let nothing = Conclusion::Ended(Reason::NO_ACTION);
    assert_eq!(Phone::new(&site).session(running.address(), Credential::NullString), nothing);
    drop(running);
    let quiet = site.trace();
    assert!(quiet.contains("no pending operation") && !quiet.contains("AUTH_RES"), "{quiet}");
    site.change(|change| change.set_parameter(None, "capf.trace-level", "detail"));
    let running = site.serve();
    assert_eq!(Phone::new(&site).session(running.address(), Credential::NullString), nothing);
    drop(running);
    assert!(site.trace().contains("AUTH_RES"), "{}", site.trace());
}
