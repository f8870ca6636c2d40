//! The cell as a process, and real clients: `openssl s_client`.

mod certificates;
mod handed_in;
mod handshakes;
mod house;
mod limits;
mod restarts;
mod walls;
