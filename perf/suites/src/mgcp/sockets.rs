//! The same through UDP sockets: the gateway in a thread of its own, a call agent that keeps many
//! calls under way. This is what the kernel's sockets leave of it.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::AT_ONCE;
use super::callagent::{CallAgent, succeeded};
use super::subject::{Kind, Subject};

/// Calls of a round.
const CALLS: usize = 2000;
const PATIENCE: Duration = Duration::from_secs(5);
/// How often the gateway looks whether it is over.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Calls a second, by the clock.
pub(super) fn triples(kind: Kind) -> Result<f64> {
    let agent = UdpSocket::bind("127.0.0.1:0")?;
    let gateway = UdpSocket::bind("127.0.0.1:0")?;
    agent.connect(gateway.local_addr()?)?;
    gateway.connect(agent.local_addr()?)?;
    agent.set_read_timeout(Some(PATIENCE))?;
    gateway.set_read_timeout(Some(LOOK_EVERY))?;
    let subject = Subject::commanded_by(agent.local_addr()?)?;
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let serving = scope.spawn(|| serve(subject, &gateway, &over));
        let start = Instant::now();
        let done = call(kind, &agent);
        let taken = start.elapsed();
        over.store(true, Ordering::Relaxed);
        serving.join().expect("the gateway does not panic")?;
        done?;
        Ok(CALLS as f64 / taken.as_secs_f64())
    })
}

fn serve(mut subject: Subject, socket: &UdpSocket, over: &AtomicBool) -> Result<()> {
    let mut buffer = [0; 4096];
    while !over.load(Ordering::Relaxed) {
        let Ok(len) = socket.recv(&mut buffer) else { continue };
        subject.ask(&buffer[..len]);
        while let Some(answer) = subject.answer() {
            socket.send(&answer).context("an answer cannot be sent")?;
        }
    }
    Ok(())
}

fn call(kind: Kind, socket: &UdpSocket) -> Result<()> {
    let mut agent = CallAgent::new(kind);
    for _ in 0..CALLS / AT_ONCE {
        let created = exchange(socket, &agent.create(AT_ONCE))?;
        let calls = agent.created(&created)?;
        succeeded(&exchange(socket, &agent.modify(&calls))?, AT_ONCE)?;
        succeeded(&exchange(socket, &agent.delete(&calls))?, AT_ONCE)?;
    }
    Ok(())
}

fn exchange(socket: &UdpSocket, datagrams: &[Vec<u8>]) -> Result<Vec<String>> {
    let mut buffer = [0; 4096];
    datagrams.iter().try_for_each(|datagram| socket.send(datagram).map(|_| ()))?;
    let mut answer = |_: &Vec<u8>| {
        let len = socket.recv(&mut buffer).context("an answer is missing")?;
        Ok(String::from_utf8_lossy(&buffer[..len]).into_owned())
    };
    datagrams.iter().map(&mut answer).collect()
}
