//! smoltcp's network card: two queues of IP packets.

use std::collections::VecDeque;

use smoltcp::phy::{Checksum, Device, DeviceCapabilities, Medium, PacketMeta, RxToken, TxToken};
use smoltcp::time::Instant;

/// Packets that wait at most, each way.
const QUEUE: usize = 256;
/// The longest IP packet there is: fragments are not smoltcp's business.
const MTU: usize = 65_535;

/// Packets on their way into smoltcp, with their marks, and out of it.
#[derive(Default)]
pub(crate) struct Queues {
    pub(crate) incoming: VecDeque<(u32, Vec<u8>)>,
    pub(crate) outgoing: VecDeque<Vec<u8>>,
}

impl Queues {
    /// Whether there was room.
    pub(crate) fn push(&mut self, mark: u32, packet: Vec<u8>) -> bool {
        let room = self.incoming.len() < QUEUE;
        if room {
            self.incoming.push_back((mark, packet));
        }
        room
    }
}

impl Device for Queues {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _now: Instant) -> Option<(Received, Sending<'_>)> {
        let (mark, packet) = self.incoming.pop_front()?;
        Some((Received { mark, packet }, Sending(&mut self.outgoing)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Sending<'_>> {
        (self.outgoing.len() < QUEUE).then_some(Sending(&mut self.outgoing))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = MTU;
        capabilities.checksum.ipv4 = Checksum::Both;
        capabilities
    }
}

pub(crate) struct Received {
    mark: u32,
    packet: Vec<u8>,
}

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, work: F) -> R {
        work(&self.packet)
    }

    fn meta(&self) -> PacketMeta {
        let mut meta = PacketMeta::default();
        meta.id = self.mark;
        meta
    }
}

pub(crate) struct Sending<'a>(&'a mut VecDeque<Vec<u8>>);

impl TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, work: F) -> R {
        let mut packet = vec![0; len];
        let result = work(&mut packet);
        self.0.push_back(packet);
        result
    }
}
