//! Sockets that systemd opened before it started the daemon: then it needs no privilege at all.
//!
//! ```ini
//! # ringfence-tftp.socket
//! [Socket]
//! ListenDatagram=69
//! FileDescriptorName=tftp
//! ReceiveBuffer=4M
//! Service=ringfence-controld.service
//!
//! # ringfence-http.socket
//! [Socket]
//! ListenStream=6970
//! FileDescriptorName=http
//! Service=ringfence-controld.service
//!
//! # ringfence-https.socket
//! [Socket]
//! ListenStream=443
//! FileDescriptorName=https
//! Service=ringfence-controld.service
//! ```

use std::env;
use std::net::{TcpListener, UdpSocket};

use listenfd::ListenFd;

/// Sockets by the service they are for.
#[derive(Debug, Default)]
pub struct Passed {
    /// Named `tftp`.
    pub tftp: Vec<UdpSocket>,
    /// Named `http`.
    pub http: Vec<TcpListener>,
    /// Named `https`.
    pub https: Vec<TcpListener>,
}

impl Passed {
    /// Takes what was passed to this process. The error says what is wrong with the unit.
    pub fn take() -> Result<Self, String> {
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut sockets = ListenFd::from_env();
        let mut passed = Self::default();
        let mut names = names.split(':');
        for index in 0..sockets.len() {
            let name = names.next().unwrap_or_default();
            let kind = |error| {
                format!(
                    "the socket `{name}` is of another kind ({error}): ListenDatagram= for tftp, \
                     ListenStream= for http and https"
                )
            };
            match name {
                "tftp" => passed.tftp.extend(sockets.take_udp_socket(index).map_err(kind)?),
                "http" => passed.http.extend(sockets.take_tcp_listener(index).map_err(kind)?),
                "https" => passed.https.extend(sockets.take_tcp_listener(index).map_err(kind)?),
                name => {
                    return Err(format!(
                        "a socket named `{name}` was passed: set FileDescriptorName= to tftp, http \
                         or https"
                    ));
                }
            }
        }
        Ok(passed)
    }
}
