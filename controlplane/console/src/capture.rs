//! Packet capture: which devices, and what came of it.

use serde::{Deserialize, Serialize};
use store::{CaptureMode, CaptureTool};

use crate::phone::PhoneFilter;
use crate::request::{Done, Request, requests};

requests! {
    /// How packet capture stands.
    ShowCapture = "show-capture" -> CaptureView {}

    /// Sets Signal Packet Capture Mode and Packet Capture Duration. Only for administrators with
    /// the role capture.
    SetCapture = "set-capture" -> Done {
        /// Phones, and MGCP endpoints: `ENDPOINT@GATEWAY`, `*@GATEWAY`. With the mode none, nobody
        /// is everybody.
        devices: Vec<String>,
        /// Phones that match, besides.
        filter: Option<PhoneFilter>,
        /// The mode.
        mode: CaptureMode,
        /// The duration in minutes, as somebody has written it.
        minutes: String,
    }

    /// Some of the file of a day, or of its key. Only for administrators with the role capture.
    FetchCapture = "fetch-capture" -> CapturePiece {
        /// `mm-dd-yyyy`
        day: String,
        /// The key instead of the file.
        key: bool,
        /// From which octet on.
        offset: u64,
    }

    /// Lets a tool with a certificate attach to the stream. Only for administrators with the role
    /// capture; it may what they may.
    PutCaptureTool = "put-capture-tool" -> Done {
        /// What people call it.
        name: String,
        /// SHA-256 of its certificate, in hexadecimal.
        sha256: String,
    }

    /// Lets a tool attach no more. Only for administrators with the role capture.
    RemoveCaptureTool = "remove-capture-tool" -> Done {
        /// Which one.
        name: String,
    }
}

/// How packet capture stands, on the node that is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CaptureView {
    /// Packet Capture Enable.
    pub enabled: bool,
    /// The devices that are captured.
    pub devices: Vec<CaptureDeviceView>,
    /// The files of the days, the newest first.
    pub files: Vec<CaptureFileView>,
    /// The tools that may attach.
    pub tools: Vec<CaptureToolView>,
    /// Those that are attached.
    pub attached: Vec<String>,
    /// Where tools attach; absent: nowhere now.
    pub live: Option<String>,
    /// SHA-256 of the certificate that is shown there.
    pub certificate_sha256: Option<String>,
    /// Messages recorded since the start.
    pub recorded: u64,
    /// Messages lost since the start.
    pub lost: u64,
    /// What is not as it should be.
    pub problem: Option<String>,
}

/// A device that is captured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CaptureDeviceView {
    /// Which.
    pub device: String,
    /// Where its signalling goes.
    pub mode: CaptureMode,
    /// Packet Capture Duration.
    pub minutes: u16,
    /// When it began, RFC 3339, UTC.
    pub started: String,
    /// When it ends by itself.
    pub ends: String,
}

/// The file of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CaptureFileView {
    /// `mm-dd-yyyy`
    pub day: String,
    /// Its length.
    pub octets: u64,
    /// Whether it was moved away after seven days.
    pub archived: bool,
}

/// A tool that may attach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CaptureToolView {
    /// What people call it.
    pub name: String,
    /// The administrator it belongs to.
    pub owner: String,
    /// SHA-256 of its certificate.
    pub sha256: String,
}

impl From<CaptureTool> for CaptureToolView {
    fn from(CaptureTool { name, owner, sha256 }: CaptureTool) -> Self {
        Self { name, owner, sha256 }
    }
}

/// Some of a file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapturePiece {
    /// The octets in base64; empty at the end of the file.
    pub octets: String,
}

impl std::fmt::Debug for CapturePiece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // It may be a key.
        f.write_str("CapturePiece")
    }
}

impl Drop for CapturePiece {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.octets);
    }
}
