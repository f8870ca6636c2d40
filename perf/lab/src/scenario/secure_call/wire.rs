//! What Wireshark makes of the signalling: in clear, and decrypted with the telephones' own keys.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::capture::{Capture, Recording};
use crate::report::{Failed, Report};
use crate::scenario::cluster::Site;
use crate::scenario::estate::key_logs;

/// Recordings that go on.
pub struct Wire {
    recording: Recording,
    logs: PathBuf,
}

impl Wire {
    /// Records CallManager's signalling from now on.
    pub fn record(site: &Site, logs: &Path) -> Result<Self> {
        let filter = "tcp port 2000 or tcp port 2443";
        let place = (logs, "signalling");
        let recording = Recording::start(&site.cm1.namespace, "eth0", filter, place)?;
        Ok(Self { recording, logs: logs.to_owned() })
    }

    /// Every message is dissected without a flaw, and no key went in clear.
    // R: AUTH-07, MED-02
    pub fn judge(self, report: &mut Report) -> Result<(), Failed> {
        let Self { recording, logs } = self;
        let capture = report.step("the recording of all signalling", || {
            let capture = recording.finish()?;
            Ok((capture, "at CallManager's own interface"))
        })?;
        report.step("Wireshark: signalling in clear has no flaw and no key", || {
            let messages = messages(&capture, &[], 2000)?;
            // StartMediaTransmission and OpenReceiveChannel exist, without keys in them.
            let keys = capture.fields(
                &["-d", "tcp.port==2000,skinny"],
                "tcp.port == 2000 && skinny.keylen > 0",
                &["frame.number"],
            )?;
            ensure!(keys.is_empty(), "{} messages in clear have keys", keys.len());
            Ok(((), format!("{messages} messages")))
        })?;
        report.step("Wireshark: the encrypted signalling, decrypted, has no flaw", || {
            let logs_of_crews = key_logs(&logs).map(fs::read_to_string);
            let secrets = logs_of_crews.into_iter().collect::<Result<Vec<_>, _>>();
            let file = logs.join("all.keys");
            fs::write(&file, secrets.context("no key log")?.concat())?;
            let keylog = format!("tls.keylog_file:{}", file.display());
            let messages =
                messages(&capture, &["-o", &keylog, "-d", "tls.port==2443,skinny"], 2443)?;
            Ok(((), format!("{messages} messages")))
        })
    }
}

/// How many messages there were at a port; none may be flawed.
fn messages(capture: &Capture, settings: &[&str], port: u16) -> Result<usize> {
    let settings = [settings, &["-d", "tcp.port==2000,skinny"]].concat();
    let filter = format!("tcp.port == {port} && skinny");
    let rows = capture.fields(&settings, &filter, &["skinny.messageId", "_ws.malformed"])?;
    let flawed = rows.iter().filter(|row| row.last().is_some_and(|it| !it.is_empty())).count();
    ensure!(flawed == 0, "{flawed} packets are malformed");
    ensure!(!rows.is_empty(), "Wireshark sees no message at port {port}");
    Ok(rows.iter().map(|row| row[0].split(',').count()).sum())
}
