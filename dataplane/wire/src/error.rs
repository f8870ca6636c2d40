use core::fmt;

/// Why bytes are not the packet they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireError {
    /// Shorter than its own headers say.
    Truncated,
    /// A length field contradicts the bytes.
    BadLength,
    /// A version or type field has a value this view does not read.
    BadVersion,
    /// The IPv4 header checksum is wrong.
    BadChecksum,
    /// Neither IPv4 nor IPv6.
    NotIp,
    /// A fragment, first or later.
    Fragment,
    /// IPv4 options.
    Options,
    /// An IPv6 extension header.
    ExtensionHeader,
    /// Another transport than UDP.
    NotUdp,
    /// UDP over IPv6 without checksum (RFC 8200 §8.1).
    NoChecksum,
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "packet is shorter than its headers say",
            Self::BadLength => "a length field contradicts the packet",
            Self::BadVersion => "unknown version",
            Self::BadChecksum => "IPv4 header checksum is wrong",
            Self::NotIp => "neither IPv4 nor IPv6",
            Self::Fragment => "IP fragment",
            Self::Options => "IPv4 options",
            Self::ExtensionHeader => "IPv6 extension header",
            Self::NotUdp => "not UDP",
            Self::NoChecksum => "UDP over IPv6 without checksum",
        })
    }
}

impl core::error::Error for WireError {}
