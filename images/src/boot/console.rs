//! The administrator at the machine's console: logs in and types commands.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::machine::Machine;

/// A login shell, until the machine is off.
pub struct Console<'m> {
    machine: &'m mut Machine,
    password: &'m str,
}

/// Stands before the code with which a command ended.
const END: &str = "@@ended with ";

impl<'m> Console<'m> {
    /// Logs in.
    pub fn log_in(machine: &'m mut Machine, name: &str, password: &'m str) -> Result<Self> {
        // Whatever was written over the prompt: an empty name brings it back.
        machine.type_line("")?;
        machine.expect("login:")?;
        machine.type_line(name)?;
        machine.expect("Password:")?;
        machine.type_line(password)?;
        machine.expect("$")?;
        // A shell that does not edit lines. It must be there before more is typed: the change of the
        // terminal's mode swallows that.
        machine.type_line("exec env PS1='@'@' $ ' sh")?;
        machine.expect("@@ $")?;
        let console = Self { machine, password };
        // No prompt, no echo: what comes is what commands say.
        console.machine.type_line("PS1=; stty -echo -onlcr; printf '@@%s\\n' quiet")?;
        console.machine.expect("@@quiet")?;
        Ok(console)
    }

    /// Asks a daemon for something that it must do; as root, if `root`.
    fn ask(&mut self, words: &str, root: bool) -> Result<Value> {
        let before = match root {
            true => format!("echo '{}' | sudo -S -p '' ", self.password),
            false => String::new(),
        };
        let command = format!("{before}ringfence -o json {words} 2>&1; echo \"{END}$?\"");
        self.machine.type_line(&command)?;
        let mut told = String::new();
        let code = loop {
            let line = self.machine.next_line()?;
            match line.split_once(END) {
                Some((rest, code)) => {
                    told += rest;
                    break code.to_owned();
                }
                None => told = told + &line + "\n",
            }
        };
        ensure!(code.trim() == "0", "`ringfence {words}` ended with {code}: {told}");
        let begins = told.find(['{', '[', '"']).unwrap_or(told.len());
        serde_json::from_str(&told[begins..])
            .with_context(|| format!("`ringfence {words}` says no JSON: {told}"))
    }

    /// Has the control plane do something.
    pub fn tell(&mut self, words: &str) -> Result<Value> {
        self.ask(words, false)
    }

    /// Has something done as root.
    pub fn tell_as_root(&mut self, words: &str) -> Result<Value> {
        self.ask(words, true)
    }
}
