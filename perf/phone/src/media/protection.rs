//! SRTP for one direction of one stream.

use srtp::{Config, Direction, Error, Job, Keying, MAX_TRAILER, SessionId, Srtp};

/// Encrypts or decrypts one direction.
pub(super) struct Protection {
    srtp: Srtp,
    session: SessionId,
}

/// SSRCs a sender may show one after the other.
const SSRCS: usize = 4;

impl Protection {
    pub(super) fn new(direction: Direction, key: &Keying) -> Self {
        let config = Config { max_sessions: 1, max_ssrcs_per_session: SSRCS, ..Config::default() };
        let mut srtp = Srtp::new(config);
        let session = srtp.insert(direction, key).expect("there is room for one session");
        Self { srtp, session }
    }

    /// RTP to SRTP.
    pub(super) fn protect_rtp(&mut self, packet: &mut Vec<u8>) -> Result<(), Error> {
        self.protect(packet, Srtp::protect_rtp)
    }

    /// RTCP to SRTCP.
    pub(super) fn protect_rtcp(&mut self, packet: &mut Vec<u8>) -> Result<(), Error> {
        self.protect(packet, Srtp::protect_rtcp)
    }

    /// SRTP to RTP: how long the packet is then.
    pub(super) fn open_rtp(&mut self, packet: &mut [u8]) -> Result<usize, Error> {
        self.open(packet, Srtp::unprotect_rtp)
    }

    /// SRTCP to RTCP: how long the packet is then.
    pub(super) fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, Error> {
        self.open(packet, Srtp::unprotect_rtcp)
    }

    fn protect(
        &mut self,
        packet: &mut Vec<u8>,
        transform: fn(&mut Srtp, &mut [Job<'_>]),
    ) -> Result<(), Error> {
        let len = packet.len();
        packet.resize(len + MAX_TRAILER, 0);
        let mut jobs = [Job::new(self.session, packet, len)];
        transform(&mut self.srtp, &mut jobs);
        let (len, result) = (jobs[0].len, jobs[0].result);
        packet.truncate(len);
        result
    }

    fn open(
        &mut self,
        packet: &mut [u8],
        transform: fn(&mut Srtp, &mut [Job<'_>]),
    ) -> Result<usize, Error> {
        let len = packet.len();
        let mut jobs = [Job::new(self.session, packet, len)];
        transform(&mut self.srtp, &mut jobs);
        let (len, result) = (jobs[0].len, jobs[0].result);
        result.map(|()| len)
    }
}
