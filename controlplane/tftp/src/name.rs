//! Names of files, as phones ask for them.

use std::fmt;

use crate::DeviceName;

/// A relative path that stays where it is: parts separated by `/`, none of them `..`, hidden or
/// empty, no control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileName(String);

/// Why a name is not served, whether such a file exists or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing is left after the leading slash.
    #[error("the name is empty")]
    Empty,
    /// Over [`FileName::MAX`] bytes.
    #[error("the name is longer than 255 bytes")]
    TooLong,
    /// Not UTF-8, or with control characters.
    #[error("the name has characters that no file name has")]
    Characters,
    /// A second leading slash, an empty part, or a drive letter.
    #[error("the name is an absolute path")]
    Absolute,
    /// A part that is `.`, `..` or starts with a dot.
    #[error("the name leaves its directory or is hidden")]
    Dots,
}

impl FileName {
    /// Most bytes of a name.
    pub const MAX: usize = 255;

    /// Reads a name from a request. One leading `/` is dropped and `\` separates like `/`, since
    /// phones write names like `/mk-sip.jar` and `New_Zealand\g3-tones.xml`.
    pub fn parse(name: &[u8]) -> Result<Self, NameError> {
        if name.len() > Self::MAX {
            return Err(NameError::TooLong);
        }
        let name = std::str::from_utf8(name).map_err(|_| NameError::Characters)?;
        if name.chars().any(char::is_control) {
            return Err(NameError::Characters);
        }
        let name = name.replace('\\', "/");
        let name = name.strip_prefix('/').unwrap_or(&name);
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        let drive = matches!(name.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
        if drive || name.split('/').any(str::is_empty) {
            return Err(NameError::Absolute);
        }
        if name.split('/').any(|part| part.starts_with('.')) {
            return Err(NameError::Dots);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name, with `/` between its parts.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts of the path.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The device whose own file this is: `SEP001122334455.cnf.xml` and what is derived from it.
    pub fn device(&self) -> Option<DeviceName> {
        let name = self.0.rsplit('/').next()?;
        let (device, _) = own_file(name).or_else(|| own_file(trust_list(name)?.1))?;
        Some(device)
    }

    /// The trust list for everybody that stands in for a device's own: `CTLFile.tlv` for
    /// `CTLSEP001122334455.tlv`, and likewise for ITL.
    pub fn generic_trust_list(&self) -> Option<Self> {
        let (generic, name) = trust_list(&self.0)?;
        let (_, ending) = own_file(name)?;
        ending.eq_ignore_ascii_case(".tlv").then(|| Self(generic.to_owned()))
    }
}

/// The trust list for everybody of this kind, and what follows `CTL` or `ITL`.
fn trust_list(name: &str) -> Option<(&'static str, &str)> {
    let (kind, rest) = name.split_at_checked(3)?;
    let lists = ["CTLFile.tlv", "ITLFile.tlv"];
    let generic = lists.into_iter().find(|list| list[..3].eq_ignore_ascii_case(kind))?;
    Some((generic, rest))
}

/// The device and the ending of `SEP001122334455.cnf.xml` and the like.
fn own_file(name: &str) -> Option<(DeviceName, &str)> {
    let (device, ending) = name.split_at_checked(DeviceName::LEN)?;
    Some((DeviceName::parse(device)?, ending)).filter(|_| ending.starts_with('.'))
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(name: &str) -> Result<String, NameError> {
        FileName::parse(name.as_bytes()).map(|name| name.as_str().to_owned())
    }

    #[test]
    fn names_that_phones_ask_for() {
        for (asked, served) in [
            ("SEP001122334455.cnf.xml", "SEP001122334455.cnf.xml"),
            ("/mk-sip.jar", "mk-sip.jar"),
            ("New_Zealand/g3-tones.xml", "New_Zealand/g3-tones.xml"),
            ("Desktops\\320x212x12\\List.xml", "Desktops/320x212x12/List.xml"),
            ("a..b", "a..b"),
        ] {
            assert_eq!(parsed(asked).as_deref(), Ok(served));
        }
    }

    #[test]
    fn names_that_lead_elsewhere() {
        for (asked, expected) in [
            ("", NameError::Empty),
            ("/", NameError::Empty),
            ("//etc/passwd", NameError::Absolute),
            ("a//b", NameError::Absolute),
            ("a/", NameError::Absolute),
            ("C:\\boot.ini", NameError::Absolute),
            ("c:boot.ini", NameError::Absolute),
            ("..", NameError::Dots),
            ("../etc/passwd", NameError::Dots),
            ("/../etc/passwd", NameError::Dots),
            ("a/../../etc/passwd", NameError::Dots),
            ("a\\..\\b", NameError::Dots),
            ("./a", NameError::Dots),
            (".ringfence-cluster", NameError::Dots),
            ("a/.ssh/id_rsa", NameError::Dots),
            ("a\nb", NameError::Characters),
            ("a\u{85}b", NameError::Characters),
        ] {
            assert_eq!(parsed(asked), Err(expected), "{asked}");
        }
        assert_eq!(FileName::parse(b"a\xFFb"), Err(NameError::Characters));
        assert_eq!(parsed(&"a".repeat(256)), Err(NameError::TooLong));
        assert!(parsed(&"a".repeat(255)).is_ok());
    }

    #[test]
    fn the_device_of_a_file() {
        let device = |name: &str| FileName::parse(name.as_bytes()).unwrap().device();
        let sep = DeviceName::parse("SEP00112233AABB");
        assert!(sep.is_some());
        assert_eq!(device("SEP00112233AABB.cnf.xml.sgn"), sep);
        assert_eq!(device("sep00112233aabb.cnf.xml"), sep);
        assert_eq!(device("CTLSEP00112233AABB.tlv"), sep);
        assert_eq!(device("ITLSEP00112233AABB.tlv"), sep);
        assert_eq!(device("SEPDefault.cnf"), None);
        assert_eq!(device("SEP00112233AABBCC.cnf.xml"), None);
        assert_eq!(device("SEP00112233AABB"), None);
        assert_eq!(device("ringlist.xml"), None);
    }

    #[test]
    fn the_list_for_everybody() {
        let generic = |name: &str| {
            let name = FileName::parse(name.as_bytes()).unwrap();
            name.generic_trust_list().map(|name| name.to_string())
        };
        assert_eq!(generic("CTLSEP00112233AABB.tlv").as_deref(), Some("CTLFile.tlv"));
        assert_eq!(generic("itlsep00112233aabb.tlv").as_deref(), Some("ITLFile.tlv"));
        assert_eq!(generic("SEP00112233AABB.tlv"), None);
        assert_eq!(generic("CTLSEP00112233AABB.tlv.sgn"), None);
        assert_eq!(generic("CTLFile.tlv"), None);
    }
}
