//! The daemon with a call agent that speaks through IPsec.

mod agent;
mod bypass;
mod sockets;
