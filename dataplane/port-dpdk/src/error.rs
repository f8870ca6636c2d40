use std::ffi::CStr;

use crate::ffi;

/// What DPDK refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DpdkError {
    /// It can be started once in a process, and never again.
    #[error("DPDK was started in this process before")]
    Started,
    /// A name or an argument with a zero octet in it.
    #[error("`{0}` is no argument for DPDK: it has a zero octet")]
    Argument(String),
    /// A call failed.
    #[error("DPDK cannot {doing}: {reason}")]
    Failed {
        /// What was tried.
        doing: String,
        /// What it said.
        reason: String,
    },
    /// A driver that cannot take packets where they lie.
    #[error(
        "DPDK's driver {0} wants memory of its own layout: for AF_XDP leave DPDK out, \
             the port of AF_XDP does without it"
    )]
    Driver(String),
    /// The pool's chunks are not for a device.
    #[error("packet buffers of {0} octets are too small for DPDK: 2048 at least")]
    Chunks(usize),
}

impl DpdkError {
    /// Of a call that returned `code`, negative, or zero where `rte_errno` tells.
    pub(crate) fn of(code: i32, doing: impl Into<String>) -> Self {
        // SAFETY: neither takes a pointer.
        let code = if code == 0 { unsafe { ffi::rf_error() } } else { code };
        // SAFETY: the text is static, or of this thread until its next call.
        let reason = unsafe { CStr::from_ptr(ffi::rf_error_text(code)) };
        Self::Failed { doing: doing.into(), reason: reason.to_string_lossy().into_owned() }
    }

    /// `Ok` for what is not negative.
    pub(crate) fn check(code: i32, doing: impl FnOnce() -> String) -> Result<(), Self> {
        if code < 0 { Err(Self::of(code, doing())) } else { Ok(()) }
    }
}
