//! The fastest backend of this processor and the portable one, side by side.
//!
//! The input is a script: its first octet chooses suite and master key identifier; then come
//! records of an octet that says what to do, an octet with a length, and so many octets of packet.

use srtp::{
    BackendChoice, Config, Direction, Error, Job, Keying, MAX_TRAILER, MasterKey, SessionId, Srtp,
    Suite,
};

/// Packets of a burst.
const BURST: usize = 40;

/// Both backends give the same verdict, length and octets for every packet, protected or
/// unprotected, genuine or not; and what one protects the other one understands.
pub fn backends(script: &[u8]) {
    let [setup, records @ ..] = script else { return };
    let mut rest = records;
    let mut twins = Twins::new(*setup);
    let mut burst = Vec::new();
    while let [what, len, more @ ..] = rest {
        let (content, more) = more.split_at(usize::from(*len).min(more.len()));
        burst.push(Record { what: *what, packet: content.to_vec() });
        if burst.len() == BURST || what & 0x80 != 0 {
            twins.play(std::mem::take(&mut burst));
        }
        rest = more;
    }
    twins.play(burst);
}

struct Record {
    what: u8,
    packet: Vec<u8>,
}

impl Record {
    /// Whether it is for SRTCP.
    fn is_control(&self) -> bool {
        self.what & 1 != 0
    }

    /// Makes the packet pass the first looks, so that the fuzzer gets to what lies behind them.
    fn with_header(mut self) -> Self {
        if self.what & 2 != 0 {
            self.packet.resize(self.packet.len().max(12), 0);
            let kind = if self.is_control() { 200 } else { self.packet[1] & 0x7f };
            (self.packet[0], self.packet[1]) = (0x80, kind);
            if self.is_control() {
                let len = self.packet.len() / 4 * 4;
                self.packet.truncate(len);
                self.packet[2..4].copy_from_slice(&((len / 4 - 1) as u16).to_be_bytes());
            }
        }
        self
    }
}

/// The same sessions in two backends.
struct Twins([Backend; 2]);

struct Backend {
    srtp: Srtp,
    out: SessionId,
    back: SessionId,
}

type Outcome = Vec<(Result<(), Error>, Vec<u8>)>;

impl Twins {
    fn new(setup: u8) -> Self {
        let suite = Suite::ALL[usize::from(setup & 0x7f) % Suite::ALL.len()];
        let key = vec![0x42; suite.master_key_len()];
        let salt = vec![0x17; suite.master_salt_len()];
        let master = MasterKey::new(suite, &key, &salt).expect("the lengths are the suite's");
        let mut keying = Keying::new(suite, master);
        if setup & 0x80 != 0 {
            keying = keying.with_mki(&[7, 7]).expect("two octets are a master key identifier");
        }
        Self([BackendChoice::Best, BackendChoice::Portable].map(|backend| {
            let mut srtp = Srtp::new(Config { backend, max_sessions: 2, ..Config::default() });
            let mut insert = |direction| srtp.insert(direction, &keying).expect("there is room");
            let (out, back) = (insert(Direction::Outbound), insert(Direction::Inbound));
            Backend { srtp, out, back }
        }))
    }

    /// Protects the burst, damages what the script says, and unprotects it.
    fn play(&mut self, burst: Vec<Record>) {
        let burst: Vec<_> = burst.into_iter().map(Record::with_header).collect();
        for control in [false, true] {
            let records: Vec<_> = burst.iter().filter(|r| r.is_control() == control).collect();
            let packets: Vec<_> = records.iter().map(|record| record.packet.clone()).collect();
            let mut sealed = self.both(&packets, |backend| (backend.out, true), control);
            for (record, (result, packet)) in records.iter().zip(&mut sealed) {
                let damaged = record.what & 4 != 0;
                if let (true, Some(octet)) = (damaged, packet.last_mut()) {
                    *octet ^= record.what | 8;
                }
                if record.what & 16 != 0 {
                    *packet = record.packet.clone();
                    *result = Err(Error::Malformed);
                }
            }
            let arriving: Vec<_> = sealed.iter().map(|(_, packet)| packet.clone()).collect();
            let opened = self.both(&arriving, |backend| (backend.back, false), control);
            for ((record, sealed), (result, packet)) in records.iter().zip(&sealed).zip(opened) {
                if sealed.0.is_ok() && record.what & 4 == 0 && result.is_ok() {
                    assert_eq!(packet, record.packet, "what was said is what is understood");
                }
                assert!(record.what & 20 == 0 || result.is_err(), "a forgery passed");
            }
        }
    }

    /// Runs one transform in both backends, which must agree.
    fn both(
        &mut self,
        packets: &[Vec<u8>],
        which: impl Fn(&Backend) -> (SessionId, bool),
        control: bool,
    ) -> Outcome {
        let [fast, plain] = &mut self.0;
        let name = fast.srtp.backend_name();
        let (fast, plain) =
            (fast.run(packets, &which, control), plain.run(packets, &which, control));
        assert_eq!(fast, plain, "{name} and portable differ");
        fast
    }
}

impl Backend {
    fn run(
        &mut self,
        packets: &[Vec<u8>],
        which: impl Fn(&Self) -> (SessionId, bool),
        control: bool,
    ) -> Outcome {
        let (session, protect) = which(self);
        let with_room = |packet: &Vec<u8>| [packet.as_slice(), &[0; MAX_TRAILER]].concat();
        let mut buffers: Vec<_> = packets.iter().map(with_room).collect();
        let jobs = buffers.iter_mut().zip(packets);
        let mut jobs: Vec<_> =
            jobs.map(|(buffer, packet)| Job::new(session, buffer, packet.len())).collect();
        match (protect, control) {
            (true, false) => self.srtp.protect_rtp(&mut jobs),
            (true, true) => self.srtp.protect_rtcp(&mut jobs),
            (false, false) => self.srtp.unprotect_rtp(&mut jobs),
            (false, true) => self.srtp.unprotect_rtcp(&mut jobs),
        }
        // What a failed job leaves in its packet is nobody's business.
        let outcome = |job: Job<'_>| match job.result {
            Ok(()) => (Ok(()), job.packet[..job.len].to_vec()),
            Err(error) => (Err(error), Vec::new()),
        };
        jobs.into_iter().map(outcome).collect()
    }
}
