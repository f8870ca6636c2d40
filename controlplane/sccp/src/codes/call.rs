//! Calls.

use super::codes;

codes! {
    /// What a leg of a call is doing.
    CallStatus(u32) {
        0 IDLE "idle"
        1 OFF_HOOK "off-hook"
        2 ON_HOOK "on-hook"
        3 RING_OUT "ring-out"
        4 RING_IN "ring-in"
        5 CONNECTED "connected"
        6 BUSY "busy"
        7 CONGESTION "congestion"
        8 HOLD "hold"
        9 CALL_WAITING "call-waiting"
        10 CALL_TRANSFER "call-transfer"
        11 CALL_PARK "call-park"
        12 PROCEED "proceed"
        13 IN_USE_REMOTE "in-use-remote"
        14 INVALID_NUMBER "invalid-number"
        15 HOLD_REVERSION "hold-reversion"
        16 WHISPER "whisper"
        17 REMOTE_HOLD "remote-hold"
    }

    /// Where a call comes from.
    CallType(u32) {
        1 INBOUND "inbound"
        2 OUTBOUND "outbound"
        3 FORWARDED "forwarded"
    }

    /// What the icon beside a call promises its user.
    SecurityStatus(u32) {
        0 UNKNOWN "unknown"
        1 NOT_AUTHENTICATED "not-authenticated"
        2 AUTHENTICATED "authenticated"
        3 ENCRYPTED "encrypted"
    }

    /// How much of a call others may see.
    Privacy(u32) {
        0 NONE "none"
        1 LIMITED "limited"
        2 FULL "full"
    }

    /// Why a call went somewhere else; the numbers are those of call detail records.
    RedirectReason(u32) {
        0 NONE "none"
        1 BUSY "busy"
        2 NO_ANSWER "no-answer"
        4 TRANSFER "transfer"
        5 PICKUP "pickup"
        7 PARK "park"
        8 PARK_PICKUP "park-pickup"
        9 OUT_OF_ORDER "out-of-order"
        10 FORWARD "forward"
        11 PARK_REVERSION "park-reversion"
        15 FORWARD_ALL "forward-all"
        18 DEFLECTION "deflection"
        34 BLIND_TRANSFER "blind-transfer"
        50 IMMEDIATE_DIVERT "immediate-divert"
        98 CONFERENCE "conference"
        114 BARGE "barge"
    }

    /// Into which list of calls a telephone puts a call.
    Disposition(u32) {
        0 IGNORE "ignore"
        1 PLACED "placed"
        2 RECEIVED "received"
        3 MISSED "missed"
    }
}
