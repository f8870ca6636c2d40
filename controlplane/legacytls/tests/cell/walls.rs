//! The sandbox holds.

use std::fs::File;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::Command;

use ringfence_legacytls::cell::sandbox;

use crate::house::{House, server, talk};

#[test]
fn the_cell_has_no_privilege_left() {
    let house = House::new();
    let served = house.serve(&server(), |_| {});
    let mut phone = house.phone(served.address, None, &[]);
    talk(&mut phone, &mut served.connection());
    let process = format!("/proc/{}", house.process.id());
    let status = std::fs::read_to_string(format!("{process}/status")).unwrap();
    let value = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim().to_owned()
    };
    assert_eq!(value("Seccomp:"), "2");
    assert_eq!(value("NoNewPrivs:"), "1");
    assert_eq!(u64::from_str_radix(&value("CapEff:"), 16), Ok(0));
    assert!(value("Uid:").split_whitespace().all(|uid| uid != "0"));
    assert_eq!(value("Groups:").split_whitespace().filter(|group| *group == "0").count(), 0);
    let limits = std::fs::read_to_string(format!("{process}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"));
    // Every thread is behind the same walls.
    for task in std::fs::read_dir(format!("{process}/task")).unwrap() {
        let status = std::fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        assert!(status.contains("Seccomp:\t2"));
    }
}

/// Marks the process that goes behind the walls.
const INSIDE: &str = "RINGFENCE_BEHIND_WALLS";

#[test]
fn behind_the_walls_nothing_can_be_opened() {
    if std::env::var_os(INSIDE).is_some() {
        return look_for_ways_out();
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "walls::behind_the_walls_nothing_can_be_opened", "--nocapture"])
        .args(["--test-threads", "1"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("every way is shut"), "{text}");
}

fn look_for_ways_out() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    sandbox::keep_memory_private().unwrap();
    // Files are shut off twice: first by Landlock, where there is such a thing.
    let landlocked = sandbox::forget_files().unwrap();
    assert_eq!(std::fs::read("/etc/hostname").is_err(), landlocked);
    sandbox::forbid_system_calls().unwrap();
    let ways: [(&str, Option<ErrorKind>); 6] = [
        ("a file", File::open("/etc/hostname").err().map(|error| error.kind())),
        ("a program", Command::new("/bin/true").spawn().err().map(|error| error.kind())),
        ("a port", TcpListener::bind("127.0.0.1:0").err().map(|error| error.kind())),
        ("a connection", TcpStream::connect(address).err().map(|error| error.kind())),
        ("a socket", UnixStream::connect("/run/x").err().map(|error| error.kind())),
        ("a thread", std::thread::Builder::new().spawn(|| ()).err().map(|error| error.kind())),
    ];
    for (what, refused) in ways {
        assert_eq!(refused, Some(ErrorKind::PermissionDenied), "{what} could be had");
    }
    println!("every way is shut");
}
