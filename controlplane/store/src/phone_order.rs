use std::time::Duration;

use crate::change::{Change, json};
use crate::sql::{Row, values};
use crate::words::words;
use crate::{Error, Result, Revision, View};

words! {
    /// What phones are told to do.
    pub enum PhoneOrderKind {
        /// To start anew once their calls have ended.
        Reset = "reset",
        /// To fetch their configuration and register again.
        Restart = "restart",
        /// Nothing: their connections are cut.
        Cut = "cut",
    }
}

/// What phones are told to do, wherever in the cluster they are registered. Each node carries it
/// out for its own; one that was down has no phones that could have missed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneOrder {
    /// What.
    pub kind: PhoneOrderKind,
    /// The node that placed it and has told its own phones.
    pub node: String,
    /// Which phones and voicemail ports.
    pub devices: Vec<String>,
}

/// Nodes look at the store every half second; nobody needs older ones.
const KEPT: Duration = Duration::from_secs(3600);

fn read(mut row: Row) -> Result<PhoneOrder> {
    let (kind, node) = (row.parse()?, row.next()?);
    let devices: String = row.next()?;
    let devices = serde_json::from_str(&devices)
        .map_err(|error: serde_json::Error| Error::Corrupt(error.to_string()))?;
    Ok(PhoneOrder { kind, node, devices })
}

impl View<'_> {
    /// Orders that were placed after a revision, the oldest first.
    pub fn phone_orders_since(&mut self, seen: Revision) -> Result<Vec<PhoneOrder>> {
        let rows = self.sql.query(
            "SELECT kind, node, devices FROM phone_order WHERE number > $1 ORDER BY number",
            values![seen.0],
        )?;
        rows.into_iter().map(read).collect()
    }
}

impl Change<'_> {
    /// Orders phones that are registered at other nodes to do something. At most one order in a
    /// change.
    pub fn order_phones(&mut self, order: &PhoneOrder) -> Result<()> {
        let (number, at) = (self.number(), self.at);
        let too_old = at.saturating_sub(KEPT.as_millis() as u64);
        self.view.sql.execute("DELETE FROM phone_order WHERE placed_at < $1", values![too_old])?;
        let devices = json(&order.devices).map(|devices| devices.to_string()).unwrap_or_default();
        self.view.sql.execute(
            "INSERT INTO phone_order (number, kind, node, devices, placed_at)
                VALUES ($1, $2, $3, $4, $5)",
            values![number.0, order.kind.as_str(), &*order.node, &*devices, at],
        )?;
        let count = order.devices.len();
        self.record("phone-order", order.kind.as_str(), None, json(&count));
        Ok(())
    }
}
