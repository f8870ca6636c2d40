//! SRST, on both sides: the centre that gateways report to, and the gateway itself.

pub mod centre;
pub mod gateway;
pub mod memory;

use std::time::{Duration, SystemTime};

use console::SrstStatusView;
use lang::Language;
use messages::{Explain, Explanation, Message};

/// Certificates that end within this time are told of.
pub const SOON: Duration = Duration::from_secs(30 * 86_400);

/// How centre and gateways stand to each other, as this node sees it.
pub trait Survival: Send + Sync {
    /// For people who ask.
    fn view(&self) -> SrstStatusView;

    /// What an administrator should know.
    fn alarms(&self, language: Language) -> Vec<String>;
}

/// A message with its values.
pub(crate) fn explain(
    message: &'static Message,
    values: &[(&'static str, String)],
    language: Language,
) -> Explanation {
    struct Known<'a>(&'static Message, &'a [(&'static str, String)]);
    impl Explain for Known<'_> {
        fn message(&self) -> &'static Message {
            self.0
        }
        fn values(&self) -> Vec<(&'static str, String)> {
            self.1.to_vec()
        }
    }
    Known(message, values).explain(language)
}

pub(crate) fn rfc3339(at: SystemTime) -> String {
    humantime::format_rfc3339_millis(at).to_string()
}
