//! Proofs that this processor can run a kernel, and its caches.
//!
//! A token can only come from its `detect`, so whoever holds one may call functions with those target features.

use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

macro_rules! token {
    ($(#[$doc:meta])* $name:ident: $($feature:tt),+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(super) struct $name(());

        impl $name {
            /// The token, if this processor and the operating system offer all of its features.
            pub(super) fn detect() -> Option<Self> {
                ($(is_x86_feature_detected!($feature))&&+).then_some(Self(()))
            }
        }
    };
}

token! {
    /// 512-bit integer vectors with masks.
    Avx512: "avx512f", "avx512bw", "avx512vl"
}
token! {
    /// 256-bit integer vectors.
    Avx2: "avx2"
}
token! {
    /// SHA-1 rounds in hardware.
    ShaNi: "sha", "ssse3", "sse4.1"
}
token! {
    /// AES rounds and carry-less multiplication in hardware, one block at a time.
    AesNi: "aes", "pclmulqdq", "ssse3", "sse4.1"
}
token! {
    /// The same, four blocks a register.
    Vaes: "aes", "vaes", "vpclmulqdq", "avx512f", "avx512bw", "avx512vl", "bmi2"
}

/// Asks for `value` in the first-level cache. It is only a hint, whatever becomes of `value`.
#[inline]
pub fn prefetch<T>(value: &T) {
    let address = (&raw const *value).cast::<i8>();
    for line in (0..size_of::<T>()).step_by(64) {
        // SAFETY: SSE is part of x86-64, and a prefetch does not access memory in the sense of the language.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.wrapping_add(line)) };
    }
}
