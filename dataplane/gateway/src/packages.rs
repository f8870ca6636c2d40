//! Packages: which events and signals endpoints know (RFC 3660), and what kind of thing each is.

use std::time::Duration;

use line::command::SignalName;
use mgcp::event::EventName;
use mgcp::{ReturnCode, ValueError};

use crate::options::IntoFault;

/// What an endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A packet relay, `pr/<n>`.
    Relay,
    /// An analog line, `aaln/…`.
    Line,
    /// A channel of a digital trunk, `S0/DS1-0/…`.
    Trunk,
}

impl Kind {
    /// Packages of its endpoints, the default one first.
    pub(crate) fn packages(self) -> &'static [&'static Package] {
        static RELAY: [&Package; 2] = [&RTP, &OURS];
        static ANALOG: [&Package; 6] = [&LINE, &DTMF, &GENERIC, &RTP, &ANNOUNCEMENT, &OURS];
        // IOS has line events on trunks: a seized channel is off-hook.
        static DIGITAL: [&Package; 7] =
            [&TRUNK, &DTMF, &GENERIC, &LINE, &RTP, &ANNOUNCEMENT, &OURS];
        match self {
            Self::Relay => &RELAY,
            Self::Line => &ANALOG,
            Self::Trunk => &DIGITAL,
        }
    }

    pub(crate) fn has_package(self, name: &str) -> bool {
        self.packages().iter().any(|package| package.name.eq_ignore_ascii_case(name))
    }

    pub(crate) fn is_voice(self) -> bool {
        self != Self::Relay
    }
}

/// A package.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: &'static str,
    items: &'static [Item],
}

/// An event, a signal, or both under one name.
#[derive(Debug)]
struct Item {
    id: &'static str,
    /// As an event.
    event: Option<Detection>,
    /// As a signal.
    signal: Option<Generation>,
}

/// An event of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detection {
    /// It is reported when it happens.
    Detected,
    /// It exists, and is not detected here.
    Undetected,
}

/// A signal of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Generation {
    Generated(Duty),
    /// It exists, and is not generated here.
    NotGenerated,
}

/// How long a signal lasts (RFC 3435 §2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duty {
    /// Until it is turned off.
    OnOff,
    /// For so long, unless `to=` says otherwise; none is for ever.
    TimeOut(Option<Duration>),
    /// To its own end.
    Brief,
}

/// An event that endpoints detect: `L/hd`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) package: &'static str,
    pub(crate) id: &'static str,
}

const fn detected(id: &'static str) -> Item {
    Item { id, event: Some(Detection::Detected), signal: None }
}

const fn undetected(id: &'static str) -> Item {
    Item { id, event: Some(Detection::Undetected), signal: None }
}

const fn signal(id: &'static str, duty: Duty) -> Item {
    Item { id, event: None, signal: Some(Generation::Generated(duty)) }
}

const fn on_off(id: &'static str) -> Item {
    signal(id, Duty::OnOff)
}

const fn brief(id: &'static str) -> Item {
    signal(id, Duty::Brief)
}

const fn timed(id: &'static str, seconds: u64) -> Item {
    signal(id, Duty::TimeOut(Some(Duration::from_secs(seconds))))
}

const fn endless(id: &'static str) -> Item {
    signal(id, Duty::TimeOut(None))
}

const fn not_generated(id: &'static str) -> Item {
    Item { id, event: None, signal: Some(Generation::NotGenerated) }
}

/// A digit: it can be heard, and sent.
const fn digit(id: &'static str) -> Item {
    Item { id, event: Some(Detection::Detected), signal: Some(Generation::Generated(Duty::Brief)) }
}

const fn neither(id: &'static str) -> Item {
    Item { id, event: Some(Detection::Undetected), signal: Some(Generation::NotGenerated) }
}

/// RFC 3660 §2.6
static LINE: Package = Package {
    name: "L",
    items: &[
        detected("hd"),
        detected("hu"),
        detected("hf"),
        detected("oc"),
        detected("of"),
        timed("dl", 16),
        timed("sl", 16),
        timed("rg", 180),
        timed("r0", 180),
        timed("r1", 180),
        timed("r2", 180),
        timed("r3", 180),
        timed("r4", 180),
        timed("r5", 180),
        timed("r6", 180),
        timed("r7", 180),
        timed("bz", 30),
        timed("ro", 30),
        timed("wt", 12),
        timed("wt1", 12),
        timed("wt2", 12),
        timed("wt3", 12),
        timed("wt4", 12),
        timed("mwi", 16),
        timed("e", 2),
        timed("sit", 2),
        signal("osi", Duty::TimeOut(Some(Duration::from_millis(900)))),
        endless("ot"),
        endless("y"),
        endless("nbz"),
        brief("ci"),
        brief("p"),
        brief("s"),
        brief("rs"),
        brief("z"),
        on_off("vmwi"),
        on_off("aw"),
        on_off("ht"),
        on_off("v"),
        on_off("lsa"),
        not_generated("adsi"),
    ],
};

