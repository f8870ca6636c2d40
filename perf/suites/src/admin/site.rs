//! A node that is administered over HTTPS.

use std::fs;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use store::{
    Administrator, AdministratorRole, ApiToken, ApiTokenSecret, Author, Password, PasswordHash,
};

use super::client::Client;
use crate::capf::daemon::Daemon;
use crate::capf::site::Site as Node;

/// Far more than the server takes to start.
const PATIENCE: Duration = Duration::from_secs(60);
const NAME: &str = "operator";
const PASSWORD: &str = "correct horse";

/// The daemon, and who may ask it. The daemon ends before its directory goes.
pub(super) struct Site {
    _daemon: Daemon,
    node: Node,
    token: ApiTokenSecret,
}

impl Site {
    /// One without phones.
    pub fn new() -> Result<Self> {
        let node = Node::new(0)?;
        let token = ApiTokenSecret::random();
        let role = AdministratorRole::Operator;
        let (name, owner) = ("perf".to_owned(), NAME.to_owned());
        let hash = PasswordHash::new(&Password::new(PASSWORD))?;
        node.store.change(&Author::new("perf", "perf"), SystemTime::now(), |change| {
            change.put_administrator(&Administrator { name: owner.clone(), role }, &hash)?;
            change.add_api_token(&ApiToken { name, owner, role, expires: None }, &token)
        })?;
        let daemon = Daemon::start(&node)?;
        let site = Self { _daemon: daemon, node, token };
        let deadline = Instant::now() + PATIENCE;
        while site.stranger().is_err() {
            ensure!(Instant::now() < deadline, "nobody listens on {}", site.node.https);
            thread::sleep(Duration::from_millis(20));
        }
        Ok(site)
    }

    fn stranger(&self) -> Result<Client> {
        let file = self.node.directory().join("keys/https.pem");
        let pem = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let at: SocketAddr = self.node.https;
        Client::connect(at, &pem)
    }

    /// A program with a token.
    pub fn program(&self) -> Result<Client> {
        let mut client = self.stranger()?;
        client.show("authorization", format!("Bearer {}", self.token.expose()));
        Ok(client)
    }

    /// A browser that is logged in.
    pub fn browser(&self) -> Result<Client> {
        let mut client = self.stranger()?;
        let form = format!("name={NAME}&password={}", PASSWORD.replace(' ', "+"));
        let kind = "application/x-www-form-urlencoded";
        let answer = client.ask("POST", "/login", kind, form.as_bytes())?;
        let cookie = answer.header("set-cookie").context("nobody is logged in")?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        client.show("cookie", cookie);
        Ok(client)
    }
}
