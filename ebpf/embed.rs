// The part of a build script that finds a BPF object; both loaders include it.
//
// `cargo xtask` builds the objects. Without one the crate still builds, and its loader says what to
// run.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// Makes `OUT_DIR/object.o` a copy of `target/bpf/NAME.o`, or empty if there is none.
pub fn embed(name: &str) {
    let output = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let object = target_directory(&output).join("bpf").join(name).with_extension("o");
    println!("cargo::rerun-if-changed={}", object.display());
    let content = fs::read(object).unwrap_or_default();
    let copy = output.join("object.o");
    // A new file, not new content: caches of build directories give one file many names.
    let _ = fs::remove_file(&copy);
    fs::write(copy, content).expect("the output directory is writable");
}

/// `OUT_DIR` is `target/[TRIPLE/]PROFILE/build/PACKAGE/out`, wherever `target` may be.
fn target_directory(output: &Path) -> &Path {
    let mut candidates = output.ancestors().skip(4).take(2);
    candidates
        .clone()
        .find(|above| above.join("bpf").exists())
        .or(candidates.next())
        .expect("cargo's layout is that deep")
}
