use std::ffi::CString;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::device::Device;
use crate::error::DpdkError;
use crate::ffi;

/// DPDK in this process: its environment abstraction layer, which starts once.
#[derive(Clone, Copy, Debug)]
pub struct Eal(());

/// How DPDK starts.
#[derive(Clone, Debug)]
pub struct EalConfig {
    /// Takes hugepages (`/proc/sys/vm/nr_hugepages`). Without, ordinary memory: slower, and not
    /// for devices on PCI.
    pub huge: bool,
    /// Memory for what is DPDK's own, in MiB; packets lie in the ports' pools.
    pub memory_mib: u32,
    /// Devices on PCI that it takes, like `0000:01:00.0`, bound to vfio-pci before.
    pub pci: Vec<String>,
}

impl Default for EalConfig {
    fn default() -> Self {
        Self { huge: false, memory_mib: 64, pci: Vec::new() }
    }
}

static STARTED: AtomicBool = AtomicBool::new(false);

impl Eal {
    /// Starts it. The calling thread stays on its processors: DPDK binds the thread that starts it,
    /// and that is another one. Other processes of DPDK on this machine are not touched, and no
    /// files are left behind.
    pub fn start(config: &EalConfig) -> Result<Self, DpdkError> {
        if STARTED.swap(true, Ordering::AcqRel) {
            return Err(DpdkError::Started);
        }
        let mut arguments = vec!["ringfence".to_owned(), "--no-telemetry".into()];
        arguments.extend(["--iova-mode=va".into(), "--log-level=error".into()]);
        arguments.extend(["-m".into(), config.memory_mib.to_string()]);
        arguments.extend(match config.huge {
            true => vec!["--in-memory".to_owned()],
            // Without hugepages DPDK does not take that option; this comes to the same.
            false => vec!["--no-huge".to_owned(), "--no-shconf".into()],
        });
        if config.pci.is_empty() {
            arguments.push("--no-pci".into());
        }
        arguments.extend(config.pci.iter().flat_map(|device| ["-a".to_owned(), device.clone()]));
        let arguments = arguments.into_iter().map(text).collect::<Result<Vec<_>, _>>()?;
        let starting = std::thread::spawn(move || {
            let mut pointers: Vec<_> = arguments.into_iter().map(CString::into_raw).collect();
            let count = pointers.len() as i32;
            pointers.push(std::ptr::null_mut());
            // SAFETY: as `main` is called: `count` strings and a null. DPDK may permute and keep
            // them, so they are never freed; this happens once.
            let code = unsafe { ffi::rf_eal_init(count, pointers.leak().as_mut_ptr()) };
            DpdkError::check(code, || "start".into())
        });
        starting.join().expect("the thread that starts DPDK does not panic")?;
        Ok(Self(()))
    }

    /// Makes a virtual device, such as `net_af_packet0` with `iface=eth1`, or `net_null0`.
    pub fn make(&self, name: &str, arguments: &str) -> Result<Device, DpdkError> {
        let (c_name, c_arguments) = (text(name)?, text(arguments)?);
        // SAFETY: both are strings that DPDK copies.
        let code = unsafe { ffi::rf_vdev_init(c_name.as_ptr(), c_arguments.as_ptr()) };
        DpdkError::check(code, || format!("make the device {name} with `{arguments}`"))?;
        let mut device = self.find(name)?;
        device.made = Some(c_name);
        Ok(device)
    }

    /// A device that is there: of PCI, by its address.
    pub fn find(&self, name: &str) -> Result<Device, DpdkError> {
        let (c_name, mut id) = (text(name)?, 0);
        // SAFETY: the string and the number outlive the call.
        let code = unsafe { ffi::rf_port_by_name(c_name.as_ptr(), &mut id) };
        DpdkError::check(code, || format!("find the device {name}"))?;
        Ok(Device { id, made: None, is_ring: false })
    }

    /// Two devices in memory, of which each receives what the other one sends; `size` packets, a
    /// power of two, are under way at the most.
    pub fn ring_pair(&self, names: [&str; 2], size: u32) -> Result<[Device; 2], DpdkError> {
        let (near, far, mut ids) = (text(names[0])?, text(names[1])?, [0; 2]);
        // SAFETY: strings and numbers outlive the call, and there are two of these.
        let code =
            unsafe { ffi::rf_ring_pair(near.as_ptr(), far.as_ptr(), size, ids.as_mut_ptr()) };
        DpdkError::check(code, || format!("make rings between {} and {}", names[0], names[1]))?;
        Ok(ids.map(|id| Device { id, made: None, is_ring: true }))
    }
}

fn text(value: impl Into<String>) -> Result<CString, DpdkError> {
    let value = value.into();
    CString::new(value.clone()).map_err(|_| DpdkError::Argument(value))
}
