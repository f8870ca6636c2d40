//! Data for applications on a station.

use crate::layout::message;
use crate::phone::{ApplicationData, ApplicationDataVersion1};

message! {
    /// Something for an application on the station, for instance a page to show.
    0x011e UserToDeviceData from Server, at least 20 {
        /// All of it.
        0 content: ApplicationData,
    }
}

message! {
    /// The second form of [`UserToDeviceData`].
    0x013f UserToDeviceDataVersion1 from Server, at least 40 {
        /// All of it.
        0 content: ApplicationDataVersion1,
    }
}
