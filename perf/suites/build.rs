//! Builds the C side of peers that this machine has.

use std::path::Path;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(ipsec_mb)");
    println!("cargo::rerun-if-changed=src/srtp/ipsec_mb.c");
    let header = "/usr/include/intel-ipsec-mb.h";
    println!("cargo::rerun-if-changed={header}");
    if Path::new(header).exists() {
        cc::Build::new().file("src/srtp/ipsec_mb.c").opt_level(3).compile("ringfence_mb");
        println!("cargo::rustc-link-lib=IPSec_MB");
        println!("cargo::rustc-cfg=ipsec_mb");
    }
}
