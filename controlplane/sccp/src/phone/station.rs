//! Registration, questions about lines and buttons, alarms.

use crate::codes::{MediaPath, PathCapability, Severity, Switch, UnregisterReason};
use crate::layout::message;
use crate::number::{Bytes, Features};
use crate::text::Text;
use crate::{Ip4, Version};

message! {
    /// It lives. The server answers [`KeepAliveAck`](crate::server::KeepAliveAck) at once.
    0x0000 KeepAlive from Phone
}

message! {
    /// A station wants to be served. Old loads end anywhere behind `active_streams`.
    0x0001 Register from Phone, at least 36 {
        /// `SEP` and twelve hexadecimal digits of a telephone, other names of other stations.
        0   device_name: Text<16>,
        /// Reserved.
        16  user_id: u32,
        /// 0 or 1.
        20  instance: u32,
        /// What the station takes for its address.
        24  address: Ip4,
        /// Its model.
        28  device_type: crate::codes::DeviceType,
        /// RTP streams it can have.
        32  max_streams: u32,
        /// RTP streams that are still up, from a call through another server.
        36  active_streams: u32,
        /// The highest version it knows; see [`Register::version`].
        40  protocol_version: u8 [sent since 4],
        /// What else it can do.
        41  features: Features [sent since 4],
        /// Usually 0.
        44  max_conferences: u32 [sent since 4],
        /// Usually 0.
        48  active_conferences: u32 [sent since 4],
        /// Not to be trusted: old loads leave rubbish here.
        52  mac_address: Bytes<6> [sent since 4],
        /// More of the same.
        58  mac_padding: Bytes<6> [sent since 4],
        /// 0
        64  ipv4_scope: u32 [sent since 4],
        /// Buttons it can use.
        68  max_lines: u32 [sent since 17],
        /// Its IPv6 address.
        72  ipv6_address: Bytes<16> [sent since 17],
        /// 0
        88  ipv6_scope: u32 [sent since 17],
        /// Its firmware.
        92  load_name: Text<32> [sent since 17],
        /// Which configuration it has.
        124 configuration_stamp: Text<48> [sent since 20],
    }
}

impl Register {
    /// The highest version that the station knows.
    pub fn version(&self) -> Version {
        Version::of(self.protocol_version)
    }
}

message! {
    /// The first port on which it would receive media.
    0x0002 IpPort from Phone {
        /// The port.
        0 rtp_port: crate::Port,
    }
}

message! {
    /// Where is a line forwarded to? Answer: [`ForwardStat`](crate::server::ForwardStat).
    0x0009 ForwardStatReq from Phone, at least 4 {
        /// Which.
        0 line: crate::LineInstance,
    }
}

message! {
    /// What does a speed dial button dial? Answer: [`SpeedDialStat`](crate::server::SpeedDialStat).
    0x000a SpeedDialStatReq from Phone, at least 4 {
        /// Which, from 1.
        0 number: u32,
    }
}

message! {
    /// What is a line called? Answer: [`LineStat`](crate::server::LineStat).
    0x000b LineStatReq from Phone, at least 4 {
        /// Which.
        0 line: crate::LineInstance,
    }
}

message! {
    /// Answer: [`ConfigStat`](crate::server::ConfigStat).
    0x000c ConfigStatReq from Phone
}

message! {
    /// The last question of a registration. Answer: [`DefineTimeDate`](crate::server::DefineTimeDate).
    0x000d TimeDateReq from Phone
}

message! {
    /// Answer: [`ButtonTemplate`](crate::server::ButtonTemplate).
    0x000e ButtonTemplateReq from Phone
}

message! {
    /// Answer: [`VersionRes`](crate::server::VersionRes).
    0x000f VersionReq from Phone
}

message! {
    /// Answer: [`ServerRes`](crate::server::ServerRes).
    0x0012 ServerReq from Phone
}

message! {
    /// Answer: [`SoftKeySetRes`](crate::server::SoftKeySetRes).
    0x0025 SoftKeySetReq from Phone
}

message! {
    /// Answer: [`SoftKeyTemplateRes`](crate::server::SoftKeyTemplateRes).
    0x0028 SoftKeyTemplateReq from Phone
}

message! {
    /// It goes. Answer: [`UnregisterAck`](crate::server::UnregisterAck).
    0x0027 Unregister from Phone {
        /// Why.
        0 reason: UnregisterReason,
    }
}

message! {
    /// May it come back to this server, which it prefers to the one that serves it?
    0x0029 RegisterTokenReq from Phone, at least 32 {
        /// As in [`Register`].
        0  device_name: Text<16>,
        /// Reserved.
        16 user_id: u32,
        /// 0 or 1.
        20 instance: u32,
        /// In an order of bytes about which stations differ: of no use.
        24 address: Bytes<4>,
        /// Its model.
        28 device_type: crate::codes::DeviceType,
        /// Its IPv6 address: zeros from old loads, or nothing.
        32 ipv6_address: Bytes<16>,
    }
}

message! {
    /// A headset was plugged in or out.
    0x002b HeadsetStatus from Phone, at least 4 {
        /// Whether there is one.
        0 status: Switch,
    }
}

message! {
    /// How many lines it can show.
    0x002d RegisterAvailableLines from Phone, at least 4 {
        /// So many.
        0 max_lines: u32,
    }
}

message! {
    /// Answer: [`ServiceUrlStat`](crate::server::ServiceUrlStat).
    0x0033 ServiceUrlStatReq from Phone, at least 4 {
        /// Which service button, from 1.
        0 index: u32,
    }
}

message! {
    /// Answer: [`FeatureStat`](crate::server::FeatureStat).
    0x0034 FeatureStatReq from Phone, at least 4 {
        /// Which feature button, from 1.
        0 index: u32,
        /// Not sent by old loads.
        4 capabilities: u32,
    }
}

message! {
    /// It wants to be told when another line is busy.
    0x0048 SubscriptionStatReq from Phone {
        /// Repeated in the answer.
        0  transaction: u32,
        /// 1: whether the line is busy.
        4  feature: u32,
        /// Seconds.
        8  timer: u32,
        /// The other line.
        12 subscription: Text<256>,
    }
}

message! {
    /// The user went over to another ear piece.
    0x0049 MediaPathEvent from Phone {
        /// Which.
        0 path: MediaPath,
        /// Whether it is used now.
        4 event: Switch,
    }
}

message! {
    /// What can be done with an ear piece.
    0x004a MediaPathCapability from Phone {
        /// Which.
        0 path: MediaPath,
        /// What.
        4 capability: PathCapability,
    }
}

message! {
    /// A conference bridge or another media resource says what it is worth.
    0x002c MediaResourceNotification from Phone {
        /// Which kind.
        0  device_type: crate::codes::DeviceType,
        /// Streams in service.
        4  in_service: u32,
        /// Streams in one conference.
        8  max_per_conference: u32,
        /// Streams out of service.
        12 out_of_service: u32,
    }
}

message! {
    /// What happened to the station: why it was away, what it could not verify.
    0x0020 Alarm from Phone, at least 4 {
        /// How bad it is.
        0  severity: Severity,
        /// `NN: Name=<device> Load=<load> Last=<reason>`, or what else it has to say.
        4  text: Text<80>,
        /// For logs.
        84 parameter1: u32,
        /// Often the station's address.
        88 parameter2: Ip4,
    }
}
