//! Centre and gateway over TLS, on this machine.

mod certificate;
mod site;
mod synchronisation;
