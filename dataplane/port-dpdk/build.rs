//! Compiles the shim and links DPDK, where the feature asks for it.

fn main() {
    println!("cargo::rerun-if-changed=shim");
    if std::env::var_os("CARGO_FEATURE_DPDK").is_none() {
        return;
    }
    let dpdk = pkg_config::Config::new().atleast_version("21.11").probe("libdpdk");
    let dpdk = match dpdk {
        Ok(dpdk) => dpdk,
        Err(error) => panic!("DPDK is not there: `apt-get install libdpdk-dev`\n{error}"),
    };
    cc::Build::new()
        .file("shim/shim.c")
        .includes(&dpdk.include_paths)
        // What its headers demand of the processor at least.
        .flag("-include")
        .flag("rte_config.h")
        .flag("-march=corei7")
        .define("ALLOW_EXPERIMENTAL_API", None)
        .compile("ringfence_dpdk_shim");
    // Drivers are loaded by DPDK itself; of these two functions are called by name.
    println!("cargo::rustc-link-lib=rte_bus_vdev");
    println!("cargo::rustc-link-lib=rte_net_ring");
}
