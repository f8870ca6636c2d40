use std::time::SystemTime;

use console::{
    CallRecordView, CallView, Failure, FailureKind, LadderView, ListCallRecords, ListCalls,
    ShowCall,
};
use lang::{Say, Text};
use store::CallRecord;

use super::{Caller, Handle, Office};

impl Handle<ListCalls> for Office {
    fn handle(&self, caller: &Caller, _: ListCalls) -> Result<Vec<CallView>, Failure> {
        match self.services.telephony() {
            Some(telephony) => Ok(telephony.calls()),
            None => Err(not_here(NOT_RUNNING.say(caller.language))),
        }
    }
}

impl Handle<ShowCall> for Office {
    fn handle(&self, caller: &Caller, request: ShowCall) -> Result<LadderView, Failure> {
        let Some(telephony) = self.services.telephony() else {
            return Err(not_here(NOT_RUNNING.say(caller.language)));
        };
        let unknown = || Failure {
            kind: FailureKind::Unknown,
            text: UNKNOWN.fill(caller.language, &[("id", &request.id)]),
        };
        telephony.call(request.id).ok_or_else(unknown)
    }
}

impl Handle<ListCallRecords> for Office {
    fn handle(
        &self,
        caller: &Caller,
        request: ListCallRecords,
    ) -> Result<Vec<CallRecordView>, Failure> {
        let ListCallRecords { limit, before, number } = request;
        let records =
            self.read(caller, |view| view.call_records(before, limit, number.as_deref()))?;
        Ok(records.into_iter().map(shown).collect())
    }
}

fn shown(record: CallRecord) -> CallRecordView {
    CallRecordView {
        number: Some(record.number),
        node: record.node,
        call: record.call,
        calling: record.calling,
        dialled: record.dialled,
        called: record.called,
        began: time(record.began),
        answered: record.answered.map(time),
        ended: time(record.ended),
        security: record.security,
        ending: record.ending,
        relay: record.relay,
    }
}

fn time(at: SystemTime) -> String {
    humantime::format_rfc3339_millis(at).to_string()
}

fn not_here(text: String) -> Failure {
    Failure { kind: FailureKind::Conflict, text }
}

const NOT_RUNNING: Text = Text::new(
    "CallManager does not run on this node: ask the daemon of a node where it does, or activate it.",
    "このノードでは CallManager が動作していません。動作しているノードのデーモンに問い合わせるか、有効にしてください。",
);
const UNKNOWN: Text = Text::new(
    "No call {id} is remembered: `ringfence call list` shows those that go on, `ringfence call records` those that have ended.",
    "通話 {id} の記録はありません。進行中の通話は `ringfence call list`、終了した通話は `ringfence call records` で表示できます。",
);
