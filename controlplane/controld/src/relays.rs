//! The relays that media of calls goes through: a call agent that does as call processing says.

use std::net::UdpSocket;
use std::sync::Arc;

use callagent::{CallAgent, RelayConfig, Report};
use callmanager::switchboard::RelayOrder;
use callprocessing::service::{Answers, Relays};

use crate::config::Config;

/// The call agent, in the hands of call processing.
pub struct Commanded(Arc<CallAgent>);

impl Relays for Commanded {
    fn order(&mut self, order: RelayOrder) {
        self.0.order(order);
    }
}

/// Starts a call agent for the relays of the configuration. What it must not do is told in
/// English, for logs and alarms.
pub fn start(config: &Config, answers: Answers) -> Result<(Commanded, Arc<CallAgent>), String> {
    let address = config.call_agent;
    let socket = UdpSocket::bind(address).map_err(|error| {
        format!("cannot command relays from {address}: {error}; set `call_agent` in [controld]")
    })?;
    let relays = config.relay.iter().map(|relay| RelayConfig {
        name: relay.name.clone(),
        addresses: vec![relay.address],
    });
    let agent = callagent::Config::new(&config.node_name(), relays.collect());
    let tell = move |report| tell(&answers, report);
    let agent = CallAgent::start(agent, socket, tell).map_err(|error| error.to_string())?;
    let agent = Arc::new(agent);
    Ok((Commanded(Arc::clone(&agent)), agent))
}

fn tell(answers: &Answers, report: Report) {
    match report {
        Report::Opened { link, result } => answers.relayed(link, result),
        Report::Lost { link } => answers.relay_lost(link),
        Report::Alarm(alarm) => answers.alarm(&alarm),
        Report::Closed { call, relay, ends } => answers.note(|| {
            let ends = ends.iter().flatten().map(|end| {
                format!(
                    "; stream {}: {} packets to the device, {} from it, {} lost, jitter {} ms",
                    end.stream,
                    end.packets_sent,
                    end.packets_received,
                    end.packets_lost,
                    end.jitter_ms
                )
            });
            format!("call {call} went through {relay}{}", ends.collect::<String>())
        }),
    }
}
