//! A plugin of strongSwan's charon: its kernel interface is our data plane.
//!
//! Charon negotiates; what it would have the kernel do with associations and policies it has this
//! plugin do, which sends an order for each call to `ringfence-datad` ([`keying::feed`]) and comes
//! back with the answer. So machines whose kernel has no ESP, and ports that the kernel does not
//! see, have the keys that IKE negotiates.
//!
//! It is loaded from `/usr/lib/ipsec/plugins/libstrongswan-kernel-ringfence.so`, when
//! `charon.load` has `kernel-ringfence` before `kernel-netlink`: of the two the first does ESP, and the
//! second all else. Where datad listens is said by `charon.plugins.kernel-ringfence.socket`.
//!
//! Datad may restart at any time. Then the policies are told again, and charon is asked for
//! successors of all associations: nobody else has their keys.
//!
//! # Invariants
//!
//! - Its structures are those of strongSwan 5.9 ([`abi`]); it must not be loaded into another.
//! - Keys are copied into one frame, which is erased, and go to a process of root or of charon's own
//!   user only.
//! - Charon's threads wait for an answer for a few seconds at most.
//! - Nothing panics across the boundary: what cannot be done is refused.

mod abi;
mod charon;
mod interface;
mod line;
mod records;

use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

use abi::{Feature, Plugin};

/// What charon asks for when it has loaded us.
#[unsafe(no_mangle)]
pub extern "C" fn kernel_ringfence_plugin_create() -> *mut Plugin {
    static PLUGIN: OnceLock<Plugin> = OnceLock::new();
    if charon::Charon::find().is_none() {
        return ptr::null_mut();
    }
    let plugin = PLUGIN.get_or_init(|| Plugin { name, features, reload, destroy });
    // Charon does not write to it.
    ptr::from_ref(plugin).cast_mut()
}

extern "C" fn name(_: *mut Plugin) -> *const c_char {
    c"kernel-ringfence".as_ptr()
}

extern "C" fn features(_: *mut Plugin, features: *mut *const Feature) -> c_int {
    static FEATURES: OnceLock<[Feature; 2]> = OnceLock::new();
    let all = FEATURES.get_or_init(|| {
        let create = interface::create as *const c_void;
        [Feature::callback(charon::register_function(), create), Feature::provide(c"kernel-ipsec")]
    });
    // SAFETY: charon gives a place for the pointer; the features live as long as the process.
    unsafe { *features = all.as_ptr() };
    all.len() as c_int
}

extern "C" fn reload(_: *mut Plugin) -> bool {
    false
}

extern "C" fn destroy(_: *mut Plugin) {}
