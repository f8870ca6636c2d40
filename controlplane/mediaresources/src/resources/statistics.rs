/// What goes on, and what was counted since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Streams of music now.
    pub listeners: u64,
    /// Streams of conferences now.
    pub speakers: u64,
    /// Conferences now.
    pub conferences: u64,
    /// Streams that were refused or lost their ports.
    pub refused: u64,
    /// Packets sent, reports included.
    pub sent: u64,
    /// Packets that could not be sent.
    pub unsent: u64,
    /// Times 20 ms that were left out, because the machine was too busy.
    pub skipped: u64,
    /// Packets of which something was heard, and reports.
    pub heard: u64,
    /// Packets of speech that came too late.
    pub late: u64,
    /// Times 20 ms in which something was made up for a voice.
    pub concealed: u64,
    /// Packets from elsewhere than the telephone.
    pub from_strangers: u64,
    /// Packets that were no RTP or RTCP.
    pub malformed: u64,
    /// Packets of RTP with something else than speech in G.711, such as digits.
    pub no_speech: u64,
}

impl Statistics {
    /// Names for metrics, what they are, and values: counters first, whose names end in `_total`.
    pub fn metrics(&self) -> [(&'static str, &'static str, u64); 13] {
        [
            ("refused_total", "Streams refused, or whose ports were lost", self.refused),
            ("sent_total", "Packets sent, reports included", self.sent),
            ("unsent_total", "Packets that could not be sent", self.unsent),
            ("skipped_total", "Times 20 ms left out for want of time", self.skipped),
            ("heard_total", "Packets heard, reports included", self.heard),
            ("late_total", "Packets of speech that came too late", self.late),
            ("concealed_total", "Times 20 ms made up for a voice", self.concealed),
            ("from_strangers_total", "Packets from unknown addresses", self.from_strangers),
            ("malformed_total", "Packets that were no RTP or RTCP", self.malformed),
            ("no_speech_total", "Packets with something else than G.711", self.no_speech),
            ("listeners", "Streams of music on hold", self.listeners),
            ("speakers", "Streams of conferences", self.speakers),
            ("conferences", "Conferences", self.conferences),
        ]
    }
}
