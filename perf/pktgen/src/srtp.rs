//! Payloads protected beforehand.

use anyhow::{Result, anyhow};
use srtp::{Config, Direction, Job, Keying, Srtp};

use crate::prepared::Prepared;
use crate::stream::Stream;

/// Packets protected together.
const BURST: usize = 64;

/// Fills `prepared` with `count` SRTP packets of the stream, flow by flow under the keys that
/// `keying` gives for it, to the port that `port_of` does.
///
/// `stream.payload_len` is that of the protected packets; their RTP payload is shorter by the tag.
pub fn prepare(
    prepared: &mut Prepared,
    stream: &Stream,
    count: u32,
    keying: impl Fn(u16) -> Keying,
    port_of: impl Fn(u16) -> u16,
) -> Result<()> {
    let mut srtp = Srtp::new(Config { max_sessions: stream.flows.into(), ..Config::default() });
    let sessions = (0..stream.flows)
        .map(|flow| Ok(srtp.insert(Direction::Outbound, &keying(flow))?))
        .collect::<Result<Vec<_>>>()?;
    let tag_len = keying(0).suite().rtp_tag_len();
    let clear = Stream { payload_len: stream.payload_len - tag_len, ..stream.clone() };

    let numbers: Vec<u32> = (0..count).collect();
    for burst in numbers.chunks(BURST) {
        let mut packets: Vec<Vec<u8>> = burst
            .iter()
            .map(|&number| {
                let mut packet = clear.rtp(number);
                packet.resize(packet.len() + srtp::MAX_TRAILER, 0);
                packet
            })
            .collect();
        let flow_of = |number: u32| (number % u32::from(stream.flows)) as u16;
        let mut jobs: Vec<Job<'_>> = burst
            .iter()
            .zip(&mut packets)
            .map(|(&number, packet)| {
                Job::new(sessions[usize::from(flow_of(number))], packet, clear.payload_len)
            })
            .collect();
        srtp.protect_rtp(&mut jobs);
        for (&number, job) in burst.iter().zip(&jobs) {
            job.result.map_err(|error| anyhow!("packet {number} cannot be protected: {error}"))?;
            prepared.push(port_of(flow_of(number)), &job.packet[..job.len])?;
        }
    }
    Ok(())
}
