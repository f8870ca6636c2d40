//! The machine's own file of users.

use rustix::process::{Gid, Uid};

/// A line of `/etc/passwd`.
pub struct User {
    /// Name to log in with.
    pub name: String,
    /// Number of the user.
    pub uid: Uid,
    /// Number of the user's first group.
    pub gid: Gid,
}

/// Finds a user by name.
pub fn by_name(name: &str) -> Option<User> {
    find(|user| user.name == name)
}

/// The name of a user; its number where it has none.
pub fn name_of(uid: Uid) -> String {
    find(|user| user.uid == uid).map_or_else(|| format!("uid {}", uid.as_raw()), |user| user.name)
}

fn find(wanted: impl Fn(&User) -> bool) -> Option<User> {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    users.lines().filter_map(parse).find(wanted)
}

fn parse(line: &str) -> Option<User> {
    let mut fields = line.split(':');
    let (name, _password) = (fields.next()?, fields.next()?);
    let mut number = || fields.next()?.parse().ok();
    Some(User {
        name: name.to_owned(),
        uid: Uid::from_raw(number()?),
        gid: Gid::from_raw(number()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_known_and_strangers_have_numbers() {
        assert_eq!(by_name("root").map(|user| user.uid.as_raw()), Some(0));
        assert!(by_name("no such user").is_none());
        assert_eq!(name_of(Uid::from_raw(0)), "root");
        assert_eq!(name_of(Uid::from_raw(4_000_000_000)), "uid 4000000000");
    }
}
