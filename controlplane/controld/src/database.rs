//! The node's own PostgreSQL, run beside the services: its store, and what others have to know.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use cluster::inventory;
use database::{Fault, Instance, Keeper, Member, Settings, Standing};
use lang::{Language, Say, Text};
use store::{Author, Store};

/// How often the other nodes are looked at.
const GLANCE: Duration = Duration::from_secs(2);

/// Starts the database, which is made if there is none, and opens it. It ends with the calling
/// thread.
pub fn open(settings: &Settings, node: &str) -> Result<(Store, Keeper), Fault> {
    let instance = Instance::new(settings.clone(), node);
    if !instance.exists()? {
        instance.found(SystemTime::now())?;
    }
    let keeper = Keeper::start(instance)?;
    let instance = keeper.instance();
    let store = match keeper.standing() {
        Standing::Subscriber(_) => Store::open_copy(&instance.url(), instance.original_url()?)?,
        _ => Store::open(&instance.url())?,
    };
    Ok((store, keeper))
}

/// Keeps it running, and in touch with the other nodes, until `ended`. What goes wrong meanwhile is
/// told once.
pub fn keep(keeper: &Keeper, store: &Store, ended: &AtomicBool) {
    let mut said = String::new();
    while !ended.load(Ordering::Acquire) {
        let looked = keeper.look().and_then(|()| meet(keeper, store));
        let fault = looked.err().map(|fault| fault.to_string()).unwrap_or_default();
        if fault != said && !fault.is_empty() {
            eprintln!("ringfence-controld: {fault}");
        }
        said = fault;
        thread::sleep(GLANCE);
    }
}

/// The databases of the nodes that the cluster has now know each other, and this one is one of
/// them.
fn meet(keeper: &Keeper, store: &Store) -> Result<(), Fault> {
    let instance = keeper.instance();
    let (nodes, databases) = store.read(|view| Ok((view.nodes()?, inventory::databases(view)?)))?;
    if nodes.iter().all(|node| node.name != instance.node()) {
        // It is in no cluster, or in none any more.
        return Ok(());
    }
    let own = instance.identity(SystemTime::now())?;
    let known = databases
        .iter()
        .any(|(node, entry)| node.name == instance.node() && entry.der == own.der());
    if !known && keeper.standing() == Standing::Publisher {
        let author = Author::new("ringfence-controld", instance.node());
        store.change(&author, SystemTime::now(), |change| {
            inventory::put_database(change, instance.node(), &own)
        })?;
        return meet(keeper, store);
    }
    let members: Vec<Member> =
        databases.into_iter().map(|(node, entry)| member(node, &entry)).collect();
    if members.iter().any(|member| member.name == instance.node())
        && keeper.set_members(&members)?
    {
        store.set_original(instance.original_url()?);
    }
    Ok(())
}

fn member(node: store::Node, certificate: &store::Certificate) -> Member {
    Member {
        name: node.name,
        address: node.address,
        certificate: pki::export::pem_of("CERTIFICATE", &certificate.der),
    }
}

/// What is not as it should be.
pub fn alarm(keeper: &Arc<Keeper>, language: Language) -> Option<String> {
    match keeper.standing() {
        Standing::Publisher | Standing::Subscriber(_) => None,
        Standing::Waiting(nodes) => {
            let nodes = nodes.join(", ");
            Some(WAITS.fill(language, &[("nodes", &nodes)]))
        }
        Standing::Yielded(node) => Some(Fault::Fenced(node).say(language)),
    }
}

const WAITS: Text = Text::new(
    "The database takes no changes before it has heard {nodes}: while this node was away, one of them may have become the publisher. Start them, or give up those that are lost: `ringfence cluster promote --lost NODE`.",
    "{nodes} の応答を確認するまで、データベースは変更を受け付けません。このノードの停止中に、いずれかがパブリッシャになった可能性があります。起動するか、失われたノードを `ringfence cluster promote --lost ノード` で指定してください。",
);
