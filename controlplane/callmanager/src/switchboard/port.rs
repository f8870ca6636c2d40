//! Ports of gateways as parties of calls: calls that leave the cluster, and keys that may be given to
//! a port at one time and not at another.

use std::sync::Arc;

use super::Switchboard;
use super::action::Party;
use super::id::{CallId, DeviceName};
use super::leg::{Failure, LegState};
use super::stream::Port;
use super::timers::Timer;
use crate::security::Security;

impl Switchboard {
    /// Leads a call to the first port that is free, with the number that is sent on.
    pub(super) fn ring_port(&mut self, call: CallId, ports: &Arc<[DeviceName]>, number: String) {
        let free = |name: &&DeviceName| {
            self.devices.get(*name).is_some_and(|device| device.legs.is_empty())
        };
        let leg = ports
            .iter()
            .find(free)
            .cloned()
            .and_then(|device| self.new_leg(&device, FIRST_LINE, call, LegState::Ringing));
        let Some(leg) = leg else { return self.fail_caller(call, Failure::Congestion) };
        let found = self.legs.get_mut(&leg).expect("it is new");
        found.routed = true;
        let name = std::mem::take(&mut found.party.name);
        found.party = Party { number, name };
        self.calls.get_mut(&call).expect("the caller has it").ringing.push(leg);
        self.timers.start(Timer::Call(call), self.now + self.settings.no_answer);
        self.touch(call);
    }

    /// Keys may be given to a port from now on, or no longer.
    pub(super) fn port_security(&mut self, name: &DeviceName, security: Security) {
        let Some(device) = self.devices.get_mut(name).filter(|it| it.profile.kind.is_port()) else {
            return self.ignore();
        };
        device.profile.security = security;
        if security == Security::Encrypted {
            // Calls that had to do without may be encrypted when they change next.
            for leg in device.legs.clone() {
                let call = self.legs[&leg].call;
                self.calls.get_mut(&call).expect("legs are in calls").plain = false;
            }
        }
    }

    /// Legs on ports are as secure as their ports are at the moment a stream is opened.
    pub(super) fn secure_ports(&mut self, ports: [Port; 2]) {
        for port in ports {
            if let Port::Leg(leg) = port
                && self.is_port(port)
            {
                let leg = self.legs.get_mut(&leg).expect("ports of streams are legs of calls");
                leg.security = self.devices[&leg.device].profile.security;
            }
        }
    }

    /// Whether an end is on a port of a gateway that is there.
    pub(super) fn is_port(&self, port: Port) -> bool {
        self.profile(port).is_some_and(|profile| profile.kind.is_port())
    }
}

/// Ports have one.
const FIRST_LINE: u32 = 1;
