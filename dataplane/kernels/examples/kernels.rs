//! How fast the x86-64 kernels are on this processor, without sessions around them: a guide for tuning them.
//!
//! `cargo run --release -p ringfence-kernels --example kernels [FILTER]`; packets of 12 + 160 bytes. "relay" is what a
//! packet costs from one key to another: verify, decrypt, encrypt, authenticate. Cycles are counted by
//! how long a chain of multiplications takes, because on a shared machine the clock drifts.

use std::array;
use std::hint::black_box;
use std::time::{Duration, Instant};

use ringfence_kernels::*;

const BURST: usize = 32;
const HEADER: usize = 12;
const PACKET: usize = HEADER + 160;
/// Bursts in a sample: short enough to be over before the clock of a shared machine changes.
const SAMPLE: usize = 16;
const TIME: Duration = Duration::from_millis(300);

fn main() {
    let filter = std::env::args().nth(1).unwrap_or_default();
    for (name, suite) in suites() {
        for flows in [1, 1_000, 10_000] {
            let mut bench = Bench::new(flows);
            for (work, run) in suite.works() {
                let name = format!("{name:20} {work:5} {flows:6} flows");
                if !name.contains(&filter) {
                    continue;
                }
                let cycles = bench.measure(|bench| run(&suite, bench));
                println!("{name} {cycles:8.1} cycles a packet");
            }
        }
    }
}

/// Kernels that work together.
enum Suite {
    Cm(HmacSha1, AesCtr),
    Gcm(GcmTag, AesCtr),
}

type Work = fn(&Suite, &mut Bench);

fn suites() -> Vec<(&'static str, Suite)> {
    let suites = [
        (
            "AES_CM AVX-512",
            HmacSha1::avx512().zip(AesCtr::vaes()).map(|(mac, ctr)| Suite::Cm(mac, ctr)),
        ),
        (
            "AES_CM SHA-NI",
            HmacSha1::sha_ni().zip(AesCtr::aes_ni()).map(|(mac, ctr)| Suite::Cm(mac, ctr)),
        ),
        (
            "AES_CM AVX2",
            HmacSha1::avx2().zip(AesCtr::aes_ni()).map(|(mac, ctr)| Suite::Cm(mac, ctr)),
        ),
        (
            "AES_GCM VPCLMULQDQ",
            GcmTag::vpclmulqdq().zip(AesCtr::vaes()).map(|(tag, ctr)| Suite::Gcm(tag, ctr)),
        ),
        (
            "AES_GCM PCLMULQDQ",
            GcmTag::pclmulqdq().zip(AesCtr::aes_ni()).map(|(tag, ctr)| Suite::Gcm(tag, ctr)),
        ),
    ];
    suites.into_iter().filter_map(|(name, suite)| Some((name, suite?))).collect()
}

impl Suite {
    fn works(&self) -> [(&'static str, Work); 3] {
        [
            ("crypt", |suite, bench| suite.crypt(bench, Side::Receive)),
            ("tag", |suite, bench| suite.tag(bench, Side::Receive)),
            ("relay", |suite, bench| {
                suite.tag(bench, Side::Receive);
                suite.crypt(bench, Side::Receive);
                suite.crypt(bench, Side::Send);
                suite.tag(bench, Side::Send);
            }),
        ]
    }

    fn crypt(&self, bench: &mut Bench, side: Side) {
        let (Self::Cm(_, ctr) | Self::Gcm(_, ctr)) = self;
        let mut flow = flows_from(&bench.flows[side as usize], bench.next);
        for packet in &mut bench.packets {
            let flow = flow();
            ctr.apply(&flow.round_keys, flow.iv, &mut packet.0[HEADER..PACKET]);
        }
    }

    fn tag(&self, bench: &mut Bench, side: Side) {
        let mut flow = flows_from(&bench.flows[side as usize], bench.next);
        match self {
            Self::Cm(mac, _) => {
                let jobs: [MacJob<'_>; BURST] = array::from_fn(|index| {
                    let message = &bench.packets[index].0[..PACKET];
                    MacJob { key: &flow().mac, message, suffix: Some([0, 0, 0, 1]) }
                });
                mac.digest(&jobs, black_box(&mut bench.digests));
            }
            Self::Gcm(tag, _) => {
                for (packet, result) in bench.packets.iter().zip(&mut bench.tags) {
                    let flow = flow();
                    let (associated, ciphertext) = packet.0[..PACKET].split_at(HEADER);
                    let (round_keys, hash_key) = (&flow.round_keys, &flow.hash);
                    let job = TagJob { round_keys, hash_key, associated, ciphertext };
                    *result = tag.compute(flow.iv >> 32, &job);
                }
                black_box(&mut bench.tags);
            }
        }
    }
}

