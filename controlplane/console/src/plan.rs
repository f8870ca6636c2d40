//! Where calls lead, and what phones of one place have in common.

use serde::{Deserialize, Serialize};
use store::{Destination, DeviceName, Line, MediaPolicy, Number, Pool, Region, Route};

use crate::request::{Done, Request, requests};

requests! {
    /// All lines, by number.
    ListLines = "list-lines" -> Vec<LineView> {}

    /// One line.
    ShowLine = "show-line" -> LineView {
        /// Which one.
        number: Number,
    }

    /// Adds a line that no phone has yet.
    AddLine = "add-line" -> Done {
        /// Its number.
        number: Number,
        /// What differs from the defaults.
        changes: LineChanges,
    }

    /// Changes a line.
    SetLine = "set-line" -> Done {
        /// Which one.
        number: Number,
        /// What changes.
        changes: LineChanges,
    }

    /// Removes a line that no phone has.
    RemoveLine = "remove-line" -> Done {
        /// Which one.
        number: Number,
    }

    /// All pools.
    ListPools = "list-pools" -> Vec<PoolView> {}

    /// Adds a pool.
    AddPool = "add-pool" -> Done {
        /// Its name.
        name: String,
        /// What differs from the defaults.
        changes: PoolChanges,
    }

    /// Changes a pool.
    SetPool = "set-pool" -> Done {
        /// Which one.
        name: String,
        /// What changes.
        changes: PoolChanges,
    }

    /// Removes a pool that no phone belongs to.
    RemovePool = "remove-pool" -> Done {
        /// Which one.
        name: String,
    }

    /// All regions.
    ListRegions = "list-regions" -> Vec<Region> {}

    /// Adds a region.
    AddRegion = "add-region" -> Done {
        /// Its name.
        name: String,
    }

    /// Sets the bit rate of streams between two regions.
    LimitRegion = "limit-region" -> Done {
        /// One.
        one: String,
        /// The other, or the same.
        other: String,
        /// In kbit/s; absent: what was set is forgotten.
        kbit_s: Option<u32>,
    }

    /// Removes a region that no pool is in.
    RemoveRegion = "remove-region" -> Done {
        /// Which one.
        name: String,
    }

    /// All routes.
    ListRoutes = "list-routes" -> Vec<Route> {}

    /// Adds a route.
    AddRoute = "add-route" -> Done {
        /// The numbers, as a pattern.
        pattern: String,
        /// Where they lead.
        destination: Destination,
    }

    /// Removes a route.
    RemoveRoute = "remove-route" -> Done {
        /// Its pattern.
        pattern: String,
    }
}

/// A line with the phones that have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LineView {
    /// As it is set.
    #[serde(flatten)]
    pub line: Line,
    /// The phones that have it; more than one: it is shared.
    pub phones: Vec<DeviceName>,
}

/// Settings of a line to change; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
pub struct LineChanges {
    /// The name that others are shown
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME"))]
    pub display: Option<String>,
    /// Where all calls to it go; empty forwards none
    #[cfg_attr(feature = "clap", arg(long, value_name = "NUMBER"))]
    pub forward_all: Option<String>,
    /// Where calls go while it is busy; empty forwards none
    #[cfg_attr(feature = "clap", arg(long, value_name = "NUMBER"))]
    pub forward_busy: Option<String>,
    /// Where calls go that nobody answers; empty forwards none
    #[cfg_attr(feature = "clap", arg(long, value_name = "NUMBER"))]
    pub forward_no_answer: Option<String>,
    /// With so many calls it is busy, 1 to 200
    #[cfg_attr(feature = "clap", arg(long, value_name = "CALLS"))]
    pub busy_trigger: Option<u8>,
}

impl LineChanges {
    /// The line with the changes in it. Fails if a number is none.
    pub fn apply(self, line: &mut Line) -> store::Result<()> {
        let forwards = [
            (&mut line.forward_all, self.forward_all),
            (&mut line.forward_busy, self.forward_busy),
            (&mut line.forward_no_answer, self.forward_no_answer),
        ];
        for (forward, change) in forwards {
            match change.as_deref() {
                None => {}
                Some("") => *forward = None,
                Some(number) => *forward = Some(number.parse()?),
            }
        }
        if let Some(display) = self.display {
            line.display = display;
        }
        if let Some(busy_trigger) = self.busy_trigger {
            line.busy_trigger = busy_trigger;
        }
        Ok(())
    }
}

/// A pool with the number of its phones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PoolView {
    /// As it is set.
    #[serde(flatten)]
    pub pool: Pool,
    /// How many phones belong to it.
    pub phones: usize,
}

/// Settings of a pool to change; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
pub struct PoolChanges {
    /// The region it is in
    #[cfg_attr(feature = "clap", arg(long))]
    pub region: Option<String>,
    /// Order and separators of dates, such as M/D/Y or D.M.YA; A is the 12-hour clock
    #[cfg_attr(feature = "clap", arg(long, value_name = "TEMPLATE"))]
    pub date_template: Option<String>,
    /// Time zone, such as Asia/Tokyo
    #[cfg_attr(feature = "clap", arg(long, value_name = "ZONE"))]
    pub time_zone: Option<String>,
    /// Names of its CallManager nodes, the one to try first in front, with commas; empty is all
    #[cfg_attr(feature = "clap", arg(long, value_name = "NODES", value_delimiter = ','))]
    pub call_managers: Option<Vec<String>>,
    /// When media goes through a relay: never, when-needed or always
    #[cfg_attr(feature = "clap", arg(long, value_name = "POLICY"))]
    pub media: Option<MediaPolicy>,
    /// The SRST reference that its phones go to when no CallManager answers; empty is none
    #[cfg_attr(feature = "clap", arg(long, value_name = "REFERENCE"))]
    pub srst: Option<String>,
}

impl PoolChanges {
    /// The pool with the changes in it.
    pub fn apply(self, pool: &mut Pool) {
        fn set<T>(field: &mut T, change: Option<T>) {
            if let Some(value) = change {
                *field = value;
            }
        }
        set(&mut pool.region, self.region);
        set(&mut pool.date_template, self.date_template);
        set(&mut pool.time_zone, self.time_zone);
        let named = |mut nodes: Vec<String>| {
            nodes.retain(|node| !node.is_empty());
            nodes
        };
        set(&mut pool.call_managers, self.call_managers.map(named));
        set(&mut pool.media, self.media);
        set(&mut pool.srst, self.srst.map(|name| (!name.is_empty()).then_some(name)));
    }
}
