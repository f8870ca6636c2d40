//! Where numbers lead, as administrators change it while calls go on.

use super::Switchboard;
use super::directory::{Destination, Forwards};
use super::settings::Settings;
use crate::dialplan::{DialPlan, Pattern};

impl Switchboard {
    /// Adds a pattern to the dial plan. Directory numbers need none.
    pub fn add_route(&mut self, pattern: Pattern, destination: Destination) {
        self.directory.plan.add(pattern, destination);
    }

    /// Says anew which patterns there are.
    pub fn set_routes(&mut self, routes: impl IntoIterator<Item = (Pattern, Destination)>) {
        self.directory.plan = DialPlan::default();
        for (pattern, destination) in routes {
            self.add_route(pattern, destination);
        }
    }

    /// Says where calls to a directory number go, whether a telephone has it at present or not.
    pub fn set_forwards(&mut self, number: &str, forwards: Forwards) {
        self.directory.lines.entry(number.to_owned()).or_default().forwards = forwards;
    }

    /// A directory number is no more, but for telephones that still have it.
    pub fn remove_line(&mut self, number: &str) {
        self.set_forwards(number, Forwards::default());
        if self.directory.appearances(number).is_empty() {
            self.directory.lines.remove(number);
        }
    }

    /// Says what an administrator decides from now on: for timers that start, streams that are
    /// opened and conferences that grow.
    pub fn set_settings(&mut self, settings: Settings) {
        self.settings = settings;
    }
}
