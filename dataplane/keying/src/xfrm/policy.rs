//! Policies: `struct xfrm_userpolicy_info` and its templates.

use esp::{Action, Direction, Policy, RequestId};

use super::attributes::{self, Attributes};
use super::selector::Traffic;
use super::u32_at;

pub(super) const INFO_LEN: usize = 168;
/// Octets of `struct xfrm_user_tmpl`.
const TEMPLATE_LEN: usize = 64;
const PROTOCOL_ESP: u8 = 50;

/// What names a policy: traffic, direction, and its number in the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyKey {
    index: u32,
}

/// What the kernel does with traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyAction {
    /// Something that we do, too.
    Known(Action),
    /// Templates of another kind than one of ESP: nothing passes here.
    Foreign,
}

/// A policy of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRecord {
    /// What names it.
    pub key: PolicyKey,
    /// Which packets; None for those that are forwarded, which we do not do.
    pub direction: Option<Direction>,
    /// The lower counts first.
    pub priority: u32,
    /// What is done.
    pub action: PolicyAction,
    traffic: Traffic,
}

/// Reads what names a policy.
pub(super) fn key(info: &[u8]) -> Option<PolicyKey> {
    Some(PolicyKey { index: u32_at(info, 156)? })
}

impl PolicyRecord {
    pub(super) fn read(info: &[u8], more: &Attributes<'_>) -> Option<Self> {
        let direction = match info.get(160)? {
            0 => Some(Direction::Inbound),
            1 => Some(Direction::Outbound),
            _ => None,
        };
        let blocks = *info.get(161)? != 0;
        let templates = more.find(attributes::TEMPLATES).unwrap_or_default();
        let action = match (blocks, templates.len()) {
            (true, _) => PolicyAction::Known(Action::Discard),
            (false, 0) => PolicyAction::Known(Action::Bypass),
            (false, TEMPLATE_LEN) if templates[20] == PROTOCOL_ESP => {
                PolicyAction::Known(Action::Protect(RequestId(u32_at(templates, 44)?)))
            }
            (false, _) => PolicyAction::Foreign,
        };
        Some(Self {
            key: key(info)?,
            direction,
            priority: u32_at(info, 152)?,
            action,
            traffic: Traffic::read(info)?,
        })
    }

    /// The policy as [`esp`] takes it; None for forwarded packets.
    pub(crate) fn policy(&self) -> Option<Policy> {
        let direction = self.direction?;
        let action = match self.action {
            PolicyAction::Known(action) => action,
            PolicyAction::Foreign => Action::Discard,
        };
        Some(Policy {
            direction: Some(direction),
            ..Policy::new(self.traffic.selector(direction), action)
        })
    }
}
