//! `ringfence region`: bit rates of calls between places.

use clap::Subcommand;
use console::{AddRegion, LimitRegion, ListRegions, RemoveRegion};
use lang::Text;
use store::Region;

use super::Asking;
use crate::Style;
use crate::failure::Result;
use crate::output;

pub type Args = Asking<Verb>;

#[derive(Subcommand)]
pub enum Verb {
    /// Show all regions with their bit rates; pairs that are not shown have 64 kbit/s.
    List,
    /// Add a region.
    Add {
        /// Its name.
        name: String,
    },
    /// Set the bit rate of streams between two regions, or within one: 8 is G.729, 64 G.711, 256
    /// wideband.
    Limit {
        /// One region.
        one: String,
        /// The other, or the same one.
        other: String,
        /// In kbit/s, 8 to 256 [default: what was set is forgotten].
        kbit_s: Option<u32>,
    },
    /// Remove a region that no pool is in.
    Remove {
        /// Its name.
        name: String,
    },
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let daemon = args.daemon;
    match args.verb {
        Verb::List => list(&daemon.ask(style, &ListRegions {})?, style),
        Verb::Add { name } => daemon.change(style, &AddRegion { name }),
        Verb::Limit { one, other, kbit_s } => {
            daemon.change(style, &LimitRegion { one, other, kbit_s })
        }
        Verb::Remove { name } => daemon.change(style, &RemoveRegion { name }),
    }
}

fn list(regions: &[Region], style: Style) -> Result {
    output::list(regions, style, REGIONS, COLUMNS, |region| {
        let limit = |(other, kbit_s): (&String, &u32)| format!("{other}: {kbit_s}");
        let limits: Vec<_> = region.limits.iter().map(limit).collect();
        [region.name.clone(), region.number.to_string(), limits.join(", ")]
    })
}

const REGIONS: Text = Text::new("Regions", "リージョン");
const COLUMNS: [Text; 3] = [
    Text::new("name", "名前"),
    Text::new("number", "番号"),
    Text::new("kbit/s to", "対向リージョンと kbit/s"),
];
