//! SRTP and SRTCP in bursts, in place.

mod backend;
