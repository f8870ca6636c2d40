//! Runs one of the suites by name.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use ringfence_suites::report::Report;

/// A suite, as `SUITES` lists it.
struct Suite {
    name: &'static str,
    about: &'static str,
    run: fn(&Args) -> Result<Report>,
}

const SUITES: &[Suite] = &[
    Suite {
        name: "admin",
        about: "ten thousand phones over HTTPS: imported from a file, found, shown on a page",
        run: |_| ringfence_suites::admin::run(),
    },
    Suite {
        name: "capf",
        about: "enrolment of phones by the daemon, against the bare work; its memory; a ping beside it",
        run: |args| ringfence_suites::capf::run(args.phones.unwrap_or(1_000)),
    },
    Suite {
        name: "esp",
        about: "ESP on one core, headers and all, against the bare cryptography of OpenSSL",
        run: |_| ringfence_suites::esp::run(),
    },
    Suite {
        name: "failover",
        about: "a branch loses its centre: until all of its phones are served by the gateway",
        run: |args| ringfence_suites::failover::run(args.phones.unwrap_or(1_000)),
    },
    Suite {
        name: "mgcp",
        about: "calls of the MGCP gateway made, changed and ended on one core; what IPsec adds",
        run: |_| ringfence_suites::mgcp::run(),
    },
    Suite {
        name: "peers",
        about: "every tier of the relay over veth, against bare XDP and AF_XDP, and rtpengine",
        run: |_| ringfence_suites::peers::run(),
    },
    Suite {
        name: "relay",
        about: "the relay on AF_XDP over veth, against the bare port and XDP_TX",
        run: |_| ringfence_suites::relay::run(),
    },
    Suite {
        name: "signalling",
        about: "registrations over TLS against bare handshakes; ten thousand phones; calls with keys",
        run: |args| ringfence_suites::signalling::run(args.phones.unwrap_or(10_000)),
    },
    Suite {
        name: "srtp",
        about: "SRTP crypto on one core, against libsrtp, ipsec-mb and webrtc-srtp",
        run: |_| ringfence_suites::srtp::run(),
    },
    Suite {
        name: "trust",
        about: "TFTP to a thousand phones against tftpd-hpa; signatures; configurations",
        run: |_| ringfence_suites::trust::run(),
    },
];

/// Measures a suite, prints its table and writes target/perf/SUITE.json.
#[derive(Parser)]
struct Args {
    /// Which suite; without one they are listed
    suite: Option<String>,
    /// Print the report as JSON instead of the table
    #[arg(long)]
    json: bool,
    /// Phones that `capf` enrols [default: 1000]; memory is looked at after half of them, and
    /// after all. Phones that `signalling` registers
    /// [default: 10000], and that `failover` has at its branch [default: 1000]
    #[arg(long)]
    phones: Option<usize>,
    /// Where target/ is
    #[arg(long, default_value = "target")]
    target_dir: PathBuf,
}

fn main() -> ExitCode {
    privilege::raise_open_files();
    let other = ringfence_suites::signalling::become_other();
    match other.unwrap_or_else(|| run(&Args::parse())) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether all promises were kept.
fn run(args: &Args) -> Result<bool> {
    let Some(name) = &args.suite else {
        for suite in SUITES {
            println!("{:<20} {}", suite.name, suite.about);
        }
        return Ok(true);
    };
    let suite = SUITES.iter().find(|suite| suite.name == *name).with_context(|| {
        let names: Vec<_> = SUITES.iter().map(|suite| suite.name).collect();
        format!("no suite `{name}`; there are: {}", names.join(", "))
    })?;
    let report = (suite.run)(args)?;
    report.write(&args.target_dir.join("perf"))?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    Ok(report.met())
}
