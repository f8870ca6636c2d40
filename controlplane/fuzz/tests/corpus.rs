//! The targets over their corpus.

use std::path::Path;

use fuzz::corpus;
use ringfence_fuzz_control::TARGETS;

fn corpora() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus"))
}

#[test]
fn targets_hold_on_their_corpus_and_near_it() {
    corpus::hold_near(TARGETS, corpora());
}

#[test]
fn a_corpus_has_a_target() {
    corpus::belong(TARGETS, corpora());
}
