//! GetCACaps: what a certificate authority says it can do (RFC 8894 §3.5.2).

/// Longest answer that is looked at.
const MAX: usize = 8 * 1024;

/// What an authority offers. Nobody vouches for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// AES-128 in CBC.
    pub aes: bool,
    /// Triple DES in CBC.
    pub triple_des: bool,
    /// SHA-1.
    pub sha1: bool,
    /// SHA-256.
    pub sha256: bool,
    /// SHA-512.
    pub sha512: bool,
    /// Messages by POST.
    pub post: bool,
    /// Everything that RFC 8894 demands.
    pub standard: bool,
}

impl Capabilities {
    /// Reads an answer. What is no list of keywords, such as an error page, offers nothing: authorities
    /// from before GetCACaps answer with anything.
    pub fn parse(answer: &[u8]) -> Self {
        let mut offered = Self::default();
        let Ok(text) = std::str::from_utf8(&answer[..answer.len().min(MAX)]) else {
            return offered;
        };
        if text.trim_start().starts_with('<') {
            return offered;
        }
        for keyword in text.lines().map(str::trim) {
            let flag = match keyword.to_ascii_lowercase().as_str() {
                "aes" => &mut offered.aes,
                "des3" => &mut offered.triple_des,
                "sha-1" => &mut offered.sha1,
                "sha-256" => &mut offered.sha256,
                "sha-512" => &mut offered.sha512,
                "postpkioperation" => &mut offered.post,
                "scepstandard" => &mut offered.standard,
                _ => continue,
            };
            *flag = true;
        }
        offered
    }

    /// Whether nothing is offered.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_come_in_every_shape() {
        let all =
            Capabilities::parse(b"aes\r\nSHA-256\nPostPKIOperation\r\nFutureThing\n\nDES3 \n");
        let expected = Capabilities {
            aes: true,
            sha256: true,
            post: true,
            triple_des: true,
            ..Capabilities::default()
        };
        assert_eq!(all, expected);
        for nothing in [
            &b""[..],
            b"<html>\nAES\nSHA-256\n</html>",
            b"\xff\xfeAES",
            b"AES SHA-256",
            &[b'a'; 100_000],
        ] {
            assert!(Capabilities::parse(nothing).is_empty());
        }
    }
}
