use console::{CapfChanges, CapfDone, Done, Failure, FailureKind, SetCapf};
use enrolment::order::{Facts, Order, OrderFault, StringWish, Wish};
use jiff::tz::TimeZone;
use lang::{Say, Text};
use messages::Explain;

use super::view::shown;
use crate::office::{Caller, Handle, Office};

impl Handle<SetCapf> for Office {
    fn handle(&self, caller: &Caller, request: SetCapf) -> Result<CapfDone, Failure> {
        let SetCapf { name, changes, dry_run } = request;
        let wish = wish(changes);
        let zone = TimeZone::system();
        let order = |facts: &Facts| facts.order(&wish, caller.now, &zone);
        if dry_run {
            let (facts, lsc) = self
                .read(caller, |view| Ok((Facts::read(view, &name)?, view.present_lsc(&name)?)))?;
            let order = order(&facts).map_err(|fault| refusal(&fault, caller))?;
            let notes = notes(&order, caller);
            let done = Done { revision: None, actions: Vec::new(), notes };
            let capf = shown(&facts.device, &order.capf, lsc.as_ref(), caller.language);
            return Ok(CapfDone { done, capf });
        }
        // A fault of the order is no fault of the store: nothing is changed by either.
        let changed = self.change(caller, |change| {
            let facts = Facts::read(change, &name)?;
            let order = match order(&facts) {
                Ok(order) => order,
                Err(fault) => return Ok(Err(fault)),
            };
            change.order_capf(&order.capf)?;
            let capf = change.capf(&name)?;
            let lsc = change.present_lsc(&name)?;
            let capf = shown(&facts.device, &capf, lsc.as_ref(), caller.language);
            Ok(Ok((capf, notes(&order, caller))))
        })?;
        let (value, changed) = changed.split();
        let (capf, notes) = value.map_err(|fault| refusal(&fault, caller))?;
        let mut done = caller.done(changed);
        done.notes.extend(notes);
        Ok(CapfDone { done, capf })
    }
}

fn wish(changes: CapfChanges) -> Wish {
    let typed = changes.auth_string.map(|it| StringWish::Typed(it.expose().to_owned()));
    Wish {
        operation: changes.operation,
        auth_mode: changes.auth_mode,
        auth_string: typed.or(changes.generate_string.then_some(StringWish::Generated)),
        key_size: changes.key_size,
        complete_by: changes.complete_by,
    }
}

fn refusal(fault: &OrderFault, caller: &Caller) -> Failure {
    let kind = match fault.is_refusal() {
        true => FailureKind::Refused,
        false => FailureKind::Usage,
    };
    Failure { kind, text: format!("{:#}", fault.explain(caller.language)) }
}

fn notes(order: &Order, caller: &Caller) -> Vec<String> {
    let mut notes: Vec<_> =
        order.warnings.iter().map(|it| it.explain(caller.language).to_string()).collect();
    if order.capf.operation == store::CapfOperation::Install {
        notes.push(MANY_AT_ONCE.say(caller.language));
    }
    notes
}

const MANY_AT_ONCE: Text = Text::new(
    "Making a key takes an old phone many minutes: do it for many phones when few calls are made.",
    "古い電話機では鍵の生成に何分もかかります。多数の電話機には、通話の少ない時間帯に実施してください。",
);
