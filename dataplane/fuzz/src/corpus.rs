//! Every target over its corpus and over fixed mutations of it: quick, and the same on every run.

use std::fs;
use std::path::Path;

use crate::Target;

/// Mutations of each target, spread over the inputs of its corpus.
const MUTATIONS: usize = 4000;

/// Runs each target over the inputs in `corpora/NAME` and near them.
///
/// # Panics
///
/// When a target does not hold, with the input.
pub fn hold_near(targets: &[Target], corpora: &Path) {
    for target in targets {
        let corpus = corpus(target, corpora);
        for (name, input) in &corpus {
            hold(target, name, input);
        }
        let mut random = Random(0x2545_f491_4f6c_dd1d);
        for round in 0..MUTATIONS {
            let (name, input) = &corpus[round % corpus.len()];
            let (_, other) = &corpus[random.below(corpus.len())];
            hold(
                target,
                &format!("mutation {round} of {name}"),
                &mutate(input, other, &mut random),
            );
        }
    }
}

/// Finds corpora that no target uses.
///
/// # Panics
///
/// When there is one.
pub fn belong(targets: &[Target], corpora: &Path) {
    for entry in fs::read_dir(corpora).into_iter().flatten() {
        let name = entry.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let name = name.unwrap_or_else(|error| panic!("{}: {error}", corpora.display()));
        let known = targets.iter().any(|target| target.name == name);
        assert!(known, "corpus/{name} belongs to no target");
    }
}

/// Runs the target; a panic is reported with the input, so that it can be kept.
fn hold(target: &Target, name: &str, input: &[u8]) {
    let held = std::panic::catch_unwind(|| (target.run)(input));
    assert!(held.is_ok(), "{}: {name}: {}", target.name, input.escape_ascii());
}

/// The committed inputs, and always the empty one.
fn corpus(target: &Target, corpora: &Path) -> Vec<(String, Vec<u8>)> {
    let dir = corpora.join(target.name);
    let mut inputs = vec![("nothing".to_owned(), Vec::new())];
    let entries = fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    for entry in entries {
        let read = entry.and_then(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            Ok((name, fs::read(entry.path())?))
        });
        inputs.push(read.unwrap_or_else(|error| panic!("{}: {error}", dir.display())));
    }
    inputs.sort();
    inputs
}

/// One to four small changes.
fn mutate(input: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        match random.below(7) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            2 if at < bytes.len() => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
            3 if at < bytes.len() => drop(bytes.remove(at)),
            4 => bytes.insert(at, random.below(256) as u8),
            5 => {
                let from = random.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            _ => {
                let again = bytes[at..].to_vec();
                bytes.extend(again);
            }
        }
    }
    bytes
}

/// xorshift64: the same numbers on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}
