//! Somebody at a telephone on a line of the gateway.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use line::control::{Answer, Request, Until, ask};
use speech::Comparison;
use speech::wav::{self, Recording};

/// How long anything may take on a loaded machine, in seconds.
const PATIENCE: u64 = 60;
/// What is listened to at a time, in milliseconds.
const LISTEN: u64 = 1500;
/// How often it is listened before nothing is to be heard.
const ATTEMPTS: usize = 8;
/// How long voices of telephones speak before they begin anew, in seconds.
const VOICE: usize = 10;

/// A telephone.
pub struct Telephone {
    pub socket: PathBuf,
    pub endpoint: String,
    /// Who speaks into it.
    pub voice: u64,
}

impl Telephone {
    pub fn lift(&self) -> Result<()> {
        self.ask(&Request::OffHook { endpoint: self.name() }).map(drop)
    }

    pub fn hang_up(&self) -> Result<()> {
        self.ask(&Request::OnHook { endpoint: self.name() }).map(drop)
    }

    pub fn dial(&self, digits: &str) -> Result<()> {
        self.ask(&Request::Digits { endpoint: self.name(), digits: digits.to_owned() }).map(drop)
    }

    pub fn rings(&self) -> Result<()> {
        self.wait(Until::Ringing)
    }

    pub fn waits_for_signal(&self, signal: &str) -> Result<()> {
        self.wait(Until::Signal(signal.to_owned()))
    }

    pub fn is_disconnected(&self) -> Result<()> {
        self.wait(Until::Disconnected)
    }

    /// Says the same again and again.
    pub fn says(&self) -> Result<()> {
        let file = wav::write(&speech::speak(self.voice, VOICE));
        let octets = file.len();
        let request = Request::Play { endpoint: self.name(), again: true, octets };
        self.ask_with(&request, &file).map(drop)
    }

    /// What telephones call who speaks here.
    pub fn voice(&self) -> String {
        format!("voice:{}", self.voice)
    }

    /// Listens until what is heard is what this voice says: that may just have begun, or be
    /// interrupted by what else the machine does.
    pub fn hears(&self, voice: &str) -> Result<String> {
        let number = voice.trim_start_matches("voice:").parse().context("no voice")?;
        // It may begin anew meanwhile.
        let said = speech::speak(number, VOICE).repeat(2);
        let mut compared = self.compare(&said)?;
        for _ in 1..ATTEMPTS {
            if compared.recognised * 2 > compared.heard {
                break;
            }
            compared = self.compare(&said)?;
        }
        ensure!(compared.recognised * 2 > compared.heard, "{} hears {compared}", self.endpoint);
        Ok(format!("the line: {compared}"))
    }

    /// Listens for a while.
    fn compare(&self, said: &[i16]) -> Result<Comparison> {
        self.ask(&Request::Record { endpoint: self.name() })?;
        self.wait(Until::Recorded(LISTEN))?;
        let (_, file) = self.ask_with(&Request::StopRecording { endpoint: self.name() }, &[])?;
        let heard = Recording::read(&file).context("the recording")?.telephone();
        Ok(speech::compare(said, &heard))
    }

    fn wait(&self, until: Until) -> Result<()> {
        let endpoint = self.name();
        self.ask(&Request::Wait { endpoint, until, seconds: PATIENCE }).map(drop)
    }

    fn name(&self) -> String {
        self.endpoint.clone()
    }

    fn ask(&self, request: &Request) -> Result<Answer> {
        self.ask_with(request, &[]).map(|(answer, _)| answer)
    }

    fn ask_with(&self, request: &Request, file: &[u8]) -> Result<(Answer, Vec<u8>)> {
        let (answer, file) = ask(&self.socket, request, file).context("the gateway's lines")?;
        let problem = answer.problem.as_deref().unwrap_or_default();
        ensure!(answer.ok, "{request:?}: {problem}; {:?}", answer.lines);
        Ok((answer, file))
    }
}
