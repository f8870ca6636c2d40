//! The program that libFuzzer drives: one of the targets, named by `RINGFENCE_FUZZ`.
#![no_main]

use std::sync::LazyLock;

use fuzz::{Target, chosen};
use libfuzzer_sys::fuzz_target;
use ringfence_fuzz_control::TARGETS;

static CHOSEN: LazyLock<Target> = LazyLock::new(|| chosen(TARGETS));

fuzz_target!(init: { LazyLock::force(&CHOSEN); }, |data: &[u8]| (CHOSEN.run)(data));
