//! intel-ipsec-mb: crypto in bursts of 32, without sessions, SSRCs, indices or replay.
//!
//! Around it is only what SRTP cannot do without: initialization vectors, the rollover counter behind
//! the packet, tags compared and put in their place. The index comes with the packet.

use std::ffi::c_int;
use std::ptr::NonNull;

use anyhow::{Context as _, Result, bail};
use srtp::Suite;

use super::contender::Contender;
use super::load::{HEADER, Load, Operation, Source, inbound_key_salt, outbound_key_salt};

const BURST: usize = 32;

pub(super) struct IpsecMb {
    load: Load,
    source: Source,
    library: Library,
    inbound: Vec<Keys>,
    outbound: Vec<Keys>,
}

impl IpsecMb {
    pub(super) fn new(load: Load) -> Result<Self> {
        if !matches!(load.suite, Suite::AesCm128HmacSha1_80 | Suite::AeadAes128Gcm) {
            bail!("{} is not compared with ipsec-mb", load.suite);
        }
        let library = Library::new()?;
        let keys = |key_salt: fn(Load, usize) -> Vec<u8>| -> Result<Vec<_>> {
            (0..load.flows).map(|flow| library.keys(&key_salt(load, flow))).collect()
        };
        let (inbound, outbound) = (keys(inbound_key_salt)?, keys(outbound_key_salt)?);
        Ok(Self { load, source: Source::new(load)?, library, inbound, outbound })
    }
}

impl Contender for IpsecMb {
    fn name(&self) -> &'static str {
        "ipsec-mb"
    }

    fn source(&mut self) -> &mut Source {
        &mut self.source
    }

    fn process(&mut self, operation: Operation) -> usize {
        let Self { load, source, library, inbound, outbound } = self;
        let gcm = load.suite == Suite::AeadAes128Gcm;
        let mut done = 0;
        for packets in source.packets.chunks_mut(BURST) {
            let mut jobs: arrayvec::ArrayVec<_, BURST> = packets
                .iter_mut()
                .map(|packet| Packet {
                    keys: inbound[packet.flow].0.as_ptr(),
                    octets: packet.octets.as_mut_ptr(),
                    header: HEADER as u32,
                    payload: load.payload as u32,
                    index: packet.index,
                    iv: [0; 16],
                    tag: [0; 32],
                    received: [0; 16],
                })
                .collect();
            let mut good = jobs.len();
            if operation != Operation::Protect {
                good = good.min(library.burst(&mut jobs, gcm, false));
            }
            if operation != Operation::Unprotect {
                for (job, packet) in jobs.iter_mut().zip(&*packets) {
                    job.keys = outbound[packet.flow].0.as_ptr();
                }
                good = good.min(library.burst(&mut jobs, gcm, true));
            }
            done += good;
        }
        done
    }
}

/// The library's state.
struct Library(NonNull<Manager>);

/// Expanded keys of one session.
struct Keys(NonNull<RawKeys>);

impl Library {
    fn new() -> Result<Self> {
        // SAFETY: it needs nothing.
        NonNull::new(unsafe { ringfence_mb_new() }).map(Self).context("ipsec-mb does not start")
    }

    fn keys(&self, key_salt: &[u8]) -> Result<Keys> {
        let (key, salt) = key_salt.split_at(16);
        let salt_len = salt.len() as u32;
        // SAFETY: 16 octets and the salt are read; the library lives.
        let keys =
            unsafe { ringfence_mb_keys(self.0.as_ptr(), key.as_ptr(), salt.as_ptr(), salt_len) };
        NonNull::new(keys).map(Keys).context("no memory for ipsec-mb's keys")
    }

    /// How many packets came through.
    fn burst(&self, packets: &mut [Packet], gcm: bool, encrypt: bool) -> usize {
        // SAFETY: keys and packets live as long as the call, for both are borrowed where the jobs
        // were made; a packet has room for a tag behind its payload.
        let good = unsafe {
            ringfence_mb_burst(
                self.0.as_ptr(),
                packets.as_mut_ptr(),
                packets.len() as u32,
                c_int::from(gcm),
                c_int::from(encrypt),
            )
        };
        usize::try_from(good).unwrap_or(0)
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: it was made by `ringfence_mb_new` and is not used again.
        unsafe { ringfence_mb_free(self.0.as_ptr()) };
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // SAFETY: they were made by `ringfence_mb_keys` and are not used again.
        unsafe { ringfence_mb_keys_free(self.0.as_ptr()) };
    }
}

/// One packet, as ipsec_mb.c has it.
#[repr(C)]
struct Packet {
    keys: *const RawKeys,
    octets: *mut u8,
    header: u32,
    payload: u32,
    index: u64,
    iv: [u8; 16],
    tag: [u8; 32],
    received: [u8; 16],
}

/// What only C knows.
#[repr(C)]
struct Manager([u8; 0]);

/// What only C knows.
#[repr(C)]
struct RawKeys([u8; 0]);

unsafe extern "C" {
    fn ringfence_mb_new() -> *mut Manager;
    fn ringfence_mb_free(manager: *mut Manager);
    fn ringfence_mb_keys(
        manager: *mut Manager,
        master: *const u8,
        salt: *const u8,
        salt_len: u32,
    ) -> *mut RawKeys;
    fn ringfence_mb_keys_free(keys: *mut RawKeys);
    fn ringfence_mb_burst(
        manager: *mut Manager,
        packets: *mut Packet,
        count: u32,
        gcm: c_int,
        encrypt: c_int,
    ) -> c_int;
}
