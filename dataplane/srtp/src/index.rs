//! The 48-bit packet index: rollover counter and sequence number, RFC 3711 §3.3.1.

/// The index that a packet with this sequence number most likely has, given the highest index
/// accepted so far: within 2^15 of it, on either side of a rollover. Before the first rollover
/// there is nothing to go back to.
#[inline]
pub(crate) fn estimate(highest: u64, seq: u16) -> u64 {
    let (roc, s_l) = (highest >> 16, highest as u16);
    let roc = if s_l < 0x8000 {
        if seq > s_l | 0x8000 { roc.saturating_sub(1) } else { roc }
    } else if s_l - 0x8000 > seq {
        roc + 1
    } else {
        roc
    };
    roc << 16 | u64::from(seq)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_a_rollover_the_counter_is_guessed_either_way() {
        assert_eq!(estimate(0x1_fffe, 0x0001), 0x2_0001);
        assert_eq!(estimate(0x2_0001, 0xfffe), 0x1_fffe);
        assert_eq!(estimate(0x2_0001, 0x0002), 0x2_0002);
        assert_eq!(estimate(0x2_8000, 0x8001), 0x2_8001);
    }

    #[test]
    fn before_the_first_rollover_nothing_lies_behind_zero() {
        assert_eq!(estimate(0x0_0001, 0xfffe), 0x0_fffe);
    }

    #[test]
    fn distance_never_exceeds_half_the_sequence_space() {
        for s_l in (0..=0xffff_u64).step_by(97) {
            for seq in (0..=0xffff_u16).step_by(89) {
                let highest = 7 << 16 | s_l;
                let distance = estimate(highest, seq).abs_diff(highest);
                assert!(distance <= 0x8000, "{highest:x} {seq:x}");
            }
        }
    }
}
