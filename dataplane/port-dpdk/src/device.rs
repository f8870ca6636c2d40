use std::ffi::{CStr, CString, c_char};

use crate::error::DpdkError;
use crate::ffi::{self, Counts, Mbuf, Mempool};

/// A device that DPDK drives, with one queue in each direction. Dropped, it is closed.
#[derive(Debug)]
pub struct Device {
    pub(crate) id: u16,
    /// The name of one that was made, and ends with this.
    pub(crate) made: Option<CString>,
    pub(crate) is_ring: bool,
}

impl Device {
    /// Its driver, like `net_af_packet`.
    pub fn driver(&self) -> Result<String, DpdkError> {
        let mut name = [0 as c_char; 64];
        // SAFETY: there is room for as many octets as is said, and a zero among them.
        let code = unsafe { ffi::rf_driver(self.id, name.as_mut_ptr(), name.len()) };
        DpdkError::check(code, || "ask a device for its driver".into())?;
        // SAFETY: the call succeeded, so that a string is there.
        Ok(unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().into_owned())
    }

    /// Its address on the link.
    pub fn mac(&self) -> Result<[u8; 6], DpdkError> {
        let mut address = [0; 6];
        // SAFETY: six octets are written.
        let code = unsafe { ffi::rf_mac(self.id, address.as_mut_ptr()) };
        DpdkError::check(code, || "ask a device for its address".into())?;
        Ok(address)
    }

    /// Begins to send and to receive into buffers of `pool`.
    ///
    /// # Safety
    ///
    /// The pool outlives the device.
    pub(crate) unsafe fn start(&self, pool: *mut Mempool, ring: u16) -> Result<(), DpdkError> {
        let (mut rx_size, mut tx_size) = (ring, ring);
        // SAFETY: the caller vouches for the pool.
        let code = unsafe { ffi::rf_start(self.id, pool, &mut rx_size, &mut tx_size) };
        DpdkError::check(code, || "start a device".into())?;
        // Some drivers know no such thing: they take everything as it is.
        // SAFETY: no pointer is passed.
        unsafe { ffi::rf_promiscuous(self.id) };
        Ok(())
    }

    pub(crate) fn stop(&self) {
        // SAFETY: no pointer is passed. Of a device that is not started DPDK says so, and no more.
        unsafe { ffi::rf_stop(self.id) };
    }

    /// Receives up to as many packets as there are places, and returns how many.
    pub(crate) fn receive(&self, packets: &mut [*mut Mbuf]) -> usize {
        // SAFETY: at most as many places are written.
        unsafe { ffi::rf_rx(self.id, packets.as_mut_ptr(), packets.len() as u16) }.into()
    }

    /// Sends packets from the front, and returns how many it took.
    ///
    /// # Safety
    ///
    /// Each is a packet of ours, and none of those that were taken is touched any more.
    pub(crate) unsafe fn send(&self, packets: &mut [*mut Mbuf]) -> usize {
        // SAFETY: the caller vouches for the packets.
        unsafe { ffi::rf_tx(self.id, packets.as_mut_ptr(), packets.len() as u16) }.into()
    }

    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        // SAFETY: the structure outlives the call. A device that cannot count leaves zeros.
        unsafe { ffi::rf_counts(self.id, &mut counts) };
        counts
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.stop();
        // SAFETY: nobody else has this device; the name outlives the call.
        unsafe {
            match &self.made {
                Some(name) => ffi::rf_vdev_uninit(name.as_ptr()),
                None => ffi::rf_close(self.id),
            };
        }
    }
}