fn flows_from<'f>(flows: &'f [Flow], mut next: usize) -> impl FnMut() -> &'f Flow {
    move || {
        let flow = &flows[next];
        next = if next + 1 < flows.len() { next + 1 } else { 0 };
        flow
    }
}

#[derive(Clone, Copy)]
enum Side {
    Receive,
    Send,
}

/// One direction of a call: four cache lines, and one more for the other suite.
#[repr(C, align(64))]
struct Flow {
    round_keys: [Block; 11],
    mac: MacKey,
    hash: [u32; 8],
    iv: u128,
}

#[repr(align(64))]
struct Packet([u8; 256]);

struct Bench {
    flows: [Vec<Flow>; 2],
    packets: [Packet; BURST],
    digests: [Digest; BURST],
    tags: [Block; BURST],
    /// The flow of the next packet.
    next: usize,
}

impl Bench {
    fn new(count: usize) -> Self {
        let flow = |seed: usize| {
            let key: [u8; 16] = array::from_fn(|index| (seed >> index) as u8);
            let mut round_keys = [[0; 16]; 11];
            assert!(expand_key(&key, &mut round_keys), "a kernel was found");
            let hash = hash_key(&round_keys).expect("a kernel was found");
            Flow { round_keys, mac: MacKey::new(&key), hash, iv: (seed as u128) << 32 }
        };
        Self {
            flows: [0, count].map(|first| (first..first + count).map(flow).collect()),
            packets: array::from_fn(|_| Packet([0; 256])),
            digests: [[0; 20]; BURST],
            tags: [[0; 16]; BURST],
            next: 0,
        }
    }

    /// Cycles a packet, each sample with the clock taken just before it. Nine of ten samples took longer: others on the
    /// machine, and on the same core where it has two threads, can only slow us down.
    fn measure(&mut self, mut burst: impl FnMut(&mut Self)) -> f64 {
        let mut samples = Vec::new();
        let start = Instant::now();
        while start.elapsed() < TIME {
            let cycle = nanoseconds_per_cycle();
            let sample = Instant::now();
            for _ in 0..SAMPLE {
                burst(self);
                self.next = (self.next + BURST) % self.flows[0].len();
            }
            samples.push(sample.elapsed().as_nanos() as f64 / cycle / (SAMPLE * BURST) as f64);
        }
        samples.sort_by(f64::total_cmp);
        samples[samples.len() / 10]
    }
}

/// From a chain of multiplications, which take three cycles each on every x86-64 of the last fifteen years.
fn nanoseconds_per_cycle() -> f64 {
    const MULTIPLICATIONS: u64 = 4_000;
    let start = Instant::now();
    let mut product = black_box(3u64);
    for _ in 0..MULTIPLICATIONS {
        // SAFETY: one multiplication of registers.
        unsafe {
            std::arch::asm!("imul {0}, {0}", inout(reg) product, options(pure, nomem, nostack))
        };
    }
    black_box(product);
    start.elapsed().as_nanos() as f64 / (3 * MULTIPLICATIONS) as f64
}
