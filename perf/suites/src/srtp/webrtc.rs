//! webrtc-srtp, in Rust. It allocates a buffer per packet; that is its interface.

use anyhow::{Result, anyhow};
use srtp::Suite;
use webrtc_srtp::context::Context;
use webrtc_srtp::option::srtp_replay_protection;
use webrtc_srtp::protection_profile::ProtectionProfile;

use super::contender::Contender;
use super::load::{Load, Operation, Source, inbound_key_salt, outbound_key_salt};

pub(super) struct Webrtc {
    source: Source,
    inbound: Vec<Context>,
    outbound: Vec<Context>,
}

impl Webrtc {
    pub(super) fn new(load: Load) -> Result<Self> {
        let profile = match load.suite {
            Suite::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
            Suite::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
            other => return Err(anyhow!("{other} is not compared with webrtc-srtp")),
        };
        let context = |key_salt: Vec<u8>| {
            let (key, salt) = key_salt.split_at(load.suite.master_key_len());
            Context::new(key, salt, profile, Some(srtp_replay_protection(128)), None)
        };
        let inbound = (0..load.flows)
            .map(|flow| Ok(context(inbound_key_salt(load, flow))?))
            .collect::<Result<_>>()?;
        let outbound = (0..load.flows)
            .map(|flow| Ok(context(outbound_key_salt(load, flow))?))
            .collect::<Result<_>>()?;
        Ok(Self { source: Source::new(load)?, inbound, outbound })
    }
}

impl Contender for Webrtc {
    fn name(&self) -> &'static str {
        "webrtc-srtp"
    }

    fn works_in_place(&self) -> bool {
        false
    }

    fn source(&mut self) -> &mut Source {
        &mut self.source
    }

    fn process(&mut self, operation: Operation) -> usize {
        let mut done = 0;
        for packet in &self.source.packets {
            let octets = &packet.octets[..packet.len];
            let (inbound, outbound) =
                (&mut self.inbound[packet.flow], &mut self.outbound[packet.flow]);
            let good = match operation {
                Operation::Protect => outbound.encrypt_rtp(octets).is_ok(),
                Operation::Unprotect => inbound.decrypt_rtp(octets).is_ok(),
                Operation::Relay => inbound
                    .decrypt_rtp(octets)
                    .and_then(|plain| outbound.encrypt_rtp(&plain))
                    .is_ok(),
            };
            done += usize::from(good);
        }
        done
    }
}
