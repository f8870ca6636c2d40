//! Barge, by the guide's table: who may come into whose call, and what becomes of its status.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{
    ALICE, ALICE_PLAIN, ALICE_TOO, BOB, DAVE, DAVE_PLAIN, DAVE_TOO, ERIN, ERIN_TOO, encrypts,
};
use crate::report::{Failed, Report};
use crate::scenario::estate::{Estate, Phone};

/// One row of it.
struct Case {
    name: &'static str,
    /// Who speaks; the shared line is the first one's.
    speakers: [&'static Phone; 2],
    initiator: &'static Phone,
    key: &'static str,
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
        initiator: &ALICE_TOO,
        key: "barge",
        becomes: Becomes::Shown("lock"),
    },
    Case {
        name: "without encryption into encrypted: busy tone",
        speakers: [&ALICE, &BOB],
        initiator: &ALICE_PLAIN,
        key: "barge",
        becomes: Becomes::Refused("busy"),
    },
    Case {
        name: "into an encrypted 7960: failure tone",
        speakers: [&ERIN, &BOB],
        initiator: &ERIN_TOO,
        key: "barge",
        becomes: Becomes::Refused("reorder"),
    },
    Case {
        name: "encrypted into authenticated: becomes non-secure",
        speakers: [&DAVE, &ALICE],
        initiator: &DAVE_TOO,
        key: "barge",
        becomes: Becomes::Shown("none"),
    },
    Case {
        name: "non-secure into authenticated: keeps the shield",
        speakers: [&DAVE, &ALICE],
        initiator: &DAVE_PLAIN,
        key: "barge",
        becomes: Becomes::Shown("shield"),
    },
    Case {
        name: "cBarge: always, and non-secure",
        speakers: [&ALICE, &BOB],
        initiator: &ALICE_PLAIN,
        key: "cbarge",
        becomes: Becomes::Shown("none"),
    },
];

pub fn play(estate: &Estate, report: &mut Report) -> Result<(), Failed> {
    for case in &CASES {
        report.step(&format!("barge: {}", case.name), || case.play(estate))?;
    }
    Ok(())
}

impl Case {
    fn play(&self, estate: &Estate) -> Result<((), String)> {
        let phones = &estate.phones;
        let [target, other] = self.speakers;
        phones.call(target, other)?;
        let before = phones.active(target)?["icon"].clone();
        let since = (phones.now(self.initiator), phones.now(target));
        phones.of(self.initiator).order(&format!("key {} 1", self.key))?;
        let seen = match self.becomes {
            Becomes::Refused(tone) => {
                let heard = |event: &Value| event["event"] == "tone" && event["tone"] == tone;
                phones.of(self.initiator).wait(since.0, tone, heard)?;
                for speaker in self.speakers {
                    let icon = phones.active(speaker)?["icon"].clone();
                    ensure!(icon == before, "{} shows {icon} now", speaker.device);
                }
                format!("{tone} tone; the speakers keep {before}")
            }
            Becomes::Shown(icon) => {
                phones.in_state(self.initiator, since.0, "connected")?;
                if before != icon {
                    phones.comes_to_show(target, since.1, icon)?;
                }
                for speaker in self.speakers {
                    let call = phones.active(speaker)?;
                    ensure!(call["icon"] == icon, "{} shows {}", speaker.device, call["icon"]);
                    let protected = encrypts(phones, speaker)?;
                    ensure!(protected == (icon == "lock"), "{}: {call}", speaker.device);
                }
                // The one who came in is heard.
                phones.speak(self.initiator, 40)?;
                phones.hears_any(target, "speech")?;
                format!("connected; {before} became {icon}")
            }
        };
        phones.hang_up(&[self.initiator, target, other])?;
        Ok(((), seen))
    }
}
