//! Somebody with the role capture: a tool that is attached, and what it makes of captures.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::capture::Capture;
use crate::net::Namespace;
use crate::program::{self, Program, poll};
use crate::relay::TAP;
use crate::scenario::estate::{Estate, Phone};

/// How long something may take that takes no time.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a telephone's voice speaks before it begins anew, and how often that may be.
const VOICE: (usize, usize) = (10, 12);

/// A tool at the administrator's machine.
pub struct Reader {
    namespace: Namespace,
    program: PathBuf,
    dir: PathBuf,
    identity: PathBuf,
    live: Option<Program>,
    day: Option<String>,
}

impl Reader {
    /// Makes the tool's certificate, and has it let in.
    pub fn open(estate: &Estate, programs: &Path, logs: &Path) -> Result<Self> {
        let identity = estate.site.state.path().join("tool");
        let made =
            estate.tell(&format!("capture certificate --identity {}", identity.display()))?;
        let print = made["sha256"].as_str().context("it has no fingerprint")?;
        estate.tell(&format!("capture tool add lab --sha256 {print}"))?;
        Ok(Self {
            namespace: estate.site.admin.clone(),
            program: programs.join("ringfence"),
            dir: logs.to_owned(),
            identity,
            live: None,
            day: None,
        })
    }

    /// Attaches to the stream of a device.
    pub fn attach(&mut self, estate: &Estate, device: &str) -> Result<()> {
        let shown = || estate.tell("capture show");
        let listens = || shown().ok()?["live"].as_str().map(str::to_owned);
        poll(PATIENCE, listens).context("no tool can attach")?;
        let view = shown()?;
        let print = view["certificate_sha256"].as_str().context("the server has no certificate")?;
        // Its stream is a pipe's: a shell makes a file of it.
        let command = format!(
            "exec {} capture live --server {}:2999 --server-sha256 {print} --device {device} \
             --identity {} > {}",
            self.program.display(),
            estate.site.cm1.address,
            self.identity.display(),
            self.dir.join("live.pcapng").display(),
        );
        let mut shell = self.namespace.command("sh");
        shell.args(["-c", &command]);
        let mut live = Program::start("capture-live", shell, &self.dir)?;
        let attached = || {
            let is = shown().is_ok_and(|view| view["attached"][0] == "lab");
            (is || live.expect_running().is_err()).then_some(())
        };
        poll(PATIENCE, attached).context("the tool does not attach")?;
        live.expect_running()?;
        self.live = Some(live);
        Ok(())
    }

    /// Ends the stream, which has messages of the device and no other.
    pub fn end_stream(&mut self, device: &str) -> Result<()> {
        let mut live = self.live.take().context("it is not attached")?;
        live.kill()?;
        let capture = Capture::of(self.dir.join("live.pcapng"));
        let rows = capture.fields(&[], "skinny", &["skinny.messageId", "frame.comment"])?;
        ensure!(!rows.is_empty(), "Wireshark sees no message in the stream");
        let others = rows.iter().filter(|row| !row[1].contains(device)).count();
        ensure!(others == 0, "{others} messages are of other devices");
        let flaws = capture.fields(&[], "_ws.malformed", &["frame.number"])?;
        ensure!(flaws.is_empty(), "{} packets are malformed", flaws.len());
        Ok(())
    }

    /// Fetches the file of the day and its key.
    pub fn fetch(&mut self, estate: &Estate) -> Result<()> {
        let shown = estate.tell("capture show")?;
        let day = shown["files"][0]["day"].as_str().context("there is no file of the day")?;
        let fetch = format!("capture fetch {day} --directory {}", self.dir.display());
        let fetched = estate.desk.ask(&estate.site.cm1, &fetch)?;
        fetched.complaint(0)?;
        self.day = Some(day.to_owned());
        Ok(())
    }

    /// The name of the file of the day.
    pub fn day_file(&self) -> Result<String> {
        Ok(format!("{}.pkt", self.day.as_deref().context("no day was fetched")?))
    }

    /// Decrypts the media of a side. Each of two telephones is heard; the first is at this side.
    pub fn decrypt(&self, signalling: &str, side: &str, phones: [&Phone; 2]) -> Result<String> {
        let out = format!("{side}-decrypted.pcapng");
        let output = self.run_decrypt(signalling, side, &out)?;
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "it ended with {}: {words}", output.status);
        let told: Value = serde_json::from_slice(&output.stdout)?;
        let streams = told["streams"].as_array().context("no streams")?;
        let closed: u64 = streams.iter().filter_map(|stream| stream["closed"].as_u64()).sum();
        let opened: u64 = streams.iter().filter_map(|stream| stream["opened"].as_u64()).sum();
        ensure!(closed == 0 && opened > 0, "{opened} packets opened, {closed} not: {told}");
        let files = told["audio"].as_array().context("no audio")?;
        ensure!(files.len() == 2, "not two directions: {told}");
        let mut heard = Vec::new();
        for phone in phones {
            heard.push(said_by(phone, files)?);
        }

