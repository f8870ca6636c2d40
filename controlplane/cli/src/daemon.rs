//! The way to `ringfence-controld`.

use std::path::PathBuf;

use console::{AskError, Done, Request};
use lang::{Say, Text};

use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::{Outcome, Style};

/// Where the daemon is.
#[derive(clap::Args)]
pub struct Daemon {
    /// Socket of ringfence-controld.
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        env = "RINGFENCE_CONTROLD",
        default_value = console::DEFAULT_SOCKET
    )]
    socket: PathBuf,
}

impl Daemon {
    /// Asks it.
    pub fn ask<R: Request>(
        &self,
        style: Style,
        request: &R,
    ) -> std::result::Result<R::Answer, Failure> {
        Ok(self.ask_plainly(style, request)?)
    }

    /// Asks it, and tells a daemon that says no from one that is not there.
    pub fn ask_plainly<R: Request>(
        &self,
        style: Style,
        request: &R,
    ) -> std::result::Result<R::Answer, AskError> {
        console::ask(&self.socket, style.language, request)
    }

    /// Asks it for a change and tells what came of it.
    pub fn change<R: Request<Answer = Done>>(&self, style: Style, request: &R) -> Result {
        let done = self.ask(style, request)?;
        match style.format {
            Format::Json => output::json(&done)?,
            Format::Table => tell(&done, style),
        }
        Ok(Outcome::Done)
    }
}

/// Tells what came of a change.
pub fn tell(done: &Done, style: Style) {
    match done.revision {
        Some(revision) => println!("{}", REVISION.fill(style.language, &[("n", &revision)])),
        None if done.notes.is_empty() => println!("{}", NO_CHANGE.say(style.language)),
        None => {}
    }
    for note in &done.notes {
        println!("{note}");
    }
    for action in &done.actions {
        println!("  - {}", action.say(style.language));
    }
}

const REVISION: Text = Text::new("Done: revision {n}.", "完了しました: リビジョン {n}。");
const NO_CHANGE: Text = Text::new("Nothing to change.", "変更はありません。");
