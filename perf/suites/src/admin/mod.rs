//! Administration of ten thousand phones over HTTPS: the daemon as it is, on one processor; who asks
//! is on another.

mod client;
mod site;

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value as Json;

use crate::cpu;
use crate::report::{Better, Report, Row, median};
use client::Client;
use site::Site;

const PHONES: usize = 10_000;
/// Each imports all phones into an empty database.
const IMPORTS: usize = 3;
const IMPORT_BUDGET: (&str, f64) = ("a budget of 20 s", 20.0);
/// Finds, of which one in a hundred may take longer than is told.
const ROUNDS: usize = 5;
const PER_ROUND: usize = 200;
const FIND_BUDGET: (&str, f64) = ("a budget of 50 ms", 50.0);
const PAGE_BUDGET: (&str, f64) = ("a budget of 200 ms", 200.0);

/// Measures everything.
pub fn run() -> Result<Report> {
    cpu::check()?;
    let _precedence = cpu::Precedence::take();
    cpu::bind_here(cpu::OTHERS)?;
    let mut report = Report::new("admin");
    let (mut seconds, mut steps) = (Vec::new(), Vec::new());
    let mut last = None;
    for _ in 0..IMPORTS {
        drop(last.take());
        let site = Site::new()?;
        let imported = import(&site)?;
        seconds.push(imported.seconds);
        steps.push(imported.steps as f64);
        last = Some(site);
    }
    let site = last.context("phones were imported")?;
    let name = format!("import of {PHONES} phones from a file");
    report.rows.push(promised(name, "s", seconds, IMPORT_BUDGET));
    report.rows.push(Row::informing("steps that its progress was told in", "", steps));

    let mut program = site.program()?;
    let finds = rounds(&mut program, &finds())?;
    report.rows.push(Row::informing("find, median", "ms", finds.medians));
    report.rows.push(promised(
        "find, one in a hundred takes longer",
        "ms",
        finds.slow,
        FIND_BUDGET,
    ));
    let mut browser = site.browser()?;
    let pages = rounds(&mut browser, &pages())?;
    report.rows.push(Row::informing("page of phones, median", "ms", pages.medians));
    let name = "page of phones, one in a hundred takes longer";
    report.rows.push(promised(name, "ms", pages.slow, PAGE_BUDGET));
    Ok(report)
}

fn promised(
    name: impl Into<String>,
    unit: &'static str,
    ours: Vec<f64>,
    (budget, value): (&'static str, f64),
) -> Row {
    let peer = vec![value; ours.len()];
    Row::compared(name, unit, Better::Lower, ours, (budget, peer)).promised(1.0)
}

struct Imported {
    seconds: f64,
    /// How often it was told how far it was.
    steps: usize,
}

fn import(site: &Site) -> Result<Imported> {
    let mut program = site.program()?;
    let mut file = "name,model,description,owner,directory_number,security_mode\n".to_owned();
    for number in 0..PHONES {
        let mode = ["encrypted", "authenticated", "non-secure", "use-system-default"][number % 4];
        file += &format!(
            "SEP0011{number:08},7960,desk {number} of floor {},user{number}@example.com,{},{mode}\n",
            number / 100,
            20_000 + number
        );
    }
    let start = Instant::now();
    let begun = program.ask("POST", "/api/v1/phones.csv", "text/csv", file.as_bytes())?;
    ensure!(begun.status == 202, "the import does not begin: {}", begun.text());
    let place = begun.header("location").context("an operation has a place")?;
    let told = program.get(&format!("{place}/events"))?.text();
    let seconds = start.elapsed().as_secs_f64();
    let steps: Vec<_> = told.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    let last: Json = serde_json::from_str(steps.last().context("progress is told")?)?;
    let all = last["state"] == "done" && last["changed"] == PHONES;
    ensure!(all, "not all phones were imported: {last}");
    Ok(Imported { seconds, steps: steps.len() })
}

/// By name, by text that one, many or no phone has, by mode, and page after page.
fn finds() -> Vec<String> {
    [
        "find%3Duser7777",
        "find%3Dfloor%2042",
        "find%3Dnobody",
        "security-mode%3Dencrypted",
        "security-mode%3Dauthenticated,model%3D7960,find%3Ddesk%2012",
        "&cursor=U0VQMDAxMTAwMDA0OTk5&limit=100",
        "registered%3Dfalse&limit=1000",
        "",
    ]
    .map(|filter| format!("/api/v1/phones?filter={filter}"))
    .into()
}

fn pages() -> Vec<String> {
    ["page=1", "page=57", "find=floor+42", "security_mode=encrypted&page=20"]
        .map(|query| format!("/phones?{query}"))
        .into()
}

#[derive(Default)]
struct Times {
    /// Round by round, in milliseconds.
    medians: Vec<f64>,
    /// What one in a hundred exceeds.
    slow: Vec<f64>,
}

fn rounds(client: &mut Client, paths: &[String]) -> Result<Times> {
    let mut times = Times::default();
    for _ in 0..ROUNDS {
        let mut round = Vec::with_capacity(PER_ROUND);
        for path in paths.iter().cycle().take(PER_ROUND) {
            let start = Instant::now();
            let answer = client.get(path)?;
            round.push(start.elapsed().as_secs_f64() * 1e3);
            ensure!(answer.status == 200, "{path}: {}", answer.text());
        }
        times.medians.push(median(&round));
        round.sort_by(f64::total_cmp);
        times.slow.push(round[PER_ROUND - 1 - PER_ROUND / 100]);
    }
    Ok(times)
}
