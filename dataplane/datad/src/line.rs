//! `ringfence-datad line …`: somebody at a telephone.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use line::control::{Answer, Request, Until, ask};
use ringfence_datad::lines::DEFAULT_SOCKET;

/// What somebody does at a telephone.
#[derive(Args)]
pub struct Line {
    /// Where the daemon listens: `socket` of `[datad.lines]`.
    #[arg(long, value_name = "SOCKET", default_value = DEFAULT_SOCKET, global = true)]
    socket: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Show all lines.
    Show,
    /// Lift the receiver; on a trunk: seize the channel.
    OffHook { endpoint: String },
    /// Put it back; on a trunk: release the channel.
    OnHook { endpoint: String },
    /// Press the hook for a moment.
    Flash { endpoint: String },
    /// Press keys: 0 to 9, *, #, A to D.
    Digits { endpoint: String, digits: String },
    /// Say what is in a WAV file.
    Play {
        endpoint: String,
        file: PathBuf,
        /// Again and again, until `silence`.
        #[arg(long)]
        again: bool,
    },
    /// Call as a fax machine does, until `silence`.
    Fax { endpoint: String },
    /// Answer as a modem does.
    Modem { endpoint: String },
    /// Say nothing any more.
    Silence { endpoint: String },
    /// Begin to record what is heard.
    Record { endpoint: String },
    /// End the recording and write it into a WAV file.
    StopRecording { endpoint: String, file: PathBuf },
    /// Wait until something is so.
    Wait {
        endpoint: String,
        /// ringing, quiet, connected, disconnected, said, signal=L/dl or recorded=MILLISECONDS.
        #[arg(value_parser = parse_until)]
        until: Until,
        /// Longest wait.
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
}

fn parse_until(text: &str) -> Result<Until, String> {
    Ok(match text.split_once('=').unwrap_or((text, "")) {
        ("ringing", "") => Until::Ringing,
        ("quiet", "") => Until::Quiet,
        ("connected", "") => Until::Connected,
        ("disconnected", "") => Until::Disconnected,
        ("said", "") => Until::Said,
        ("signal", signal) if signal.contains('/') => Until::Signal(signal.to_owned()),
        ("recorded", time) => {
            Until::Recorded(time.parse().map_err(|_| "milliseconds are a number".to_owned())?)
        }
        _ => return Err(format!("nobody can wait for `{text}`; see --help")),
    })
}

impl Line {
    /// Does it, and prints the answer.
    pub fn run(&self) -> ExitCode {
        match self.answer() {
            Ok(answer) => {
                println!("{}", serde_json::json!(answer));
                ExitCode::from(u8::from(!answer.ok))
            }
            Err(error) => {
                eprintln!("ringfence-datad: {error:#}");
                ExitCode::FAILURE
            }
        }
    }

    fn answer(&self) -> Result<Answer> {
        let file = match &self.what {
            What::Play { file, .. } => {
                fs::read(file).with_context(|| format!("cannot read {}", file.display()))?
            }
            _ => Vec::new(),
        };
        let request = self.what.request(file.len());
        let (answer, recording) = ask(&self.socket, &request, &file).with_context(|| {
            format!(
                "nobody answers at {}: is ringfence-datad running, with voice endpoints?",
                self.socket.display()
            )
        })?;
        if let (What::StopRecording { file, .. }, true) = (&self.what, answer.ok) {
            fs::write(file, recording)
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(answer)
    }
}

impl What {
    fn request(&self, octets: usize) -> Request {
        match self {
            Self::Show => Request::Show,
            Self::OffHook { endpoint } => Request::OffHook { endpoint: endpoint.clone() },
            Self::OnHook { endpoint } => Request::OnHook { endpoint: endpoint.clone() },
            Self::Flash { endpoint } => Request::Flash { endpoint: endpoint.clone() },
            Self::Digits { endpoint, digits } => {
                Request::Digits { endpoint: endpoint.clone(), digits: digits.clone() }
            }
            Self::Play { endpoint, again, .. } => {
                Request::Play { endpoint: endpoint.clone(), again: *again, octets }
            }
            Self::Fax { endpoint } => Request::Fax { endpoint: endpoint.clone() },
            Self::Modem { endpoint } => Request::Modem { endpoint: endpoint.clone() },
            Self::Silence { endpoint } => Request::Silence { endpoint: endpoint.clone() },
            Self::Record { endpoint } => Request::Record { endpoint: endpoint.clone() },
            Self::StopRecording { endpoint, .. } => {
                Request::StopRecording { endpoint: endpoint.clone() }
            }
            Self::Wait { endpoint, until, seconds } => Request::Wait {
                endpoint: endpoint.clone(),
                until: until.clone(),
                seconds: *seconds,
            },
        }
    }
}
