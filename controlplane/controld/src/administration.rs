//! Administration over HTTPS: the office behind a web server.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::SystemTime;

use admin::certificate::{Keeper, ServerNames};
use admin::server::Server;
use admin::site::{Asker, Desk, Site};
use console::{Answer, Call};
use lang::{Language, Say};
use store::Store;

use crate::config::Config;
use crate::office::{Caller, Office};

impl Desk for Office {
    fn answer(&self, asker: &Asker, call: Call) -> Answer {
        let caller = Caller {
            author: asker.author.clone(),
            language: asker.language,
            now: SystemTime::now(),
            unchanged_since: asker.unchanged_since,
        };
        Office::answer(self, &caller, call)
    }
}

/// Serves administration on sockets that listen. The error is for the one who starts the daemon.
pub fn start(
    listeners: Vec<TcpListener>,
    config: &Config,
    store: &Arc<Store>,
    office: Arc<Office>,
) -> Result<Server, String> {
    let node = config.node_name();
    let nodes = store.read(|view| view.nodes()).map_err(|error| error.to_string())?;
    let addresses = nodes.into_iter().filter(|known| known.name == node).map(|it| it.address);
    let listening = listeners.iter().filter_map(|listener| listener.local_addr().ok());
    let bound = listening.map(|at| at.ip()).filter(|address| !address.is_unspecified());
    let mut addresses: Vec<_> = addresses.chain(bound).collect();
    addresses.sort();
    addresses.dedup();
    let names = ServerNames { host: node, addresses };
    let keeper = Keeper::open(&config.key_directory, names, SystemTime::now())
        .map_err(|fault| fault.say(Language::English))?;
    let site = Arc::new(Site::new(office, Arc::clone(store), Arc::new(keeper)));
    Server::start(listeners, &site).map_err(|error| error.to_string())
}
