//! Who is calling whom, and how secure it is.

use crate::codes::{CallType, RedirectReason, SecurityStatus};
use crate::layout::{block, message};
use crate::number::{CallRef, LineInstance};
use crate::text::{Text, Unbounded};

message! {
    /// The parties of a call. Sent again whenever something changes; the icon beside the call
    /// follows `security`.
    0x008f CallInfo from Server {
        /// Who calls.
        0   calling_party_name: Text<40>,
        /// His number.
        40  calling_party: Text<24>,
        /// Who is called.
        64  called_party_name: Text<40>,
        /// His number.
        104 called_party: Text<24>,
        /// On which line.
        128 line: LineInstance,
        /// Which call.
        132 call: CallRef,
        /// From where.
        136 call_type: CallType,
        /// Who was called at first.
        140 original_called_party_name: Text<40>,
        /// His number.
        180 original_called_party: Text<24>,
        /// Who sent the call here.
        204 last_redirecting_party_name: Text<40>,
        /// His number.
        244 last_redirecting_party: Text<24>,
        /// Why he that was called at first does not have it.
        268 original_redirect_reason: RedirectReason,
        /// Why it was sent here.
        272 last_redirecting_reason: RedirectReason,
        /// Mailbox of who calls.
        276 calling_party_voice_mailbox: Text<24>,
        /// Mailbox of who is called.
        300 called_party_voice_mailbox: Text<24>,
        /// Mailbox of who was called at first.
        324 original_called_voice_mailbox: Text<24>,
        /// Mailbox of who sent the call here.
        348 last_redirecting_voice_mailbox: Text<24>,
        /// Number of the call on its line, from 1.
        372 call_instance: u32,
        /// The icon.
        376 security: SecurityStatus,
        /// What is not shown: bits 1 name and 2 number of who calls, 4 and 8 of who is called,
        /// 0x10 and 0x20 of who was called at first, 0x40 and 0x80 of who sent the call here.
        380 restrictions: u32,
    }
}

message! {
    /// [`CallInfo`] with strings of any length.
    0x014a CallInfoV2 from Server {
        /// On which line.
        0  line: LineInstance,
        /// Which call.
        4  call: CallRef,
        /// From where.
        8  call_type: CallType,
        /// As in [`CallInfo`].
        12 original_redirect_reason: RedirectReason,
        /// As in [`CallInfo`].
        16 last_redirecting_reason: RedirectReason,
        /// As in [`CallInfo`].
        20 call_instance: u32,
        /// The icon.
        24 security: SecurityStatus,
        /// As in [`CallInfo`].
        28 restrictions: u32,
        /// Who is part of it.
        32 parties: Parties [then padding],
    }
}

block! {
    /// The parties of a call.
    Parties {
        /// Number of who calls.
        _ calling_party: Unbounded,
        /// The number under which he called first.
        _ alternate_calling_party: Unbounded [since 16],
        /// Number of who is called.
        _ called_party: Unbounded,
        /// Number of who was called at first.
        _ original_called_party: Unbounded,
        /// Number of who sent the call here.
        _ last_redirecting_party: Unbounded,
        /// Mailbox of who calls.
        _ calling_party_voice_mailbox: Unbounded,
        /// Mailbox of who is called.
        _ called_party_voice_mailbox: Unbounded,
        /// Mailbox of who was called at first.
        _ original_called_voice_mailbox: Unbounded,
        /// Mailbox of who sent the call here.
        _ last_redirecting_voice_mailbox: Unbounded,
        /// Name of who calls.
        _ calling_party_name: Unbounded,
        /// Name of who is called.
        _ called_party_name: Unbounded,
        /// Name of who was called at first.
        _ original_called_party_name: Unbounded,
        /// Name of who sent the call here.
        _ last_redirecting_party_name: Unbounded,
        /// Number of the hunt group.
        _ hunt_pilot_number: Unbounded [since 16],
        /// Name of the hunt group.
        _ hunt_pilot_name: Unbounded [since 16],
    }
}
