//! The CAPF service: orders, phones over TLS, what strangers can do, old data.

/// The authority that the SCEP client is tested against.
#[path = "../../../scep/tests/suite/authority.rs"]
#[allow(dead_code)]
mod authority;
mod cell;
mod import;
mod limits;
mod order;
mod phone;
mod renewal;
mod scep;
mod service;
mod site;

/// What the authority needs of the suite that it comes from.
mod support {
    use std::fs;
    use std::path::Path;

    /// A file of the SCEP client's test vectors.
    pub fn vector(name: &str) -> &'static [u8] {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scep/tests/vectors");
        fs::read(directory.join(format!("{name}.der"))).unwrap().leak()
    }
}