/// RFC 3660 §2.2
static DTMF: Package = Package {
    name: "D",
    items: &[
        digit("0"),
        digit("1"),
        digit("2"),
        digit("3"),
        digit("4"),
        digit("5"),
        digit("6"),
        digit("7"),
        digit("8"),
        digit("9"),
        digit("*"),
        digit("#"),
        digit("A"),
        digit("B"),
        digit("C"),
        digit("D"),
        detected("T"),
        undetected("L"),
        detected("oc"),
        detected("of"),
        timed("DD", 3),
        on_off("DO"),
    ],
};

/// RFC 3660 §2.1
static GENERIC: Package = Package {
    name: "G",
    items: &[
        detected("mt"),
        detected("ft"),
        undetected("ld"),
        detected("oc"),
        detected("of"),
        timed("rt", 180),
        timed("rbk", 180),
        brief("cf"),
        endless("cg"),
        endless("it"),
        endless("pt"),
        not_generated("pat"),
    ],
};

/// RFC 3660 §2.8
static RTP: Package = Package {
    name: "R",
    items: &[
        detected("ma"),
        detected("rto"),
        undetected("uc"),
        undetected("sr"),
        undetected("ji"),
        undetected("pl"),
        undetected("iu"),
        undetected("qa"),
        undetected("of"),
        neither("co1"),
        neither("co2"),
    ],
};

/// RFC 3660 §2.4
static TRUNK: Package = Package {
    name: "T",
    items: &[
        detected("oc"),
        detected("of"),
        timed("co1", 3),
        timed("co2", 3),
        on_off("lb"),
        on_off("ct"),
        brief("as"),
        brief("bl"),
        timed("bz", 30),
        timed("ro", 30),
        timed("sit", 2),
        timed("om", 3),
        timed("nm", 3),
        timed("mm", 3),
        timed("tp", 3),
        timed("zz", 2),
        endless("qt"),
        not_generated("tl"),
        not_generated("pst"),
    ],
};

/// RFC 3660 §2.10
static ANNOUNCEMENT: Package =
    Package { name: "A", items: &[detected("oc"), detected("of"), endless("ann")] };

/// Ours: what becomes of master keys.
static OURS: Package = Package { name: "X-RF", items: &[detected("kn"), detected("kx")] };

impl Package {
    fn find(&self, id: &str) -> Option<&'static Item> {
        self.items.iter().find(|item| item.id.eq_ignore_ascii_case(id))
    }
}

/// The package a name belongs to; none for all (`*`).
fn package_of(kind: Kind, name: &EventName) -> Result<Option<&'static Package>, ValueError> {
    match name.package.as_deref() {
        None => Ok(Some(kind.packages()[0])),
        Some("*") => Ok(None),
        Some(wanted) => {
            let mut packages = kind.packages().iter();
            let known = packages.find(|package| package.name.eq_ignore_ascii_case(wanted));
            known.map(|package| Some(*package)).ok_or(ReturnCode::UNKNOWN_PACKAGE.into_fault())
        }
    }
}

/// Whether an event name, as it stands in a request, means this event.
pub(crate) fn means(kind: Kind, name: &EventName, event: Known) -> bool {
    let package = match name.package.as_deref() {
        None => kind.packages()[0].name,
        Some("*") => event.package,
        Some(package) => package,
    };
    package.eq_ignore_ascii_case(event.package) && id_means(&name.id, event)
}

fn id_means(id: &str, event: Known) -> bool {
    let digit = event.package == "D" && event.id.len() == 1;
    // `*` is a digit in package D, and everything elsewhere.
    let everything = id.eq_ignore_ascii_case("all") || (id == "*" && event.package != "D");
    if let Some(list) = id.strip_prefix('[').and_then(|list| list.strip_suffix(']')) {
        return digit && in_list(list.as_bytes(), event.id.as_bytes()[0]);
    }
    let any_digit = id.eq_ignore_ascii_case("X")
        && digit
        && event.id.bytes().all(|symbol| symbol.is_ascii_digit());
    everything || any_digit || id.eq_ignore_ascii_case(event.id)
}

