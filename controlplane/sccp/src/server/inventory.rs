//! What a station has: lines, buttons, servers, the time.

use std::fmt;

use crate::body::{Field, Input, Output};
use crate::codes::ButtonType;
use crate::layout::message;
use crate::list::{Entry, Slots, Table};
use crate::number::{LineInstance, Number};
use crate::text::{Text, Unbounded};
use crate::{Address, CallRef, Port};

message! {
    /// The firmware that a station is to have.
    0x0098 VersionRes from Server {
        /// Empty, or what it has already: it stays as it is.
        0 load_name: Text<16>,
    }
}

message! {
    /// The station as a whole.
    0x0093 ConfigStat from Server {
        /// Its name.
        0   device_name: Text<16>,
        /// Reserved.
        16  user_id: u32,
        /// As in its registration.
        20  instance: u32,
        /// Whose it is.
        24  user_name: Text<40>,
        /// Who serves it.
        64  server_name: Text<40>,
        /// How many lines it has.
        104 lines: u32,
        /// How many speed dials it has.
        108 speed_dials: u32,
    }
}

message! {
    /// [`ConfigStat`] with strings of any length.
    0x0142 ConfigStatV2 from Server {
        /// Its name.
        0  device_name: Text<16>,
        /// Reserved.
        16 user_id: u32,
        /// As in its registration.
        20 instance: u32,
        /// How many lines it has.
        24 lines: u32,
        /// How many speed dials it has.
        28 speed_dials: u32,
        /// Whose it is.
        32 user_name: Unbounded,
        /// Who serves it.
        _  server_name: Unbounded [then padding],
    }
}

message! {
    /// A line.
    0x0092 LineStat from Server {
        /// Which.
        0   line: LineInstance,
        /// Its number.
        4   directory_number: Text<24>,
        /// Its name in full.
        28  full_name: Text<40>,
        /// What stands beside its button.
        68  label: Text<40>,
        /// What is shown of forwarded calls: bits 1 number dialled, 2 number redirected to, 4 number
        /// and 8 name of the caller.
        108 display_options: u32,
    }
}

message! {
    /// [`LineStat`] with strings of any length.
    0x0147 LineStatV2 from Server {
        /// Which.
        0 line: LineInstance,
        /// As in [`LineStat`].
        4 display_options: u32,
        /// Its number.
        8 directory_number: Unbounded,
        /// Its name in full.
        _ full_name: Unbounded,
        /// What stands beside its button.
        _ label: Unbounded [then padding],
    }
}

message! {
    /// A speed dial.
    0x0091 SpeedDialStat from Server {
        /// Which.
        0  number: u32,
        /// What it dials; empty if there is no such speed dial.
        4  directory_number: Text<24>,
        /// What stands beside its button.
        28 display_name: Text<40>,
    }
}

message! {
    /// [`SpeedDialStat`] with strings of any length.
    0x0149 SpeedDialStatV2 from Server {
        /// Which.
        0 number: u32,
        /// What it dials.
        4 directory_number: Unbounded,
        /// What stands beside its button.
        _ display_name: Unbounded [then padding],
    }
}

message! {
    /// Where a line is forwarded to.
    0x0090 ForwardStat from Server {
        /// 1 if it is forwarded at all.
        0  any_active: u32,
        /// Which line.
        4  line: LineInstance,
        /// 1 if always.
        8  all_active: u32,
        /// To whom always.
        12 all_number: Number,
        /// 1 if it is forwarded when it is busy.
        36 busy_active: u32,
        /// To whom when it is busy.
        40 busy_number: Number,
        /// 1 if it is forwarded when nobody answers.
        64 no_answer_active: u32,
        /// To whom when nobody answers.
        68 no_answer_number: Number,
    }
}

message! {
    /// A button with a feature.
    0x011f FeatureStat from Server {
        /// Which.
        0  index: u32,
        /// Its feature.
        4  feature: ButtonType,
        /// What stands beside the button.
        8  label: Text<40>,
        /// 1 if the feature is on.
        48 status: u32,
    }
}

message! {
    /// [`FeatureStat`] with a string of any length.
    0x0146 FeatureStatV2 from Server {
        /// Which.
        0  index: u32,
        /// Its feature.
        4  feature: ButtonType,
        /// 1 if the feature is on.
        8  status: u32,
        /// What stands beside the button.
        12 label: Unbounded [then padding],
    }
}

message! {
    /// A button that opens an XML service.
    0x012f ServiceUrlStat from Server {
        /// Which.
        0   index: u32,
        /// The service.
        4   url: Text<256>,
        /// What stands beside the button.
        260 name: Text<40>,
    }
}

message! {
    /// [`ServiceUrlStat`] with strings of any length.
    0x0148 ServiceUrlStatV2 from Server {
        /// Which.
        0 index: u32,
        /// The service.
        4 url: Unbounded,
        /// What stands beside the button.
        _ name: Unbounded [then padding],
    }
}

message! {
    /// The time, local in the fields.
    0x0094 DefineTimeDate from Server {
        /// For instance 2004.
        0  year: u32,
        /// From 1.
        4  month: u32,
        /// 0 is Sunday.
        8  day_of_week: u32,
        /// From 1.
        12 day: u32,
        /// To 23.
        16 hour: u32,
        /// To 59.
        20 minute: u32,
        /// To 59.
        24 second: u32,
        /// To 999.
        28 millisecond: u32,
        /// Seconds since 1970, UTC.
        32 unix_time: u32,
    }
}

message! {
    /// The servers of a station, the preferred one first.
    0x009e ServerRes from Server, wide from 360 {
        /// Their names; empty where there is none.
        0   names: Slots<Text<48>, 5>,
        /// Their ports.
        240 ports: Slots<Port, 5>,
        /// Their addresses.
        260 addresses: Slots<Address, 5>,
    }
}

message! {
    /// What the buttons are for.
    0x0097 ButtonTemplate from Server {
        /// The buttons, from the first on.
        0 buttons: Table<Button, 42, 56>,
    }
}

/// A button: `instance u8 · type u8`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Button {
    /// Which of the buttons of its type, from 1.
    pub instance: u8,
    /// What it is for: a type above 255 is written as undefined.
    pub kind: ButtonType,
}

impl Field for Button {
    fn read(input: &mut Input<'_>) -> Self {
        Self { instance: Field::read(input), kind: ButtonType(u8::read(input).into()) }
    }

    fn write(&self, output: &mut Output) {
        self.instance.write(output);
        u8::try_from(self.kind.0).unwrap_or(0xff).write(output);
    }
}

impl fmt::Display for Button {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.instance)
    }
}

impl Entry for Button {
    const SIZE: usize = 2;

    fn unused() -> Self {
        Self { instance: 0, kind: ButtonType::UNDEFINED }
    }
}

message! {
    /// How many packets came and went on a call? Answer:
    /// [`ConnectionStatisticsRes`](crate::phone::ConnectionStatisticsRes).
    0x0107 ConnectionStatisticsReq from Server {
        /// Repeated in the answer.
        0  directory_number: Number [then 3 zero since 18],
        /// Which call.
        24 call: CallRef,
        /// Whether the counters go on.
        28 mode: crate::codes::ProcessingMode,
    }
}
