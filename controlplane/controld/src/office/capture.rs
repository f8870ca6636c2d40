use base64ct::{Base64, Encoding};
use capture::Device;
use console::{
    CaptureDeviceView, CaptureFileView, CapturePiece, CaptureView, Done, Failure, FailureKind,
    FetchCapture, PutCaptureTool, RemoveCaptureTool, SetCapture, ShowCapture,
};
use lang::Text;
use messages::{Message, capture as said};
use recorder::shelf::Part;
use store::{AdministratorRole, CaptureMode, CaptureSettings, CaptureTool, CapturedDevice, View};

use super::{Caller, Handle, Office};
use crate::srst::{explain, rfc3339};

/// Octets of a file in one answer.
const PIECE: u64 = 4 << 20;
/// Devices at once from which on there is a warning.
const MANY: usize = 10;

impl Handle<ShowCapture> for Office {
    fn handle(&self, caller: &Caller, _: ShowCapture) -> Result<CaptureView, Failure> {
        let telephony = self.services.telephony();
        let recorder = telephony.as_ref().and_then(|telephony| telephony.recorder());
        let seen = recorder.map(|recorder| recorder.seen()).unwrap_or_default();
        let files = recorder.map(|recorder| recorder.files()).transpose();
        let mut problem = seen.problem;
        let files = files.unwrap_or_else(|fault| {
            problem = Some(fault.to_string());
            None
        });
        self.read(caller, |view| {
            let (enabled, devices) = self.captured(view, caller)?;
            Ok(CaptureView {
                enabled,
                devices: devices.into_iter().map(shown).collect(),
                files: files
                    .into_iter()
                    .flatten()
                    .map(|file| CaptureFileView {
                        day: file.day,
                        octets: file.octets,
                        archived: file.archived,
                    })
                    .collect(),
                tools: view.capture_tools()?.into_iter().map(Into::into).collect(),
                attached: seen.attached,
                live: seen.live.map(|address| address.to_string()),
                certificate_sha256: self.services.certificate_sha256(),
                recorded: seen.recorded,
                lost: seen.lost,
                problem,
            })
        })
    }
}

impl Handle<SetCapture> for Office {
    fn handle(&self, caller: &Caller, request: SetCapture) -> Result<Done, Failure> {
        self.may_capture(caller)?;
        let SetCapture { devices, filter, mode, minutes } = request;
        let minutes = minutes_of(&minutes).map_err(|message| Failure {
            kind: FailureKind::Usage,
            text: message.explain_with(caller, &[("given", minutes.clone())]),
        })?;
        let mut names = Vec::new();
        for device in &devices {
            let name = device.parse::<Device>().map_err(|_| Failure {
                kind: FailureKind::Usage,
                text: NO_DEVICE.fill(caller.language, &[("name", device)]),
            })?;
            names.push(name.to_string());
        }
        if let Some(filter) = &filter {
            let matching = self.matching(caller, filter)?;
            names.extend(matching.into_iter().map(|name| name.to_string()));
        }
        let (enabled, active) = self.read(caller, |view| self.captured(view, caller))?;
        if mode == CaptureMode::None && devices.is_empty() && filter.is_none() {
            names.extend(active.iter().map(|device| device.device.clone()));
        }
        if mode != CaptureMode::None && !enabled {
            let text = said::CAPTURE_DISABLED.explain_with(caller, &[]);
            return Err(Failure { kind: FailureKind::Refused, text });
        }
        let changed = self.change(caller, |change| {
            names.iter().try_for_each(|name| change.set_capture(name, mode, minutes))?;
            Ok(change.captured_devices()?.len())
        })?;
        self.catch_up();
        let count = changed.value;
        let mut done = caller.done(changed);
        if mode != CaptureMode::None && count > MANY {
            let values = [("count", count.to_string())];
            done.notes.push(said::CAPTURE_MANY_DEVICES.explain_with(caller, &values));
        }
        Ok(done)
    }
}

impl Handle<FetchCapture> for Office {
    fn handle(&self, caller: &Caller, request: FetchCapture) -> Result<CapturePiece, Failure> {
        self.may_capture(caller)?;
        let FetchCapture { day, key, offset } = request;
        let (part, ending) = if key { (Part::Key, "key") } else { (Part::File, "pkt") };
        let telephony = self.services.telephony();
        let recorder = telephony.as_ref().and_then(|telephony| telephony.recorder());
        let recorder = recorder.ok_or_else(|| Failure {
            kind: FailureKind::Failed,
            text: NOT_HERE.get(caller.language).to_owned(),
        })?;
        let octets = recorder.fetch(&day, part, offset, PIECE).map_err(|fault| Failure {
            kind: match fault {
                recorder::shelf::ShelfFault::Day(_) => FailureKind::Usage,
                recorder::shelf::ShelfFault::NoFile(_) => FailureKind::Unknown,
                _ => FailureKind::Failed,
            },
            text: fault.to_string(),
        })?;
        if offset == 0 {
            // Who cannot be told of does not read.
            self.store
                .audit(&caller.author, caller.now, "capture-read", &format!("{day}.{ending}"))
                .map_err(|error| caller.failure(&error))?;
        }
        Ok(CapturePiece { octets: Base64::encode_string(&octets) })
    }
}

impl Handle<PutCaptureTool> for Office {
    fn handle(&self, caller: &Caller, request: PutCaptureTool) -> Result<Done, Failure> {
        self.may_capture(caller)?;
        let PutCaptureTool { name, sha256 } = request;
        let digits = sha256.replace(':', "").to_ascii_lowercase();
        if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            let text = NO_FINGERPRINT.fill(caller.language, &[("given", &sha256)]);
            return Err(Failure { kind: FailureKind::Usage, text });
        }
        let tool = CaptureTool { name, owner: caller.author.who.clone(), sha256: digits };
        let changed = self.change(caller, |change| change.put_capture_tool(&tool))?;
        self.catch_up();
        Ok(caller.done(changed))
    }
}

