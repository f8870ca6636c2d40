use console::{Done, Failure, ListAdministrators, PutAdministrator, RemoveAdministrator};
use store::{Administrator, Password, PasswordHash};

use super::{Caller, Handle, Office};

impl Handle<ListAdministrators> for Office {
    fn handle(
        &self,
        caller: &Caller,
        _: ListAdministrators,
    ) -> Result<Vec<Administrator>, Failure> {
        self.read(caller, |view| view.administrators())
    }
}

impl Handle<PutAdministrator> for Office {
    fn handle(&self, caller: &Caller, request: PutAdministrator) -> Result<Done, Failure> {
        let hash = PasswordHash::new(&Password::new(request.password.expose()))
            .map_err(|error| caller.failure(&error))?;
        let administrator = Administrator { name: request.name, role: request.role };
        let changed =
            self.change(caller, |change| change.put_administrator(&administrator, &hash))?;
        Ok(caller.done(changed))
    }
}

impl Handle<RemoveAdministrator> for Office {
    fn handle(&self, caller: &Caller, request: RemoveAdministrator) -> Result<Done, Failure> {
        let changed = self.change(caller, |change| change.remove_administrator(&request.name))?;
        Ok(caller.done(changed))
    }
}
