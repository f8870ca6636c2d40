//! OpenSSL: the cryptography of the same packets, and nothing else. Keys are expanded beforehand,
//! HMAC begins from states that know the key.

use anyhow::{Result, bail};
use esp::Suite;
use openssl::cipher::Cipher;
use openssl::cipher_ctx::CipherCtx;
use openssl::memcmp;
use openssl::sha::Sha1;

use super::{Contender, LAP, Work};

const HEADER: usize = 8;
const SHA1_ICV: usize = 12;
const GCM_ICV: usize = 16;
/// OpenSSL's binding wants a block more than it writes.
const SPARE: usize = 16;

pub(super) struct Openssl {
    suite: Suite,
    seal: CipherCtx,
    open: CipherCtx,
    /// SHA-1 after key ⊕ ipad, and after key ⊕ opad.
    inner: Sha1,
    outer: Sha1,
    clear: Vec<u8>,
    packets: Vec<Vec<u8>>,
    number: u64,
}

impl Openssl {
    pub(super) fn new(suite: Suite, len: usize) -> Result<Self> {
        let cipher = match suite {
            Suite::AesGcm128 => Cipher::aes_128_gcm(),
            Suite::AesCbc128Sha1 => Cipher::aes_128_cbc(),
            other => bail!("{other} is not compared"),
        };
        let (mut seal, mut open) = (CipherCtx::new()?, CipherCtx::new()?);
        seal.encrypt_init(Some(cipher), Some(&[1; 16]), None)?;
        open.decrypt_init(Some(cipher), Some(&[1; 16]), None)?;
        for context in [&mut seal, &mut open] {
            context.set_padding(false);
        }
        let after = |pad: u8| {
            let mut state = Sha1::new();
            let mut block = [pad; 64];
            block[..20].iter_mut().for_each(|octet| *octet ^= 2);
            state.update(&block);
            state
        };
        let data = (len + 2).next_multiple_of(suite.alignment());
        let clear = vec![0x5a; HEADER + suite.iv_len() + data + suite.icv_len() + SPARE];
        Ok(Self {
            suite,
            seal,
            open,
            inner: after(0x36),
            outer: after(0x5c),
            packets: vec![clear.clone(); LAP],
            clear,
            number: 0,
        })
    }

    fn one(&mut self, work: Work, at: usize) -> Result<bool> {
        let mut packet = std::mem::take(&mut self.packets[at]);
        let good = match self.suite {
            Suite::AesGcm128 => self.gcm(work, &mut packet),
            _ => self.cbc(work, &mut packet),
        };
        self.packets[at] = packet;
        good
    }

    fn gcm(&mut self, work: Work, packet: &mut [u8]) -> Result<bool> {
        let context = match work {
            Work::Seal => &mut self.seal,
            Work::Open => &mut self.open,
        };
        let (header, rest) = packet.split_at_mut(HEADER);
        let (iv, rest) = rest.split_at_mut(8);
        let (data, icv) = rest.split_at_mut(rest.len() - SPARE - GCM_ICV);
        let icv = &mut icv[..GCM_ICV];
        if work == Work::Seal {
            self.number += 1;
            iv.copy_from_slice(&self.number.to_be_bytes());
        }
        let mut nonce = [9; 12];
        nonce[4..].copy_from_slice(iv);
        let len = data.len();
        match work {
            Work::Seal => context.encrypt_init(None, None, Some(&nonce))?,
            Work::Open => {
                context.decrypt_init(None, None, Some(&nonce))?;
                context.set_tag(icv)?;
            }
        }
        context.cipher_update(header, None)?;
        context.cipher_update_inplace(data, len)?;
        let good = context.cipher_final(&mut []).is_ok();
        if work == Work::Seal {
            context.tag(icv)?;
        }
        Ok(good)
    }

    fn cbc(&mut self, work: Work, packet: &mut [u8]) -> Result<bool> {
        let end = packet.len() - SPARE - SHA1_ICV;
        let icv = end..end + SHA1_ICV;
        if work == Work::Open && !memcmp::eq(&self.mac(&packet[..end]), &packet[icv.clone()]) {
            return Ok(false);
        }
        let (iv, data) = packet[HEADER..].split_at_mut(16);
        let len = end - HEADER - iv.len();
        let context = match work {
            Work::Seal => {
                self.number += 1;
                iv[..8].copy_from_slice(&self.number.to_be_bytes());
                self.seal.encrypt_init(None, None, Some(iv))?;
                &mut self.seal
            }
            Work::Open => {
                self.open.decrypt_init(None, None, Some(iv))?;
                &mut self.open
            }
        };
        context.cipher_update_inplace(data, len)?;
        if work == Work::Seal {
            let mac = self.mac(&packet[..end]);
            packet[icv].copy_from_slice(&mac);
        }
        Ok(true)
    }

    fn mac(&self, message: &[u8]) -> [u8; SHA1_ICV] {
        let (mut inner, mut outer) = (self.inner.clone(), self.outer.clone());
        inner.update(message);
        outer.update(&inner.finish());
        *outer.finish().first_chunk().expect("SHA-1 gives 20 octets")
    }
}

impl Contender for Openssl {
    fn prepare(&mut self, work: Work) {
        match work {
            Work::Seal => self.packets.iter_mut().for_each(|packet| packet.clone_from(&self.clear)),
            Work::Open => {
                self.prepare(Work::Seal);
                self.process(Work::Seal);
            }
        }
    }

    fn process(&mut self, work: Work) -> usize {
        (0..LAP).filter(|&at| self.one(work, at).is_ok_and(|good| good)).count()
    }
}
