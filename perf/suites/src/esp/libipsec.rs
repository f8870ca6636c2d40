//! strongSwan's ESP in user space: what it does to each packet, with its own crypto plugin for
//! OpenSSL; without its queues, threads, TUN device and the search for policy and association.

use std::ptr::{self, NonNull};
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};
use esp::Suite;

use super::{Contender, LAP, Work};

/// What sealing may add.
const MORE: usize = 80;

pub(super) struct Libipsec {
    ends: NonNull<Ends>,
    clear: Vec<u8>,
    sealed: Vec<Vec<u8>>,
}

/// An association's both ends; `libipsec.c` knows what is in it.
#[repr(C)]
struct Ends {
    _opaque: [u8; 0],
}

// libipsec.c.
unsafe extern "C" {
    fn ringfence_libipsec_open() -> bool;
    fn ringfence_libipsec_ends(
        cipher: u16,
        key: *mut u8,
        key_len: usize,
        integrity: u16,
        integrity_key: *mut u8,
        integrity_key_len: usize,
    ) -> *mut Ends;
    fn ringfence_libipsec_seal(
        ends: *mut Ends,
        clear: *const u8,
        len: usize,
        sealed: *mut u8,
    ) -> usize;
    fn ringfence_libipsec_open_packet(ends: *mut Ends, sealed: *const u8, len: usize) -> bool;
    fn ringfence_libipsec_free(ends: *mut Ends);
}

impl Libipsec {
    /// With IP packets of `len` octets.
    pub(super) fn new(suite: Suite, len: usize) -> Result<Self> {
        static THERE: OnceLock<bool> = OnceLock::new();
        // SAFETY: it is called once; it loads libraries and sets them up.
        if !THERE.get_or_init(|| unsafe { ringfence_libipsec_open() }) {
            bail!("strongSwan 5.9's libipsec cannot be loaded; `cargo xtask setup` installs it");
        }
        // IKEv2's numbers.
        let (cipher, integrity) = match suite {
            Suite::AesGcm128 => (20, 0),
            Suite::AesCbc128Sha1 => (12, 2),
            other => bail!("{other} is not compared"),
        };
        let mut key = vec![1; suite.encryption_key_len()];
        let mut integrity_key = vec![2; suite.integrity_key_len()];
        // SAFETY: the keys are copied; pointers and lengths belong together.
        let ends = unsafe {
            ringfence_libipsec_ends(
                cipher,
                key.as_mut_ptr(),
                key.len(),
                integrity,
                integrity_key.as_mut_ptr(),
                integrity_key.len(),
            )
        };
        let ends = NonNull::new(ends).context("libipsec makes no association")?;
        let mut clear = vec![0x5a; len];
        // As much of an IPv4 header as it looks at: version, length, protocol.
        clear[0] = 0x45;
        clear[2..4].copy_from_slice(&(len as u16).to_be_bytes());
        clear[9] = 17;
        Ok(Self { ends, clear, sealed: Vec::new() })
    }

    fn seal(&mut self, sealed: *mut u8) -> usize {
        // SAFETY: the packet is as long as is said; what it is sealed into is absent or has room.
        unsafe {
            ringfence_libipsec_seal(
                self.ends.as_ptr(),
                self.clear.as_ptr(),
                self.clear.len(),
                sealed,
            )
        }
    }
}

impl Contender for Libipsec {
    fn prepare(&mut self, work: Work) {
        self.sealed.clear();
        if work == Work::Open {
            for _ in 0..LAP {
                let mut packet = vec![0; self.clear.len() + MORE];
                let len = self.seal(packet.as_mut_ptr());
                packet.truncate(len);
                self.sealed.push(packet);
            }
        }
    }

    fn process(&mut self, work: Work) -> usize {
        match work {
            Work::Seal => (0..LAP).filter(|_| self.seal(ptr::null_mut()) > 0).count(),
            Work::Open => self
                .sealed
                .iter()
                // SAFETY: the packet is as long as is said.
                .filter(|packet| unsafe {
                    ringfence_libipsec_open_packet(
                        self.ends.as_ptr(),
                        packet.as_ptr(),
                        packet.len(),
                    )
                })
                .count(),
        }
    }
}

impl Drop for Libipsec {
    fn drop(&mut self) {
        // SAFETY: it is ours, and this is its end.
        unsafe { ringfence_libipsec_free(self.ends.as_ptr()) };
    }
}
