//! What was on CallManager's wire: the keys that telephones were given, found in their signalling
//! with their own secrets, and nowhere else.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use base64ct::{Base64, Encoding};

use super::place;
use crate::capture::Recording;
use crate::report::{Failed, Report};
use crate::scenario::cluster::Site;
use crate::scenario::estate::key_logs;

/// A recording that goes on.
pub struct Wire {
    recording: Recording,
    logs: PathBuf,
}

/// Octets of a master key, and of its salt.
const KEY: usize = 16;
const SALT: usize = 14;

impl Wire {
    /// Records everything from now on.
    pub fn record(site: &Site, logs: &Path) -> Result<Self> {
        let recording = Recording::start(&site.cm1.namespace, "eth0", "ip", place(logs))?;
        Ok(Self { recording, logs: logs.to_owned() })
    }

    /// No key that a telephone was given is there in any spelling, and MGCP is only in ESP while
    /// that is there.
    // R: MGCP-03, MGCP-04, MED-03
    pub fn judge(self, report: &mut Report) -> Result<(), Failed> {
        let Self { recording, logs } = self;
        report.step("no key of the office is on the wire", || {
            let capture = recording.finish()?;
            let keylog = format!("tls.keylog_file:{}", key_logs(&logs)[0].display());
            let keys = capture.fields(
                &["-o", &keylog, "-d", "tls.port==2443,skinny"],
                "skinny.keylen > 0",
                &["skinny.key", "skinny.salt"],
            )?;
            let keys: Vec<Vec<u8>> =
                keys.iter().flat_map(|row| read(row)).collect::<Option<_>>().context("the keys")?;
            ensure!(!keys.is_empty(), "telephones were given no key");
            let octets = capture.octets()?;
            for key in &keys {
                let text = Base64::encode_string(key);
                for spelling in [&key[..KEY], text.as_bytes()] {
                    let there = octets.windows(spelling.len()).any(|window| window == spelling);
                    ensure!(!there, "a key is on the wire");
                }
            }
            let esp = capture.fields(&[], "udp.port == 4500 && esp", &["esp.spi"])?;
            // That nobody listened there yet is no answer of its gateway.
            let from_it = "ip.src == 10.2.0.1 && udp.srcport == 2427 && !icmp";
            let answers = capture.fields(&[], from_it, &["ip.src"])?;
            ensure!(answers.is_empty(), "{} datagrams of MGCP left in clear", answers.len());
            let clear = capture.fields(&[], "udp.port == 2427", &["mgcp.req.verb"])?;
            Ok((
                (),
                format!(
                    "{} keys, {} ESP packets; {} datagrams of MGCP in clear, none with a key",
                    keys.len(),
                    esp.len(),
                    clear.len()
                ),
            ))
        })
    }
}

/// The keys with their salts that a packet has, as Wireshark prints them: octet by octet.
fn read(row: &[String]) -> Vec<Option<Vec<u8>>> {
    let octets = |text: &String| {
        text.split(',')
            .filter(|octet| !octet.is_empty())
            .map(str::parse)
            .collect::<Result<Vec<u8>, _>>()
    };
    let [Some(Ok(keys)), Some(Ok(salts))] = [0, 1].map(|column| row.get(column).map(octets)) else {
        return vec![None];
    };
    let pairs = keys.chunks(KEY).zip(salts.chunks(SALT));
    let sound = |(key, salt): (&[u8], &[u8])| {
        (key.len() == KEY && salt.len() == SALT).then(|| [key, salt].concat())
    };
    pairs.map(sound).collect()
}
