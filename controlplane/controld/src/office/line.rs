use console::{AddLine, Done, Failure, LineView, ListLines, RemoveLine, SetLine, ShowLine};
use store::{Error, Line, View};

use super::{Caller, Handle, Office};

impl Handle<ListLines> for Office {
    fn handle(&self, caller: &Caller, _: ListLines) -> Result<Vec<LineView>, Failure> {
        self.read(caller, |view| {
            let lines = view.lines()?;
            lines.into_iter().map(|line| line_view(view, line)).collect()
        })
    }
}

impl Handle<ShowLine> for Office {
    fn handle(&self, caller: &Caller, request: ShowLine) -> Result<LineView, Failure> {
        self.read(caller, |view| {
            let line = view.line(&request.number)?;
            line_view(view, line)
        })
    }
}

/// A line with its phones.
pub(super) fn line_view(view: &mut View<'_>, line: Line) -> store::Result<LineView> {
    Ok(LineView { phones: view.phones_of_line(&line.number)?, line })
}

impl Handle<AddLine> for Office {
    fn handle(&self, caller: &Caller, request: AddLine) -> Result<Done, Failure> {
        let changed = self.change(caller, |change| {
            if change.find_line(&request.number)?.is_some() {
                let name = request.number.to_string();
                return Err(Error::Exists { object: "line", name });
            }
            let mut line = Line::new(request.number);
            request.changes.apply(&mut line)?;
            change.put_line(&line)
        })?;
        Ok(caller.done(changed))
    }
}

impl Handle<SetLine> for Office {
    fn handle(&self, caller: &Caller, request: SetLine) -> Result<Done, Failure> {
        let changed = self.change(caller, |change| {
            let mut line = change.line(&request.number)?;
            request.changes.apply(&mut line)?;
            change.put_line(&line)
        })?;
        Ok(caller.done(changed))
    }
}

impl Handle<RemoveLine> for Office {
    fn handle(&self, caller: &Caller, request: RemoveLine) -> Result<Done, Failure> {
        let changed = self.change(caller, |change| change.remove_line(&request.number))?;
        Ok(caller.done(changed))
    }
}
