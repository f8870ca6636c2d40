//! What media a station can send and receive.

use crate::codes::Codec;
use crate::layout::{block, message};
use crate::list::{Entry, List, Rest, Slots};
use crate::number::Bytes;

/// Most audio codecs that a station names.
const MAX_AUDIO: usize = 18;

block! {
    /// A codec that a station knows.
    AudioCapability {
        /// Which.
        0 codec: Codec,
        /// The longest packet in milliseconds.
        4 max_ms_per_packet: u32,
        /// Details of the codec: for G.723.1 a bit rate.
        8 parameters: Bytes<8>,
    }
}

impl Entry for AudioCapability {
    const SIZE: usize = 16;
}

message! {
    /// The codecs it knows. Nothing in it tells whether it can encrypt.
    0x0010 CapabilitiesRes from Phone, at least 4 {
        /// In the order of its preference.
        0 audio: List<AudioCapability, MAX_AUDIO>,
    }
}

block! {
    /// What a station with video can do: only its audio is looked at.
    MultimediaCapabilities {
        /// How many of `audio_entries` count.
        0   audio_count: u32,
        /// How many video codecs there are in the rest.
        4   video_count: u32,
        /// How many data protocols there are in the rest.
        8   data_count: u32,
        /// RTP payload formats.
        12  payload_format_count: u32,
        /// How many picture formats count.
        16  picture_format_count: u32,
        /// Formats of pictures.
        20  picture_formats: Bytes<120>,
        /// Streams and bandwidth.
        140 conference_resources: Bytes<12>,
        /// Services.
        152 service_resources: Bytes<160>,
        /// The audio codecs; see [`MultimediaCapabilities::audio`].
        312 audio_entries: Slots<AudioCapability, MAX_AUDIO>,
        /// Video codecs and data protocols.
        600 rest: Rest,
    }
}

impl MultimediaCapabilities {
    /// The audio codecs it knows, in the order of its preference.
    pub fn audio(&self) -> &[AudioCapability] {
        let count = usize::try_from(self.audio_count).unwrap_or(MAX_AUDIO);
        let known = |entry: &&AudioCapability| **entry != AudioCapability::default();
        let there = self.audio_entries.0.iter().take(count).take_while(known).count();
        &self.audio_entries.0[..there]
    }
}

message! {
    /// The codecs of a station with video, instead of [`CapabilitiesRes`].
    0x0030 UpdateCapabilities from Phone, at least 328 {
        /// All of it.
        0 capabilities: MultimediaCapabilities,
    }
}

message! {
    /// The second form of [`UpdateCapabilities`].
    0x0043 UpdateCapabilitiesV2 from Phone, at least 328 {
        /// All of it.
        0 capabilities: MultimediaCapabilities,
    }
}

message! {
    /// The third form of [`UpdateCapabilities`].
    0x0044 UpdateCapabilitiesV3 from Phone, at least 328 {
        /// All of it.
        0 capabilities: MultimediaCapabilities,
    }
}
