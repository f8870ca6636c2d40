//! What is to be told about the CTL file.

use cluster::list::ListFault;
use cluster::locations::Locations;
use cluster::required::{Inventory, restored, update_required};
use messages::{Explain, trust_list};
use store::SecurityMode;

use super::{Caller, Office};

impl Office {
    /// What is wrong with the CTL file of this node, and why an update is required.
    pub(super) fn trust_alarms(&self, caller: &Caller) -> store::Result<Vec<String>> {
        let (locations, accepted, mode) = self.store.read(|view| {
            Ok((Locations::of_node(view, &self.node)?, view.ctl()?, view.security_mode()?))
        })?;
        let Some(locations) = locations else { return Ok(Vec::new()) };
        let say = |told: &dyn Explain| {
            let told = told.explain(caller.language);
            format!("{told}: {}", told.cause)
        };
        let list = match locations.read() {
            Ok(list) => list,
            Err(ListFault::NoFile) if mode == SecurityMode::Mixed => {
                return Ok(vec![say(&&trust_list::NO_FILE_IN_MIXED_MODE)]);
            }
            Err(ListFault::NoFile) => return Ok(Vec::new()),
            Err(fault) => return Ok(vec![say(&fault)]),
        };
        let now = Inventory::of_store(&self.store)?;
        let required = update_required(&list, &now);
        let restored = accepted.and_then(|known| restored(&self.node, &list, &known.sha256));
        Ok(required.iter().chain(&restored).map(|reason| say(reason)).collect())
    }
}
