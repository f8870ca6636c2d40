//! How much of anything is read. What is longer is refused, never cut.

/// Octets of a message.
pub const MESSAGE: usize = 64 * 1024;
/// Octets of a cookie.
pub const COOKIE: usize = 255;
/// Lists and dictionaries inside each other.
pub const DEPTH: usize = 16;
/// Values of a message, also those inside others.
pub const VALUES: usize = 4096;
/// Octets of a call-id or tag.
pub const NAME: usize = 1024;
/// Streams of a session description.
pub const STREAMS: usize = 16;
/// Warnings in an answer.
pub const WARNINGS: usize = 8;
/// Octets of the head of an HTTP request.
pub const HTTP_HEAD: usize = 8 * 1024;
/// Commands that wait for others about the same call.
pub const WAITING: usize = 1024;
/// Answers that are kept for commands that are said again.
pub const ANSWERS: usize = 8192;
