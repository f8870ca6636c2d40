//! How a tunnel's header follows the inner one (RFC 4301 §5.1.2), and congestion (RFC 6040).

use crate::DropReason;
use crate::ip::Ip;

const ECN: u8 = 0b11;
const NOT_ECT: u8 = 0b00;
const ECT_1: u8 = 0b01;
const CE: u8 = 0b11;

/// What an outer header is made of. For transport mode nothing of it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OuterRules {
    /// The service class of the outer header.
    pub dscp: Dscp,
    /// Whether congestion marks pass between inner and outer header. Without it (RFC 6040 §4.3) the
    /// outer header is never marked.
    pub ecn: bool,
    /// The outer header's "don't fragment", in IPv4.
    pub df: DontFragment,
    /// The outer header's time to live.
    pub hops: u8,
}

/// A tunnel's service class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dscp {
    /// That of the inner packet.
    Copy,
    /// This one, six bits.
    Set(u8),
}

/// A tunnel's "don't fragment".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DontFragment {
    /// That of the inner packet; IPv6 packets are never fragmented.
    Copy,
    /// Always.
    Set,
    /// Never: the sealed packet is cut where it is too long, whatever the inner packet asked for.
    Clear,
}

impl Default for OuterRules {
    fn default() -> Self {
        Self { dscp: Dscp::Copy, ecn: true, df: DontFragment::Copy, hops: 64 }
    }
}

impl OuterRules {
    pub(crate) fn traffic_class(&self, inner: u8) -> u8 {
        let dscp = match self.dscp {
            Dscp::Copy => inner & !ECN,
            Dscp::Set(dscp) => dscp << 2,
        };
        dscp | if self.ecn { inner & ECN } else { NOT_ECT }
    }

    pub(crate) fn dont_fragment(&self, inner: &Ip) -> bool {
        match self.df {
            DontFragment::Copy => inner.dont_fragment,
            DontFragment::Set => true,
            DontFragment::Clear => false,
        }
    }
}

/// The traffic class of a packet that leaves a tunnel, from its own and the outer header's (RFC 6040
/// §4.2).
pub(crate) fn decapsulated(inner: u8, outer: u8) -> Result<u8, DropReason> {
    let ecn = match (inner & ECN, outer & ECN) {
        (NOT_ECT, CE) => return Err(DropReason::Congestion),
        (NOT_ECT, _) => NOT_ECT,
        (_, CE) | (CE, _) => CE,
        (_, ECT_1) => ECT_1,
        (own, _) => own,
    };
    Ok(inner & !ECN | ecn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn congestion_follows_the_table_of_rfc_6040() {
        const ECT_0: u8 = 0b10;
        const DROP: u8 = 0xff;
        let outer = [NOT_ECT, ECT_0, ECT_1, CE];
        let table = [
            (NOT_ECT, [NOT_ECT, NOT_ECT, NOT_ECT, DROP]),
            (ECT_0, [ECT_0, ECT_0, ECT_1, CE]),
            (ECT_1, [ECT_1, ECT_1, ECT_1, CE]),
            (CE, [CE, CE, CE, CE]),
        ];
        for (inner, row) in table {
            for (outer, expected) in outer.into_iter().zip(row) {
                let got = decapsulated(0xb8 | inner, 0x20 | outer);
                let expected = (expected != DROP).then_some(0xb8 | expected);
                assert_eq!(got.ok(), expected, "{inner:02b} in {outer:02b}");
            }
        }
    }

    #[test]
    fn service_classes_are_copied_or_set() {
        let rules = OuterRules::default();
        assert_eq!(rules.traffic_class(0xb9), 0xb9);
        let fixed = OuterRules { dscp: Dscp::Set(26), ecn: false, ..rules };
        assert_eq!(fixed.traffic_class(0xb9), 26 << 2);
    }
}
