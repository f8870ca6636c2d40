//! `ringfence route`: where numbers lead that are no lines.

use clap::Subcommand;
use console::{AddRoute, ListRoutes, RemoveRoute};
use lang::Text;
use store::{Destination, Route};

use super::Asking;
use crate::Style;
use crate::failure::Result;
use crate::output;

pub type Args = Asking<Verb>;

#[derive(Subcommand)]
pub enum Verb {
    /// Show all routes.
    List,
    /// Add a route.
    Add {
        /// The numbers: digits, X for any digit, [2-5] for one of a set, ! at the end for the rest.
        pattern: String,
        /// Where they lead: meet-me, message-waiting-on, message-waiting-off, or gateway: and the
        /// name of one.
        destination: Destination,
    },
    /// Remove a route.
    Remove {
        /// Its pattern.
        pattern: String,
    },
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let daemon = args.daemon;
    match args.verb {
        Verb::List => list(&daemon.ask(style, &ListRoutes {})?, style),
        Verb::Add { pattern, destination } => {
            daemon.change(style, &AddRoute { pattern, destination })
        }
        Verb::Remove { pattern } => daemon.change(style, &RemoveRoute { pattern }),
    }
}

fn list(routes: &[Route], style: Style) -> Result {
    output::list(routes, style, ROUTES, COLUMNS, |route| {
        [route.pattern.clone(), route.destination.to_string()]
    })
}

const ROUTES: Text = Text::new("Routes", "ルート");
const COLUMNS: [Text; 2] = [Text::new("pattern", "パターン"), Text::new("leads to", "宛先")];
