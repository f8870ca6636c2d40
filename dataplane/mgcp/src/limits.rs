//! How much of anything is read. What is longer is refused, never cut.

/// Octets of a datagram that a receiver accepts unless told otherwise.
pub const DATAGRAM: usize = 16 * 1024;
/// Octets every peer must accept in a datagram (RFC 3435 §3.5.4), hence the longest answer.
pub const ANSWER: usize = 4000;
/// Messages in a datagram.
pub const MESSAGES: usize = 32;
/// Lines of a message, its session description apart.
pub const LINES: usize = 100;
/// Octets of a line.
pub const LINE: usize = 2048;
/// Events or signals of a list.
pub const EVENTS: usize = 64;
/// Local connection options of a command.
pub const OPTIONS: usize = 64;
/// Octets of a digit map.
pub const DIGIT_MAP: usize = 2048;
/// Octets of a session description.
pub const SDP: usize = 8 * 1024;
/// Endpoint names in an answer.
pub const ENDPOINT_LIST: usize = 500;
/// Characters of a crypto attribute, name included.
pub const CRYPTO: usize = 256;
