//! Registration, and the end of it.

use crate::codes::{ResetKind, UnregisterStatus};
use crate::layout::message;
use crate::number::Features;
use crate::text::Text;

message! {
    /// The answer to [`Register`](crate::phone::Register): welcome.
    0x0081 RegisterAck from Server, at least 20 {
        /// Seconds between two signs of life, to the server that serves the station.
        0  keep_alive_interval: u32,
        /// Order and separators of dates: `M/D/Y`; an `A` at the end is the 12-hour clock.
        4  date_template: Text<6> [then 2 zero],
        /// Seconds between two signs of life, to a server that stands by.
        12 secondary_keep_alive_interval: u32,
        /// The highest version that the server knows, or what the two agree on.
        16 protocol_version: u8,
        /// See [`Features::of_server`].
        17 features: Features,
    }
}

message! {
    /// The answer to [`Register`](crate::phone::Register): no.
    0x009d RegisterReject from Server {
        /// Why; the telephone shows it.
        0 text: Text<32>,
    }
}

message! {
    /// Which codecs does the station know?
    0x009b CapabilitiesReq from Server
}

message! {
    /// The answer to [`KeepAlive`](crate::phone::KeepAlive).
    0x0100 KeepAliveAck from Server
}

message! {
    /// The answer to [`Unregister`](crate::phone::Unregister).
    0x0118 UnregisterAck from Server {
        /// Whether it may go.
        0 status: UnregisterStatus,
    }
}

message! {
    /// The station starts anew, when its call has ended.
    0x009f Reset from Server {
        /// How.
        0 kind: ResetKind,
    }
}

message! {
    /// The answer to [`RegisterTokenReq`](crate::phone::RegisterTokenReq): come back.
    0x011a RegisterTokenAck from Server
}

message! {
    /// The answer to [`RegisterTokenReq`](crate::phone::RegisterTokenReq): later.
    0x011b RegisterTokenReject from Server {
        /// In so many seconds it may ask again.
        0 wait_seconds: u32,
    }
}
