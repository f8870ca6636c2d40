//! What TLS proved of a connection.

use callmanager::admission::Suite;
use legacytls::link::{Client, Connected, TlsVersion};

/// What TLS proved of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Proof {
    /// What its suite gives.
    pub(crate) suite: Suite,
    /// The suite's name in the registry.
    pub(crate) cipher: String,
    /// Whose certificate was shown.
    pub(crate) client: Client,
    /// Whether an earlier session was taken up again.
    pub(crate) resumed: bool,
}

impl Proof {
    /// What the cell says; `None` if it asked for no certificate.
    pub(crate) fn of_cell(tls: Connected) -> Option<Self> {
        let modern = tls.suite.contains("ECDHE") || tls.version == TlsVersion::Tls13;
        let suite = match (tls.encrypted, modern) {
            (false, _) => Suite::Null,
            (true, false) => Suite::Aes128Sha,
            (true, true) => Suite::Modern,
        };
        Some(Self { suite, cipher: tls.suite, client: tls.client?, resumed: tls.resumed })
    }
}
