use wire::WireError;
use wire::ethernet::{Header, MacAddr, VLAN, VlanTag};

use super::Hardening;
use crate::Model;

/// The switch in a telephone: one port to the network, one for a computer, and the telephone
/// itself, which is in the voice VLAN if there is one.
#[derive(Clone, Debug)]
pub struct Switch {
    /// The telephone's address.
    pub mac: MacAddr,
    /// Its model: they differ in what they drop.
    pub model: Model,
    /// What its configuration allows.
    pub hardening: Hardening,
    /// The VLAN of the telephone, if it is not the untagged one.
    pub voice_vlan: Option<u16>,
}

/// Where a frame comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// The network.
    Network,
    /// The computer behind the telephone.
    Pc,
}

/// Where a frame goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passage {
    /// To the telephone itself.
    pub to_phone: bool,
    /// Through to the other port.
    pub through: bool,
}

/// The VLAN identifier in a tag; the other bits are priority and drop eligibility.
const IDENTIFIER: u16 = 0x0fff;

impl Switch {
    /// Where a frame goes that comes in at `from`.
    pub fn pass(&self, from: Port, frame: &[u8]) -> Result<Passage, WireError> {
        let header = Header::parse(frame)?;
        let barred = !self.hardening.pc_port || self.bars_pc(&header);
        if barred && from == Port::Pc {
            return Ok(Passage::default());
        }
        // The lowest bit of the first octet: everybody, or a group.
        let to_all = header.destination.0[0] & 1 != 0;
        let own = header.destination == self.mac;
        Ok(Passage {
            to_phone: (own || to_all) && self.vlan(&header) == self.voice_vlan,
            through: !own && !barred,
        })
    }

    /// Whether a frame may not come from a computer, nor go to one. The 7940 and 7960 drop what is
    /// tagged with the voice VLAN, however it is tagged; the 7970 and 7971 drop what has an 802.1Q
    /// tag.
    fn bars_pc(&self, header: &Header) -> bool {
        if self.hardening.pc_voice_vlan {
            return false;
        }
        match self.model {
            // It has no port for a computer.
            Model::Port => true,
            Model::M7940 | Model::M7960 => {
                self.voice_vlan.is_some() && self.vlan(header) == self.voice_vlan
            }
            Model::M7970 | Model::M7971 => header.tags[0].is_some_and(|tag| tag.protocol == VLAN),
        }
    }

    fn vlan(&self, header: &Header) -> Option<u16> {
        // Identifier 0 is a priority only (IEEE 802.1Q).
        let identifier = |tag: VlanTag| Some(tag.control & IDENTIFIER).filter(|id| *id != 0);
        header.tags[0].and_then(identifier)
    }
}
