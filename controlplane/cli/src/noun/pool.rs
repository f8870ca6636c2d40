//! `ringfence pool`: what phones of one place have in common.

use clap::Subcommand;
use console::{AddPool, ListPools, PoolChanges, PoolView, RemovePool, SetPool};
use lang::{Say, Text};

use super::Asking;
use crate::Style;
use crate::failure::Result;
use crate::output;

pub type Args = Asking<Verb>;

#[derive(Subcommand)]
pub enum Verb {
    /// Show all pools.
    List,
    /// Add a pool.
    Add {
        /// Its name.
        name: String,
        #[command(flatten)]
        changes: PoolChanges,
    },
    /// Change what is given, leave the rest.
    Set {
        /// Its name.
        name: String,
        #[command(flatten)]
        changes: PoolChanges,
    },
    /// Remove a pool that no phone belongs to.
    Remove {
        /// Its name.
        name: String,
    },
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let daemon = args.daemon;
    match args.verb {
        Verb::List => list(&daemon.ask(style, &ListPools {})?, style),
        Verb::Add { name, changes } => daemon.change(style, &AddPool { name, changes }),
        Verb::Set { name, changes } => daemon.change(style, &SetPool { name, changes }),
        Verb::Remove { name } => daemon.change(style, &RemovePool { name }),
    }
}

fn list(pools: &[PoolView], style: Style) -> Result {
    output::list(pools, style, POOLS, COLUMNS, |PoolView { pool, phones }| {
        let nodes = match pool.call_managers.is_empty() {
            true => ALL.say(style.language),
            false => pool.call_managers.join(" "),
        };
        [
            pool.name.clone(),
            pool.region.clone(),
            pool.date_template.clone(),
            pool.time_zone.clone(),
            nodes,
            pool.media.to_string(),
            pool.srst.clone().unwrap_or_else(|| "-".to_owned()),
            phones.to_string(),
        ]
    })
}

const POOLS: Text = Text::new("Pools", "プール");
const ALL: Text = Text::new("(all)", "(すべて)");
const COLUMNS: [Text; 8] = [
    Text::new("name", "名前"),
    Text::new("region", "リージョン"),
    Text::new("date", "日付"),
    Text::new("time zone", "タイムゾーン"),
    Text::new("CallManager group", "CallManager グループ"),
    Text::new("relay", "リレー"),
    Text::new("SRST", "SRST"),
    Text::new("phones", "電話機数"),
];
