//! Answers to a telephone's questions about itself.

use sccp::codes::{ButtonType, LampMode, Phrase};
use sccp::server::{
    ButtonTemplate, ConfigStat, FeatureStat, ForwardStat, LineStat, SelectSoftKeys, ServerRes,
    ServiceUrlStat, SetLamp, SoftKeySetRes, SoftKeyTemplateRes, SpeedDialStat, VersionRes,
};
use sccp::{Address, CallRef, Charset, LineInstance, Message, Number, Port, Slots, Table, Text};

use super::clock::time_and_date;
use super::{Now, Output, Phase, Station, soft_keys};
use crate::switchboard::KeySet;

impl Station {
    pub(super) fn answer_question(&mut self, now: Now, question: Message, out: &mut Vec<Output>) {
        use Message as M;
        let Phase::Registered(registered) = &mut self.phase else { return };
        let charset = Charset::of_phone(registered.highest);
        let equipment = &registered.equipment;
        let answer: Message = match question {
            M::ButtonTemplateReq(_) => {
                registered.knows_buttons = true;
                ButtonTemplate { buttons: Table::whole(equipment.buttons()) }.into()
            }
            M::SoftKeyTemplateReq(_) => {
                SoftKeyTemplateRes { keys: Table::whole(soft_keys::template()) }.into()
            }
            M::SoftKeySetReq(_) => {
                self.send(SoftKeySetRes { sets: Table::whole(soft_keys::sets()) }, out);
                select(LineInstance(0), CallRef(0), KeySet::OnHook).into()
            }
            M::LineStatReq(question) => {
                let found = equipment.line(question.line.0);
                let (number, name) = found.map_or(("", ""), |(line, _)| {
                    (line.party.number.as_str(), line.party.name.as_str())
                });
                LineStat {
                    line: question.line,
                    directory_number: Text::new(number, charset),
                    full_name: Text::new(name, charset),
                    label: Text::new(number, charset),
                    display_options: SHOW_EVERYTHING,
                }
                .into()
            }
            M::ForwardStatReq(question) => {
                let found = equipment.line(question.line.0);
                forward_stat(question.line, found.and_then(|(_, all)| all.as_deref())).into()
            }
            M::SpeedDialStatReq(question) => {
                let index = usize::try_from(question.number).ok().and_then(|n| n.checked_sub(1));
                let found = index.and_then(|index| equipment.speed_dials.get(index));
                let (number, label) =
                    found.map_or(("", ""), |found| (found.number.as_str(), found.label.as_str()));
                SpeedDialStat {
                    number: question.number,
                    directory_number: Text::new(number, charset),
                    display_name: Text::new(label, charset),
                }
                .into()
            }
            M::FeatureStatReq(question) => {
                registered.privacy_button = Some(question.index);
                privacy_stat(question.index, equipment.private).into()
            }
            M::ServiceUrlStatReq(question) => {
                ServiceUrlStat { index: question.index, ..ServiceUrlStat::default() }.into()
            }
            M::ConfigStatReq(_) => ConfigStat {
                device_name: Text::new(&registered.device.to_string(), charset),
                user_name: Text::new(&equipment.user, charset),
                server_name: Text::new(&equipment.server_name, charset),
                lines: equipment.lines.len() as u32,
                speed_dials: equipment.speed_dials.len() as u32,
                ..ConfigStat::default()
            }
            .into(),
            M::VersionReq(_) => {
                VersionRes { load_name: Text::new(&equipment.load, charset) }.into()
            }
            M::ServerReq(_) => {
                let mut answer = ServerRes::default();
                let Slots(names) = &mut answer.names;
                // Telephones of this version can be told of IPv4 only.
                let servers = equipment.servers.iter().filter(|server| server.address.is_ipv4());
                for (index, server) in servers.enumerate().take(names.len()) {
                    names[index] = Text::new(&server.name, charset);
                    answer.ports.0[index] = Port::from(server.port);
                    answer.addresses.0[index] = Address::from(server.address);
                }
                answer.into()
            }
            M::TimeDateReq(_) => {
                registered.knows_time = true;
                let waits = !registered.waiting.is_empty();
                let time = time_and_date(now.wall, equipment.utc_offset);
                self.send(time, out);
                handset_lamp(waits).into()
            }
            _ => return,
        };
        self.send(answer, out);
    }
}

/// The lamp on the handset, which tells of messages.
pub(super) fn handset_lamp(on: bool) -> SetLamp {
    message_lamp(0, on)
}

/// The lamp that tells of messages for a line.
pub(super) fn message_lamp(line: u32, on: bool) -> SetLamp {
    let mode = if on { LampMode::ON } else { LampMode::OFF };
    SetLamp { stimulus: ButtonType::VOICEMAIL, instance: LineInstance(line), mode }
}

/// Where all calls to a line go.
pub(super) fn forward_stat(line: LineInstance, all: Option<&str>) -> ForwardStat {
    let active = u32::from(all.is_some());
    ForwardStat {
        any_active: active,
        line,
        all_active: active,
        all_number: Number::new(all.unwrap_or_default()),
        ..ForwardStat::default()
    }
}

/// Whether calls are hidden. It is the only feature that a button can have.
pub(super) fn privacy_stat(index: u32, private: bool) -> FeatureStat {
    let status = u32::from(private);
    FeatureStat { index, feature: ButtonType::PRIVACY, label: Text::from(Phrase::PRIVATE), status }
}

pub(super) fn select(line: LineInstance, call: CallRef, set: KeySet) -> SelectSoftKeys {
    SelectSoftKeys { line, call, set: soft_keys::index(set), valid_keys: soft_keys::valid(set) }
}

/// Of forwarded calls: number dialled, redirected number, and the caller's number and name.
const SHOW_EVERYTHING: u32 = 15;
