//! CAPF: its bytes, and its machines on a virtual clock.

mod codec;