/// `0-9*#T`
fn in_list(list: &[u8], symbol: u8) -> bool {
    match list {
        [low, b'-', high, rest @ ..] => (*low..=*high).contains(&symbol) || in_list(rest, symbol),
        [one, rest @ ..] => {
            one.eq_ignore_ascii_case(&symbol)
                || (one.eq_ignore_ascii_case(&b'x') && symbol.is_ascii_digit())
                || in_list(rest, symbol)
        }
        [] => false,
    }
}

/// Whether endpoints of this kind can detect what a name means.
pub(crate) fn check_event(kind: Kind, name: &EventName) -> Result<(), ValueError> {
    let package = package_of(kind, name)?;
    let packages =
        kind.packages().iter().filter(|known| package.is_none_or(|p| p.name == known.name));
    let mut undetected = false;
    for package in packages {
        for item in package.items {
            let known = Known { package: package.name, id: item.id };
            match item.event {
                Some(Detection::Detected) if id_means(&name.id, known) => return Ok(()),
                Some(Detection::Undetected) => undetected |= id_means(&name.id, known),
                _ => {}
            }
        }
    }
    let code = if undetected { ReturnCode::CANNOT_DETECT } else { ReturnCode::UNKNOWN_EVENT };
    Err(code.into_fault())
}

/// The signal a name stands for, if endpoints of this kind can generate it.
pub(crate) fn find_signal(kind: Kind, name: &EventName) -> Result<(SignalName, Duty), ValueError> {
    let unknown = ReturnCode::UNKNOWN_EVENT.into_fault();
    let package = package_of(kind, name)?.ok_or(unknown)?;
    let item = package.find(&name.id).ok_or(unknown)?;
    match item.signal {
        Some(Generation::Generated(duty)) => {
            Ok((SignalName { package: package.name, id: item.id }, duty))
        }
        Some(Generation::NotGenerated) => Err(ReturnCode::CANNOT_GENERATE.into_fault()),
        None => Err(unknown),
    }
}

/// The event of a digit.
pub(crate) fn digit_event(symbol: char) -> Option<Known> {
    let id = DTMF.find(symbol.encode_utf8(&mut [0; 4]))?.id;
    Some(Known { package: DTMF.name, id })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> EventName {
        text.parse().unwrap()
    }

    #[test]
    fn names_of_requests_mean_events() {
        let means = |text: &str, package, id| means(Kind::Line, &name(text), Known { package, id });
        assert!(means("L/hd", "L", "hd") && means("hd", "L", "hd") && means("l/HD", "L", "hd"));
        assert!(means("D/[0-9*#T]", "D", "T") && means("D/[0-9*#T]", "D", "*"));
        assert!(means("D/[0-9ABCD*#]", "D", "C") && !means("D/[0-9*#]", "D", "T"));
        assert!(means("D/X", "D", "7") && !means("D/X", "D", "#"));
        assert!(means("D/*", "D", "*") && !means("D/*", "D", "1"), "a digit, not everything");
        assert!(means("L/all", "L", "hf") && means("*/hd", "L", "hd"));
        assert!(!means("L/hd", "L", "hu") && !means("G/oc", "L", "oc"));
    }

    #[test]
    fn what_does_not_exist_gets_its_code() {
        let event = |kind, text: &str| check_event(kind, &name(text)).err().map(|e| e.code.value());
        assert_eq!(event(Kind::Line, "L/hd"), None);
        assert_eq!(event(Kind::Line, "D/[0-9*#T]"), None);
        assert_eq!(event(Kind::Relay, "L/hd"), Some(518));
        assert_eq!(event(Kind::Line, "L/xx"), Some(522));
        assert_eq!(event(Kind::Line, "L/dl"), Some(522), "a signal is no event");
        assert_eq!(event(Kind::Line, "D/L"), Some(512));
        assert_eq!(event(Kind::Trunk, "L/hd"), None);
        let signal =
            |kind, text: &str| find_signal(kind, &name(text)).err().map(|e| e.code.value());
        assert_eq!(signal(Kind::Line, "L/dl"), None);
        assert_eq!(signal(Kind::Line, "rg"), None);
        assert_eq!(signal(Kind::Line, "L/hd"), Some(522));
        assert_eq!(signal(Kind::Line, "L/adsi"), Some(513));
        assert_eq!(signal(Kind::Line, "T/co1"), Some(518));
        assert_eq!(signal(Kind::Relay, "R/co1"), Some(513));
    }
}
