//! Media of calls: two telephones on a virtual clock, real sockets, and peers that are not ours.

mod common;
mod ffmpeg;
mod libsrtp;
mod pair;
mod sockets;
