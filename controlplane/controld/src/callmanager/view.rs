//! What administrators are shown of calls.

use std::time::{Duration, SystemTime};

use callagent::{RelayAlarm, RelayState, RelayView};
use callmanager::security::Security;
use callmanager::switchboard::{CallEnd, Party, PerStatus};
use callprocessing::handle::{Call, Counters, Direction, Ladder, Record, Registered, Which};
use console::{
    CallPartyView, CallRecordView, CallView, GatewayStatus, LadderSecurity, LadderStep, LadderView,
    PerStatusView, RegistrationView, TelephonyView,
};
use lang::Language;
use legacytls::link::CertificateKind;
use messages::Explain;
use recorder::Recorder;
use store::{CallEnding, CallParty, EffectiveMode, PhoneOrderKind};

use super::Desk;
use crate::telephony::Telephony;

/// Alarms as old as that are history.
const LATELY: Duration = Duration::from_secs(24 * 3600);

impl Telephony for Desk {
    fn registered(&self) -> Vec<RegistrationView> {
        self.handle.registered().into_iter().map(registered).collect()
    }

    fn calls(&self) -> Vec<CallView> {
        self.handle.calls().into_iter().map(call).collect()
    }

    fn call(&self, id: u32) -> Option<LadderView> {
        self.handle.call(id).map(|found| ladder(found, &self.node))
    }

    fn counters(&self) -> TelephonyView {
        let Counters { registered, calls_active, calls_completed, .. } = self.handle.counters();
        TelephonyView {
            phones_registered: per_status(registered),
            calls_active: per_status(calls_active),
            calls_completed: per_status(calls_completed),
        }
    }

    fn recorder(&self) -> Option<&Recorder> {
        self.recorder.as_deref()
    }

    fn problems(&self, language: Language) -> Vec<String> {
        let relays = self.relays.iter().flat_map(|agent| agent.relays());
        let problem = |relay: RelayView| {
            let alarm = match relay.state {
                RelayState::InService | RelayState::Unknown => return None,
                RelayState::Leaving | RelayState::OutOfService => {
                    RelayAlarm::Leaving { relay: relay.name }
                }
                RelayState::Suspected | RelayState::Down => RelayAlarm::Down { relay: relay.name },
            };
            Some(alarm.explain(language).to_string())
        };
        let since = SystemTime::now() - LATELY;
        let alarms = self.handle.alarms().into_iter().filter(move |alarm| alarm.last >= since);
        let alarms = alarms.map(|alarm| {
            let said = alarm.explain(language);
            format!("{} {}: {} ({}x)", time(alarm.last), said.text, said.cause, alarm.count)
        });
        let words = self.handle.phone_alarms().into_iter().filter(move |word| word.at >= since);
        let words = words.map(|word| {
            let who = word.device.unwrap_or_else(|| word.peer.to_string());
            format!("{} {who}: {}", time(word.at), word.text)
        });
        relays.filter_map(problem).chain(alarms).chain(words).collect()
    }

    fn gateways(&self) -> Vec<(String, GatewayStatus)> {
        let all = self.gateways.iter().flat_map(|agent| agent.gateways());
        all.map(super::gateways::status).collect()
    }

    fn keys(&self) -> Vec<(&'static str, u64)> {
        let Some(agent) = &self.gateways else { return Vec::new() };
        let counters = agent.counters();
        vec![
            ("sent", counters.keys_sent),
            ("sent-in-clear", counters.keys_in_clear),
            ("refused", counters.keys_refused),
        ]
    }

    fn reset_gateway(&self, name: &str) {
        if let Some(agent) = &self.gateways {
            agent.reset(name);
        }
    }

    fn connections(&self) -> Vec<(&'static str, u64)> {
        let counts = self.handle.counters().since_start;
        vec![
            ("accepted", counts.accepted),
            ("turned-away", counts.turned_away),
            ("evicted", counts.evicted),
            ("registered", counts.registrations),
            ("refused", counts.refused),
            ("misbehaved", counts.misbehaved),
            ("silent", counts.silent),
        ]
    }

    fn order(&self, names: &[String], kind: PhoneOrderKind) -> Vec<String> {
        self.handle.order(Which::Named(names.to_vec()), kind)
    }
}

fn registered(phone: Registered) -> RegistrationView {
    RegistrationView {
        device: phone.device,
        security: mode(phone.security),
        from: phone.peer.to_string(),
        suite: phone.suite,
        certificate: phone.certificate.map(|kind| match kind {
            CertificateKind::Lsc => "lsc".to_owned(),
            CertificateKind::Mic => "mic".to_owned(),
            CertificateKind::Voicemail => "voicemail".to_owned(),
        }),
        since: time(phone.since),
    }
}

fn call(call: Call) -> CallView {
    let state = match (call.conference, call.answered) {
        (true, _) => "conference",
        (false, Some(_)) => "connected",
        (false, None) => "calling",
    };
    let party = |one: callprocessing::handle::Participant| CallPartyView {
        device: one.device,
        number: one.number,
        name: one.name,
    };
    CallView {
        id: call.id,
        parties: call.parties.into_iter().map(party).collect(),
        state: state.to_owned(),
        security: call.security.map(mode),
        began: time(call.began),
        answered: call.answered.map(time),
        relays: call.relays,
    }
}

fn ladder(ladder: Ladder, node: &str) -> LadderView {
    let step = |step: callprocessing::handle::Step| LadderStep {
        at: time(step.at),
        device: step.device,
        from_phone: step.direction == Direction::FromPhone,
        message: step.message,
    };
    let status = |(at, status): (SystemTime, Option<Security>)| LadderSecurity {
        at: time(at),
        security: status.map(mode),
    };
    LadderView {
        id: ladder.call,
        steps: ladder.steps.into_iter().map(step).collect(),
        unsaid: ladder.unsaid,
        security: ladder.security.into_iter().map(status).collect(),
        ended: ladder.ended.map(time),
        record: ladder.record.map(|found| record(found, node)),
    }
}

fn record(record: Record, node: &str) -> CallRecordView {
    let party = |party: Party| CallParty { number: party.number, name: party.name };
    CallRecordView {
        number: None,
        node: node.to_owned(),
        call: record.call,
        calling: party(record.calling),
        dialled: record.dialled,
        called: record.called.map(party),
        began: time(record.began),
        answered: record.answered.map(time),
        ended: time(record.ended),
        security: record.security.map(mode),
        ending: ending(record.end),
        relay: record.relay,
    }
}

fn ending(end: CallEnd) -> CallEnding {
    match end {
        CallEnd::HungUp => CallEnding::HungUp,
        CallEnd::Busy => CallEnding::Busy,
        CallEnd::NoSuchNumber => CallEnding::NoSuchNumber,
        CallEnd::Failed => CallEnding::Failed,
        CallEnd::Transferred => CallEnding::Transferred,
    }
}

fn mode(security: Security) -> EffectiveMode {
    match security {
        Security::NonSecure => EffectiveMode::NonSecure,
        Security::Authenticated => EffectiveMode::Authenticated,
        Security::Encrypted => EffectiveMode::Encrypted,
    }
}

fn per_status(counts: PerStatus) -> PerStatusView {
    let PerStatus { non_secure, authenticated, encrypted } = counts;
    PerStatusView { non_secure, authenticated, encrypted }
}

fn time(at: SystemTime) -> String {
    humantime::format_rfc3339_millis(at).to_string()
}
