//! Cutting packets that are too long for their path.

use crate::ip::{FRAGMENT, Ip, V4_LEN, V6_LEN, finish_v4};

/// Octets of IPv6's fragment header.
const V6_FRAGMENT_LEN: usize = 8;

/// The parts of an IP packet, one after the other.
pub struct Fragments<'a> {
    packet: &'a [u8],
    ip: Ip,
    /// Octets of payload in each part but the last one.
    step: usize,
    /// Octets of payload that are out.
    at: usize,
    /// In IPv6, where nothing in the packet tells its parts from others'.
    identification: u32,
}

/// The parts of `packet`, each of at most `mtu` octets. None if it may not be cut that way: an IPv4
/// packet with "don't fragment" or options, an IPv6 packet that is a fragment, an `mtu` below 68.
///
/// `identification` is used in IPv6, and must not repeat between two addresses for a while; the low
/// half of an association's sequence number is fine.
pub fn fragments(packet: &[u8], mtu: usize, identification: u32) -> Option<Fragments<'_>> {
    let ip = Ip::parse(packet).ok()?;
    let uncut = match ip.is_v4() {
        true => ip.routed_len == V4_LEN && !ip.dont_fragment,
        false => packet[ip.routed_named_at] != FRAGMENT && ip.offset == 0 && !ip.more,
    };
    let header = ip.routed_len + if ip.is_v4() { 0 } else { V6_FRAGMENT_LEN };
    let step = mtu.checked_sub(header)? / 8 * 8;
    (uncut && mtu >= 68 && step > 0).then_some(Fragments {
        packet: &packet[..ip.total_len],
        ip,
        step,
        at: 0,
        identification,
    })
}

impl Fragments<'_> {
    /// Writes the next part to the front of `buffer`. Returns its length; None when all are out.
    ///
    /// # Panics
    ///
    /// When `buffer` is shorter than the MTU and the part does not fit.
    pub fn next_into(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let payload = &self.packet[self.ip.routed_len..];
        let rest = payload.get(self.at..).filter(|rest| !rest.is_empty())?;
        let part = &rest[..rest.len().min(self.step)];
        let more = part.len() < rest.len();
        let len = if self.ip.is_v4() {
            self.write_v4(buffer, part, more)
        } else {
            self.write_v6(buffer, part, more)
        };
        self.at += part.len();
        Some(len)
    }

    fn write_v4(&self, buffer: &mut [u8], part: &[u8], more: bool) -> usize {
        let len = V4_LEN + part.len();
        let buffer = &mut buffer[..len];
        buffer[..V4_LEN].copy_from_slice(&self.packet[..V4_LEN]);
        buffer[V4_LEN..].copy_from_slice(part);
        let offset = ((self.ip.offset + self.at) / 8) as u16;
        let more = if more || self.ip.more { 0x2000 } else { 0 };
        buffer[2..4].copy_from_slice(&(len as u16).to_be_bytes());
        buffer[6..8].copy_from_slice(&(more | offset).to_be_bytes());
        finish_v4(buffer, V4_LEN);
        len
    }

    fn write_v6(&self, buffer: &mut [u8], part: &[u8], more: bool) -> usize {
        let header = self.ip.routed_len;
        let len = header + V6_FRAGMENT_LEN + part.len();
        let buffer = &mut buffer[..len];
        buffer[..header].copy_from_slice(&self.packet[..header]);
        buffer[4..6].copy_from_slice(&((len - V6_LEN) as u16).to_be_bytes());
        let next = std::mem::replace(&mut buffer[self.ip.routed_named_at], FRAGMENT);
        let (fragment, rest) = buffer[header..].split_at_mut(V6_FRAGMENT_LEN);
        fragment[..2].copy_from_slice(&[next, 0]);
        fragment[2..4].copy_from_slice(&(self.at as u16 | u16::from(more)).to_be_bytes());
        fragment[4..].copy_from_slice(&self.identification.to_be_bytes());
        rest.copy_from_slice(part);
        len
    }
}
