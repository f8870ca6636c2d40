//! X.509 certificates, private keys and security tokens.
