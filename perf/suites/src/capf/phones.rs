//! Phones that have made their keys before.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use capf::phone::{Credential, Manner};
use phone::capf::{
    Caller, Enrolment, Patience, Ram, TlsManner, Trust, Verdict, Wallet, Workshop, run,
};
use pki::PrivateKey;
use store::KeySize;

use super::site::{Site, name};
use crate::cpu;

/// So many talk at the same time.
const AT_ONCE: usize = 64;
/// Keys of a size, handed out again and again.
const KEYS: usize = 4;

pub(super) struct Phones {
    workshop: Workshop,
    server: SocketAddr,
}

impl Phones {
    pub fn of(site: &Site) -> Result<Self> {
        let sizes = [KeySize::Rsa1024, KeySize::Rsa2048].map(|size| u32::from(size.bits()));
        let keys = sizes.iter().flat_map(|bits| std::iter::repeat_n(*bits, KEYS));
        let stock: Option<Vec<_>> = keys.map(PrivateKey::generate_legacy_rsa).collect();
        let stock = stock.context("these sizes are usable")?;
        Ok(Self { workshop: Workshop::with_stock(0, stock)?, server: site.capf })
    }

    /// Lets phones enrol for which that was ordered; fails unless all of them get a certificate.
    pub fn enrol(&self, phones: impl Iterator<Item = usize>) -> Result<()> {
        cpu::bind_here(cpu::OTHERS)?;
        let callers = phones.map(|number| self.caller(number));
        for one in run(callers, AT_ONCE, &self.workshop)? {
            let (device, verdict) = (one.enrolment.device(), one.verdict);
            ensure!(verdict == Verdict::Updated, "{device} got no certificate: {verdict}");
        }
        Ok(())
    }

    fn caller(&self, number: usize) -> Caller<Ram> {
        let enrolment = Enrolment::start(
            name(number),
            Manner::default(),
            Patience::default(),
            1,
            Credential::NullString,
            Wallet::default(),
            Ram,
        );
        let (servers, tls) = (vec![self.server], TlsManner::modern());
        Caller { enrolment, servers, trust: Trust::Anybody, tls, source: None }
    }
}
