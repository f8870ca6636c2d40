use std::time::Duration;

use console::{
    CreateToken, Done, Failure, ListTokens, RemoveToken, Secret, TokenCreated, TokenView,
};
use store::{ApiToken, ApiTokenSecret};

use super::capf::rfc3339;
use super::{Caller, Handle, Office};

impl Handle<ListTokens> for Office {
    fn handle(&self, caller: &Caller, _: ListTokens) -> Result<Vec<TokenView>, Failure> {
        let tokens = self.read(caller, |view| view.api_tokens())?;
        let shown = |token: ApiToken| TokenView {
            name: token.name,
            owner: token.owner,
            role: token.role,
            expires: token.expires.map(rfc3339),
        };
        Ok(tokens.into_iter().map(shown).collect())
    }
}

impl Handle<CreateToken> for Office {
    fn handle(&self, caller: &Caller, request: CreateToken) -> Result<TokenCreated, Failure> {
        let CreateToken { name, owner, role, days } = request;
        let life = days.map(|days| Duration::from_secs(u64::from(days) * 24 * 3600));
        let token = ApiToken { name, owner, role, expires: life.map(|life| caller.now + life) };
        let secret = ApiTokenSecret::random();
        let changed = self.change(caller, |change| change.add_api_token(&token, &secret))?;
        Ok(TokenCreated { done: caller.done(changed), secret: Secret::new(secret.expose()) })
    }
}

impl Handle<RemoveToken> for Office {
    fn handle(&self, caller: &Caller, request: RemoveToken) -> Result<Done, Failure> {
        let changed = self.change(caller, |change| change.remove_api_token(&request.name))?;
        Ok(caller.done(changed))
    }
}
