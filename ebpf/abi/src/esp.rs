use crate::Address;

/// The UDP port of ESP in UDP (RFC 3948).
pub const ESP_PORT: u16 = 4500;

/// What names an association at its receiver.
///
/// | bytes | content |
/// |---|---|
/// | 0–15 | address |
/// | 16–19 | SPI, network byte order |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct EspKey {
    address: Address,
    spi: [u8; 4],
}

impl EspKey {
    /// The key of the association with this SPI, in network byte order, at `address`.
    #[inline(always)]
    pub fn new(address: Address, spi: [u8; 4]) -> Self {
        Self { address, spi }
    }

    /// The bytes of the key.
    pub fn to_bytes(self) -> [u8; 20] {
        let mut bytes = [0; 20];
        bytes[..16].copy_from_slice(&self.address.0);
        bytes[16..].copy_from_slice(&self.spi);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use core::net::IpAddr;

    use super::*;

    #[test]
    fn a_key_is_address_and_spi_without_padding() {
        assert_eq!((size_of::<EspKey>(), align_of::<EspKey>()), (20, 1));
        let address = IpAddr::from([192, 0, 2, 1]).into();
        let mut expected = [0; 20];
        expected[10..12].fill(0xff);
        expected[12..].copy_from_slice(&[192, 0, 2, 1, 0, 0, 0x10, 1]);
        assert_eq!(EspKey::new(address, 0x1001_u32.to_be_bytes()).to_bytes(), expected);
    }
}
