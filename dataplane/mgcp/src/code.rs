//! Return codes (RFC 3435 §2.4).

use std::fmt;

/// Three digits that say how a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReturnCode(u16);

macro_rules! codes {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        impl ReturnCode {
            $(#[doc = concat!("`", stringify!($number), "`: ", $text, ".")]
            pub const $name: Self = Self($number);)*

            /// What the code means, in the words that go behind it for people to read.
            pub fn text(self) -> &'static str {
                match self.0 {
                    $($number => $text,)*
                    _ => "",
                }
            }
        }
    };
}

codes! {
    ACKNOWLEDGED = 0, "response acknowledged";
    IN_PROGRESS = 100, "being executed";
    QUEUED = 101, "queued for execution";
    OK = 200, "OK";
    DELETED = 250, "connection deleted";
    TRANSIENT = 400, "transient error";
    OFF_HOOK = 401, "phone is already off hook";
    ON_HOOK = 402, "phone is already on hook";
    NO_RESOURCES_NOW = 403, "no resources at this time";
    NO_BANDWIDTH_NOW = 404, "no bandwidth at this time";
    RESTARTING = 405, "endpoint is restarting";
    TIMED_OUT = 406, "execution took too long";
    ABORTED = 407, "aborted by an external action";
    OVERLOAD = 409, "processing overload";
    NO_ENDPOINT = 410, "no endpoint available";
    UNKNOWN_ENDPOINT = 500, "endpoint unknown";
    NOT_READY = 501, "endpoint not ready or out of service";
    NO_RESOURCES = 502, "no resources";
    WILDCARD_TOO_COMPLICATED = 503, "wildcard too complicated";
    UNKNOWN_COMMAND = 504, "unknown command";
    UNSUPPORTED_REMOTE = 505, "remote connection descriptor not supported";
    OPTIONS_CONFLICT = 506, "options and remote descriptor cannot both be met";
    UNSUPPORTED = 507, "functionality not supported";
    QUARANTINE_UNSUPPORTED = 508, "quarantine handling not supported";
    BAD_REMOTE = 509, "error in remote connection descriptor";
    PROTOCOL_ERROR = 510, "protocol error";
    UNKNOWN_EXTENSION = 511, "unrecognised mandatory extension";
    CANNOT_DETECT = 512, "event cannot be detected";
    CANNOT_GENERATE = 513, "signal cannot be generated";
    CANNOT_ANNOUNCE = 514, "announcement cannot be played";
    WRONG_CONNECTION = 515, "incorrect connection id";
    WRONG_CALL = 516, "unknown or incorrect call id";
    WRONG_MODE = 517, "unsupported or invalid mode";
    UNKNOWN_PACKAGE = 518, "unsupported or unknown package";
    NO_DIGIT_MAP = 519, "endpoint has no digit map";
    RESTARTING_OLD = 520, "endpoint is restarting";
    REDIRECTED = 521, "endpoint redirected to another call agent";
    UNKNOWN_EVENT = 522, "no such event or signal";
    UNKNOWN_ACTION = 523, "unknown action or illegal combination of actions";
    OPTIONS_INCONSISTENT = 524, "local connection options are inconsistent";
    UNKNOWN_OPTION_EXTENSION = 525, "unknown extension in local connection options";
    NO_BANDWIDTH = 526, "insufficient bandwidth";
    MISSING_REMOTE = 527, "missing remote connection descriptor";
    WRONG_VERSION = 528, "incompatible protocol version";
    HARDWARE_FAILURE = 529, "hardware failure";
    CAS_ERROR = 530, "CAS signalling protocol error";
    TRUNK_FAILURE = 531, "failure of a group of trunks";
    OPTION_VALUE = 532, "unsupported value in local connection options";
    TOO_LARGE = 533, "response too large";
    CODEC_FAILURE = 534, "codec negotiation failure";
    PACKETIZATION = 535, "packetization period not supported";
    RESTART_METHOD = 536, "unknown restart method";
    DIGIT_MAP_EXTENSION = 537, "unknown digit map extension";
    EVENT_PARAMETER = 538, "event or signal parameter error";
    COMMAND_PARAMETER = 539, "invalid or unsupported command parameter";
    TOO_MANY_CONNECTIONS = 540, "connections per endpoint exceeded";
    INVALID_OPTION = 541, "invalid local connection option";
}

impl ReturnCode {
    /// The code of `number`, if it has at most three digits.
    pub fn new(number: u16) -> Option<Self> {
        (number <= 999).then_some(Self(number))
    }

    /// The number.
    pub fn value(self) -> u16 {
        self.0
    }

    /// 1xx: the answer is yet to come.
    pub fn is_provisional(self) -> bool {
        (100..200).contains(&self.0)
    }

    /// 2xx: done.
    pub fn is_success(self) -> bool {
        (200..300).contains(&self.0)
    }

    /// 4xx: may work if tried again.
    pub fn is_transient(self) -> bool {
        (400..500).contains(&self.0)
    }

    /// The code itself if RFC 3435 knows it or a package owns it, else the one its class stands for.
    pub fn known(self) -> Self {
        if !self.text().is_empty() || (800..900).contains(&self.0) {
            return self;
        }
        match self.0 / 100 {
            0 => Self::ACKNOWLEDGED,
            1 => Self::IN_PROGRESS,
            2 => Self::OK,
            3 => Self::REDIRECTED,
            4 => Self::TRANSIENT,
            _ => Self::PROTOCOL_ERROR,
        }
    }
}

impl fmt::Display for ReturnCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_codes_count_as_their_class() {
        let known = |n| ReturnCode::new(n).unwrap().known().value();
        assert_eq!([known(7), known(199), known(299), known(302)], [0, 100, 200, 521]);
        assert_eq!([known(499), known(599), known(712), known(800)], [400, 510, 510, 800]);
        assert_eq!(ReturnCode::new(1000), None);
    }
}
