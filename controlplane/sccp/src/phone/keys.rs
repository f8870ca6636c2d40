//! What users press, and voicemail ports in their stead.

use std::fmt;

use crate::body::{Field, Input, Output};
use crate::codes::{ButtonType, Key};
use crate::layout::message;
use crate::number::{CallRef, LineInstance, Number};
use crate::version::Version;

message! {
    /// A key of the dial pad. Before version 15 the line may be that of another button: the call
    /// counts.
    0x0003 KeypadButton from Phone, at least 4 {
        /// Which key.
        0 button: Key,
        /// On which line.
        4 line: LineInstance,
        /// In which call; 0 or absent: the active one.
        8 call: CallRef,
    }
}

message! {
    /// A whole number at once, from a list or by redial.
    0x0004 EnblocCall from Phone, at least 1 {
        /// The number.
        0  called_party: Number,
        /// From which line; not sent by old loads.
        24 line: LineBehindNumber,
    }
}

message! {
    /// A key with a fixed function.
    0x0005 Stimulus from Phone, at least 8 {
        /// Which function.
        0  stimulus: ButtonType,
        /// Which of the buttons with that function; the line in most cases.
        4  instance: LineInstance,
        /// In which call.
        8  call: CallRef,
        /// Not used.
        12 status: u32,
    }
}

message! {
    /// The handset was lifted. Without a call it answers what rings or begins a call.
    0x0006 OffHook from Phone {
        /// On which line.
        0 line: LineInstance,
        /// Which call is answered.
        4 call: CallRef,
    }
}

message! {
    /// The handset was put down. Without a call it ends the active one.
    0x0007 OnHook from Phone {
        /// On which line.
        0 line: LineInstance,
        /// Which call is ended.
        4 call: CallRef,
    }
}

message! {
    /// The hook was pressed shortly.
    0x0008 HookFlash from Phone {
        /// On which line.
        0 line: LineInstance,
        /// In which call.
        4 call: CallRef,
    }
}

message! {
    /// A voicemail port begins a call in the name of another number, to switch a lamp.
    0x0024 OffHookWithCgpn from Phone, at least 48 {
        /// Whose lamp.
        0  calling_party: Number,
        /// Its mailbox.
        24 calling_party_voice_mailbox: Number,
        /// On which line.
        48 line: LineInstance,
    }
}

message! {
    /// A soft key.
    0x0026 SoftKeyEvent from Phone, at least 4 {
        /// The number that the template of the session gave it.
        0 event: u32,
        /// On which line.
        4 line: LineInstance,
        /// In which call; 0 or absent: the active one.
        8 call: CallRef,
    }
}

/// A line behind a [`Number`]. From version 18 on it stands right behind its 25 bytes in messages
/// of some stations, and three bytes further in those of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineBehindNumber(pub LineInstance);

impl Field for LineBehindNumber {
    fn read(input: &mut Input<'_>) -> Self {
        // No station has so many lines that three zeros could be the beginning of one.
        match input.remaining() {
            [0, 0, 0, ..] if input.version >= Version::of(18) => {
                input.take(3);
                Self(LineInstance(u32::read(input) & 0x00ff_ffff))
            }
            _ => Self(Field::read(input)),
        }
    }

    fn write(&self, output: &mut Output) {
        self.0.write(output);
        output.align();
    }
}

impl fmt::Display for LineBehindNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
