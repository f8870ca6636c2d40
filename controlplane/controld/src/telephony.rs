//! Call processing, as administrators see it.

use console::{CallView, GatewayStatus, LadderView, RegistrationView, TelephonyView};
use lang::Language;
use recorder::Recorder;
use store::PhoneOrderKind;

/// Call processing of this node, as administrators see it.
pub trait Telephony: Send + Sync {
    /// The phones that are registered, by name.
    fn registered(&self) -> Vec<RegistrationView>;

    /// The calls that go on.
    fn calls(&self) -> Vec<CallView>;

    /// What was said in a call, one that goes on or one of the latest.
    fn call(&self, id: u32) -> Option<LadderView>;

    /// What is counted.
    fn counters(&self) -> TelephonyView;

    /// What became of phones' connections since the start, by name: for Prometheus.
    fn connections(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// What is not as it should be, of relays say.
    fn problems(&self, _: Language) -> Vec<String> {
        Vec::new()
    }

    /// What became of keys that were to go to gateways since the start, by name: for Prometheus.
    fn keys(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// The gateways that this node commands, by name.
    fn gateways(&self) -> Vec<(String, GatewayStatus)> {
        Vec::new()
    }

    /// Asks a gateway anew what its ports are like.
    fn reset_gateway(&self, _name: &str) {}

    /// Who captures what phones say, if anybody does.
    fn recorder(&self) -> Option<&Recorder> {
        None
    }

    /// Orders phones and voicemail ports to do something; those that are not registered are passed
    /// over. Returns the names of those that were told.
    fn order(&self, names: &[String], kind: PhoneOrderKind) -> Vec<String>;
}