impl Handle<RemoveCaptureTool> for Office {
    fn handle(&self, caller: &Caller, request: RemoveCaptureTool) -> Result<Done, Failure> {
        self.may_capture(caller)?;
        let changed = self.change(caller, |change| change.remove_capture_tool(&request.name))?;
        self.catch_up();
        Ok(caller.done(changed))
    }
}

impl Office {
    /// Refuses whoever has not the role, from wherever they ask: root on this machine too.
    fn may_capture(&self, caller: &Caller) -> Result<(), Failure> {
        let who = &caller.author.who;
        let account = self.read(caller, |view| view.account(who))?;
        match account {
            Some((known, _)) if known.role == AdministratorRole::Capture => Ok(()),
            _ => {
                let text = said::CAPTURE_NOT_ALLOWED.explain_with(caller, &[("who", who.clone())]);
                Err(Failure { kind: FailureKind::Refused, text })
            }
        }
    }

    /// Waits until a change is in force: who reads that something is captured may call at once.
    fn catch_up(&self) {
        if let Some(recorder) = self.services.telephony().as_ref().and_then(|it| it.recorder()) {
            recorder.catch_up();
        }
    }

    /// Whether capture is on, and the devices whose time is not over.
    fn captured(
        &self,
        view: &mut View<'_>,
        caller: &Caller,
    ) -> store::Result<(bool, Vec<CapturedDevice>)> {
        let nodes = view.nodes()?;
        // Before there is a cluster there is no node to have parameters.
        let known = nodes.iter().any(|node| node.name == self.node);
        let enabled = known && CaptureSettings::read(view, &self.node)?.enabled;
        let mut devices = view.captured_devices()?;
        devices.retain(|device| device.ends() > caller.now);
        Ok((enabled, devices))
    }

    /// What everybody shall see while a capture goes on.
    pub(super) fn capture_banner(
        &self,
        view: &mut View<'_>,
        caller: &Caller,
    ) -> store::Result<Option<String>> {
        let (enabled, devices) = self.captured(view, caller)?;
        if !enabled || devices.is_empty() {
            return Ok(None);
        }
        let shown = |device: &CapturedDevice| {
            format!("{} ({}, –{})", device.device, device.mode, rfc3339(device.ends()))
        };
        let devices: Vec<_> = devices.iter().map(shown).collect();
        let values = [("devices", devices.join(", "))];
        Ok(Some(said::CAPTURE_ACTIVE.explain_with(caller, &values)))
    }
}

/// What a message says to a caller.
trait ExplainWith {
    fn explain_with(&'static self, caller: &Caller, values: &[(&'static str, String)]) -> String;
}

impl ExplainWith for Message {
    fn explain_with(&'static self, caller: &Caller, values: &[(&'static str, String)]) -> String {
        format!("{:#}", explain(self, values, caller.language))
    }
}

fn minutes_of(given: &str) -> Result<u16, &'static Message> {
    let given = given.trim();
    if given.is_empty() || !given.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(&said::CAPTURE_DURATION_CHARACTERS);
    }
    let minutes = given.parse::<u16>().ok();
    minutes
        .filter(|minutes| *minutes <= CapturedDevice::MAX_MINUTES)
        .ok_or(&said::CAPTURE_DURATION_RANGE)
}

fn shown(device: CapturedDevice) -> CaptureDeviceView {
    CaptureDeviceView {
        started: rfc3339(device.started),
        ends: rfc3339(device.ends()),
        device: device.device,
        mode: device.mode,
        minutes: device.minutes,
    }
}

const NO_DEVICE: Text = Text::new(
    "{name} is the name of no device: write SEP and twelve hexadecimal digits, ENDPOINT@GATEWAY, or *@GATEWAY",
    "{name} はデバイス名ではありません。SEP と 16 進数 12 桁、ENDPOINT@GATEWAY、または *@GATEWAY の形式で指定してください",
);
const NO_FINGERPRINT: Text = Text::new(
    "{given} is no SHA-256 of a certificate: 64 hexadecimal digits, as `ringfence capture certificate` prints them",
    "{given} は証明書の SHA-256 ではありません。`ringfence capture certificate` が表示する 16 進数 64 桁を指定してください",
);
const NOT_HERE: Text = Text::new(
    "call processing does not run on this node: files are on the nodes where phones register",
    "このノードでは呼処理が動作していません。ファイルは電話機が登録されるノードにあります",
);

#[cfg(test)]
mod tests {
    use super::*;

    // R: CAP-02
    #[test]
    fn a_duration_is_a_number_up_to_three_hundred() {
        assert_eq!(minutes_of("60"), Ok(60));
        assert_eq!((minutes_of("0"), minutes_of("300")), (Ok(0), Ok(300)));
        for text in ["", "1h", "-1", "6.5", "六十"] {
            assert_eq!(minutes_of(text), Err(&said::CAPTURE_DURATION_CHARACTERS), "{text}");
        }
        for text in ["301", "99999999999"] {
            assert_eq!(minutes_of(text), Err(&said::CAPTURE_DURATION_RANGE), "{text}");
        }
        assert_eq!(
            said::CAPTURE_DURATION_RANGE.text.en,
            "Invalid Packet Capture Duration. Packet Capture Duration should be between 0 and 300."
        );
    }
}
