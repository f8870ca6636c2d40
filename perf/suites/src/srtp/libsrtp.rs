//! libsrtp on OpenSSL, built from source by the `srtp` crate.

use ::libsrtp::vec_like::{BufferTooShortError, VecLike};
use ::libsrtp::{CryptoPolicy, Session, StreamPolicy};
use anyhow::{Result, anyhow};
use srtp::Suite;

use super::contender::Contender;
use super::load::{Load, Operation, Packet, Source, inbound_key_salt, outbound_key_salt};

pub(super) struct Libsrtp {
    load: Load,
    source: Source,
    inbound: Vec<Session>,
    outbound: Vec<Session>,
}

impl Libsrtp {
    pub(super) fn new(load: Load) -> Result<Self> {
        let policy = policy(load.suite)?;
        let mut inbound = Vec::new();
        let mut outbound = Vec::new();
        for flow in 0..load.flows {
            let stream =
                |key| StreamPolicy { rtp: policy, rtcp: policy, key, ..Default::default() };
            let failed = |error| anyhow!("libsrtp: {error:?}");
            let key = inbound_key_salt(load.suite, flow);
            inbound.push(Session::with_inbound_template(stream(&key)).map_err(failed)?);
            let key = outbound_key_salt(load.suite, flow);
            outbound.push(Session::with_outbound_template(stream(&key)).map_err(failed)?);
        }
        Ok(Self { load, source: Source::new(load)?, inbound, outbound })
    }
}

fn policy(suite: Suite) -> Result<CryptoPolicy> {
    Ok(match suite {
        Suite::AesCm128HmacSha1_80 => CryptoPolicy::aes_cm_128_hmac_sha1_80(),
        Suite::AesCm128HmacSha1_32 => CryptoPolicy::aes_cm_128_hmac_sha1_32(),
        Suite::AesCm192HmacSha1_80 => CryptoPolicy::aes_cm_192_hmac_sha1_80(),
        Suite::AesCm192HmacSha1_32 => CryptoPolicy::aes_cm_192_hmac_sha1_32(),
        Suite::AesCm256HmacSha1_80 => CryptoPolicy::aes_cm_256_hmac_sha1_80(),
        Suite::AesCm256HmacSha1_32 => CryptoPolicy::aes_cm_256_hmac_sha1_32(),
        Suite::AeadAes128Gcm => CryptoPolicy::aes_gcm_128_16_auth(),
        Suite::AeadAes256Gcm => CryptoPolicy::aes_gcm_256_16_auth(),
        other => return Err(anyhow!("libsrtp does not know {other}")),
    })
}

impl Contender for Libsrtp {
    fn name(&self) -> &'static str {
        "libsrtp"
    }

    fn prepare(&mut self) {
        self.source.fill();
    }

    fn process(&mut self) -> usize {
        let mut done = 0;
        for packet in &mut self.source.packets {
            let flow = packet.flow;
            let mut packet = InPlace(packet);
            let good = match self.load.operation {
                Operation::Protect => self.outbound[flow].protect(&mut packet).is_ok(),
                Operation::Unprotect => self.inbound[flow].unprotect(&mut packet).is_ok(),
                Operation::Relay => {
                    self.inbound[flow].unprotect(&mut packet).is_ok()
                        && self.outbound[flow].protect(&mut packet).is_ok()
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

    // The buffers of a load have room for every suite's trailer; libsrtp asks for its longest.
    unsafe fn reserve(&mut self, _additional: usize) -> Result<(), BufferTooShortError> {
        Ok(())
    }

    unsafe fn set_len(&mut self, len: usize) {
        self.0.len = len;
    }
}
