use callmanager::dialplan::Pattern;
use console::{
    AddPool, AddRegion, AddRoute, Done, Failure, FailureKind, LimitRegion, ListPools, ListRegions,
    ListRoutes, PoolView, RemovePool, RemoveRegion, RemoveRoute, SetPool,
};
use store::{Error, Pool, Region, Route};

use super::{Caller, Handle, Office};

impl Handle<ListPools> for Office {
    fn handle(&self, caller: &Caller, _: ListPools) -> Result<Vec<PoolView>, Failure> {
        self.read(caller, |view| {
            let devices = view.devices()?;
            let phones = |pool: &Pool| devices.iter().filter(|it| it.pool == pool.name).count();
            let pools = view.pools()?.into_iter();
            Ok(pools.map(|pool| PoolView { phones: phones(&pool), pool }).collect())
        })
    }
}

impl Handle<AddPool> for Office {
    fn handle(&self, caller: &Caller, request: AddPool) -> Result<Done, Failure> {
        let mut pool = Pool::new(request.name);
        request.changes.apply(&mut pool);
        let changed = self.change(caller, |change| {
            if change.pools()?.iter().any(|old| old.name == pool.name) {
                return Err(Error::Exists { object: "pool", name: pool.name.clone() });
            }
            change.put_pool(&pool)
        })?;
        Ok(caller.done(changed))
    }
}

impl Handle<SetPool> for Office {
    fn handle(&self, caller: &Caller, request: SetPool) -> Result<Done, Failure> {
        let changed = self.change(caller, |change| {
            let mut pool = change.pool(&request.name)?;
            request.changes.apply(&mut pool);
            change.put_pool(&pool)
        })?;
        Ok(caller.done(changed))
    }
}

impl Handle<RemovePool> for Office {
    fn handle(&self, caller: &Caller, request: RemovePool) -> Result<Done, Failure> {
        let changed = self.change(caller, |change| change.remove_pool(&request.name))?;
        Ok(caller.done(changed))
    }
}

impl Handle<ListRegions> for Office {
    fn handle(&self, caller: &Caller, _: ListRegions) -> Result<Vec<Region>, Failure> {
        self.read(caller, |view| view.regions())
    }
}

impl Handle<AddRegion> for Office {
    fn handle(&self, caller: &Caller, request: AddRegion) -> Result<Done, Failure> {
        let changed = self.change(caller, |change| change.add_region(&request.name))?;
        Ok(caller.done(changed))
    }
}

impl Handle<LimitRegion> for Office {
    fn handle(&self, caller: &Caller, request: LimitRegion) -> Result<Done, Failure> {
        let LimitRegion { one, other, kbit_s } = request;
        let changed = self.change(caller, |change| change.limit_region(&one, &other, kbit_s))?;
        Ok(caller.done(changed))
    }
}

impl Handle<RemoveRegion> for Office {
    fn handle(&self, caller: &Caller, request: RemoveRegion) -> Result<Done, Failure> {
        let changed = self.change(caller, |change| change.remove_region(&request.name))?;
        Ok(caller.done(changed))
    }
}

impl Handle<ListRoutes> for Office {
    fn handle(&self, caller: &Caller, _: ListRoutes) -> Result<Vec<Route>, Failure> {
        self.read(caller, |view| view.routes())
    }
}

impl Handle<AddRoute> for Office {
    fn handle(&self, caller: &Caller, request: AddRoute) -> Result<Done, Failure> {
        let AddRoute { pattern, destination } = request;
        let pattern = pattern.to_ascii_uppercase();
        pattern.parse::<Pattern>().map_err(|error| Failure {
            kind: FailureKind::Usage,
            text: format!("{pattern}: {error}"),
        })?;
        let changed =
            self.change(caller, |change| change.put_route(&Route { pattern, destination }))?;
        Ok(caller.done(changed))
    }
}

impl Handle<RemoveRoute> for Office {
    fn handle(&self, caller: &Caller, request: RemoveRoute) -> Result<Done, Failure> {
        let pattern = request.pattern.to_ascii_uppercase();
        let changed = self.change(caller, |change| change.remove_route(&pattern))?;
        Ok(caller.done(changed))
    }
}
