//! What a station shows, rings and sounds.

use crate::codes::{
    ButtonType, CallStatus, Disposition, LampMode, MwiResult, Privacy, RingDuration, RingMode,
    Switch, Tone, ToneDirection,
};
use crate::layout::message;
use crate::number::{CallRef, LineInstance, Number};
use crate::text::{Text, Unbounded};

message! {
    /// Sounds a tone.
    0x0082 StartTone from Server {
        /// Which.
        0  tone: Tone,
        /// To whom.
        4  direction: ToneDirection,
        /// On which line.
        8  line: LineInstance,
        /// In which call.
        12 call: CallRef,
    }
}

message! {
    /// Ends a tone.
    0x0083 StopTone from Server {
        /// On which line.
        0 line: LineInstance,
        /// In which call.
        4 call: CallRef,
        /// Which; silence is any.
        8 tone: Tone [sent since 11],
    }
}

message! {
    /// Rings.
    0x0085 SetRinger from Server {
        /// How.
        0  mode: RingMode,
        /// How long.
        4  duration: RingDuration,
        /// On which line.
        8  line: LineInstance,
        /// For which call.
        12 call: CallRef,
    }
}

message! {
    /// Switches a lamp: that of voicemail with instance 0 is on the handset.
    0x0086 SetLamp from Server {
        /// Of buttons with which function.
        0 stimulus: ButtonType,
        /// Of which one of them.
        4 instance: LineInstance,
        /// How it shines.
        8 mode: LampMode,
    }
}

message! {
    /// Looks out for hook flashes.
    0x0087 SetHookFlashDetect from Server
}

message! {
    /// Switches the speaker: on begins to talk without handset, off ends it.
    0x0088 SetSpeakerMode from Server {
        /// On or off.
        0 mode: Switch,
    }
}

message! {
    /// Switches the microphone.
    0x0089 SetMicroMode from Server {
        /// On or off.
        0 mode: Switch,
    }
}

message! {
    /// Shows text on old displays.
    0x0099 DisplayText from Server {
        /// The text.
        0 text: Text<32>,
    }
}

message! {
    /// Empties an old display.
    0x009a ClearDisplay from Server
}

message! {
    /// What a call is doing.
    0x0111 CallState from Server {
        /// This.
        0  state: CallStatus,
        /// On which line.
        4  line: LineInstance,
        /// Which call.
        8  call: CallRef,
        /// What others see of it.
        12 privacy: Privacy,
        /// 4 is normal.
        16 precedence_level: u32,
        /// 0
        20 precedence_domain: u32,
    }
}

message! {
    /// Shows text in the prompt line.
    0x0112 DisplayPromptStatus from Server {
        /// Seconds; 0 is until it is cleared.
        0  timeout: u32,
        /// The text.
        4  text: Text<32>,
        /// For which line.
        36 line: LineInstance,
        /// For which call.
        40 call: CallRef,
    }
}

message! {
    /// [`DisplayPromptStatus`] with text of any length.
    0x0145 DisplayPromptStatusV2 from Server {
        /// Seconds; 0 is until it is cleared.
        0  timeout: u32,
        /// For which line.
        4  line: LineInstance,
        /// For which call.
        8  call: CallRef,
        /// The text.
        12 text: Unbounded [then padding],
    }
}

message! {
    /// Empties the prompt line.
    0x0113 ClearPromptStatus from Server {
        /// For which line.
        0 line: LineInstance,
        /// For which call.
        4 call: CallRef,
    }
}

message! {
    /// Shows a notice.
    0x0114 DisplayNotify from Server {
        /// Seconds; 0 is until it is cleared.
        0 timeout: u32,
        /// The text.
        4 text: Text<32>,
    }
}

message! {
    /// [`DisplayNotify`] with text of any length.
    0x0143 DisplayNotifyV2 from Server {
        /// Seconds; 0 is until it is cleared.
        0 timeout: u32,
        /// The text.
        4 text: Unbounded [then padding],
    }
}

message! {
    /// Takes the notice away.
    0x0115 ClearNotify from Server
}

message! {
    /// Shows a notice that others do not cover.
    0x0120 DisplayPriNotify from Server {
        /// Seconds; 0 is until it is cleared.
        0 timeout: u32,
        /// Lower numbers win.
        4 priority: u32,
        /// The text.
        8 text: Text<32>,
    }
}

message! {
    /// [`DisplayPriNotify`] with text of any length.
    0x0144 DisplayPriNotifyV2 from Server {
        /// Seconds; 0 is until it is cleared.
        0 timeout: u32,
        /// Lower numbers win.
        4 priority: u32,
        /// The text.
        8 text: Unbounded [then padding],
    }
}

message! {
    /// Takes a notice with a priority away.
    0x0121 ClearPriNotify from Server {
        /// Which.
        0 priority: u32,
    }
}

message! {
    /// Shows the calls of a line.
    0x0116 ActivateCallPlane from Server {
        /// Which line.
        0 line: LineInstance,
    }
}

message! {
    /// Shows no calls.
    0x0117 DeactivateCallPlane from Server
}

message! {
    /// Takes the last digit from the display.
    0x0119 BackSpace from Server {
        /// On which line.
        0 line: LineInstance,
        /// In which call.
        4 call: CallRef,
    }
}

message! {
    /// What was dialled, for redial and the list of calls.
    0x011d DialedNumber from Server {
        /// The number.
        0  number: Number,
        /// On which line.
        24 line: LineInstance,
        /// In which call.
        28 call: CallRef,
    }
}

message! {
    /// Marks a call as selected.
    0x0130 CallSelectStat from Server {
        /// 1 if it is.
        0 status: u32,
        /// Which call.
        4 call: CallRef,
        /// On which line.
        8 line: LineInstance,
    }
}

message! {
    /// Into which list of calls a call goes.
    0x0156 CallHistoryInfo from Server {
        /// Which list.
        0 disposition: Disposition,
        /// On which line.
        4 line: LineInstance,
        /// Which call.
        8 call: CallRef,
    }
}

message! {
    /// The answer to [`MwiNotification`](crate::phone::MwiNotification).
    0x0158 MwiResponse from Server {
        /// Whose mailbox.
        0  target_number: Text<25> [then 3 zero],
        /// What became of it.
        28 result: MwiResult,
    }
}
