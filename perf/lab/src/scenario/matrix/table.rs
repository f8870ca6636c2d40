//! What is expected: of every pair of modes, and of who barges into what.

/// A kind of telephone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 7970, encrypted.
    E70,
    /// 7960, encrypted.
    E60,
    /// 7970, authenticated.
    Auth,
    /// 7970, not secure.
    Plain,
}

pub use Kind::{Auth, E60, E70, Plain};

pub const KINDS: [Kind; 4] = [E70, E60, Auth, Plain];

/// The icon of a call between two telephones. Media is encrypted where it is the lock.
// R: GEN-09, GEN-10, GEN-11, MED-01
pub fn icon(one: Kind, other: Kind) -> &'static str {
    const ICONS: [[&str; 4]; 4] = [
        //        E70       E60       Auth      Plain
        /* E70 */
        ["lock", "lock", "shield", "none"],
        /* E60 */ ["lock", "lock", "shield", "none"],
        /* Auth */ ["shield", "shield", "shield", "none"],
        /* Plain */ ["none", "none", "none", "none"],
    ];
    ICONS[one as usize][other as usize]
}

/// What becomes of a barge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barge {
    /// It succeeds: the icon of those who spoke before, and that of who barged in.
    Shown(&'static str, &'static str),
    /// It fails with this tone.
    Refused(&'static str),
}

/// Barges into a call of this icon, through the telephone `target`.
// R: GEN-12, GEN-13, GEN-14, GEN-15, GEN-17
pub fn barge(call: &str, target: Kind, initiator: Kind) -> Barge {
    use Barge::{Refused, Shown};
    match (call, target, initiator) {
        ("lock", _, Auth | Plain) => Refused("busy"),
        ("lock", E60, E70 | E60) => Refused("reorder"),
        ("lock", _, E70 | E60) => Shown("lock", "lock"),
        ("shield", _, E70 | E60) => Shown("none", "none"),
        ("shield", _, Auth) => Shown("shield", "shield"),
        ("shield", _, Plain) => Shown("shield", "none"),
        _ => Shown("none", "none"),
    }
}
