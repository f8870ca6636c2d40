//! The end of sequence numbers, which takes too many packets to reach honestly.

use std::time::Instant;

use crate::{
    Action, Config, Direction, Event, HEADROOM, Ipsec, Keys, Lifetime, LimitKind, Packet, Policy,
    RequestId, SaId, SaSpec, Selector, Suite, TAILROOM, Verdict,
};

/// Two ends with one association, whose next packet has the number after `last`.
struct Ends {
    now: Instant,
    ends: [Ipsec; 2],
    sas: [SaId; 2],
}

impl Ends {
    fn at(suite: Suite, extended: bool, last: u64) -> Self {
        let now = Instant::now();
        let keys = Keys::new(
            suite,
            &vec![1; suite.encryption_key_len()],
            &vec![2; suite.integrity_key_len()],
        );
        let keys = keys.unwrap();
        let (ours, peer) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let (mut ends, mut sas) = (Vec::new(), Vec::new());
        for direction in [Direction::Outbound, Direction::Inbound] {
            let (local, remote) = match direction {
                Direction::Outbound => (ours, peer),
                Direction::Inbound => (peer, ours),
            };
            let mut spec = SaSpec::new(direction, 0x1000, ours, peer, keys.clone(), [3; 16]);
            spec.extended_sequence = extended;
            spec.lifetime = Lifetime::UNLIMITED;
            spec.selectors = vec![Selector::between(local, remote)];
            let mut ipsec = Ipsec::new(Config::default());
            ipsec.set_policies(vec![Policy::new(
                Selector::between(local, remote),
                Action::Protect(RequestId(0)),
            )]);
            let id = ipsec.add_sa(now, spec).unwrap();
            let sa = ipsec.associations.get_mut(id).unwrap();
            match direction {
                Direction::Outbound => (sa.sequence, sa.stats.packets) = (last, last),
                Direction::Inbound => sa.window.commit(last),
            }
            ends.push(ipsec);
            sas.push(id);
        }
        let ends = ends.try_into().unwrap_or_else(|_| unreachable!("two were made"));
        Self { now, ends, sas: [sas[0], sas[1]] }
    }

    fn seal(&mut self) -> (Verdict, Vec<u8>) {
        let mut datagram = vec![
            0x45, 0, 0, 28, 0, 0, 0x40, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 9, 0, 9, 0, 0,
            8, 0, 0,
        ];
        crate::ip::finish_v4(&mut datagram, 20);
        self.work(0, &datagram)
    }

    fn open(&mut self, packet: &[u8]) -> Verdict {
        self.work(1, packet).0
    }

    fn work(&mut self, end: usize, packet: &[u8]) -> (Verdict, Vec<u8>) {
        let mut buffer = vec![0; HEADROOM + packet.len() + TAILROOM];
        buffer[HEADROOM..][..packet.len()].copy_from_slice(packet);
        let mut packets = [Packet::new(&mut buffer, HEADROOM..HEADROOM + packet.len())];
        match end {
            0 => self.ends[0].outbound(self.now, &mut packets),
            _ => self.ends[1].inbound(self.now, &mut packets),
        }
        (packets[0].verdict, packets[0].bytes().to_vec())
    }
}

#[test]
fn extended_numbers_go_on_where_the_low_half_rolls_over() {
    for suite in Suite::ALL {
        let mut ends = Ends::at(suite, true, 0xffff_fff0);
        let mut packets: Vec<_> = (0..32).map(|_| ends.seal().1).collect();
        packets.swap(14, 17);
        packets.swap(2, 30);
        for packet in &packets {
            assert_eq!(ends.open(packet), Verdict::Protected(ends.sas[1]), "{suite}");
        }
        for packet in &packets {
            assert!(matches!(ends.open(packet), Verdict::Drop(_)));
        }
        assert_eq!(ends.ends[1].sa(ends.sas[1]).unwrap().sequence, 0x1_0000_0010);
    }
}

#[test]
fn numbers_that_are_not_extended_end_before_they_roll_over() {
    let mut ends = Ends::at(Suite::AesGcm128, false, 0xffff_fffd);
    for _ in 0..2 {
        let (verdict, packet) = ends.seal();
        assert_eq!(verdict, Verdict::Protected(ends.sas[0]));
        assert_eq!(ends.open(&packet), Verdict::Protected(ends.sas[1]));
    }
    let told: Vec<_> = std::iter::from_fn(|| ends.ends[0].poll_event()).collect();
    let (sa, limit) = (ends.sas[0], LimitKind::Packets);
    assert_eq!(told, [Event::SoftLimit { sa, limit }, Event::HardLimit { sa, limit }]);
    assert!(matches!(ends.seal().0, Verdict::Drop(_)));
    assert_eq!(ends.ends[0].sa(sa).unwrap().sequence, 0xffff_ffff);
}
