//! Registration, and the end of it.

use std::net::IpAddr;
use std::time::Duration;

use sccp::codes::UnregisterStatus;
use sccp::phone::{Alarm, AudioCapability, Register};
use sccp::server::{
    CapabilitiesReq, KeepAliveAck, RegisterAck, RegisterReject, RegisterTokenAck, UnregisterAck,
};
use sccp::{Charset, Features, LIMIT_REGISTERED, Message, Secrecy, Text, Version};

use super::guard::Close;
use super::{Equipment, Now, Output, Phase, Registered, Station};
use crate::codec::Codec;
use crate::security::Security;
use crate::switchboard::{Event, Kind, Profile};

/// A device that wants to register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// The name it gives: any text, until somebody has looked at it.
    pub name: String,
    /// The type it says it is, as SCCP numbers them.
    pub device_type: u32,
    /// The address it says it has.
    pub told: IpAddr,
    /// The highest version it speaks.
    pub version: Version,
}

impl Station {
    /// A message of somebody who has not registered.
    pub(super) fn receive_stranger(
        &mut self,
        now: Now,
        message: Message,
        out: &mut Vec<Output>,
    ) -> Result<(), Close> {
        match message {
            Message::KeepAlive(_) => {
                self.guard.expect_life(now.instant, STANDBY);
                self.send(KeepAliveAck, out);
            }
            Message::RegisterTokenReq(_) => {
                self.guard.expect_life(now.instant, STANDBY);
                self.send(RegisterTokenAck, out);
            }
            Message::Alarm(alarm) => self.phone_alarm(&alarm, out),
            Message::Unregister(_) => {
                self.send(UnregisterAck { status: UnregisterStatus::OK }, out);
                return Err(Close::Unregistered);
            }
            Message::Register(register) if matches!(self.phase, Phase::ExpectRegister) => {
                let application = application(&register);
                self.phase = Phase::ExpectDecision(application.clone());
                out.push(Output::Register(application));
            }
            _ => return self.guard.stranger(),
        }
        Ok(())
    }

    /// The device may register.
    pub fn admit(&mut self, now: Now, equipment: Equipment, out: &mut Vec<Output>) {
        let Phase::ExpectDecision(application) = &self.phase else { return };
        let (device, highest) = (application.name.as_str().into(), application.version);
        let version = highest.agreed(Version::V11);
        let secrecy = match equipment.security {
            Security::Encrypted => Secrecy::Confidential,
            Security::Authenticated | Security::NonSecure => Secrecy::Exposed,
        };
        self.session = sccp::Session { version, secrecy };
        self.stream.set_version(version);
        self.stream.set_limit(LIMIT_REGISTERED);
        self.guard.expect_life(now.instant, equipment.keep_alive);
        let seconds = |time: Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        let welcome = RegisterAck {
            keep_alive_interval: seconds(equipment.keep_alive),
            date_template: Text::new(&equipment.date_template, Charset::Latin1),
            secondary_keep_alive_interval: seconds(STANDBY),
            protocol_version: version.number(),
            features: Features::of_server(version),
        };
        self.phase = Phase::Registered(Box::new(Registered {
            device,
            highest,
            equipment,
            codecs: None,
            knows_buttons: false,
            knows_time: false,
            patience: now.instant + PATIENCE,
            arrived: false,
            legs: Default::default(),
            waiting: Default::default(),
            privacy_button: None,
        }));
        self.send(welcome, out);
        self.send(CapabilitiesReq, out);
    }

    /// The device may not register. The telephone shows the text.
    pub fn refuse(&mut self, text: &str, out: &mut Vec<Output>) {
        if let Phase::ExpectDecision(application) = &self.phase {
            let charset = Charset::of_phone(application.version);
            self.send(RegisterReject { text: Text::new(text, charset) }, out);
            self.close(Close::Refused, out);
        }
    }

    /// A telephone that is served registers again, or leaves.
    pub(super) fn change_registration(
        &mut self,
        now: Now,
        message: Message,
        out: &mut Vec<Output>,
    ) {
        let Phase::Registered(registered) = &self.phase else { return };
        match message {
            Message::Register(register) => {
                let application = application(&register);
                if registered.device != application.name.as_str().into() {
                    return self.close(Close::OtherName, out);
                }
                // It has started anew: what it knew it does not know any more.
                self.leave(out);
                self.phase = Phase::ExpectDecision(application.clone());
                self.guard.expect_life(now.instant, STANDBY);
                out.push(Output::Register(application));
            }
            Message::Unregister(_) if registered.is_in_call() => {
                self.send(UnregisterAck { status: UnregisterStatus::CALL_ACTIVE }, out);
            }
            Message::Unregister(_) => {
                self.send(UnregisterAck { status: UnregisterStatus::OK }, out);
                self.close(Close::Unregistered, out);
            }
            _ => self.send(RegisterTokenAck, out),
        }
    }

    /// The codecs it knows.
    pub(super) fn learn_codecs(&mut self, message: &Message, out: &mut Vec<Output>) {
        let audio: &[AudioCapability] = match message {
            Message::CapabilitiesRes(message) => &message.audio.0,
            Message::UpdateCapabilities(message) => message.capabilities.audio(),
            Message::UpdateCapabilitiesV2(message) => message.capabilities.audio(),
            Message::UpdateCapabilitiesV3(message) => message.capabilities.audio(),
            _ => return,
        };
        if let Phase::Registered(registered) = &mut self.phase {
            let codecs = audio.iter().map(|entry| Codec(entry.codec.0)).collect();
            registered.codecs = Some(codecs);
        }
        self.arrive(out);
    }

    /// Tells the switchboard of a telephone once it knows what it needs to be called.
    pub(super) fn arrive(&mut self, out: &mut Vec<Output>) {
        let Phase::Registered(registered) = &mut self.phase else { return };
        let ready = registered.knows_buttons || registered.knows_time;
        let Some(codecs) = registered.codecs.clone().filter(|_| ready && !registered.arrived)
        else {
            return;
        };
        registered.arrived = true;
        let equipment = &registered.equipment;
        let profile = Profile {
            kind: Kind::Telephone,
            security: equipment.security,
            codecs,
            encrypts_wideband: equipment.encrypts_wideband,
            bridge: equipment.bridge,
            private: equipment.private,
            region: equipment.region,
            relay: equipment.relay,
            media_elsewhere: equipment.media_elsewhere,
            lines: equipment.lines.iter().map(|(line, _)| line.clone()).collect(),
        };
        let device = registered.device.clone();
        out.push(Output::Event(Event::DeviceArrived { device, profile }));
    }

    pub(super) fn phone_alarm(&self, alarm: &Alarm, out: &mut Vec<Output>) {
        let text = alarm.text.decode(Charset::Latin1);
        out.push(Output::PhoneAlarm(text.chars().filter(|c| !c.is_control()).collect()));
    }
}

fn application(register: &Register) -> Application {
    Application {
        name: register.device_name.decode(Charset::Latin1),
        device_type: register.device_type.0,
        told: IpAddr::V4(register.address.0),
        version: register.version(),
    }
}

/// Between two signs of life of a telephone that another server serves.
const STANDBY: Duration = Duration::from_secs(60);
/// How long a telephone may take to ask for what it needs.
const PATIENCE: Duration = Duration::from_secs(30);
