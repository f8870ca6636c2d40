//! TFTP, both ends.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use tftp::{
    Config, Engine, FileName, Options, Output, Packet, Progress, RateLimit, Receiving, Refusal,
    Served, TransferId, Tuning, Via,
};

/// A packet reads as it is written; a name that is accepted stays below its directory.
pub fn packet(bytes: &[u8]) {
    if let Ok(name) = FileName::parse(bytes) {
        assert!(name.parts().all(|part| !part.is_empty() && !part.starts_with('.')));
        assert_eq!(FileName::parse(name.as_str().as_bytes()).as_ref(), Ok(&name));
        let _ = (name.device(), name.generic_trust_list());
    }
    if let Ok(packet) = Packet::parse(bytes) {
        let written = packet.to_bytes();
        assert_eq!(Packet::parse(&written).as_ref(), Ok(&packet));
    }
}

/// A script: what arrives at the server, where from, where to, and when.
///
/// Each step is a byte for the peer and the time that passes, a byte for the transfer it goes to
/// (0: the request port), a byte of length, and a datagram.
struct Script<'a>(&'a [u8]);

struct Step<'a> {
    peer: SocketAddr,
    passes: Duration,
    transfer: u64,
    datagram: &'a [u8],
}

impl<'a> Iterator for Script<'a> {
    type Item = Step<'a>;

    fn next(&mut self) -> Option<Step<'a>> {
        let (&[who, transfer, len], rest) = self.0.split_first_chunk::<3>()?;
        let (datagram, rest) = rest.split_at(usize::from(len).min(rest.len()));
        self.0 = rest;
        Some(Step {
            peer: SocketAddr::from(([192, 0, 2, 1], 40_000 + u16::from(who % 4))),
            passes: Duration::from_millis(u64::from(who / 4) * 50),
            transfer: u64::from(transfer),
            datagram,
        })
    }
}

/// The server. Every accepted request ends in one record, and nothing outlives its timeout.
pub fn server(bytes: &[u8]) {
    let rate = RateLimit { per_second: 1e6, burst: 1e6 };
    let config = Config { max_transfers: 8, rate, ..Config::default() };
    let mut engine = Engine::new(config);
    let mut now = Instant::now();
    let mut records = 0;
    for step in Script(bytes) {
        now += step.passes;
        match step.transfer {
            0 => engine.handle_request(now, SystemTime::UNIX_EPOCH, step.peer, step.datagram),
            id => engine.handle_datagram(now, TransferId(id), step.peer, step.datagram),
        }
        while let Some((id, request)) = engine.poll_request() {
            let answer = match request.name.as_str().len() {
                len if len % 5 == 0 => Err(Refusal::NotFound),
                len => Ok(Served::plain(vec![0x5A; len * 100], "fuzz")),
            };
            engine.answer(now, id, answer);
        }
        engine.handle_timeout(now);
        records += drain(&mut engine);
    }
    while let Some(due) = engine.poll_timeout() {
        engine.handle_timeout(due);
        records += drain(&mut engine);
    }
    assert_eq!(engine.transfers(), 0);
    assert_eq!(engine.counters().accepted, records);
}

/// Counts the records; looks at what is sent.
fn drain(engine: &mut Engine) -> u64 {
    let mut records = 0;
    while let Some(output) = engine.poll_output() {
        match output {
            Output::Send { via, datagram, .. } => {
                let packet = Packet::parse(&datagram).expect("a server sends packets");
                let error = matches!(packet, Packet::Error { .. });
                assert!(error || via != Via::Requests, "data leaves from a transfer's own port");
            }
            Output::Closed { .. } => records += 1,
        }
    }
    records
}

/// The client. It never takes more than its limit, and gives up on silence.
pub fn client(bytes: &[u8]) {
    const LIMIT: usize = 4096;
    let server = SocketAddr::from(([192, 0, 2, 1], 69));
    let options = Options { block_size: Some(64), window_size: Some(4), ..Options::default() };
    let mut now = Instant::now();
    let mut receiving =
        Receiving::start(now, server, "CTLFile.tlv", options, LIMIT, Tuning::default());
    for step in Script(bytes) {
        now += step.passes;
        let progress = receiving.handle_datagram(now, step.peer, step.datagram);
        while receiving.poll_output().is_some() {}
        match progress {
            Progress::Going => {}
            Progress::Done(file) => return assert!(file.len() <= LIMIT),
            Progress::Failed(_) => return,
        }
    }
    for _ in 0..100 {
        now = receiving.poll_timeout();
        if receiving.handle_timeout(now) != Progress::Going {
            return;
        }
    }
    panic!("a client gives up on a silent server");
}
