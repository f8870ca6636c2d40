//! Gives up what is not needed once everything is open.

use std::collections::HashSet;

use caps::{CapSet, Capability};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

/// What changing BPF maps, following neighbours and sending on AF_XDP sockets take.
const KEPT: [Capability; 3] =
    [Capability::CAP_BPF, Capability::CAP_NET_ADMIN, Capability::CAP_NET_RAW];

/// Keeps three capabilities of those there are, and makes core dumps impossible: keys are in this
/// memory.
pub fn drop_privileges() -> anyhow::Result<()> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let had = caps::read(None, CapSet::Permitted)?;
    let kept: HashSet<_> = KEPT.into_iter().filter(|kept| had.contains(kept)).collect();
    if had.contains(&Capability::CAP_SETPCAP) {
        for capability in caps::all() {
            if !kept.contains(&capability) && caps::has_cap(None, CapSet::Bounding, capability)? {
                caps::drop(None, CapSet::Bounding, capability)?;
            }
        }
    }
    caps::clear(None, CapSet::Ambient)?;
    caps::set(None, CapSet::Inheritable, &HashSet::new())?;
    caps::set(None, CapSet::Effective, &kept)?;
    caps::set(None, CapSet::Permitted, &kept)?;
    Ok(())
}
