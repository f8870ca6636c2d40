use console::{ActivateService, AddNode, Done, Failure, ListNodes, RemoveNode};
use store::{Node, NodeRole};

use super::{Caller, Handle, Office};

impl Handle<ListNodes> for Office {
    fn handle(&self, caller: &Caller, _: ListNodes) -> Result<Vec<Node>, Failure> {
        self.read(caller, |view| view.nodes())
    }
}

impl Handle<AddNode> for Office {
    fn handle(&self, caller: &Caller, request: AddNode) -> Result<Done, Failure> {
        let node = Node::new(request.name, request.address, NodeRole::Subscriber);
        let changed = self.change(caller, |change| {
            if change.nodes()?.iter().any(|known| known.name == node.name) {
                return Err(store::Error::Exists { object: "node", name: node.name.clone() });
            }
            change.put_node(&node)
        })?;
        Ok(caller.done(changed))
    }
}

impl Handle<ActivateService> for Office {
    fn handle(&self, caller: &Caller, request: ActivateService) -> Result<Done, Failure> {
        let changed = self.change(caller, |change| {
            let mut node = change.node(&request.node)?;
            node.services.retain(|service| *service != request.service);
            if request.active {
                node.services.push(request.service);
            }
            change.put_node(&node)
        })?;
        // What the service makes at its first start is there when the command ends.
        self.services.reconcile(caller.now);
        let mut done = caller.done(changed);
        let problems = self.services.problems().into_iter();
        let failed = problems.filter(|(service, _)| *service == request.service);
        done.notes.extend(failed.map(|(service, why)| format!("{service}: {why}")));
        Ok(done)
    }
}

impl Handle<RemoveNode> for Office {
    fn handle(&self, caller: &Caller, request: RemoveNode) -> Result<Done, Failure> {
        let changed = self.change(caller, |change| change.remove_node(&request.name))?;
        Ok(caller.done(changed))
    }
}
