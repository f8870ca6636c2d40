//! Barge, by the guide's table: who may come into whose call, and what becomes of its status.

use anyhow::Result;

use super::{ALICE, ALICE_PLAIN, ALICE_TOO, BOB, DAVE, DAVE_PLAIN, DAVE_TOO, ERIN, ERIN_TOO};
use crate::report::{Failed, Report};
use crate::scenario::estate::{Estate, Phone, Phones};

/// One row of it.
struct Case {
    name: &'static str,
    /// Who speaks; the shared line is the first one's.
    speakers: [&'static Phone; 2],
    initiator: &'static Phone,
    /// The icon of the speakers before.
    before: &'static str,
    does: &'static str,
    becomes: Becomes,
}

/// What becomes of a barge.
#[derive(Clone, Copy)]
enum Becomes {
    /// It succeeds, and the speakers show this icon.
    Shown(&'static str),
    /// It fails: its initiator hears this tone, and all stays as it was.
    Refused(&'static str),
}

// R: GEN-12, GEN-13, GEN-14, GEN-15, GEN-16, GEN-17
static CASES: [Case; 6] = [
    Case {
        name: "encrypted into encrypted: stays encrypted",
        speakers: [&ALICE, &BOB],
        before: "lock",
        initiator: &ALICE_TOO,
        does: "barges",
        becomes: Becomes::Shown("lock"),
    },
    Case {
        name: "without encryption into encrypted: busy tone",
        speakers: [&ALICE, &BOB],
        before: "lock",
        initiator: &ALICE_PLAIN,
        does: "barges",
        becomes: Becomes::Refused("busy"),
    },
    Case {
        name: "into an encrypted 7960: failure tone",
        speakers: [&ERIN, &BOB],
        before: "lock",
        initiator: &ERIN_TOO,
        does: "barges",
        becomes: Becomes::Refused("reorder"),
    },
    Case {
        name: "encrypted into authenticated: becomes non-secure",
        speakers: [&DAVE, &ALICE],
        before: "shield",
        initiator: &DAVE_TOO,
        does: "barges",
        becomes: Becomes::Shown("none"),
    },
    Case {
        name: "non-secure into authenticated: keeps the shield",
        speakers: [&DAVE, &ALICE],
        before: "shield",
        initiator: &DAVE_PLAIN,
        does: "barges",
        becomes: Becomes::Shown("shield"),
    },
    Case {
        name: "cBarge: always, and non-secure",
        speakers: [&ALICE, &BOB],
        before: "lock",
        initiator: &ALICE_PLAIN,
        does: "cbarges",
        becomes: Becomes::Shown("none"),
    },
];

pub fn play(estate: &mut Estate, report: &mut Report) -> Result<(), Failed> {
    for case in &CASES {
        report.step(&format!("barge: {}", case.name), || case.play(&mut estate.phones))?;
    }
    Ok(())
}

impl Case {
    fn play(&self, phones: &mut Phones) -> Result<((), String)> {
        let [target, other] = self.speakers;
        phones.call(target, other)?;
        phones.speak(self.speakers, self.before)?;
        // He sees their call on his line.
        phones.expect(self.initiator, "state in-use-remote")?;
        // In silence: each of the speakers is to be heard alone.
        phones.does(self.initiator, "says silence")?;
        phones.does(self.initiator, self.does)?;
        let seen = match self.becomes {
            Becomes::Refused(tone) => {
                phones.expect(self.initiator, &format!("tone {tone}"))?;
                phones.speak(self.speakers, self.before)?;
                format!("{tone} tone; the speakers keep {}", self.before)
            }
            Becomes::Shown(icon) => {
                phones.expect(self.initiator, "connected")?;
                phones.speak(self.speakers, icon)?;
                format!("{} became {icon}", self.before)
            }
        };
        phones.hang_up(&[self.initiator, target, other])?;
        phones.does(self.initiator, &format!("says {}", self.initiator.voice()))?;
        Ok(((), seen))
    }
}
