//! What a telephone shows, rings and sounds.

use super::codes;

codes! {
    /// A tone.
    Tone(u32) {
        0x00 SILENCE "silence"
        0x01 DTMF_1 "DTMF-1"
        0x02 DTMF_2 "DTMF-2"
        0x03 DTMF_3 "DTMF-3"
        0x04 DTMF_4 "DTMF-4"
        0x05 DTMF_5 "DTMF-5"
        0x06 DTMF_6 "DTMF-6"
        0x07 DTMF_7 "DTMF-7"
        0x08 DTMF_8 "DTMF-8"
        0x09 DTMF_9 "DTMF-9"
        0x0a DTMF_0 "DTMF-0"
        0x0e DTMF_STAR "DTMF-*"
        0x0f DTMF_POUND "DTMF-#"
        0x10 DTMF_A "DTMF-A"
        0x11 DTMF_B "DTMF-B"
        0x12 DTMF_C "DTMF-C"
        0x13 DTMF_D "DTMF-D"
        0x21 INSIDE_DIAL "inside-dial"
        0x22 OUTSIDE_DIAL "outside-dial"
        0x23 BUSY "busy"
        0x24 ALERTING "alerting"
        0x25 REORDER "reorder"
        0x26 RECORDER_WARNING "recorder-warning"
        0x27 RECORDER_DETECTED "recorder-detected"
        0x28 REVERTING "reverting"
        0x29 RECEIVER_OFF_HOOK "receiver-off-hook"
        0x2a MESSAGE_WAITING "message-waiting"
        0x2b NO_SUCH_NUMBER "no-such-number"
        0x2c BUSY_VERIFICATION "busy-verification"
        0x2d CALL_WAITING "call-waiting"
        0x2e CONFIRMATION "confirmation"
        0x2f CAMP_ON "camp-on"
        0x30 RECALL_DIAL "recall-dial"
        0x31 ZIP_ZIP "zip-zip"
        0x32 ZIP "zip"
        0x33 BEEP_BONK "beep-bonk"
        0x34 MUSIC "music"
        0x35 HOLD "hold"
        0x36 TEST "test"
        0x38 MONITOR_WARNING "monitor-warning"
        0x39 SECURE_WARNING "secure-warning"
        0x43 BARGE_IN "barge-in"
        0x49 NON_SECURE_WARNING "non-secure-warning"
        0x7f NO_TONE "no-tone"
    }

    /// Who hears a tone.
    ToneDirection(u32) {
        0 USER "user"
        1 NETWORK "network"
        2 BOTH "both"
    }

    /// How a telephone rings.
    RingMode(u32) {
        1 OFF "off"
        2 INSIDE "inside"
        3 OUTSIDE "outside"
        4 FEATURE "feature"
        5 SILENT "silent"
        6 URGENT "urgent"
    }

    /// How long a telephone rings.
    RingDuration(u32) {
        1 NORMAL "normal"
        2 SINGLE "single"
    }

    /// How a lamp shines.
    LampMode(u32) {
        1 OFF "off"
        2 ON "on"
        3 WINK "wink"
        4 FLASH "flash"
        5 BLINK "blink"
    }

    /// A set of soft keys, by its position among the sets of a server.
    SoftKeySetIndex(u32) {
        0 ON_HOOK "on-hook"
        1 CONNECTED "connected"
        2 ON_HOLD "on-hold"
        3 RING_IN "ring-in"
        4 OFF_HOOK "off-hook"
        5 CONNECTED_TRANSFER "connected-transfer"
        6 DIGITS "digits"
        7 CONNECTED_CONFERENCE "connected-conference"
        8 RING_OUT "ring-out"
        9 OFF_HOOK_FEATURE "off-hook-feature"
        10 IN_USE_REMOTE "in-use-remote"
        11 STEALABLE "stealable"
    }
}

impl Tone {
    /// The tone of a key of the dial pad; `None` for a character that has none.
    pub fn of_key(c: char) -> Option<Self> {
        match c {
            '1'..='9' => c.to_digit(10).map(Self),
            '0' => Some(Self::DTMF_0),
            '*' => Some(Self::DTMF_STAR),
            '#' => Some(Self::DTMF_POUND),
            'A'..='D' => Some(Self(Self::DTMF_A.0 + (u32::from(c) - u32::from('A')))),
            _ => None,
        }
    }
}
