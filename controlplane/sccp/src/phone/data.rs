//! Data of applications on a station, and messages waiting in a mailbox.

use std::fmt;

use crate::body::{Field, Input, Output};
use crate::layout::{block, message};
use crate::list::Data;
use crate::number::{CallRef, ConferenceId, LineInstance};
use crate::text::Text;

block! {
    /// Data to or from an application on a station.
    ApplicationData {
        /// Which application.
        0  application: u32,
        /// On which line.
        4  line: LineInstance,
        /// In which call.
        8  call: CallRef,
        /// Repeated in the answer.
        12 transaction: u32 [then length of data],
        /// The data, XML in most cases.
        20 data: Data<2000>,
    }
}

block! {
    /// Data to or from an application on a station, maybe in several messages.
    ApplicationDataVersion1 {
        /// Which application.
        0  application: u32,
        /// On which line.
        4  line: LineInstance,
        /// In which call.
        8  call: CallRef,
        /// Repeated in the answer.
        12 transaction: u32 [then length of data],
        /// 0 first, 1 more, 2 last.
        20 sequence: u32,
        /// Whose data is shown if there is more than one.
        24 display_priority: u32,
        /// In which conference.
        28 conference: ConferenceId,
        /// Which instance of the application.
        32 application_instance: u32,
        /// Where the data goes.
        36 routing: u32,
        /// The data, XML in most cases.
        40 data: Data<2000>,
    }
}

message! {
    /// An application on the station has something to say.
    0x002e DeviceToUserData from Phone, at least 20 {
        /// All of it.
        0 content: ApplicationData,
    }
}

message! {
    /// What became of [`UserToDeviceData`](crate::server::UserToDeviceData).
    0x002f DeviceToUserDataResponse from Phone, at least 20 {
        /// All of it.
        0 content: ApplicationData,
    }
}

message! {
    /// The second form of [`DeviceToUserData`].
    0x0041 DeviceToUserDataVersion1 from Phone, at least 40 {
        /// All of it.
        0 content: ApplicationDataVersion1,
    }
}

message! {
    /// The second form of [`DeviceToUserDataResponse`].
    0x0042 DeviceToUserDataResponseVersion1 from Phone, at least 40 {
        /// All of it.
        0 content: ApplicationDataVersion1,
    }
}

block! {
    /// How many messages wait.
    Waiting {
        /// Not yet heard.
        0 new: u32,
        /// Heard.
        4 old: u32,
    }
}

message! {
    /// A voicemail server says what waits in a mailbox.
    0x004c MwiNotification from Phone, at least 54 {
        /// Whose mailbox.
        0  target_number: Text<25>,
        /// Who says so.
        25 control_number: Text<25>,
        /// Whether the lamp is to shine.
        50 messages_waiting: AfterOptionalPadding,
        /// Voice messages.
        56 voice: Waiting,
        /// Urgent voice messages.
        64 priority_voice: Waiting,
        /// Fax messages.
        72 fax: Waiting,
        /// Urgent fax messages.
        80 priority_fax: Waiting,
    }
}

/// A number before which there are two bytes of padding in messages of 88 bytes, and none in
/// shorter ones. Written with padding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AfterOptionalPadding(pub u32);

impl Field for AfterOptionalPadding {
    fn read(input: &mut Input<'_>) -> Self {
        if input.length() >= 88 {
            input.take(2);
        }
        Self(Field::read(input))
    }

    fn write(&self, output: &mut Output) {
        output.align();
        self.0.write(output);
    }
}

impl fmt::Display for AfterOptionalPadding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