        let capture = Capture::of(self.dir.join(&out));
        let rtp = capture.fields(&[], "rtp && !icmp", &["rtp.p_type", "_ws.malformed"])?;
        ensure!(!rtp.is_empty(), "Wireshark sees no RTP in it");
        let keys = capture.fields(&[], "skinny.keylen > 0", &["frame.number"])?;
        ensure!(keys.is_empty(), "{} messages have keys still", keys.len());
        Ok(format!("{opened} packets, Wireshark sees {} of RTP; {}", rtp.len(), heard.join("; ")))
    }

    /// Has the relay tap a call.
    pub fn tap(&self, endpoint: &str) -> Result<Program> {
        let mut command = Command::new(&self.program);
        command.args(["capture", "relay", "--seconds", "5", "--endpoint", endpoint, "--tap"]);
        command.arg(self.dir.join(TAP)).arg("-w").arg(self.dir.join("tap.pcapng"));
        Program::start("capture-relay", command, &self.dir)
    }

    /// Waits until that has ended by itself.
    pub fn end_tap(&self, mut tap: Program) -> Result<()> {
        tap.finish(PATIENCE)
    }

    /// Decrypts what can be of the packets of both sides: how many could be, and how many not.
    pub fn decrypt_some(&self, signalling: &str, side: &str) -> Result<(u64, u64)> {
        let output = self.run_decrypt(signalling, side, "tap-decrypted.pcapng")?;
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(4), "it ended with {}: {words}", output.status);
        let told: Value = serde_json::from_slice(&output.stdout)?;
        let streams = told["streams"].as_array().context("no streams")?;
        let sum = |what: &str| streams.iter().filter_map(|stream| stream[what].as_u64()).sum();
        Ok((sum("opened"), sum("closed")))
    }

    /// Tries to decrypt with keys that do not fit; why it cannot be done.
    pub fn cannot_decrypt(&self, signalling: &str, side: &str) -> Result<String> {
        let output = self.run_decrypt(signalling, side, "none.pcapng")?;
        ensure!(output.status.code() == Some(1), "it ended with {}", output.status);
        ensure!(!self.dir.join("none.pcapng").exists(), "it leaves half of a result");
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn run_decrypt(&self, signalling: &str, side: &str, out: &str) -> Result<std::process::Output> {
        let path = |name: &str| self.dir.join(name);
        let mut command = Command::new(&self.program);
        command.args(["-o", "json", "capture", "decrypt", "--signalling"]).arg(path(signalling));
        command.arg("--media").arg(path(&format!("{side}.pcapng"))).arg("-o").arg(path(out));
        command.env("LC_ALL", "C");
        program::output(command, PATIENCE)
    }

    /// The media keys in signalling, as Wireshark reads them.
    pub fn keys(&self, signalling: &str) -> Result<Vec<Vec<u8>>> {
        let capture = Capture::of(self.dir.join(signalling));
        let rows = capture.fields(&[], "skinny.keylen > 0", &["skinny.keylen", "tcp.payload"])?;
        let mut keys = Vec::new();
        for row in &rows {
            let message = hex(&row[1])?;
            // OpenReceiveChannel and StartMediaTransmission: lengths 16 and 14, then the key.
            let lengths = [16, 0, 14, 0];
            let at = message.windows(4).position(|window| window == lengths);
            let key = at.and_then(|at| message.get(at + 4..at + 20));
            keys.extend(key.map(<[u8]>::to_vec));
        }
        keys.sort();
        keys.dedup();
        ensure!(keys.len() >= 2, "the signalling has {} keys", keys.len());
        Ok(keys)
    }

    /// Looks for keys where none may be; how many files that were.
    pub fn search(&self, estate: &Estate, keys: &[Vec<u8>]) -> Result<usize> {
        let mut searched = 0;
        let logs = fs::read_dir(&self.dir)?.flatten().map(|entry| entry.path());
        let logs = logs.filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.ends_with(".log") || name.contains("decrypted")
        });
        let kept = ["run", "trace", "capture"].map(|part| estate.site.cm1.dir.join(part));
        let kept = kept.iter().filter_map(|part| fs::read_dir(part).ok()).flatten().flatten();
        for path in logs.chain(kept.map(|entry| entry.path())).filter(|path| path.is_file()) {
            let octets = fs::read(&path)?;
            searched += 1;
            for key in keys {
                let text: String = key.iter().map(|octet| format!("{octet:02x}")).collect();
                let found = [key.as_slice(), text.as_bytes()]
                    .iter()
                    .any(|part| octets.windows(part.len()).any(|window| window == *part));
                ensure!(!found, "a key is in {}", path.display());
            }
        }
        Ok(searched)
    }
}

/// One of the files is what a telephone said.
fn said_by(phone: &Phone, files: &[Value]) -> Result<String> {
    let voice = phone.voice();
    let number = voice.strip_prefix("voice:").context("it is no voice")?.parse()?;
    let said = speech::speak(number, VOICE.0).repeat(VOICE.1);
    let mut best: Option<speech::Comparison> = None;
    for file in files {
        let file = fs::read(file.as_str().context("it is no file")?)?;
        let heard = speech::wav::Recording::read(&file)?.telephone();
        let compared = speech::compare(&said, &heard);
        if best.is_none_or(|best| compared.recognised > best.recognised) {
            best = Some(compared);
        }
    }
    let best = best.context("there is no audio")?;
    let enough = best.recognised as f64 >= 0.95 * best.heard as f64;
    ensure!(enough && best.heard >= speech::RATE, "{} is not what was said: {best}", phone.device);
    Ok(format!("{}: {best}", phone.device))
}

fn hex(text: &str) -> Result<Vec<u8>> {
    let digits: Vec<_> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let octet = |pair: &[u8]| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?);
    digits.chunks(2).map(octet).collect()
}
