//! A telephone: two ffmpeg processes, one that speaks and one that listens, behind one address.
//!
//! ffmpeg encodes, protects, verifies and decodes; it cannot send and receive on one port, as a
//! telephone does and a relay demands. So a [`line`] passes its packets unchanged between the
//! telephone's address on the network and two loopback addresses of the same namespace.

mod ffmpeg;
mod line;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use speech::wav;

use crate::key::Key;
use crate::net::Namespace;
use crate::program::{Program, poll};
use line::Line;
pub use line::Traffic;

/// How long a program may take to do what takes it no time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Silence on the line after which everything said has been heard.
const SILENCE: Duration = Duration::from_millis(500);

/// A telephone on the network, on the hook.
pub struct Phone {
    name: String,
    namespace: Namespace,
    line: Line,
    /// Where logs and recordings go.
    dir: PathBuf,
}

/// A telephone off the hook: it listens, and speaks when told to.
pub struct Call {
    phone: Phone,
    listener: Program,
    recording: PathBuf,
}

/// A telephone that speaks.
pub struct Speech {
    speaker: Program,
    said: Vec<i16>,
}

/// What a call left.
pub struct Hung {
    /// What was heard.
    pub heard: Vec<i16>,
    /// What went over the line.
    pub traffic: Traffic,
}

impl Phone {
    /// Connects a telephone at `address`, which is an address of the namespace with an even port.
    pub fn connect(
        namespace: &Namespace,
        name: &str,
        address: SocketAddr,
        dir: PathBuf,
    ) -> Result<Self> {
        let line = Line::open(namespace, address)?;
        Ok(Self { name: name.to_owned(), namespace: namespace.clone(), line, dir })
    }

    /// Takes off the hook: from now on what comes from `peer` is heard, verified by `key`.
    pub fn listen(mut self, peer: SocketAddr, key: Option<&Key>) -> Result<Call> {
        let recording = self.dir.join(format!("{}.s16le", self.name));
        let description = self.dir.join(format!("{}.sdp", self.name));
        fs::write(&description, ffmpeg::description(self.line.ear(), key))
            .with_context(|| format!("cannot write {}", description.display()))?;
        let command = ffmpeg::listener(&self.namespace, &description, &recording);
        let mut listener = Program::start(&format!("{}-listens", self.name), command, &self.dir)?;
        let ear = self.line.ear();
        let ready = || bound(&self.namespace, ear).unwrap_or(false);
        poll(PATIENCE, || (ready() || listener.expect_running().is_err()).then_some(()));
        listener.expect_running()?;
        self.line.join(peer)?;
        Ok(Call { phone: self, listener, recording })
    }
}

impl Call {
    /// Says something, protected by `key`.
    pub fn speak(&self, said: Vec<i16>, key: Option<&Key>) -> Result<Speech> {
        let Phone { name, namespace, line, dir } = &self.phone;
        let wav = dir.join(format!("{name}-says.wav"));
        write_wav(&wav, &said)?;
        let command = ffmpeg::speaker(namespace, &wav, line.mouth(), key);
        let speaker = Program::start(&format!("{name}-speaks"), command, dir)?;
        Ok(Speech { speaker, said })
    }

    /// What went over the line so far.
    pub fn traffic(&self) -> Traffic {
        self.phone.line.traffic()
    }

    /// Hangs up once the line is silent, and gives what was heard.
    pub fn hang_up(mut self) -> Result<Hung> {
        let silent = || self.phone.line.silent_for(SILENCE).then_some(());
        poll(PATIENCE, silent).context("the line does not fall silent")?;
        self.listener.expect_running()?;
        drop(self.listener);
        let heard = match fs::read(&self.recording) {
            Ok(bytes) => wav::samples_of(&bytes),
            // ffmpeg opens it with the first packet that verifies.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                let path = self.recording.display();
                return Err(error).with_context(|| format!("cannot read {path}"));
            }
        };
        write_wav(&self.recording.with_extension("wav"), &heard)?;
        Ok(Hung { heard, traffic: self.phone.line.traffic() })
    }
}

impl Speech {
    /// Waits until everything is said, and gives it.
    pub fn finish(mut self) -> Result<Vec<i16>> {
        let takes = Duration::from_secs_f64(self.said.len() as f64 / speech::RATE as f64);
        self.speaker.finish(takes + PATIENCE)?;
        Ok(self.said)
    }
}

fn write_wav(path: &Path, samples: &[i16]) -> Result<()> {
    fs::write(path, wav::write(samples)).with_context(|| format!("cannot write {}", path.display()))
}

/// Whether a UDP socket is bound to this loopback port of the namespace.
fn bound(namespace: &Namespace, port: u16) -> Result<bool> {
    let table = namespace.enter(|| fs::read_to_string("/proc/thread-self/net/udp"))??;
    let local = format!(":{port:04X}");
    Ok(table.lines().filter_map(|row| row.split_whitespace().nth(1)).any(|a| a.ends_with(&local)))
}
