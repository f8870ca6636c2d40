//! The program that libFuzzer drives: one of the targets, named by `RINGFENCE_FUZZ`.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use ringfence_fuzz::{TARGETS, Target};

/// libFuzzer owns the command line, so the name comes through the environment.
static CHOSEN: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("RINGFENCE_FUZZ").unwrap_or_default();
    ringfence_fuzz::find(&name).unwrap_or_else(|| {
        // Also the answer to RINGFENCE_FUZZ=list.
        TARGETS.iter().for_each(|target| println!("{}", target.name));
        std::process::exit(i32::from(name != "list"));
    })
});

fuzz_target!(init: { LazyLock::force(&CHOSEN); }, |data: &[u8]| (CHOSEN.run)(data));
