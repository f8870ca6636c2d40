//! Ours, with one of its backends.

use anyhow::Result;
use arrayvec::ArrayVec;
use srtp::{BackendChoice, Config, Direction, Job, SessionId, Srtp};

use super::contender::Contender;
use super::load::{Load, Operation, Source, inbound_keying, outbound_keying};

/// Packets in a burst: as many as the engine hands over at most.
pub(super) const BURST: usize = 64;

pub(super) struct Ours {
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
            inbound.push(srtp.insert(Direction::Inbound, &inbound_keying(load, flow))?);
            outbound.push(srtp.insert(Direction::Outbound, &outbound_keying(load, flow))?);
        }
        Ok(Self { burst, source: Source::new(load)?, srtp, inbound, outbound })
    }
}

impl Contender for Ours {
    fn name(&self) -> &'static str {
        self.srtp.backend_name()
    }

    fn source(&mut self) -> &mut Source {
        &mut self.source
    }

    fn process(&mut self, operation: Operation) -> usize {
        let Self { burst, source, srtp, inbound, outbound } = self;
        let first = if operation == Operation::Protect { &*outbound } else { &*inbound };
        let mut done = 0;
        let mut rest = &mut source.packets[..];
        while !rest.is_empty() {
            let (packets, later) = rest.split_at_mut((*burst).min(rest.len()));
            rest = later;
            let flows: ArrayVec<_, BURST> = packets.iter().map(|packet| packet.flow).collect();
            let mut jobs: ArrayVec<_, BURST> = packets
                .iter_mut()
                .map(|packet| Job::new(first[packet.flow], &mut packet.octets, packet.len))
                .collect();
            if operation == Operation::Relay {
                flows.iter().for_each(|&flow| srtp.prefetch(outbound[flow]));
            }
            if operation != Operation::Protect {
                srtp.unprotect_rtp(&mut jobs);
            }
            // The contexts of the burst behind this one, which the engine knows by now.
            rest.iter().take(*burst).for_each(|packet| srtp.prefetch(first[packet.flow]));
            if operation == Operation::Relay {
                for (job, flow) in jobs.iter_mut().zip(flows) {
                    job.session = outbound[flow];
                }
            }
            if operation != Operation::Unprotect {
                srtp.protect_rtp(&mut jobs);
            }
            done += jobs.iter().filter(|job| job.result.is_ok()).count();
        }
        done
    }
}
