//! The security policy database (RFC 4301 §4.4.1): an ordered list, the first match counts.

use crate::selector::{Direction, Flow, Match, Selector};

/// What is done with traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It goes under associations that carry this number, and not otherwise.
    Protect(RequestId),
    /// It goes as it is.
    Bypass,
    /// It does not go.
    Discard,
}

/// Ties associations to the policy they were made for; what netlink and IKE daemons call *reqid*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u32);

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whom it is for.
    pub selector: Selector,
    /// For packets of this direction; None for both.
    pub direction: Option<Direction>,
    /// What is done with them.
    pub action: Action,
}

impl Policy {
    /// A rule for both directions.
    pub fn new(selector: Selector, action: Action) -> Self {
        Self { selector, direction: None, action }
    }
}

/// The list. What no rule matches is discarded.
#[derive(Debug, Default)]
pub(crate) struct Policies(Vec<Policy>);

impl Policies {
    pub(crate) fn replace(&mut self, policies: Vec<Policy>) {
        self.0 = policies;
    }

    pub(crate) fn all(&self) -> &[Policy] {
        &self.0
    }

    /// The first rule for the flow. A fragment whose ports decide, and do not show, is protected or
    /// discarded if it may have to be, and bypasses only if it surely may.
    #[inline]
    pub(crate) fn find(&self, direction: Direction, flow: &Flow) -> Option<Action> {
        let found = self.0.iter().find(|policy| {
            policy.direction.is_none_or(|only| only == direction)
                && match policy.selector.matches(flow) {
                    Match::Yes => true,
                    Match::Perhaps => policy.action != Action::Bypass,
                    Match::No => false,
                }
        });
        found.map(|policy| policy.action)
    }
}
