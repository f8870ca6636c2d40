//! The network is made, carries packets with real checksums, and is removed.
//!
//! These need root: `cargo xtask test`, or `cargo test -p ringfence-lab -- --ignored`.

mod common;

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use common::namespaces;
use ringfence_lab::net::Lab;
use ringfence_lab::program::{Program, poll};

const LIMIT: Duration = Duration::from_secs(5);

#[test]
#[ignore = "needs root: cargo xtask test"]
fn two_namespaces_talk_over_both_families_and_are_removed() {
    let lab = Lab::new("rf-labtest-talk", false).unwrap();
    let (a, b) = (lab.namespace("a").unwrap(), lab.namespace("b").unwrap());
    let (left, right) = lab.veth((&a, "eth0"), (&b, "eth0")).unwrap();
    for (link, host) in [(left, 1), (right, 2)] {
        link.mac(&format!("02:00:00:00:00:0{host}")).unwrap();
        link.finish_packets().unwrap();
        link.address(&format!("10.77.0.{host}/24")).unwrap();
        link.address(&format!("fd77::{host}/64")).unwrap();
    }
    for (from, to) in [("10.77.0.1:0", "10.77.0.2:0"), ("[fd77::1]:0", "[fd77::2]:0")] {
        let receiver = b.udp(to.parse().unwrap()).unwrap();
        receiver.set_read_timeout(Some(LIMIT)).unwrap();
        let sender = a.udp(from.parse().unwrap()).unwrap();
        let address: SocketAddr = receiver.local_addr().unwrap();
        sender.send_to(b"hello", address).unwrap();
        let mut buffer = [0; 16];
        let (len, source) = receiver.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..len], source), (&b"hello"[..], sender.local_addr().unwrap()));
    }
    assert_eq!(namespaces("rf-labtest-talk").len(), 2);
    drop(lab);
    assert_eq!(namespaces("rf-labtest-talk"), Vec::<String>::new());
}

#[test]
#[ignore = "needs root: cargo xtask test"]
fn a_panic_removes_the_network_and_its_programs() {
    let logs = tempfile::tempdir().unwrap();
    let pid = std::thread::spawn({
        let logs = logs.path().to_owned();
        move || -> u32 {
            let lab = Lab::new("rf-labtest-panic", false).unwrap();
            let a = lab.namespace("a").unwrap();
            let mut sleep = a.command("sleep");
            sleep.arg("1000");
            let program = Program::start("sleep", sleep, &logs).unwrap();
            // As if its owner had been killed: nobody else ends it.
            std::mem::forget(program);
            panic!("as expected");
        }
    });
    assert!(pid.join().is_err());
    assert_eq!(namespaces("rf-labtest-panic"), Vec::<String>::new());
}

#[test]
#[ignore = "needs root: cargo xtask test"]
fn leftovers_of_a_killed_run_are_removed_by_the_next() {
    let left = Command::new("ip").args(["netns", "add", "rf-labtest-left-x"]).status().unwrap();
    assert!(left.success());
    drop(Lab::new("rf-labtest-left", false).unwrap());
    assert_eq!(namespaces("rf-labtest-left"), Vec::<String>::new());
}

#[test]
#[ignore = "needs root: cargo xtask test"]
fn one_laboratory_of_a_name_at_a_time() {
    let first = Lab::new("rf-labtest-one", false).unwrap();
    let error = Lab::new("rf-labtest-one", false).err().unwrap().to_string();
    assert!(error.contains("another laboratory"), "{error}");
    drop(first);
    Lab::new("rf-labtest-one", false).unwrap();
}

#[test]
#[ignore = "needs root: cargo xtask test"]
fn a_program_is_stopped_and_its_words_are_kept() {
    let logs = tempfile::tempdir().unwrap();
    let lab = Lab::new("rf-labtest-words", false).unwrap();
    let a = lab.namespace("a").unwrap();
    let mut shell = a.command("sh");
    shell
        .args(["-c", "echo ready; trap 'echo stopped; exit 3' TERM; while :; do sleep 0.05; done"]);
    let mut program = Program::start("shell", shell, logs.path()).unwrap();
    poll(LIMIT, || program.last_words().contains("ready").then_some(())).unwrap();
    program.expect_running().unwrap();
    assert_eq!(program.stop(LIMIT).unwrap().code(), Some(3));
    assert!(program.last_words().contains("ready | stopped"));
    assert!(program.expect_running().unwrap_err().to_string().contains("stopped"));
}
