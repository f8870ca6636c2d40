use console::{CreateCluster, Done, Failure};
use store::{Administrator, AdministratorRole, Node, NodeRole, Password, PasswordHash};

use super::{Caller, Handle, Office};

impl Handle<CreateCluster> for Office {
    fn handle(&self, caller: &Caller, request: CreateCluster) -> Result<Done, Failure> {
        let hash = PasswordHash::new(&Password::new(request.password.expose()))
            .map_err(|error| caller.failure(&error))?;
        let role = AdministratorRole::Administrator;
        let administrator = Administrator { name: request.administrator, role };
        let node = Node::new(&*self.node, request.address, NodeRole::Publisher);
        let changed = self.change(caller, |change| {
            change.create_cluster(&request.name)?;
            change.put_node(&node)?;
            change.put_administrator(&administrator, &hash)
        })?;
        Ok(caller.done(changed))
    }
}
