//! `cargo xtask requirements`: which tests prove which requirement.
//!
//! The list is `xtask/requirements.txt`. A test names what it proves in a comment beside it,
//! `R: MED-04, MED-03` after the comment sign, in Rust or in a script.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Parser;

use crate::shell;

/// Arguments of `requirements`.
#[derive(Parser)]
pub struct Args {
    /// Only those that no test names
    #[arg(long)]
    open: bool,
}

/// Prints the table.
pub fn run(args: &Args) -> Result<()> {
    let known = known()?;
    let proofs = proofs()?;
    refuse_unknown(&known, &proofs)?;

    let mut table = String::new();
    let mut open = 0;
    for (id, title) in &known {
        let tests = proofs.iter().filter(|proof| proof.ids.contains(id)).collect::<Vec<_>>();
        open += usize::from(tests.is_empty());
        if tests.is_empty() || !args.open {
            writeln!(table, "{id:<9} {title}")?;
            for test in tests {
                writeln!(table, "          {test}")?;
            }
        }
    }
    print!("{table}");
    println!("{} requirements, {} named by tests, {open} open", known.len(), known.len() - open);
    Ok(())
}

/// Fails if a test names a requirement that is not on the list.
pub fn check() -> Result<()> {
    refuse_unknown(&known()?, &proofs()?)
}

/// A test that names requirements.
struct Proof {
    ids: BTreeSet<String>,
    file: PathBuf,
    line: usize,
    /// The function or, in a scenario, the step under the comment.
    name: Option<String>,
}

impl std::fmt::Display for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.name.as_deref().unwrap_or("");
        write!(f, "{}:{} {name}", self.file.display(), self.line)
    }
}

/// ID and title of each, in the list's order.
fn known() -> Result<Vec<(String, String)>> {
    let path = shell::root().join("xtask/requirements.txt");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let rows = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.map(|line| {
        let (id, title) = line.split_once(' ').with_context(|| format!("no title in `{line}`"))?;
        Ok((id.to_owned(), title.trim().to_owned()))
    })
    .collect()
}

fn refuse_unknown(known: &[(String, String)], proofs: &[Proof]) -> Result<()> {
    let mut unknown = String::new();
    for proof in proofs {
        for id in proof.ids.iter().filter(|id| known.iter().all(|(known, _)| known != *id)) {
            write!(unknown, "\n  {}:{} names `{id}`", proof.file.display(), proof.line)?;
        }
    }
    if !unknown.is_empty() {
        bail!("not in xtask/requirements.txt:{unknown}");
    }
    Ok(())
}

fn proofs() -> Result<Vec<Proof>> {
    let mut files = Vec::new();
    collect(shell::root(), &mut files)?;
    files.sort();
    let mut proofs = Vec::new();
    for file in files {
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let name = file.strip_prefix(shell::root()).unwrap_or(&file);
        proofs.extend(scan(name, &text));
    }
    Ok(proofs)
}

fn scan(file: &Path, text: &str) -> Vec<Proof> {
    let lines: Vec<_> = text.lines().map(str::trim_start).collect();
    let proof = |(at, line): (usize, &&str)| {
        Some(Proof {
            ids: ids(line)?,
            file: file.to_owned(),
            line: at + 1,
            name: lines[at..].iter().take(8).find_map(|line| function(line).or_else(|| step(line))),
        })
    };
    lines.iter().enumerate().filter_map(proof).collect()
}

/// The IDs of a line that is such a comment.
fn ids(line: &str) -> Option<BTreeSet<String>> {
    let comment = line.strip_prefix("//").or_else(|| line.strip_prefix('#'))?;
    let list = comment.strip_prefix(" R: ")?;
    Some(list.split(',').map(|id| id.trim().trim_end_matches('.').to_owned()).collect())
}

/// The name of a function that begins on this line.
fn function(line: &str) -> Option<String> {
    let mut words = line.split([' ', '(', '<']);
    words.find(|word| *word == "fn")?;
    words.next().map(str::to_owned)
}

/// The name of a step that is taken on this line.
fn step(line: &str) -> Option<String> {
    let (_, from_name) = line.split_once(".step(")?.1.split_once('"')?;
    Some(from_name.split_once('"')?.0.to_owned())
}

/// Sources and scripts under `dir`, without what is built or hidden.
fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !name.starts_with('.') && !matches!(&*name, "target" | "node_modules" | "corpus") {
                collect(&path, files)?;
            }
        } else if matches!(
            path.extension().and_then(|extension| extension.to_str()),
            Some("rs" | "sh" | "py" | "js" | "ts")
        ) {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_names_what_it_proves() {
        let text = "fn other() {}\n    // R: MED-04, KEY-1\n    #[test]\n    fn keys_differ() {}\n# R: GEN-01\n";
        let proofs = scan(Path::new("a.rs"), text);
        assert_eq!(proofs.len(), 2);
        assert!(proofs[0].ids.contains("MED-04") && proofs[0].ids.contains("KEY-1"));
        assert_eq!(proofs[0].to_string(), "a.rs:2 keys_differ");
        assert!(proofs[1].ids.contains("GEN-01"));
        assert_eq!(proofs[1].name, None);
    }

    #[test]
    fn the_list_and_the_tests_of_this_project_agree() {
        assert!(known().unwrap().len() > 100);
        check().unwrap();
    }

    #[test]
    fn an_unknown_requirement_is_an_error_that_names_the_place() {
        let known = [("GEN-01".to_owned(), "title".to_owned())];
        let proofs = scan(Path::new("b.rs"), &["//", " R: GEN-", "99"].concat());
        let error = refuse_unknown(&known, &proofs).unwrap_err().to_string();
        assert!(error.contains("b.rs:1") && error.contains("GEN-99"), "{error}");
    }
}
