use console::{Done, Failure, FailureKind, RestartService};
use lang::Text;

use super::{Caller, Handle, Office};

impl Handle<RestartService> for Office {
    fn handle(&self, caller: &Caller, request: RestartService) -> Result<Done, Failure> {
        let service = request.service;
        self.services.restart(service, caller.now);
        let problem = self.services.problems().into_iter().find(|(failed, _)| *failed == service);
        if let Some((_, why)) = problem {
            let values: [(&str, &dyn std::fmt::Display); 2] =
                [("service", &service), ("why", &why)];
            let text = DOES_NOT_START.fill(caller.language, &values);
            return Err(Failure { kind: FailureKind::Failed, text });
        }
        let note = match self.services.since(service) {
            Some(_) => RESTARTED,
            None => NOT_ACTIVE,
        };
        let notes =
            vec![note.fill(caller.language, &[("service", &service), ("node", &self.node)])];
        Ok(Done { revision: None, actions: Vec::new(), notes })
    }
}

const DOES_NOT_START: Text = Text::new(
    "The service {service} does not start: {why}.",
    "サービス {service} を起動できません: {why}。",
);
const RESTARTED: Text = Text::new(
    "The service {service} on {node} is restarted.",
    "{node} のサービス {service} を再起動しました。",
);
const NOT_ACTIVE: Text = Text::new(
    "The service {service} is not active on {node}: `ringfence node activate {node} {service}`.",
    "サービス {service} は {node} で有効になっていません: `ringfence node activate {node} {service}`。",
);
