//! The socket, with this machine's kernel: policies, which it takes whether it has ESP or not.

use std::io;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use ringfence_keying::Socket;
use ringfence_keying::xfrm::{Message, PolicyAction};

/// This thread gets a network of its own, which ends with it.
fn enter_own_network() {
    // SAFETY: it only changes which network this thread's sockets belong to.
    let done = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    assert_eq!(done, 0, "unshare: {} (needs root)", io::Error::last_os_error());
}

fn ip(arguments: &str) {
    let done = Command::new("ip").args(arguments.split_whitespace()).status().unwrap();
    assert!(done.success(), "ip {arguments}");
}

fn next(socket: &mut Socket) -> Vec<Message> {
    let end = Instant::now() + Duration::from_secs(30);
    while Instant::now() < end {
        match socket.receive() {
            Ok(messages) => return messages,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the kernel says nothing");
}

#[test]
#[ignore = "makes a network namespace, which needs root: cargo xtask test"]
fn the_kernel_is_heard_and_asked() {
    enter_own_network();
    let policy = "src 192.0.2.1/32 dst 192.0.2.2/32 dir out";
    ip(&format!("xfrm policy add {policy} tmpl proto esp mode transport reqid 5"));
    let mut socket = Socket::new().unwrap();
    socket.ask_for_policies().unwrap();
    let found: Vec<_> = [next(&mut socket), next(&mut socket)].concat();
    let [Message::Policy(found), Message::Done] = &found[..] else { panic!("{found:?}") };
    let protect = esp::Action::Protect(esp::RequestId(5));
    assert_eq!(found.action, PolicyAction::Known(protect));
    ip(&format!("xfrm policy delete {policy}"));
    let said = next(&mut socket);
    let [Message::PolicyGone(key)] = &said[..] else { panic!("{said:?}") };
    assert_eq!(*key, found.key);
    socket.ask_for_states().unwrap();
    assert!(matches!(next(&mut socket)[..], [Message::Done]));
}
