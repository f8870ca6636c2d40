//! What the programs have in common.
#![no_std]

pub mod forward;
pub mod frame;
pub mod signalling;

/// Nothing in a BPF program may panic. Where the compiler cannot prove that and leaves a call to
/// this, the verifier refuses the program because of the endless loop.
#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// The kernel wants a licence in every object. No helper that is only for the GPL is called.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 18] = *b"MIT OR Apache-2.0\0";
