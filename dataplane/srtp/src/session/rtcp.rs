//! RTCP packets, RFC 3711 §3.4. They are a fiftieth of the traffic and go one by one.

use super::Sessions;
use super::context::{ContextRef, Flags};
use crate::backend::{Backend, CmJob, GcmJob, MacJob};
use crate::error::Error;
use crate::kdf::Protocol;
use crate::packet::{RTCP_HEADER, is_rtcp_compound, rtcp_ssrc};
use crate::replay::Age;
use crate::srtp::{Direction, Job};
use crate::suite::Cipher;

/// The bit of the index word that says the packet is encrypted.
const E_FLAG: u32 = 1 << 31;
const MAX_RTCP_INDEX: u64 = (1 << 31) - 1;

impl<B: Backend> Sessions<B> {
    pub(crate) fn protect_rtcp(&mut self, jobs: &mut [Job<'_>]) {
        for job in jobs {
            if job.result.is_ok() {
                job.result = self.protect_rtcp_alone(job);
            }
        }
    }

    fn protect_rtcp_alone(&mut self, job: &mut Job<'_>) -> Result<(), Error> {
        let state = Self::primary(&self.rtcp, job, Direction::Outbound)?;
        let suite = state.suite;
        let end = job.len;
        let packet = job.packet.get(..end).ok_or(Error::NoRoom)?;
        let ssrc = rtcp_ssrc(packet)?;
        if !is_rtcp_compound(packet) {
            return Err(Error::Malformed);
        }
        let mki = self.rtcp_mki(job);
        if job.packet.len() - end < suite.rtcp_tag_len() + 4 + mki.len() {
            return Err(Error::NoRoom);
        }
        let (at, index) = match self.rtcp.find(job.session, ssrc) {
            Some(at) => {
                let index = self.rtcp.get(at).state.highest() + 1;
                if index > MAX_RTCP_INDEX {
                    return Err(Error::KeyExpired);
                }
                self.rtcp.mark(at, index);
                (at, index)
            }
            None => (self.bind(Protocol::Rtcp, job.session, ssrc, 0)?, 0),
        };
        let keys = &self.rtcp.get(at).keys;
        let mki = self.rtcp_mki(job);
        let e_flag = if suite.cipher() == Cipher::Null { 0 } else { E_FLAG };
        let word = (index as u32 | e_flag).to_be_bytes();
        let (packet, trailer) = job.packet.split_at_mut(end);
        let (header, data) = packet.split_at_mut(RTCP_HEADER);
        match suite.cipher() {
            Cipher::AesGcm => {
                let mut aad = [0; RTCP_HEADER + 4];
                aad[..RTCP_HEADER].copy_from_slice(header);
                aad[RTCP_HEADER..].copy_from_slice(&word);
                let mut gcm =
                    [GcmJob { keys, suite, index, aad: &aad, data, tag: [0; 16], good: false }];
                self.backend.gcm_seal(&mut gcm);
                trailer[..16].copy_from_slice(&gcm[0].tag);
                trailer[16..20].copy_from_slice(&word);
                trailer[20..20 + mki.len()].copy_from_slice(mki);
                job.len = end + 20 + mki.len();
            }
            cipher => {
                if cipher == Cipher::AesCm {
                    self.backend.aes_cm(&mut [CmJob { keys, suite, index, data }]);
                }
                trailer[..4].copy_from_slice(&word);
                trailer[4..4 + mki.len()].copy_from_slice(mki);
                let mut digest = [[0; 20]];
                let message = &job.packet[..end + 4];
                self.backend.hmac_sha1(&[MacJob { keys, message, suffix: None }], &mut digest);
                let tag = &digest[0][..suite.rtcp_tag_len()];
                let at = end + 4 + mki.len();
                job.packet[at..at + tag.len()].copy_from_slice(tag);
                job.len = at + tag.len();
            }
        }
        Ok(())
    }

    pub(crate) fn unprotect_rtcp(&mut self, jobs: &mut [Job<'_>]) {
        for job in jobs {
            if job.result.is_ok() {
                job.result = self.unprotect_rtcp_alone(job);
            }
        }
    }

    fn unprotect_rtcp_alone(&mut self, job: &mut Job<'_>) -> Result<(), Error> {
        let state = Self::primary(&self.rtcp, job, Direction::Inbound)?;
        let (suite, current) = (state.suite, state.ssrc);
        let mki = self.rtcp_mki(job);
        let tag_len = suite.rtcp_tag_len();
        let packet = job.packet.get(..job.len).ok_or(Error::TooShort)?;
        let end = job.len.checked_sub(4 + tag_len + mki.len()).ok_or(Error::TooShort)?;
        let ssrc = rtcp_ssrc(&packet[..end])?;
        let gcm = suite.cipher() == Cipher::AesGcm;
        let (tag_at, word_at, mki_at) = if gcm {
            (end, end + tag_len, end + tag_len + 4)
        } else {
            (end + 4 + mki.len(), end, end + 4)
        };
        if packet[mki_at..mki_at + mki.len()] != *mki {
            return Err(Error::UnknownMki);
        }
        let mut word = [0; 4];
        word.copy_from_slice(&packet[word_at..word_at + 4]);
        let encrypted = u32::from_be_bytes(word) & E_FLAG != 0;
        if !encrypted && suite.cipher() != Cipher::Null {
            return Err(Error::EncryptionMismatch);
        }
        let index = u64::from(u32::from_be_bytes(word) & !E_FLAG);
        let found = self.rtcp.find(job.session, ssrc);
        if let Some(at) = found {
            match self.rtcp.age(at, index) {
                Age::Fresh => {}
                Age::Replayed => return Err(Error::Replayed),
                Age::TooOld => return Err(Error::TooOld),
            }
        }
        let mut tag = [0; 16];
        tag[..tag_len].copy_from_slice(&packet[tag_at..tag_at + tag_len]);
        let mut keys =
            self.rtcp.get(found.unwrap_or(ContextRef::primary(job.session))).keys.clone();
        if found.is_none() {
            self.backend.turn(&mut keys, suite, current ^ ssrc);
        }
        let keys = &keys;
        let (header, data) = job.packet[..end].split_at_mut(RTCP_HEADER);
        if gcm {
            let mut aad = [0; RTCP_HEADER + 4];
            aad[..RTCP_HEADER].copy_from_slice(header);
            aad[RTCP_HEADER..].copy_from_slice(&word);
            let mut gcm = [GcmJob { keys, suite, index, aad: &aad, data, tag, good: false }];
            self.backend.gcm_open(&mut gcm);
            if !gcm[0].good {
                return Err(Error::AuthFailed);
            }
        } else {
            let mut digest = [[0; 20]];
            let message = &job.packet[..end + 4];
            self.backend.hmac_sha1(&[MacJob { keys, message, suffix: None }], &mut digest);
            if !super::rtp::equal(&digest[0][..tag_len], &tag[..tag_len]) {
                return Err(Error::AuthFailed);
            }
        }
        match found {
            Some(at) => self.rtcp.mark(at, index),
            None => {
                self.bind(Protocol::Rtcp, job.session, ssrc, index)?;
            }
        }
        if suite.cipher() == Cipher::AesCm {
            let data = &mut job.packet[RTCP_HEADER..end];
            self.backend.aes_cm(&mut [CmJob { keys, suite, index, data }]);
        }
        job.len = end;
        if !is_rtcp_compound(&job.packet[..end]) {
            return Err(Error::Malformed);
        }
        Ok(())
    }

    fn rtcp_mki(&self, job: &Job<'_>) -> &[u8] {
        let state = &self.rtcp.get(ContextRef::primary(job.session)).state;
        if !state.flags.has(Flags::MKI) {
            return &[];
        }
        self.slots[job.session.index as usize].as_ref().map_or(&[], |slot| slot.mki())
    }
}
