//! libsrtp on OpenSSL, built from source by the crate `srtp`.

use ::libsrtp::vec_like::{BufferTooShortError, VecLike};
use ::libsrtp::{CryptoPolicy, Session, StreamPolicy};
use anyhow::{Result, anyhow};
use srtp::Suite;

use super::contender::Contender;
use super::load::{Load, Operation, Packet, Source, inbound_key_salt, outbound_key_salt};

pub(super) struct Libsrtp {
    source: Source,
    inbound: Vec<Session>,
    outbound: Vec<Session>,
}

impl Libsrtp {
    pub(super) fn new(load: Load) -> Result<Self> {
        let policy = policy(load.suite)?;
        let failed = |error| anyhow!("libsrtp: {error:?}");
        let mut inbound = Vec::new();
        let mut outbound = Vec::new();
        for flow in 0..load.flows {
            let stream =
                |key| StreamPolicy { rtp: policy, rtcp: policy, key, ..Default::default() };
            let key = inbound_key_salt(load, flow);
            inbound.push(Session::with_inbound_template(stream(&key)).map_err(failed)?);
            let key = outbound_key_salt(load, flow);
            outbound.push(Session::with_outbound_template(stream(&key)).map_err(failed)?);
        }
        Ok(Self { source: Source::new(load)?, inbound, outbound })
    }
}

fn policy(suite: Suite) -> Result<CryptoPolicy> {
    match suite {
        Suite::AesCm128HmacSha1_80 => Ok(CryptoPolicy::aes_cm_128_hmac_sha1_80()),
        Suite::AesCm256HmacSha1_80 => Ok(CryptoPolicy::aes_cm_256_hmac_sha1_80()),
        Suite::AeadAes128Gcm => Ok(CryptoPolicy::aes_gcm_128_16_auth()),
        Suite::AeadAes256Gcm => Ok(CryptoPolicy::aes_gcm_256_16_auth()),
        other => Err(anyhow!("{other} is not compared with libsrtp")),
    }
}

impl Contender for Libsrtp {
    fn name(&self) -> &'static str {
        "libsrtp"
    }

    fn source(&mut self) -> &mut Source {
        &mut self.source
    }

    fn process(&mut self, operation: Operation) -> usize {
        let mut done = 0;
        for packet in &mut self.source.packets {
            let (inbound, outbound) =
                (&mut self.inbound[packet.flow], &mut self.outbound[packet.flow]);
            let mut packet = InPlace(packet);
            let good = match operation {
                Operation::Protect => outbound.protect(&mut packet).is_ok(),
                Operation::Unprotect => inbound.unprotect(&mut packet).is_ok(),
                Operation::Relay => {
                    inbound.unprotect(&mut packet).is_ok() && outbound.protect(&mut packet).is_ok()
                }
            };
            done += usize::from(good);
        }
        done
    }
}

/// A packet that stays where it is.
struct InPlace<'a>(&'a mut Packet);

impl VecLike for InPlace<'_> {
    fn as_mut_bytes(&mut self) -> &mut [u8] {
        &mut self.0.octets[..self.0.len]
    }

    // Buffers have room for the trailer of every suite; libsrtp asks for its longest.
    unsafe fn reserve(&mut self, _additional: usize) -> Result<(), BufferTooShortError> {
        Ok(())
    }

    unsafe fn set_len(&mut self, len: usize) {
        self.0.len = len;
    }
}
