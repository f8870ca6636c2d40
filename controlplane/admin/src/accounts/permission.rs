//! What each role may ask.

use store::AdministratorRole;

/// What a request takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Look at what is administered and how it stands.
    Look,
    /// Look at who changed what.
    Audit,
    /// Change it.
    Operate,
    /// Say who may log in.
    Accounts,
    /// Capture calls.
    Capture,
}

impl Permission {
    /// What a request of [`console`] takes, by its name. What is not known here changes something.
    pub fn of_request(name: &str) -> Self {
        const LOOKS: [&str; 8] = [
            "status",
            "device-log",
            "diagnose-phone",
            "find-phones",
            "report-capf",
            "capf-service",
            "check-gateway",
            "srst-status",
        ];
        match name {
            "history" | "audit-trail" | "audit-report" => Self::Audit,
            "list-administrators" | "list-tokens" => Self::Accounts,
            "put-administrator" | "remove-administrator" => Self::Accounts,
            "create-token" | "remove-token" => Self::Accounts,
            "set-capture" | "fetch-capture" | "put-capture-tool" | "remove-capture-tool" => {
                Self::Capture
            }
            "newest-revision" => Self::Look,
            name if LOOKS.contains(&name) => Self::Look,
            name if name.starts_with("list-") || name.starts_with("show-") => Self::Look,
            _ => Self::Operate,
        }
    }

    /// Whether a role has it.
    pub fn is_given_to(self, role: AdministratorRole) -> bool {
        use AdministratorRole::{Administrator, Auditor, Capture, Operator};
        match self {
            Self::Look => true,
            Self::Audit => matches!(role, Administrator | Operator | Auditor),
            Self::Operate => matches!(role, Administrator | Operator),
            Self::Accounts => role == Administrator,
            // Listening is nobody's by the way.
            Self::Capture => role == Capture,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_may_what_they_are_for() {
        let may = |role: AdministratorRole| {
            use Permission::{Accounts, Audit, Capture, Look, Operate};
            let all = [Look, Audit, Operate, Accounts, Capture];
            all.map(|permission| permission.is_given_to(role))
        };
        assert_eq!(may(AdministratorRole::Administrator), [true, true, true, true, false]);
        assert_eq!(may(AdministratorRole::Operator), [true, true, true, false, false]);
        assert_eq!(may(AdministratorRole::Auditor), [true, true, false, false, false]);
        assert_eq!(may(AdministratorRole::Capture), [true, false, false, false, true]);
        assert_eq!(may(AdministratorRole::Monitor), [true, false, false, false, false]);
    }

    #[test]
    fn what_changes_something_is_not_for_those_who_look() {
        for name in ["set-parameter", "reset-phones", "set-capf", "create-cluster", "of-tomorrow"] {
            assert_eq!(Permission::of_request(name), Permission::Operate, "{name}");
        }
        for name in ["list-phones", "show-phone", "status"] {
            assert_eq!(Permission::of_request(name), Permission::Look, "{name}");
        }
        for name in ["list-tokens", "create-token", "put-administrator"] {
            assert_eq!(Permission::of_request(name), Permission::Accounts, "{name}");
        }
    }
}
