//! What drivers of network cards do for XDP, for kernels before 6.3, which do not tell: as of Linux
//! 6.1, the one of Debian 12.

use netdev::Features;

const NATIVE: Features = Features(0b0111);
const ZERO_COPY: Features = Features(0b1111);

const KNOWN: &[(&str, Features)] = &[
    ("bnxt_en", NATIVE),
    ("ena", NATIVE),
    ("fsl_dpaa2_eth", NATIVE),
    ("fsl_enetc", NATIVE),
    ("hv_netvsc", NATIVE),
    ("i40e", ZERO_COPY),
    ("ice", ZERO_COPY),
    ("igb", NATIVE),
    ("igc", ZERO_COPY),
    ("ixgbe", ZERO_COPY),
    ("ixgbevf", NATIVE),
    ("mana", NATIVE),
    ("mlx4_en", NATIVE),
    ("mlx5_core", ZERO_COPY),
    ("mvneta", NATIVE),
    ("mvpp2", NATIVE),
    ("nfp", ZERO_COPY),
    ("qede", NATIVE),
    ("rvu_nicpf", NATIVE),
    ("sfc", NATIVE),
    ("tun", NATIVE),
    ("veth", NATIVE),
    ("virtio_net", NATIVE),
];

/// What a driver is known for; nothing for one that is not.
pub fn known(driver: &str) -> Features {
    KNOWN.iter().find(|(name, _)| *name == driver).map_or(Features(0), |(_, features)| *features)
}
