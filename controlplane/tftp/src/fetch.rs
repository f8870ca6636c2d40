//! Fetching a file over a socket, waiting for it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::{Failure, Options, Progress, Receiving, Tuning};

/// Why a file could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The server refused, or is silent.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// The network refused.
    #[error("cannot ask {server}: {error}")]
    Socket {
        /// Whom.
        server: SocketAddr,
        /// What the kernel says.
        error: io::Error,
    },
}

/// Asks `server` for a file of at most `limit` bytes.
pub fn fetch(
    server: SocketAddr,
    name: &str,
    options: Options,
    limit: usize,
    tuning: Tuning,
) -> Result<Vec<u8>, FetchError> {
    let failed = |error| FetchError::Socket { server, error };
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).map_err(failed)?;
    let mut receiving = Receiving::start(Instant::now(), server, name, options, limit, tuning);
    let mut buffer = vec![0; 65_536];
    loop {
        while let Some((to, datagram)) = receiving.poll_output() {
            socket.send_to(&datagram, to).map_err(failed)?;
        }
        let left = receiving.poll_timeout().saturating_duration_since(Instant::now());
        socket.set_read_timeout(Some(left.max(Duration::from_millis(1)))).map_err(failed)?;
        let progress = match socket.recv_from(&mut buffer) {
            Ok((len, from)) => receiving.handle_datagram(Instant::now(), from, &buffer[..len]),
            Err(error) if is_timeout(&error) => receiving.handle_timeout(Instant::now()),
            Err(error) => return Err(failed(error)),
        };
        match progress {
            Progress::Going => {}
            Progress::Failed(failure) => return Err(failure.into()),
            Progress::Done(file) => {
                // The file is here; whether the server learns so is its concern.
                while let Some((to, datagram)) = receiving.poll_output() {
                    let _ = socket.send_to(&datagram, to);
                }
                return Ok(file);
            }
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
}
