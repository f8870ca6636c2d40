//! What users do.

use sccp::codes::ButtonType;
use sccp::{CallRef, LineInstance, Message};

use super::{Output, Phase, Station, soft_keys};
use crate::dialplan::MAX_DIGITS;
use crate::switchboard::{Event, Key, KeySet, LegId};

impl Station {
    pub(super) fn pressed(&mut self, message: Message, out: &mut Vec<Output>) {
        use Message as M;
        let pressed = match message {
            M::OffHook(m) => Some((m.line, m.call, Key::OffHook)),
            M::OffHookWithCgpn(m) if self.is_voicemail() => number(m.calling_party.as_bytes())
                .map(|number| (m.line, CallRef(0), Key::OffHookFor(number))),
            M::OnHook(m) => Some((m.line, m.call, Key::OnHook)),
            M::HookFlash(m) => Some((m.line, m.call, Key::Hold)),
            M::KeypadButton(m) => {
                // Before version 15 the line may be that of another button.
                m.button.character().map(|digit| (LineInstance(0), m.call, Key::Digit(digit)))
            }
            M::EnblocCall(m) => number(m.called_party.as_bytes())
                .map(|number| (m.line.0, CallRef(0), Key::Number(number))),
            M::SoftKeyEvent(m) => self.soft_key(m.event, m.call).map(|key| (m.line, m.call, key)),
            M::Stimulus(m) => self.stimulus(m.stimulus, m.instance, m.call),
            _ => None,
        };
        match pressed {
            Some((line, call, key)) => self.press(line, call, key, out),
            None => self.guard.violation(),
        }
    }

    fn press(&mut self, line: LineInstance, call: CallRef, key: Key, out: &mut Vec<Output>) {
        let Phase::Registered(registered) = &self.phase else { return };
        let leg = Some(LegId(call.0)).filter(|leg| leg.0 != 0);
        let line = Some(line.0).filter(|line| *line != 0);
        let line_is_own = line.is_none_or(|line| registered.equipment.line(line).is_some());
        // A leg that has just ended is no reproach; the switchboard would not know it either.
        let leg_is_own = leg.is_none_or(|leg| registered.legs.contains_key(&leg));
        if !line_is_own || !registered.arrived {
            return self.guard.violation();
        }
        // With a handset that is put down late, nothing is left to be done but to note it.
        let leg = match leg_is_own {
            true => leg,
            false if key == Key::OnHook && registered.legs.is_empty() => None,
            false => return,
        };
        let device = registered.device.clone();
        out.push(Output::Event(Event::Pressed { device, line, leg, key }));
    }

    fn is_voicemail(&self) -> bool {
        matches!(&self.phase, Phase::Registered(registered) if registered.equipment.voicemail)
    }

    /// A soft key, if it is shown.
    fn soft_key(&self, event: u32, call: CallRef) -> Option<Key> {
        let Phase::Registered(registered) = &self.phase else { return None };
        match registered.legs.get(&LegId(call.0)) {
            Some(leg) => soft_keys::meaning(event, [leg.keys]),
            None if call == CallRef(0) => {
                let shown = registered.legs.values().map(|leg| leg.keys);
                soft_keys::meaning(event, shown.chain([KeySet::OnHook]))
            }
            None => None,
        }
    }

    /// A key with a fixed function, or a button.
    fn stimulus(
        &self,
        stimulus: ButtonType,
        instance: LineInstance,
        call: CallRef,
    ) -> Option<(LineInstance, CallRef, Key)> {
        let Phase::Registered(registered) = &self.phase else { return None };
        let key = match stimulus {
            ButtonType::LINE => Key::Line,
            ButtonType::REDIAL => Key::Redial,
            ButtonType::HOLD => Key::Hold,
            ButtonType::TRANSFER => Key::Transfer,
            ButtonType::CONFERENCE => Key::Conference,
            ButtonType::FORWARD_ALL => Key::ForwardAll,
            ButtonType::MEET_ME => Key::MeetMe,
            ButtonType::NEW_CALL => Key::NewCall,
            ButtonType::END_CALL => Key::EndCall,
            // Its number is that of a feature, not of a line.
            ButtonType::PRIVACY => return Some((LineInstance(0), CallRef(0), Key::Privacy)),
            ButtonType::VOICEMAIL => {
                let number = registered.equipment.messages.clone()?;
                return Some((LineInstance(0), CallRef(0), Key::Number(number)));
            }
            ButtonType::SPEED_DIAL => {
                let index = usize::try_from(instance.0).ok()?.checked_sub(1)?;
                let number = registered.equipment.speed_dials.get(index)?.number.clone();
                return Some((LineInstance(0), CallRef(0), Key::Number(number)));
            }
            _ => return None,
        };
        Some((instance, call, key))
    }
}

/// A number that somebody can have dialled.
fn number(bytes: &[u8]) -> Option<String> {
    let allowed = |byte: &u8| matches!(byte, b'0'..=b'9' | b'*' | b'#' | b'A'..=b'D' | b'+');
    let sound = !bytes.is_empty() && bytes.len() <= MAX_DIGITS && bytes.iter().all(allowed);
    sound.then(|| bytes.iter().copied().map(char::from).collect())
}
