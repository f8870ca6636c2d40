//! Telephones and other stations.

use super::codes;

codes! {
    /// The model of a station.
    DeviceType(u32) {
        6 CISCO_7910 "7910"
        7 CISCO_7960 "7960"
        8 CISCO_7940 "7940"
        9 CISCO_7935 "7935"
        12 ATA_186 "ATA-186"
        13 ATA_188 "ATA-188"
        50 CONFERENCE_BRIDGE "conference-bridge"
        70 MUSIC_ON_HOLD "music-on-hold"
        72 CTI_PORT "CTI-port"
        73 CTI_ROUTE_POINT "CTI-route-point"
        80 VOICEMAIL_PORT "voicemail-port"
        110 MEDIA_TERMINATION_POINT "media-termination-point"
        115 CISCO_7941 "7941"
        118 CISCO_7971_OTHER "7971G-GE"
        119 CISCO_7971 "7971"
        124 MODULE_7914 "7914"
        126 ANNUNCIATOR "annunciator"
        302 CISCO_7985 "7985"
        307 CISCO_7911 "7911"
        308 CISCO_7961G_GE "7961G-GE"
        309 CISCO_7941G_GE "7941G-GE"
        348 CISCO_7931 "7931"
        365 CISCO_7921 "7921"
        369 CISCO_7906 "7906"
        404 CISCO_7962 "7962"
        431 CISCO_7937 "7937"
        434 CISCO_7942 "7942"
        435 CISCO_7945 "7945"
        436 CISCO_7965 "7965"
        437 CISCO_7975 "7975"
        20000 CISCO_7905 "7905"
        30002 CISCO_7920 "7920"
        30006 CISCO_7970 "7970"
        30007 CISCO_7912 "7912"
        30008 CISCO_7902 "7902"
        30016 IP_COMMUNICATOR "IP-Communicator"
        30018 CISCO_7961 "7961"
        30019 CISCO_7936 "7936"
        30027 ANALOG_PHONE "analog-phone"
        30028 ISDN_BRI_PHONE "ISDN-BRI-phone"
    }

    /// How bad what an alarm tells is.
    Severity(u32) {
        0 CRITICAL "critical"
        1 WARNING "warning"
        2 INFORMATIONAL "informational"
        4 UNKNOWN "unknown"
        7 MAJOR "major"
        8 MINOR "minor"
        10 MARGINAL "marginal"
        20 TRACE "trace"
    }

    /// What a telephone does when it is reset.
    ResetKind(u32) {
        1 RESET "reset"
        2 RESTART "restart"
        3 APPLY_CONFIGURATION "apply-configuration"
    }

    /// Why a telephone goes.
    UnregisterReason(u32) {
        0 UNKNOWN "unknown"
        1 POWER_SAVE "power-save"
    }

    /// Whether a telephone may go.
    UnregisterStatus(u32) {
        0 OK "ok"
        1 ERROR "error"
        2 CALL_ACTIVE "call-active"
    }

    /// Keys of a telephone by their function: what a press means, what a lamp belongs to, what a
    /// button template assigns. Templates have one byte for it.
    ButtonType(u32) {
        0x00 UNUSED "unused"
        0x01 REDIAL "redial"
        0x02 SPEED_DIAL "speed-dial"
        0x03 HOLD "hold"
        0x04 TRANSFER "transfer"
        0x05 FORWARD_ALL "forward-all"
        0x06 FORWARD_BUSY "forward-busy"
        0x07 FORWARD_NO_ANSWER "forward-no-answer"
        0x08 DISPLAY "display"
        0x09 LINE "line"
        0x0f VOICEMAIL "voicemail"
        0x10 ANSWER_RELEASE "answer-release"
        0x11 AUTO_ANSWER "auto-answer"
        0x12 SELECT "select"
        0x13 PRIVACY "privacy"
        0x14 SERVICE_URL "service-URL"
        0x15 BLF_SPEED_DIAL "BLF-speed-dial"
        0x1b MALICIOUS_CALL "malicious-call"
        0x7b MEET_ME "meet-me"
        0x7d CONFERENCE "conference"
        0x7e PARK "park"
        0x7f PICKUP "pickup"
        0x80 GROUP_PICKUP "group-pickup"
        0x81 MOBILITY "mobility"
        0x82 DO_NOT_DISTURB "do-not-disturb"
        0x83 CONFERENCE_LIST "conference-list"
        0x84 REMOVE_LAST_PARTICIPANT "remove-last-participant"
        0x85 QUALITY_REPORT "quality-report"
        0x86 CALLBACK "callback"
        0x87 OTHER_PICKUP "other-pickup"
        0x88 VIDEO_MODE "video-mode"
        0x89 NEW_CALL "new-call"
        0x8a END_CALL "end-call"
        0x8b HUNT_LOG_OUT "hunt-log-out"
        0xf0 KEYPAD "keypad"
        0xff UNDEFINED "undefined"
    }

    /// Keys of the dial pad.
    Key(u32) {
        0x0a A "A"
        0x0b B "B"
        0x0c C "C"
        0x0d D "D"
        0x0e STAR "*"
        0x0f POUND "#"
        0x10 PLUS "+"
    }

    /// Something is on or off; 0 is neither.
    Switch(u32) {
        1 ON "on"
        2 OFF "off"
    }

    /// Where a telephone's user hears and speaks.
    MediaPath(u32) {
        1 HEADSET "headset"
        2 HANDSET "handset"
        3 SPEAKER "speaker"
    }

    /// What may be done with a [`MediaPath`].
    PathCapability(u32) {
        1 ENABLE "enable"
        2 DISABLE "disable"
        3 MONITOR "monitor"
    }

    /// Why message waiting could not be shown.
    MwiResult(u32) {
        0 OK "ok"
        1 GENERAL_ERROR "general-error"
        2 REJECTED "rejected"
        3 VOICE_COUNT "voice-count-out-of-bounds"
        4 FAX_COUNT "fax-count-out-of-bounds"
        5 PRIORITY_VOICE "invalid-priority-voice"
        6 PRIORITY_FAX "invalid-priority-fax"
    }
}

impl Key {
    /// The key with this character; `None` if there is none.
    pub fn of(c: char) -> Option<Self> {
        (0..=Self::PLUS.0).map(Self).find(|key| key.character() == Some(c))
    }

    /// What is printed on it; `None` if there is no such key.
    pub fn character(self) -> Option<char> {
        match self.name() {
            Some(name) => name.chars().next(),
            None => char::from_digit(self.0, 10),
        }
    }
}
