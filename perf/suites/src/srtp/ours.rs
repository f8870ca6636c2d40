//! Ours, with one of its backends.

use anyhow::Result;
use srtp::{BackendChoice, Config, Direction, Job, SessionId, Srtp};

use super::contender::Contender;
use super::load::{Load, Operation, Source, inbound_keying, outbound_keying};

pub(super) struct Ours {
    load: Load,
    burst: usize,
    source: Source,
    srtp: Srtp,
    inbound: Vec<SessionId>,
    outbound: Vec<SessionId>,
}

impl Ours {
    pub(super) fn new(load: Load, backend: BackendChoice, burst: usize) -> Result<Self> {
        let mut srtp = Srtp::new(Config { backend, ..Config::default() });
        let mut inbound = Vec::new();
        let mut outbound = Vec::new();
        for flow in 0..load.flows {
            inbound.push(srtp.insert(Direction::Inbound, &inbound_keying(load.suite, flow))?);
            outbound.push(srtp.insert(Direction::Outbound, &outbound_keying(load.suite, flow))?);
        }
        Ok(Self { load, burst, source: Source::new(load)?, srtp, inbound, outbound })
    }
}

impl Contender for Ours {
    fn name(&self) -> &'static str {
        self.srtp.backend_name()
    }

    fn prepare(&mut self) {
        self.source.fill();
    }

    fn process(&mut self) -> usize {
        let Self { load, burst, source, srtp, inbound, outbound } = self;
        let mut done = 0;
        for packets in source.packets.chunks_mut(*burst) {
            let mut flows = [0; 64];
            let mut jobs = arrayvec::ArrayVec::<_, 64>::new();
            let first = if load.operation == Operation::Protect { &*outbound } else { &*inbound };
            for (packet, flow) in packets.iter_mut().zip(&mut flows) {
                *flow = packet.flow;
                jobs.push(Job::new(first[packet.flow], &mut packet.octets, packet.len));
            }
            if load.operation != Operation::Protect {
                srtp.unprotect_rtp(&mut jobs);
            }
            if load.operation == Operation::Relay {
                for (job, flow) in jobs.iter_mut().zip(flows) {
                    job.session = outbound[flow];
                }
            }
            if load.operation != Operation::Unprotect {
                srtp.protect_rtp(&mut jobs);
            }
            done += jobs.iter().filter(|job| job.result.is_ok()).count();
        }
        done
    }
}
