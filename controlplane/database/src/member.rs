use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// A node with a copy of the database, or the original.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name in the cluster.
    pub name: String,
    /// Where its database is reached.
    pub address: IpAddr,
    /// The certificate that its database shows and asks with, PEM.
    pub certificate: String,
}

impl Member {
    /// The name under which an original keeps what this copy has not fetched: PostgreSQL allows
    /// lower-case letters, digits and `_`.
    pub(crate) fn slot(&self) -> String {
        let plain = self.name.bytes().map(|byte| match byte {
            b'a'..=b'z' | b'0'..=b'9' => char::from(byte).to_string(),
            other => format!("_{other:02x}"),
        });
        // PostgreSQL cuts names at 63 bytes; host names have as many at most.
        plain.collect::<String>().chars().take(63).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_have_names_that_postgresql_takes() {
        let slot = |name: &str| {
            let member = Member {
                name: name.into(),
                address: [192, 0, 2, 1].into(),
                certificate: String::new(),
            };
            member.slot()
        };
        assert_eq!(slot("cm2"), "cm2");
        assert_ne!(slot("CM2"), slot("cm2"));
        assert_eq!(slot("cm-2.example"), "cm_2d2_2eexample");
        assert_eq!(slot(&"x".repeat(255)).len(), 63);
    }
}
