//! Keys, made at low priority: a phone's calls go first, and so do ours.

use std::io;
use std::sync::Arc;
use std::thread;

use capf::codec::{Curve, KeySpec};
use crossbeam_channel::{Receiver, Sender, unbounded};
use pki::{KeyKind, PrivateKey, Signer};
use rustix::process::setpriority_process;

/// The least that the kernel knows.
const LOW_PRIORITY: i32 = 19;

/// Threads that make keys while nobody else wants the processor.
#[derive(Clone)]
pub struct Workshop {
    jobs: Sender<Job>,
    stock: Arc<[PrivateKey]>,
}

/// A key to be made.
pub struct Job {
    /// Of which kind.
    pub spec: KeySpec,
    /// Takes it, in the thread that made it; `None` if there is no such key.
    pub done: Box<dyn FnOnce(Option<PrivateKey>) + Send>,
}

impl Workshop {
    /// Starts so many threads. They end with the last handle to the workshop.
    pub fn new(threads: usize) -> io::Result<Self> {
        Self::with_stock(threads, Vec::new())
    }

    /// A workshop that hands out these keys again and again where they are what is asked for: for
    /// measuring a server, not the phones.
    pub fn with_stock(threads: usize, stock: Vec<PrivateKey>) -> io::Result<Self> {
        let (jobs, waiting) = unbounded();
        for number in 0..threads {
            let waiting: Receiver<Job> = waiting.clone();
            thread::Builder::new().name(format!("keys-{number}")).spawn(move || {
                // Of this thread only. Where it is refused, keys are made all the same.
                let _ = setpriority_process(None, LOW_PRIORITY);
                waiting.iter().for_each(|Job { spec, done }| done(make(spec)));
            })?;
        }
        Ok(Self { jobs, stock: stock.into() })
    }

    /// Has a key made. Jobs are done in the order in which they come.
    pub fn order(&self, number: u64, job: Job) {
        let fits = |key: &&PrivateKey| key.public_key().describe() == job.spec.to_string();
        let fitting: Vec<_> = self.stock.iter().filter(fits).collect();
        match fitting.len() {
            0 => {
                // Without threads nobody makes it, and nobody waits for it: the job is dropped.
                let _ = self.jobs.send(job);
            }
            several => {
                let which = usize::try_from(number).unwrap_or_default() % several;
                (job.done)(Some(fitting[which].clone()));
            }
        }
    }
}

fn make(spec: KeySpec) -> Option<PrivateKey> {
    match spec {
        KeySpec::Rsa(bits) => PrivateKey::generate_legacy_rsa(bits.into()),
        KeySpec::Ec(Curve::P256) => Some(PrivateKey::generate(KeyKind::EcP256)),
        KeySpec::Ec(Curve::P384) => Some(PrivateKey::generate(KeyKind::EcP384)),
        KeySpec::Ec(Curve::P521) => Some(PrivateKey::generate(KeyKind::EcP521)),
    }
}
