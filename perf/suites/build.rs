//! Builds the C side of peers: of all that need none of their headers, and of others that this
//! machine has.

use std::path::Path;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(ipsec_mb)");
    println!("cargo::rerun-if-changed=src/srtp/ipsec_mb.c");
    println!("cargo::rerun-if-changed=src/esp/libipsec.c");
    cc::Build::new().file("src/esp/libipsec.c").opt_level(3).compile("ringfence_libipsec");
    let header = "/usr/include/intel-ipsec-mb.h";
    println!("cargo::rerun-if-changed={header}");
    if Path::new(header).exists() {
        cc::Build::new().file("src/srtp/ipsec_mb.c").opt_level(3).compile("ringfence_mb");
        println!("cargo::rustc-link-lib=IPSec_MB");
        println!("cargo::rustc-cfg=ipsec_mb");
    }
}
