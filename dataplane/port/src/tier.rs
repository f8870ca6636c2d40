use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use abi::{Reception, Rewrite};

use crate::PortId;

/// A place in front of the ports where packets that need no cipher get new headers and leave: the XDP
/// program.
///
/// A flow is one direction of a call. It has a number, chosen by the caller and in use once, and is
/// recognised by the port and the address it arrives at and by its only source. What comes to that
/// address and is anything else goes on to the port as if there were no flow.
pub trait FastTier: Send {
    /// Whether packets that come through `from` can leave through `to`; if not, why, in words for an
    /// operator.
    fn reaches(&self, from: PortId, to: PortId) -> Result<(), Cow<'static, str>>;

    /// Tells whether the interface of a port sends what the tier gives it; if not, why.
    fn set_exit(&mut self, port: PortId, exit: Result<(), Cow<'static, str>>);

    /// Lets a flow that comes through `from` leave; its counters begin at zero.
    fn open(&mut self, from: PortId, flow: &Rewrite) -> io::Result<()>;

    /// Gives what comes to an address to the port, also when it was a flow's, and tells whose it is:
    /// where the tier limits what passes, the peer has a budget of his own, with this number.
    fn expect(
        &mut self,
        from: PortId,
        arrived_at: SocketAddr,
        peer: Option<SocketAddr>,
        budget: u32,
    ) -> io::Result<()>;

    /// What has passed since the flow was opened.
    fn counts(&self, from: PortId, number: u32) -> TierCounts;

    /// Tells the link-layer address of a next hop: it holds for the next packet of every flow that
    /// goes there.
    fn set_hop(&mut self, hop: u32, address: Option<[u8; 6]>);
}

/// What has passed of a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TierCounts {
    /// RTP packets that left.
    pub packets: u64,
    /// Octets of their payload.
    pub octets: u64,
    /// How long ago the last one came; `None` before the first.
    pub silent: Option<Duration>,
    /// Loss and jitter.
    pub reception: Reception,
}
