//! Every kernel against RustCrypto and the RFCs' vectors.

mod cbc;
mod ctr;
mod gcm;
mod hmac_sha1;

/// A kernel's name and, if this processor can run it, the kernel.
type Candidate<T> = (&'static str, Option<T>);

/// The kernels this processor can run. What is missing is said aloud, so that nobody takes it for tested.
fn runnable<T>(candidates: impl IntoIterator<Item = Candidate<T>>) -> Vec<(&'static str, T)> {
    let mut runnable = Vec::new();
    for (name, kernel) in candidates {
        match kernel {
            Some(kernel) => runnable.push((name, kernel)),
            None => eprintln!("NOT TESTED: {name} (this processor cannot run it)"),
        }
    }
    runnable
}

/// Bytes that look random and are the same each time.
fn noise(seed: usize, length: usize) -> Vec<u8> {
    let mut state = (seed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let byte = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(byte).collect()
}
