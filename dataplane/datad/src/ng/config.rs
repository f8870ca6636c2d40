//! `[datad.ng]`: rtpengine's control protocol, for SIP proxies.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::Deserialize;

use crate::config::{Seconds, Streams};

/// Settings of the `ng` front. Absent: there is none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NgConfig {
    /// Addresses to listen on for datagrams, usually port 2223.
    #[serde(default)]
    pub udp: Vec<SocketAddr>,
    /// Addresses to listen on for connections.
    #[serde(default)]
    pub tcp: Vec<SocketAddr>,
    /// Addresses to listen on for HTTP: `POST /ng`.
    #[serde(default)]
    pub http: Vec<SocketAddr>,
    /// Who may command. Absent: this host alone.
    #[serde(default = "this_host")]
    pub admit: Vec<IpAddr>,
    /// Most streams at a time; a call has one for its audio.
    #[serde(default = "default_streams")]
    pub streams: Streams,
    /// A call ends when nothing was heard from either party for so many seconds; 0: never.
    #[serde(default = "default_timeout", rename = "timeout_seconds")]
    pub timeout: Seconds,
}

impl NgConfig {
    /// What is wrong with it. Where keys need a covered path, nothing here covers one.
    pub fn check(&self, keys_need_cover: bool) -> Result<(), String> {
        let mut listens = self.udp.iter().chain(&self.tcp).chain(&self.http).peekable();
        if listens.peek().is_none() {
            return Err(
                "`[datad.ng]` listens nowhere: give `udp`, `tcp` or `http` an address".into()
            );
        }
        match listens.find(|address| keys_need_cover && !address.ip().is_loopback()) {
            Some(address) => Err(format!(
                "`[datad.ng]` listens on {address}, but `keys = \"require\"` wants keys to travel in \
                 IPsec, which ng does not: listen on 127.0.0.1 and run the proxy on this host"
            )),
            None => Ok(()),
        }
    }

    /// The time after which silence ends a call.
    pub fn timeout(&self) -> Duration {
        self.timeout.duration()
    }
}

fn this_host() -> Vec<IpAddr> {
    vec![IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])]
}

fn default_streams() -> Streams {
    Streams(10_000)
}

fn default_timeout() -> Seconds {
    Seconds(60)
}
