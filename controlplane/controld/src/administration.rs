//! Administration over HTTPS: the office behind a web server.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::SystemTime;

use admin::certificate::{Keeper, ServerNames};
use admin::server::Server;
use admin::site::{Asker, Desk, Site};
use admin::surface::Surface;
use console::{Answer, Call};
use lang::{Language, Say};
use store::{Latest, Revision, State, Store, View};

use crate::config::Config;
use crate::office::{Caller, Office};

/// The office, and which parts of administration are served.
struct Reception {
    office: Arc<Office>,
    served: Latest<Served>,
}

impl Desk for Reception {
    fn answer(&self, asker: &Asker, call: Call) -> Answer {
        let caller = Caller {
            author: asker.author.clone(),
            language: asker.language,
            now: SystemTime::now(),
            unchanged_since: asker.unchanged_since,
        };
        self.office.answer(&caller, call)
    }

    fn serves(&self, surface: Surface) -> bool {
        !self.served.newest().switched_off.contains(&surface)
    }
}

/// The parts that are served.
#[derive(Clone)]
struct Served {
    revision: Revision,
    switched_off: Vec<Surface>,
}

impl State for Served {
    fn read(view: &mut View<'_>, _: &str) -> store::Result<Self> {
        let mut switched_off = Vec::new();
        for surface in Surface::ALL {
            if !view.parameter(None, surface.parameter())?.flag() {
                switched_off.push(surface);
            }
        }
        Ok(Self { revision: view.revision()?, switched_off })
    }

    fn revision(&self) -> Revision {
        self.revision
    }

    fn follow(&mut self, _: &mut View<'_>) -> store::Result<bool> {
        Ok(false)
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
    let served = Latest::new(Arc::clone(store), &config.node_name());
    let served = served.map_err(|error| error.to_string())?;
    let desk = Arc::new(Reception { office, served });
    let site = Arc::new(Site::new(desk, Arc::clone(store), Arc::new(keeper)));
    Server::start(listeners, &site).map_err(|error| error.to_string())
}
