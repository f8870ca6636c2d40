//! Ways to compute the cryptography.
#[cfg(target_arch = "x86_64")]
#[allow(dead_code, unused_imports, reason = "not called yet")]
mod x86;
